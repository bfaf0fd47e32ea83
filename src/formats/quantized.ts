// A quantized model as files: quantization.json says which layers are whole numbers, quantized.safetensors holds those as
// I8 [out, in] with a scale a row, and all other parameters as floats. Both are hostile until checked: numbers outside
// their bits would overflow in the kernels, each build in its own way.
import { CheckpointError } from '../errors.js'
import { Embedding, Linear } from '../nn/layers.js'
import { nameInFile } from '../nn/models/family.js'
import { Pretrained } from '../nn/models/pretrained.js'
import type { Module } from '../nn/module.js'
import type { Range } from '../nn/quantized/calibrate.js'
import { QuantizedEmbedding, type QuantizedLayer, QuantizedLinear } from '../nn/quantized/layers.js'
import { quantizedLayers, settle } from '../nn/quantized/quantize.js'
import { type Int8Bits, int8Bits, int8Most } from '../tensor/int8.js'
import { formatShape, type Shape, sameShape } from '../tensor/shape.js'
import { adopt, type Tensor } from '../tensor/tensor.js'
import type { Fields } from './document.js'
import { shown } from './json.js'
import type { Entry } from './safetensors/header.js'
import { safetensorsPieces } from './safetensors/safetensors.js'

export const QUANTIZATION = 'quantization.json'
export const QUANTIZED = 'quantized.safetensors'

const FORMAT = 'tinystill-int8'
const VERSION = 1
/** More layers than that no model has. */
const MOST_LAYERS = 2 ** 16
const AGAIN = 'Quantize the float model again, or copy the whole folder'

/** What quantization.json says. */
export interface Quantization {
  bits: Int8Bits
  /** Weights of linear layers, and tables of words, by their names in the file of the float model. */
  linear: readonly string[]
  embedding: readonly string[]
  /** Of inputs of linear layers, where they were measured. */
  ranges: ReadonlyMap<string, Range>
}

/** A parameter's name in files, from its path in the model. */
const namesIn =
  (model: Module) =>
  (path: string): string =>
    model instanceof Pretrained ? nameInFile(model.family, model.kind, path, model.config.tied) : path

/** Names of the two tensors that a quantized weight is. */
const partsOf = (name: string) => ({ numbers: `${name}.int8`, scale: `${name}.scale` })

const isLinear = (layer: QuantizedLayer): layer is QuantizedLinear => layer instanceof QuantizedLinear

/** Both files of a quantized model, the weights in pieces. */
export function quantizedFiles(model: Module): { name: string; data: string | Iterable<Uint8Array> }[] {
  const nameOf = namesIn(model)
  const layers = Array.from(quantizedLayers(model), ([path, layer]) => ({
    name: nameOf(`${path}.weight`),
    layer,
  }))
  const names = (linear: boolean) =>
    layers.filter(({ layer }) => isLinear(layer) === linear).map(({ name }) => name)
  const bits = layers.find(({ layer }) => isLinear(layer))?.layer.bits ?? 7
  const ranges = layers.flatMap(({ name, layer }) =>
    isLinear(layer) && layer.range !== null ? [[name, layer.range] as const] : [],
  )
  const document = {
    ...{ format: FORMAT, version: VERSION, bits },
    ...{ linear: names(true), embedding: names(false) },
    ...(ranges.length > 0 && { ranges: Object.fromEntries(ranges) }),
  }
  const { pieces } = safetensorsPieces([
    ...model.namedParameters(),
    ...layers.flatMap(({ name, layer }) => {
      const { numbers, scale } = partsOf(name)
      const shape = [layer.rows, layer.columns]
      return [
        [scale, layer.scales] as const,
        [numbers, { shape, numbers: (first: number, count: number) => layer.numbers(first, count) }] as const,
      ]
    }),
  ])
  return [
    { name: QUANTIZATION, data: `${JSON.stringify(document, null, 2)}\n` },
    { name: QUANTIZED, data: pieces },
  ]
}

/** Throws CheckpointError that names the file and the field. */
export function readQuantization(given: Fields): Quantization {
  const known = ['format', 'version', 'bits', 'linear', 'embedding', 'ranges']
  for (const [name, field] of given.entries(known.length + 20))
    if (!known.includes(name)) field.refuse('is no field of it', AGAIN)
  if (given.at('format').text() !== FORMAT) given.at('format').refuse(`must be "${FORMAT}"`)
  if (given.at('version').value !== VERSION)
    given.at('version').refuse(`must be ${VERSION}`, 'It is of a newer tinystill, or damaged')
  const bits = int8Bits.find((b) => b === given.at('bits').value)
  if (bits === undefined) return given.at('bits').refuse(`must be ${int8Bits.join(' or ')}`)
  const seen = new Set<string>()
  const names = (field: string) =>
    given
      .at(field)
      .items(MOST_LAYERS)
      .map((item) => {
        const name = item.text()
        if (seen.has(name)) item.refuse(`names ${shown(name)} a second time`, AGAIN)
        seen.add(name)
        return name
      })
  const [linear, embedding] = [names('linear'), names('embedding')]
  if (seen.size === 0) given.refuse('names no layer', AGAIN)
  return { bits, linear, embedding, ranges: rangesOf(given.at('ranges'), linear) }
}

