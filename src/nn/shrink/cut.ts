// Parts cut out of a model: smaller matrices with the numbers that stay, in a model of its own. And the same parts as zeros, for
// those who can load only the whole shape.
import { noGrad, touch } from '../../autograd/graph.js'
import { ArgumentError } from '../../errors.js'
import { sameShape } from '../../tensor/shape.js'
import { flat, type Tensor } from '../../tensor/tensor.js'
import type { BlockLinear } from '../encoder.js'
import { undrawn } from '../init.js'
import { type LayerNorm, Linear, LowRankLinear } from '../layers.js'
import { makeModel } from '../models/bert.js'
import {
  type BlockShape,
  blocksOf,
  linearShape,
  reordered,
  type TransformerConfig,
  tableWidth,
  weightsOf,
  widthsOf,
  withBlocks,
} from '../models/config.js'
import { projectedFrom, wordTable } from '../models/family.js'
import { MaskedWords, SequenceClassifier, TokenClassifier } from '../models/heads.js'
import { BUCKETS } from '../models/input.js'
import type { Pretrained } from '../models/pretrained.js'
import { Transformer } from '../models/transformer.js'
import type { Module } from '../module.js'
import { isQuantized } from '../quantized/quantize.js'
import { allOf, type Kept } from './kept.js'

/** The encoder blocks of any model that has some. Throws ArgumentError. */
export function baseOf(model: Pretrained): Transformer {
  if (model.family.body !== 'blocks')
    throw new ArgumentError(
      'shrink',
      `a ${model.family.className} has no heads, neurons or layers that could be cut`,
      'Words can: --vocabulary; or quantize it',
    )
  return model instanceof Transformer ? model : (model as SequenceClassifier).base
}

type Places = readonly number[]
const rangeOf = (n: number): number[] => Array.from({ length: n }, (_, i) => i)
type AnyLinear = Linear | LowRankLinear

/** to[i, j] = from[rows[i], columns[j]]; without columns whole rows, of vectors their elements. */
function take(to: Tensor, from: Tensor, rows: Places, columns?: Places): void {
  const [out, values] = [flat(to), flat(from)]
  const own = from.rank === 1 ? 1 : from.shape[1]
  const places = columns ?? rangeOf(own)
  let at = 0
  for (const row of rows) for (const column of places) out[at++] = values[row * own + column]
  touch(to)
}

function takeBias(to: AnyLinear, from: AnyLinear, rows: Places): void {
  if (to.bias !== null && from.bias !== null) take(to.bias, from.bias, rows)
}

/** Rows are outputs, columns inputs. */
function takeLinear(to: AnyLinear, from: AnyLinear, rows: Places, columns: Places): void {
  takeBias(to, from, rows)
  if (to instanceof LowRankLinear && from instanceof LowRankLinear) {
    const ranks = rangeOf(from.rank)
    take(to.reduce.weight, from.reduce.weight, ranks, columns)
    take(to.expand.weight, from.expand.weight, rows)
  } else if (to instanceof Linear) {
    const { weight } = from
    take(to.weight, weight, rows, columns)
    if (from instanceof LowRankLinear) weight.dispose()
  }
}

function takeNorm(to: LayerNorm | null, from: LayerNorm | null, places: Places): void {
  if (to === null || from === null) return
  take(to.weight, from.weight, places)
  if (to.bias !== null && from.bias !== null) take(to.bias, from.bias, places)
}

/** Columns of a layer's heads, side by side. */
const columnsOf = (heads: Places, size: number): number[] =>
  heads.flatMap((head) => Array.from({ length: size }, (_, i) => head * size + i))

/** What is left of a block's layer as rows and columns of it. */
function placesOf(
  kept: Kept,
  layer: number,
  size: number,
  config: TransformerConfig,
): Record<BlockLinear, [rows: Places, columns: Places]> {
  const attended = columnsOf(kept.heads[layer], size)
  // Of blocks with bottlenecks the states keep their width, and the inside its own.
  const width = config.bottleneck === null ? kept.width : rangeOf(widthsOf(config).inside)
  const values = config.bottleneck === null ? width : rangeOf(widthsOf(config).values)
  const into: [Places, Places] = [attended, width]
  return {
    ...{ query: into, key: into, value: [attended, values], out: [width, attended] },
    ...{
      gate: [kept.neurons[layer], width],
      up: [kept.neurons[layer], width],
      down: [width, kept.neurons[layer]],
    },
  }
}

