// A float model made a quantized one: its linear layers and its table of words in whole numbers. Attention's products,
// norms, activations, sums and the tables of places and types stay floats.
import { ArgumentError } from '../../errors.js'
import { optionsArg } from '../../tensor/check.js'
import { bitsArg, INT8_INPUTS, type Int8Bits } from '../../tensor/int8.js'
import type { Tensor } from '../../tensor/tensor.js'
import { Embedding, Linear } from '../layers.js'
import { type Module, moduleArg } from '../module.js'
import type { Range } from './calibrate.js'
import { QuantizedEmbedding, QuantizedLayer, QuantizedLinear } from './layers.js'
import { keepBits } from './same-bits.js'

/** Of quantize(). */
export interface QuantizeOptions {
  /** Of the linear layers' weights. 7 is the faster product, 8 the finer one. Default 7. */
  bits?: Int8Bits
  /**
   * Ranges of the linear layers' inputs by their paths, as calibrate() measures them: no range is looked for then when inputs
   * come, and what lies outside is cut. Layers without one, and all by default, take each row's own range.
   */
  ranges?: ReadonlyMap<string, Range>
  /** Which layers stay floats, by their paths: 'base.pooler'. */
  keep?: (name: string, layer: Linear | Embedding) => boolean
}

/** Small tables of a text's places, distances and types: next to nothing to be gained. */
const FLOAT_TABLES = ['positions', 'types', 'positionEmbeddings', 'positionBias']

/** Layers that quantize() takes, each with the module that holds it, and its name there. */
function* layersOf(
  model: Module,
): Generator<[path: string, holder: Module, name: string, layer: Linear | Embedding]> {
  for (const [path, holder] of model.namedModules()) {
    for (const [name, layer] of holder.holdings()) {
      const own = path === '' ? name : `${path}.${name}`
      if (layer instanceof Linear && layer.weight.shape[1] <= INT8_INPUTS) yield [own, holder, name, layer]
      if (layer instanceof Embedding && !FLOAT_TABLES.includes(name)) yield [own, holder, name, layer]
    }
  }
}

const quantized = (layer: Linear | Embedding, bits: Int8Bits): QuantizedLayer =>
  layer instanceof Linear
    ? QuantizedLinear.of(layer.weight, layer.bias, bits)
    : QuantizedEmbedding.of(layer.weight, layer.paddingIdx)

/**
 * Puts layers of whole numbers in the place of a model's linear layers and tables of words, and gives the model: the same
 * forward, for inference, at a quarter of the weights' bytes. The float weights are disposed of, what is left of the
 * parameters is frozen, and a gradient through the model is refused. Rows of inputs get their scale when they come, so
 * nothing need be calibrated, and an answer does not depend on its batch. Throws ArgumentError for weights that are not
 * finite, and where there is nothing to quantize, before anything is changed.
 */
export function quantize<M extends Module>(model: M, options: QuantizeOptions = {}): M {
  moduleArg('quantize', 'the model', model)
  const {
    bits = 7,
    keep = () => false,
    ranges,
  } = optionsArg('quantize', options, {
    ...({ bits: 'whole', keep: 'function', ranges: 'any' } as const),
  })
  if (ranges !== undefined && !(ranges instanceof Map))
    throw new ArgumentError('quantize', 'ranges must be a Map, as calibrate() gives it')
  bitsArg('quantize', bits)
  const taken = Array.from(layersOf(model)).filter(([path, , , layer]) => !keep(path, layer))
  if (taken.length === 0)
    throw new ArgumentError(
      'quantize',
      'the model has no linear layer and no table of words',
      'Is it quantized already?',
    )
  const made = new Map<Module, QuantizedLayer>()
  for (const [path, , , layer] of taken) {
    if (made.has(layer)) continue
    const own = quantized(layer, bits)
    if (own instanceof QuantizedLinear) own.range = ranges?.get(path) ?? null
    made.set(layer, own)
  }
  for (const [, holder, name, layer] of taken) holder.replaceModule(name, made.get(layer) as QuantizedLayer)
  settle(model, new Set(taken.map(([, , , layer]) => layer.weight)))
  return model
}

/** One layer that quantize() would take. */
export interface Quantizable {
  /** Its path in the model. */
  name: string
  layer: Linear | Embedding
  /** Runs `fn` while this layer alone is quantized. Its own weights are as before afterwards. */
  whileQuantized<T>(bits: Int8Bits, fn: (quantized: QuantizedLayer) => T): T
}

/** Layers of a float model that quantize() takes, for those who want to know what each of them does. */
export function quantizable(model: Module): Quantizable[] {
  return Array.from(layersOf(model), ([name, holder, key, layer]) => ({
    ...{ name, layer },
    whileQuantized: (bits, fn) => {
      const made = quantized(layer, bits)
      holder.replaceModule(key, made)
      try {
        return fn(made)
      } finally {
        holder.replaceModule(key, layer)
        for (const t of made.buffers()) t.dispose()
      }
    },
  }))
}

/** Freezes what is left, gives the memory of what is not back, and makes the model's answers the same bits everywhere. */
export function settle(model: Module, floats: ReadonlySet<Tensor> = new Set()): void {
  const left = new Set(model.parameters())
  for (const p of left) {
    p.requiresGrad = false
    p.grad = null
  }
  for (const weight of floats) if (!left.has(weight)) weight.dispose()
  model.eval()
  keepBits(model)
}

/** A model's quantized layers by path; none of a float model. */
export function* quantizedLayers(model: Module): Generator<[string, QuantizedLayer]> {
  for (const [path, module] of model.namedModules())
    if (module instanceof QuantizedLayer) yield [path, module]
}

/** Whether any of a model's layers is quantized. */
export function isQuantized(model: Module): boolean {
  moduleArg('isQuantized', 'the model', model)
  return quantizedLayers(model).next().done !== true
}

/** Weights of a model, float or not. */
export function countWeights(model: Module): number {
  moduleArg('countWeights', 'the model', model)
  let n = model.countParameters()
  for (const [, { rows, columns }] of quantizedLayers(model)) n += rows * columns
  return n
}