function rangesOf(field: Fields, linear: readonly string[]): Map<string, Range> {
  if (field.missing) return new Map()
  return new Map(
    field.entries(MOST_LAYERS).map(([name, range]) => {
      if (!linear.includes(name)) range.refuse('is of no linear layer that is named', AGAIN)
      const [lo, hi] = range.items(2).map(({ value }) => value)
      const right = typeof lo === 'number' && typeof hi === 'number' && lo <= hi
      if (!right || !Number.isFinite(Math.fround(hi - lo)))
        return range.refuse('must be two numbers, the lower first', AGAIN)
      return [name, [lo, hi]] as const
    }),
  )
}

/** An open weight file, of which as much is read as is asked for. */
export interface WeightSource {
  /** For errors. */
  file: string
  entries: readonly Entry[]
  /** Bytes of an entry from its place `from` on. */
  bytes(entry: Entry, from: number, count: number): Int8Array
  tensor(entry: Entry): Tensor
}

/** Numbers of a weight that are read at a time, about. */
const PIECE = 2 ** 20

/**
 * Puts a file's quantized layers and parameters into a model of the same layers, whose own values do not matter. Throws
 * CheckpointError for names and shapes that do not fit the model, none left over, and for numbers outside their bits; the
 * model is of no use then.
 */
export function fillQuantized(model: Module, quantization: Quantization, source: WeightSource): void {
  const refuse = (what: string): never => {
    throw new CheckpointError(source.file, what, AGAIN)
  }
  const entries = new Map(source.entries.map((entry) => [entry.name, entry]))
  const take = (name: string, code: string, shape: Shape): Entry => {
    const entry = entries.get(name)
    if (entry === undefined) return refuse(`lacks tensor ${shown(name)}`)
    entries.delete(name)
    if (entry.code !== code) refuse(`tensor ${shown(name)} is ${entry.code}, it must be ${code}`)
    if (!sameShape(entry.shape, shape))
      refuse(`tensor ${shown(name)} is ${formatShape(entry.shape)}, the model needs ${formatShape(shape)}`)
    return entry
  }
  for (const { name, shape, make, seats } of slotsOf(model, quantization, refuse)) {
    const { numbers, scale } = partsOf(name)
    const own = { numbers: take(numbers, 'I8', shape), scale: take(scale, 'F32', [shape[0]]) }
    const layer = make()
    fillLayer(layer, own, source, refuse)
    for (const [holder, key] of seats) holder.replaceModule(key, layer)
  }
  for (const [name, p] of model.namedParameters()) adopt(p, source.tensor(take(name, 'F32', p.shape)))
  const [left] = entries.keys()
  if (left !== undefined) refuse(`holds tensor ${shown(left)}, which the model has no use for`)
  settle(model)
}

/** A layer that is to be quantized. */
interface Slot {
  name: string
  shape: Shape
  make: () => QuantizedLayer
  /** Where it stands: who holds it, and under which name. */
  seats: [holder: Module, key: string][]
}

/** The layers that are named. */
function slotsOf(
  model: Module,
  { bits, linear, embedding, ranges }: Quantization,
  refuse: (what: string) => never,
): Slot[] {
  const asked = { linear: new Set(linear), embedding: new Set(embedding) }
  const slots = new Map<unknown, Slot>()
  const nameOf = namesIn(model)
  const slotFor = (name: string, child: unknown): Omit<Slot, 'seats'> | null => {
    if (child instanceof Linear && asked.linear.delete(name)) {
      const [rows, columns] = child.weight.shape
      const make = () => {
        const layer = new QuantizedLinear(columns, rows, bits, child.bias)
        layer.range = ranges.get(name) ?? null
        return layer
      }
      return { name, shape: [rows, columns], make }
    }
    if (child instanceof Embedding && asked.embedding.delete(name)) {
      const [count, width] = child.weight.shape
      return {
        name,
        shape: [count, width],
        make: () => new QuantizedEmbedding(count, width, child.paddingIdx),
      }
    }
    return null
  }
  for (const [path, holder] of model.namedModules()) {
    for (const [key, child] of holder.holdings()) {
      const before = slots.get(child)
      const slot = before ?? slotFor(nameOf(`${path === '' ? key : `${path}.${key}`}.weight`), child)
      if (slot === null) continue
      slots.set(child, { ...slot, seats: [...(before?.seats ?? []), [holder, key]] })
    }
  }
  for (const [kind, left] of Object.entries(asked))
    for (const name of left)
      refuse(`${QUANTIZATION} names ${shown(name)}, and the model has no ${kind} layer of that name`)
  return [...slots.values()]
}

function fillLayer(
  layer: QuantizedLayer,
  { numbers, scale }: { numbers: Entry; scale: Entry },
  source: WeightSource,
  refuse: (what: string) => never,
): void {
  const { rows, columns, bits } = layer
  const most = int8Most[bits]
  const given = source.tensor(scale)
  const scales = given.elements
  const bad = scales.findIndex((s) => !(s > 0 && s < Infinity))
  if (bad >= 0)
    refuse(`tensor ${shown(scale.name)}: element ${bad} is ${scales[bad]}, a scale is above 0 and finite`)
  const step = Math.max(1, Math.floor(PIECE / Math.max(1, columns)))
  for (let first = 0; first < rows; first += step) {
    const count = Math.min(step, rows - first)
    const piece = source.bytes(numbers, first * columns, count * columns)
    const wrong = piece.findIndex((q) => q > most || q < -most)
    if (wrong >= 0)
      refuse(
        `tensor ${shown(numbers.name)}: element ${first * columns + wrong} is ${piece[wrong]}, outside [-${most}, ${most}]`,
      )
    for (let r = 0; r < count; r++)
      layer.setRow(first + r, piece.subarray(r * columns, (r + 1) * columns), scales[first + r])
  }
  given.dispose()
}