/** A block's sizes. A product of two smaller layers that is larger than one layer of the new size becomes that layer. */
function blockOf(config: TransformerConfig, old: BlockShape, kept: Kept, layer: number): BlockShape {
  const sizes = { heads: kept.heads[layer].length, headSize: old.headSize, inner: kept.neurons[layer].length }
  const block = { ...sizes, ranks: {} }
  const widths = widthsOf({ ...config, width: kept.width.length })
  const ranks = Object.entries(old.ranks).filter(([key, rank]) => {
    const name = key as BlockLinear
    const { from, to } = linearShape(widths, block, name)
    return weightsOf(widths, { ...sizes, ranks: { [name]: rank } }, name) < from * to
  })
  return { ...sizes, ranks: Object.fromEntries(ranks) }
}

/** Ids in config.json, as bos_token_id, are of the old table. */
function renumbered(config: TransformerConfig, words: Places): Pick<TransformerConfig, 'padId' | 'extra'> {
  const idOf = new Map(words.map((old, id) => [old, id]))
  const extra = [...config.extra].flatMap(([field, value]): [string, unknown][] => {
    if (!field.endsWith('_token_id') || typeof value !== 'number') return [[field, value]]
    const id = idOf.get(value)
    return id === undefined ? [] : [[field, id]]
  })
  const padId = config.padId === null ? null : (idOf.get(config.padId) ?? null)
  return { padId, extra: new Map(extra) }
}

/** The config of what is left. */
export function cutConfig(config: TransformerConfig, kept: Kept): TransformerConfig {
  const blocks = blocksOf(config)
  const [width, vocabSize] = [kept.width.length, kept.words.length]
  // Tables that go through a layer keep their width.
  const own = { ...reordered(config, kept.layers), width, vocabSize, ...renumbered(config, kept.words) }
  return withBlocks(
    own,
    kept.layers.map((layer) => blockOf(config, blocks[layer], kept, layer)),
  )
}

function check(who: string, model: Pretrained, kept: Kept): void {
  if (isQuantized(model))
    throw new ArgumentError(
      who,
      'the model is quantized',
      'Cut the float model that it was made of, and quantize what is left',
    )
  const all = allOf(model.config)
  const lists = (of: Kept): [string, Places][] => [
    ...(['layers', 'width', 'pooled', 'words'] as const).map((name): [string, Places] => [name, of[name]]),
    ...of.heads.map((own, i): [string, Places] => [`heads of layer ${i}`, own]),
    ...of.neurons.map((own, i): [string, Places] => [`neurons of layer ${i}`, own]),
  ]
  const there = new Map(lists(all))
  for (const [name, places] of lists(kept)) {
    const n = there.get(name)?.length ?? 0
    const rising = places.every(
      (p, i) => Number.isInteger(p) && p >= 0 && p < n && (i === 0 || p > places[i - 1]),
    )
    if (!rising) throw new RangeError(`${who}: ${name} must be places from 0 to ${n - 1} in rising order`)
    if (places.length === 0 && name !== 'layers') throw new RangeError(`${who}: no ${name} would be left`)
  }
  if (model.family.body === 'blocks') checkAlike(who, model, kept)
  else if (String(lists({ ...kept, words: all.words })) !== String(lists(all)))
    throw new RangeError(`${who}: of a ${model.family.className} nothing but words can be cut`)
  if (kept.width.length !== kept.pooled.length)
    throw new RangeError(
      `${who}: ${kept.width.length} of width and ${kept.pooled.length} pooled must be as many`,
    )
  const apart = !(model instanceof SequenceClassifier) && String(kept.width) !== String(kept.pooled)
  if (apart) throw new RangeError(`${who}: of a model without a pooler for classes pooled is what width is`)
}

