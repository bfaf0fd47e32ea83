// A model made ready for training with quantization, in place, and what is left of it afterwards: plain layers, weights on grids.
import { ArgumentError, got } from '../../errors.js'
import { type Kinds, optionsArg, wholeArg } from '../../tensor/check.js'
import type { Tensor } from '../../tensor/tensor.js'
import { MultiHeadAttention } from '../attention.js'
import { Embedding, Linear } from '../layers.js'
import { type Module, moduleArg } from '../module.js'
import { parameterTable } from '../optim/groups.js'
import { computedState, makeReady, readinessOf, requirePlain, settle } from '../stand-ins/ready.js'
import { FakeQuantAttention } from './attention.js'
import { FakeQuantEmbedding, FakeQuantLinear, type LinearQuantizers } from './layers.js'
import { type Scheme, type SchemeName, schemeNames, schemes } from './schemes.js'
import { SplitEmbedding, SplitLinear } from './split.js'

/** Of quantizeAware(): bits of weights and inputs. */
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

/** How a model was made ready; null: it was not. */
export function quantizationIn(model: Module): Quantization | null {
  const ready = readinessOf(model)
  return ready?.by === 'quantizeAware' ? (ready.settings as Quantization) : null
}

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
  requirePlain('quantizeAware', model)
  const own: Scheme = schemes[scheme]
  const layers = chosen(model, own)
  if (layers.size === 0)
    throw new RangeError(`quantizeAware: a ${model.constructor.name} has no layer to quantize`)
  return makeReady(model, (module) => standIn(module, layers, own, quantization), {
    by: 'quantizeAware',
    how: `by the scheme ${scheme}`,
    settings: quantization,
  })
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

/** See computedState: copies of the parameters that the plain model has, those that are quantized on their grids. */
export function stateOnGrid(model: Module): Map<string, Tensor> {
  return computedState(moduleArg('stateOnGrid', 'the model', model))
}

/**
 * Puts plain layers back, with weights on their grids, in place: a float model, to be saved, pruned, or quantized for good. Gives
 * the model. What was not made ready stays as it is.
 */
export function settleOnGrid<M extends Module>(model: M): M {
  moduleArg('settleOnGrid', 'the model', model)
  return settle(model)
}
