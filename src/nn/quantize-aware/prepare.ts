// A model made ready for training with quantization, in place, and what is left of it afterwards: plain layers, weights on grids.
import { noGrad, touch } from '../../autograd/graph.js'
import { clone } from '../../autograd/ops/elementwise/cast.js'
import { ArgumentError, got } from '../../errors.js'
import { type Kinds, optionsArg, wholeArg } from '../../tensor/check.js'
import { assign, Tensor } from '../../tensor/tensor.js'
import { MultiHeadAttention } from '../attention.js'
import { undrawn } from '../init.js'
import { Embedding, Linear } from '../layers.js'
import { type Module, moduleArg } from '../module.js'
import { parameterTable } from '../optim/groups.js'
import { FakeQuantAttention } from './attention.js'
import { FakeQuantEmbedding, FakeQuantLinear, type LinearQuantizers } from './layers.js'
import { Quantizer } from './quantizer.js'
import { replaceModules } from './replace.js'
import { type Scheme, type SchemeName, schemeNames, schemes } from './schemes.js'
import { SplitEmbedding, SplitLinear } from './split.js'

export interface QuantizeAwareOptions {
  /** 2 to 8; the scheme's own unless given. Those of few values take none. */
  weightBits?: number | undefined
  /** Of inputs, outputs and products; 2 to 8. */
  inputBits?: number | undefined
}

const optionKinds: Kinds<QuantizeAwareOptions> = { weightBits: 'whole', inputBits: 'whole' }

/** A scheme with its bits. */
export interface Quantization {
  scheme: SchemeName
  /** null: as many as the scheme's values need. */
  weightBits: number | null
  inputBits: number
}

/** The scheme by its name, with the bits that are asked for. Throws ArgumentError, RangeError. */
export function quantizationOf(scheme: SchemeName, options: QuantizeAwareOptions = {}): Quantization {
  if (!schemeNames.includes(scheme))
    throw new ArgumentError(
      'quantizeAware',
      `the scheme must be ${schemeNames.join(', ')}, got ${got(scheme)}`,
    )
  const given = optionsArg('quantizeAware', options, optionKinds)
  const { bits } = schemes[scheme] as Scheme
  for (const name of ['weightBits', 'inputBits'] as const)
    if (given[name] !== undefined) wholeArg('quantizeAware', name, given[name], 2, 8)
  if (given.weightBits !== undefined && bits.weights === null)
    throw new RangeError(
      `quantizeAware: weights of the scheme ${scheme} have a fixed number of values, weightBits is for others`,
    )
  return {
    scheme,
    weightBits: given.weightBits ?? bits.weights,
    inputBits: given.inputBits ?? bits.inputs,
  }
}

const prepared = new WeakMap<Module, Quantization>()

/** How a model was made ready; null: it was not. */
export const quantizationIn = (model: Module): Quantization | null => prepared.get(model) ?? null

const isPlainLinear = (m: Module): m is Linear => m.constructor === Linear

/** Which of a model's layers are quantized: tables and the head by the scheme, and no layer that shares its weight with a table. */
function chosen(model: Module, { words: onWords, tables, head }: Scheme): Set<Module> {
  const parts = new Map(parameterTable(model).map(({ param, part }) => [param, part]))
  const named = Array.from(model.namedModules())
  const all = named.map(([, module]) => module)
  const found = all.filter((m): m is Embedding => m.constructor === Embedding)
  const most = Math.max(...found.map(({ weight }) => weight.shape[0]))
  const places = new Set(named.flatMap(([name, m]) => (/(^|\.)position[^.]*$/.test(name) ? [m] : [])))
  const tied = new Set(found.map(({ weight }) => weight))
  const layers = all.filter(
    (m): m is Linear => isPlainLinear(m) && !tied.has(m.weight) && (head || parts.get(m.weight) !== 'head'),
  )
  const taken = {
    all: found,
    ids: found.filter((table) => !places.has(table)),
    words: found.filter(({ weight }) => weight.shape[0] === most).slice(0, 1),
  }
  return new Set<Module>([...(onWords === null ? [] : taken[tables]), ...layers])
}

/**
 * Puts layers that compute on grids, in floats, in the place of a model's linear layers and tables, and where the scheme says so
 * of its attention; parameters stay the same tensors, and steps that are learned come beside them. Gives the model, or where that
 * is one layer the layer in its place. `int8` is what tinystill itself computes with. Subclasses of these layers are left alone.
 * Train it as any other; saved, it is a float model with weights on their grids, as settleOnGrid() leaves it. Throws RangeError
 * for a model that is ready already, or has no such layer.
 */
export function quantizeAware<M extends Module>(
  model: M,
  scheme: SchemeName,
  options: QuantizeAwareOptions = {},
): M {
  moduleArg('quantizeAware', 'the model', model)
  const quantization = quantizationOf(scheme, options)
  const before = prepared.get(model)
  if (before !== undefined)
    throw new RangeError(`quantizeAware: the model is ready already, by the scheme ${before.scheme}`)
  const own: Scheme = schemes[scheme]
  const layers = chosen(model, own)
  if (layers.size === 0)
    throw new RangeError(`quantizeAware: a ${model.constructor.name} has no layer to quantize`)
  const out = replaceModules(model, (module) => standIn(module, layers, own, quantization)) as M
  out.train(model.training)
  // Steps and ranges are made as float32.
  if (out.parameters().some(({ dtype }) => dtype === 'float64')) out.to('float64')
  prepared.set(out, quantization)
  return out
}