/** Throws RangeError where what one block has would stay in one layer and not in another. */
function checkAlike(who: string, model: Pretrained, kept: Kept): void {
  const { family, config } = model
  if (!family.firstNorm && kept.layers.length > 0 && kept.layers[0] !== 0)
    throw new RangeError(
      `${who}: the first layer of a ${family.className} has no norm before its attention, and no other can stand there. Let layer 0 stay, as --layers-by every-other and bottom do`,
    )
  if (config.bottleneck !== null) checkBottleneck(who, model, kept)
  if (baseOf(model).project !== null && projectedFrom(family, cutConfig(config, kept)) === null)
    throw new RangeError(
      `${who}: ${family.className} has tables ${config.embedding} wide, and of states as wide no layer between them. Keep another width`,
    )
  const differ = (part: 'heads' | 'neurons') =>
    new Set(kept.layers.map((layer) => String(kept[part][layer]))).size > 1
  if (family.addsDistances && differ('heads'))
    throw new RangeError(
      `${who}: the heads of all layers of ${family.className} share a table of distances: the same ones must stay in each. Let all heads stay, and cut neurons, layers or width`,
    )
  for (const part of ['heads', 'neurons'] as const)
    if (family.sharesLayers && differ(part))
      throw new RangeError(
        `${who}: all layers of ${family.className} are one: the same ${part} must stay in each. Choose them evenly`,
      )
}

/** Throws RangeError for parts that are one with others. */
function checkBottleneck(who: string, { family, config }: Pretrained, kept: Kept): void {
  const { className } = family
  if (kept.width.length !== config.width)
    throw new RangeError(
      `${who}: the states of a ${className} are made of what its blocks give by layers of their own, and keep their width. Cut heads, layers or words`,
    )
  const blocks = blocksOf(config)
  const fewer = kept.layers.some((layer) => kept.neurons[layer].length !== blocks[layer].inner)
  if ((config.bottleneck?.networks ?? 1) > 1 && fewer)
    throw new RangeError(
      `${who}: a block of a ${className} has ${config.bottleneck?.networks} inner layers, which are of one width. Cut heads, layers or words`,
    )
}

/**
 * A model of what is kept, with copies of its numbers; nothing is shared, and the model itself stays as it is. Heads and neurons
 * that are gone change its outputs as zeros in their place would; of hidden dimensions the layer norms are over fewer. Throws
 * RangeError for places that are not there, ArgumentError for a quantized model.
 */
export function cutModel<M extends Pretrained>(model: M, kept: Kept): M {
  check('cutModel', model, kept)
  const { family, kind, config } = model
  if (family.body !== 'blocks') return withWords(model, kept)
  const pooler = baseOf(model).pooler !== null
  const cut = undrawn(() => makeModel(family, kind, cutConfig(config, kept), { pooler }))
  const dtype = model.parameters()[0].dtype
  if (dtype === 'float64') cut.to(dtype)
  noGrad(() => fill(cut, model, kept))
  return cut.train(model.training) as M
}

/** The same model of fewer words. */
function withWords<M extends Pretrained>(model: M, kept: Kept): M {
  const cut = undrawn(() => makeModel(model.family, model.kind, cutConfig(model.config, kept)))
  const table = wordTable(model.family)
  const own = cut.stateDict()
  noGrad(() => {
    for (const [name, from] of model.stateDict())
      take(own.get(name) as Tensor, from, name === table ? kept.words : rangeOf(from.shape[0]))
  })
  return cut.train(model.training) as M
}

function fill(to: Pretrained, from: Pretrained, kept: Kept): void {
  const [a, b] = [baseOf(to), baseOf(from)]
  const { width, pooled, words } = kept
  const own = b.project === null ? width : rangeOf(tableWidth(b.config))
  take(a.words.weight, b.words.weight, words, own)
  const tables = b.config.bottleneck === null ? own : width
  for (const table of ['positions', 'types'] as const) {
    const [own, old] = [a[table]?.weight, b[table]?.weight]
    if (own && old) take(own, old, rangeOf(old.shape[0]), tables)
  }
  takeNorm(a.norm, b.norm, tables)
  takeNorm(a.finalNorm, b.finalNorm, width)
  const [first = 0] = kept.layers
  if (a.positionBias && b.positionBias)
    take(a.positionBias.weight, b.positionBias.weight, rangeOf(BUCKETS), kept.heads[first])
  if (a.relative && b.relative) {
    const { positions, norm } = b.relative
    take(a.relative.positions.weight, positions.weight, rangeOf(positions.weight.shape[0]), width)
    takeNorm(a.relative.norm, norm, width)
  }
  if (a.project && b.project) takeLinear(a.project, b.project, width, rangeOf(b.project.inFeatures))
  for (const [i, layer] of kept.layers.entries()) {
    const [block, old] = [a.layers[i], b.layers[layer]]
    const places = placesOf(kept, layer, old.attention.headSize, b.config)
    if (b.config.bottleneck !== null) copyAlike(block, old)
    for (const name of block.linears) takeLinear(block.linear(name), old.linear(name), ...places[name])
    const inside = places.out[0]
    takeNorm(block.attentionNorm, old.attentionNorm, inside)
    takeNorm(block.outputNorm, old.outputNorm, inside)
  }
  if (a.pooler && b.pooler) takeLinear(a.pooler, b.pooler, pooled, width)
  fillHead(to, from, kept, own)
}

