// Layers as operations of ONNX: one record for each class of layer, which reads sizes from the layer's own weights, so that
// heads and inner layers may differ from block to block. What has no record is refused by name.
import { ArgumentError } from '../../errors.js'
import { MultiHeadAttention } from '../../nn/attention.js'
import { BottleneckBlock } from '../../nn/bottleneck/block.js'
import { NoNorm } from '../../nn/bottleneck/no-norm.js'
import { EncoderBlock } from '../../nn/encoder.js'
import { Embedding, LayerNorm, Linear, LowRankLinear } from '../../nn/layers.js'
import type { Module } from '../../nn/module.js'
import { QuantizedEmbedding, QuantizedLinear } from '../../nn/quantized/layers.js'
import { activation } from './activations.js'
import type { GraphBuilder, Value } from './builder.js'
import { quantizedEmbedding, quantizedLinear } from './quantized.js'

/** Values that layers need besides their input. */
export interface Surroundings {
  /** [B, 1, 1, S]: 0 where a word may be seen, -10000 where there is padding. */
  mask: Value
  /** What values are made of. Default: what queries are. */
  values?: Value
  /** What places make of queries and keys by head, [B, H, S, D]. */
  turn?: (path: string, x: Value) => Value
  /** What is added to the products of queries [B, H, S, D] and keys [B, H, D, S], before they are divided by `root`. */
  scores?: (path: string, q: Value, k: Value, attention: MultiHeadAttention) => Value
  /** What scores are divided by. Default the root of D. */
  root?: (size: number) => number
}

/** A layer's value for one input. */
type Emit<M> = (g: GraphBuilder, layer: M, path: string, x: Value, around: Surroundings) => Value

/** A record of the table. `of` itself and no class below it, which may compute something else. */
interface LayerRecord {
  of: abstract new (...args: never[]) => Module
  emit: Emit<Module>
  /** Of a linear layer: how many numbers it gives. */
  width: (layer: Module) => number
}

const record = <M extends Module>(
  of: abstract new (...args: never[]) => M,
  emit: Emit<M>,
  width: (layer: M) => number = () => Number.NaN,
): LayerRecord => ({ of, emit: emit as Emit<Module>, width: width as LayerRecord['width'] })

const records: readonly LayerRecord[] = [
  record(Linear, linear, ({ weight }) => weight.shape[0]),
  record(
    LowRankLinear,
    (g, { reduce, expand }, path, x, around) =>
      emit(g, expand, `${path}.expand`, emit(g, reduce, `${path}.reduce`, x, around), around),
    // Its two layers may be of whole numbers.
    ({ expand }) => recordOf(expand, 'expand').width(expand),
  ),
  record(QuantizedLinear, quantizedLinear, ({ rows }) => rows),
  record(Embedding, (g, { weight }, path, ids) =>
    g.node(path, 'Gather', [g.parameter(`${path}.weight`, weight), ids]),
  ),
  record(QuantizedEmbedding, quantizedEmbedding),
  record(LayerNorm, (g, { weight, bias, options }, path, x) =>
    g.node(
      path,
      'LayerNormalization',
      [x, g.parameter(`${path}.weight`, weight), ...(bias ? [g.parameter(`${path}.bias`, bias)] : [])],
      { axis: -1, epsilon: { float: options.eps ?? 1e-5 } },
    ),
  ),
  record(NoNorm, (g, { weight, bias }, path, x) => {
    const scaled = g.node(path, 'Mul', [x, g.parameter(`${path}.weight`, weight)])
    return bias === null ? scaled : g.node(path, 'Add', [scaled, g.parameter(`${path}.bias`, bias)])
  }),
  record(MultiHeadAttention, attention),
  record(EncoderBlock, block),
  record(BottleneckBlock, bottleneckBlock),
]

/** Throws ArgumentError for a layer of a class that has no record. */
function recordOf(layer: Module, path: string): LayerRecord {
  const found = records.find(({ of }) => layer.constructor === of)
  if (found !== undefined) return found
  throw new ArgumentError(
    'exportOnnx',
    `${path} is a ${layer.constructor.name}, which has no form in ONNX here`,
    `Those of ${records.map(({ of }) => of.name).join(', ')} have. A model that is being trained is saved first, and loaded again`,
  )
}

/** A layer's value for x. Throws ArgumentError for a layer of a class that has no record. */
export function emit(g: GraphBuilder, layer: Module, path: string, x: Value, around: Surroundings): Value {
  return recordOf(layer, path).emit(g, layer, path, x, around)
}

function linear(g: GraphBuilder, { weight, bias }: Linear, path: string, x: Value): Value {
  const product = g.node(path, 'MatMul', [x, g.turned(`${path}.weight`, weight)])
  return bias === null ? product : g.node(path, 'Add', [product, g.parameter(`${path}.bias`, bias)])
}