/** What computes on grids in the place of a module; the module itself where nothing does. */
function standIn(
  module: Module,
  layers: ReadonlySet<Module>,
  scheme: Scheme,
  { weightBits, inputBits }: Quantization,
): Module {
  const { products } = scheme
  const bits = weightBits ?? 1
  if (products !== null && module.constructor === MultiHeadAttention) {
    const [query, key, value, probs] = Array.from({ length: 4 }, () => products(inputBits))
    return FakeQuantAttention.of(module as MultiHeadAttention, { query, key, value, probs })
  }
  if (!layers.has(module)) return module
  if (module instanceof Embedding && scheme.words !== null) {
    const words = scheme.words(bits)
    return scheme.split ? new SplitEmbedding(module, words) : new FakeQuantEmbedding(module, words)
  }
  const quantizers: LinearQuantizers = {
    weight: scheme.weights(bits),
    input: scheme.inputs(inputBits),
    output: scheme.outputs?.(inputBits) ?? null,
  }
  return scheme.split
    ? new SplitLinear(module as Linear, quantizers)
    : new FakeQuantLinear(module as Linear, quantizers)
}

type OnGrid = FakeQuantLinear | FakeQuantEmbedding
const isOnGrid = (m: Module): m is OnGrid => m instanceof FakeQuantLinear || m instanceof FakeQuantEmbedding

/**
 * Copies of the parameters that the plain model has, by its names, with the weights that are quantized on their grids: what the
 * model was trained to compute with. Of a model that is not ready its own. They are the caller's to dispose of.
 */
export function stateOnGrid(model: Module): Map<string, Tensor> {
  moduleArg('stateOnGrid', 'the model', model)
  const layers = Array.from(model.namedModules(), ([, m]) => m).filter(isOnGrid)
  const grids = new Map(layers.map((layer) => [layer.weight, layer]))
  const added = new Set(Array.from(addedTo(model)))
  const out = new Map<string, Tensor>()
  for (const [name, t] of model.stateDict())
    if (!added.has(t))
      out.set(
        name,
        noGrad(() => grids.get(t)?.quantizedWeight() ?? clone(t)),
      )
  return out
}

/** What is saved of a model: its own tensors, or of one that is ready the copies on their grids. */
export const savedState = (model: Module): Map<string, Tensor> =>
  quantizationIn(model) === null ? model.stateDict() : stateOnGrid(model)

/** Tensors that only the ready model has: steps, ranges, second weights. */
export function* addedTo(model: Module): Generator<Tensor> {
  for (const [, module] of model.namedModules()) {
    if (module instanceof Quantizer)
      for (const [, value] of module.holdings()) if (value instanceof Tensor) yield value
    if (module instanceof SplitLinear || module instanceof SplitEmbedding) yield module.second
  }
}

/** The plain layer that one stands for, on the same parameters; the module itself where it is one. */
function plainOf(module: Module): Module {
  return undrawn(() => {
    if (module instanceof FakeQuantLinear) {
      const [outFeatures, inFeatures] = module.weight.shape
      const plain = new Linear(inFeatures, outFeatures, { bias: false, weight: module.weight })
      return Object.assign(plain, { bias: module.bias })
    }
    if (module instanceof FakeQuantEmbedding) {
      const [count, width] = module.weight.shape
      const { weight, paddingIdx } = module
      return new Embedding(count, width, { weight, ...(paddingIdx === undefined ? {} : { paddingIdx }) })
    }
    if (!(module instanceof FakeQuantAttention)) return module
    const { query, key, value, out, heads, headSize, dropout } = module
    const plain = new MultiHeadAttention(query.weight.shape[1], heads, dropout, {}, headSize)
    return Object.assign(plain, { query, key, value, out })
  })
}

/**
 * Puts plain layers back, with weights on their grids, in place: a float model, to be saved, pruned, or quantized for good. Gives
 * the model. What was not made ready stays as it is.
 */
export function settleOnGrid<M extends Module>(model: M): M {
  moduleArg('settleOnGrid', 'the model', model)
  if (!prepared.has(model)) return model
  for (const [, layer] of model.namedModules()) {
    if (!isOnGrid(layer)) continue
    const { weight } = layer
    const onGrid = noGrad(() => layer.quantizedWeight())
    assign(weight, onGrid)
    touch(weight)
    onGrid.dispose()
  }
  return plainAgain(model)
}

/** Puts plain layers back, on the weights as they learned: not on grids. */
export function plainAgain<M extends Module>(model: M): M {
  const { training } = model
  for (const t of addedTo(model)) t.dispose()
  const out = replaceModules(model, plainOf) as M
  out.train(training)
  prepared.delete(model)
  return out
}