/** All that has the same name and shape. */
function copyAlike(to: Module, from: Module): void {
  const old = from.stateDict()
  for (const [name, p] of to.stateDict()) {
    const own = old.get(name)
    if (own !== undefined && sameShape(own.shape, p.shape)) take(p, own, rangeOf(p.shape[0]))
  }
}

function fillHead(to: Pretrained, from: Pretrained, { width, pooled, words }: Kept, tables: Places): void {
  const classes = rangeOf(from.config.labels.length)
  if (to instanceof SequenceClassifier && from instanceof SequenceClassifier) {
    if (to.pooler && from.pooler) takeLinear(to.pooler, from.pooler, pooled, width)
    takeNorm(to.poolerNorm, from.poolerNorm, pooled)
    takeLinear(to.classifier, from.classifier, classes, pooled)
  } else if (to instanceof TokenClassifier && from instanceof TokenClassifier) {
    if (to.transform && from.transform) takeLinear(to.transform, from.transform, width, width)
    takeNorm(to.transformNorm, from.transformNorm, width)
    takeLinear(to.classifier, from.classifier, classes, width)
  } else if (to instanceof MaskedWords && from instanceof MaskedWords) {
    const guessed = to.rest ? width : tables
    takeLinear(to.transform, from.transform, guessed, width)
    takeNorm(to.transformNorm, from.transformNorm, guessed)
    if (to.rest && from.rest) takeLinear(to.rest, from.rest, words, rangeOf(from.rest.inFeatures))
    // Where it is tied this writes the table's rows once more.
    takeLinear(to.decoder, from.decoder, words, tables)
  }
}

/** Sets rows, or columns, of a layer that are not among `places` to 0. */
function clear(t: Tensor, places: Places, by: 'rows' | 'columns'): void {
  const values = flat(t)
  const columns = t.rank === 1 ? 1 : t.shape[1]
  const stays = new Set(places)
  for (let i = 0; i < values.length; i++)
    if (!stays.has(by === 'rows' ? Math.floor(i / columns) : i % columns)) values[i] = 0
  touch(t)
}

const inner = (layer: AnyLinear) => (layer instanceof LowRankLinear ? layer.reduce.weight : layer.weight)
const outer = (layer: AnyLinear) => (layer instanceof LowRankLinear ? layer.expand.weight : layer.weight)

/**
 * Sets the heads and neurons that are not kept to 0, in place: the outputs of cutModel() in the whole shape. Gives the model.
 * Throws what cutModel() throws.
 */
export function maskModel<M extends Pretrained>(model: M, kept: Pick<Kept, 'heads' | 'neurons'>): M {
  const all = { ...allOf(model.config), heads: kept.heads, neurons: kept.neurons }
  check('maskModel', model, all)
  for (const [i, block] of baseOf(model).layers.entries()) {
    const { attention, up, down } = block
    const heads = columnsOf(kept.heads[i], attention.headSize)
    for (const layer of [attention.query, attention.key, attention.value]) clearOutputs(layer, heads)
    clear(inner(attention.out), heads, 'columns')
    clearOutputs(up, kept.neurons[i])
    if (block.gate !== null) clearOutputs(block.gate, kept.neurons[i])
    clear(inner(down), kept.neurons[i], 'columns')
  }
  return model
}

function clearOutputs(layer: AnyLinear, places: Places): void {
  clear(outer(layer), places, 'rows')
  if (layer.bias !== null) clear(layer.bias, places, 'rows')
}