/** softmax(q k^T / sqrt(d) + mask) v, spelt so that onnxruntime fuses the product and the division. */
function attention(
  g: GraphBuilder,
  layer: MultiHeadAttention,
  path: string,
  x: Value,
  around: Surroundings,
): Value {
  const { heads } = layer
  const widthOf = (name: 'key' | 'value') => recordOf(layer[name], `${path}.${name}`).width(layer[name])
  const size = widthOf('key') / heads
  const { turn } = around
  const transposed = (y: Value, perm: readonly number[]) => g.node(path, 'Transpose', [y], { perm })
  const projected = (name: 'query' | 'key' | 'value', own: number, perm: readonly number[]) => {
    const from = name === 'value' ? (around.values ?? x) : x
    const y = emit(g, layer[name], `${path}.${name}`, from, around)
    const split = g.node(path, 'Reshape', [y, g.constant('int64', [0, 0, heads, own])]) // [B, S, H, D]
    return transposed(split, perm)
  }
  const heldBy = (name: 'query' | 'key') => {
    const split = projected(name, size, [0, 2, 1, 3])
    return turn?.(path, split) ?? split
  }
  const q = heldBy('query') // [B, H, S, D]
  const k =
    turn === undefined ? projected('key', size, [0, 2, 3, 1]) : transposed(heldBy('key'), [0, 1, 3, 2]) // [B, H, D, S]
  const v = projected('value', widthOf('value') / heads, [0, 2, 1, 3])
  const products = g.node(path, 'MatMul', [q, k])
  const more = around.scores?.(path, q, k, layer)
  const sum = more === undefined ? products : g.node(path, 'Add', [products, more])
  const scores = g.node(path, 'Div', [sum, g.number(around.root?.(size) ?? Math.sqrt(size))])
  const probs = g.node(path, 'Softmax', [g.node(path, 'Add', [scores, around.mask])], { axis: -1 })
  const merged = g.node(path, 'Transpose', [g.node(path, 'MatMul', [probs, v])], { perm: [0, 2, 1, 3] })
  const rows = g.node(path, 'Reshape', [merged, g.constant('int64', [0, 0, widthOf('value')])])
  return emit(g, layer.out, `${path}.out`, rows, around)
}

/** Norms after each part, or before it. */
function block(g: GraphBuilder, layer: EncoderBlock, path: string, x: Value, around: Surroundings): Value {
  type Part = 'attention' | 'attentionNorm' | 'outputNorm' | 'up' | 'gate' | 'down'
  const part = (name: Part, h: Value) => {
    const own = layer[name]
    return own === null ? h : emit(g, own, `${path}.${name}`, h, around)
  }
  const think = (h: Value) => {
    const inner = activation(g, `${path}.up`, layer.activation, part('up', h))
    return part('down', layer.gate === null ? inner : g.node(path, 'Mul', [inner, part('gate', h)]))
  }
  const add = (a: Value, b: Value) => g.node(path, 'Add', [a, b])
  if (layer.preNorm) {
    const h = add(part('attention', part('attentionNorm', x)), x)
    return add(think(part('outputNorm', h)), h)
  }
  const h = part('attentionNorm', add(part('attention', x), x))
  return part('outputNorm', add(think(h), h))
}

/** Between two layers from the states and back, with several inner ones. */
function bottleneckBlock(
  g: GraphBuilder,
  layer: BottleneckBlock,
  path: string,
  x: Value,
  around: Surroundings,
): Value {
  const part = (own: Module | null, name: string, h: Value, with_ = around) =>
    own === null ? h : emit(g, own, `${path}.${name}`, h, with_)
  const add = (a: Value, b: Value) => g.node(path, 'Add', [a, b])
  const think = (up: Module, down: Module, at: string, h: Value) =>
    part(down, `${at}down`, activation(g, `${path}.${at}up`, layer.activation, part(up, `${at}up`, h)))
  const narrow = part(layer.inputNorm, 'inputNorm', part(layer.input, 'input', x))
  const asked = layer.shared ? part(layer.sharedNorm, 'sharedNorm', part(layer.shared, 'shared', x)) : narrow
  const values = layer.shared ? x : narrow
  const attended = part(layer.attention, 'attention', asked, { ...around, values })
  let h = part(layer.attentionNorm, 'attentionNorm', add(attended, narrow))
  for (const [name, { up, down, norm }] of Object.entries(layer.networks)) {
    const at = `networks.${name}.`
    h = part(norm, `${at}norm`, add(think(up, down, at, h), h))
  }
  h = part(layer.outputNorm, 'outputNorm', add(think(layer.up, layer.down, '', h), h))
  return layer.output === null
    ? h
    : part(layer.statesNorm, 'statesNorm', add(part(layer.output, 'output', h), x))
}

/** A linear layer on [B, in]: one operation, but for quantized ones. */
export function emitFlat(g: GraphBuilder, layer: Module, path: string, x: Value, around: Surroundings) {
  if (layer.constructor !== Linear) return emit(g, layer, path, x, around)
  const { weight, bias } = layer as Linear
  const inputs = [x, g.parameter(`${path}.weight`, weight)]
  if (bias !== null) inputs.push(g.parameter(`${path}.bias`, bias))
  return g.node(path, 'Gemm', inputs, { transB: 1 })
}
