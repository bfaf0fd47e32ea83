// A linear layer as the product of two smaller ones, by the singular values of its weight that are largest: of all products of
// that rank the nearest. Eckart and Young 1936; Xue et al. 2013 restructure layers so.
import { noGrad, touch } from '../../autograd/graph.js'
import { ArgumentError } from '../../errors.js'
import { flat, type Tensor } from '../../tensor/tensor.js'
import { type BlockLinear, linearsOf } from '../encoder.js'
import { undrawn } from '../init.js'
import { Linear, LowRankLinear } from '../layers.js'
import { makeModel } from '../models/bert.js'
import { type BlockShape, blocksOf, linearShape, widthsOf, withBlocks } from '../models/config.js'
import type { Pretrained } from '../models/pretrained.js'
import { isQuantized } from '../quantized/quantize.js'
import { baseOf } from './cut.js'
import { symmetricEigen } from './eigen.js'

/** What a weight's rank is to be: a share of its numbers, a share of the sum of its squares, or as many as it needs. */
export type RankRule = { share: number } | { energy: number } | { rank: number }

/** A weight's singular values, the largest first, and the directions that go with them on its shorter side. */
export interface Spectrum {
  values: Float64Array
  /** A row each, of the outputs where `ofOutputs`, else of the inputs. */
  directions: Float64Array
  ofOutputs: boolean
}

/**
 * weight [out, in]. By the eigenvalues of W W^T or W^T W in float64: singular values below 1e-8 of the largest are rounding, which
 * float32 weights have anyway.
 */
export function spectrumOf(weight: Tensor): Spectrum {
  const [out, into] = weight.shape
  const w = flat(weight)
  const ofOutputs = out <= into
  const n = Math.min(out, into)
  const gram = new Float64Array(n * n)
  if (ofOutputs)
    for (let i = 0; i < n; i++)
      for (let j = 0; j <= i; j++) {
        let sum = 0
        for (let k = 0; k < into; k++) sum += w[i * into + k] * w[j * into + k]
        gram[i * n + j] = sum
      }
  else
    for (let k = 0; k < out; k++)
      for (let i = 0; i < n; i++) {
        const x = w[k * into + i]
        for (let j = 0; j <= i; j++) gram[i * n + j] += x * w[k * into + j]
      }
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) gram[j * n + i] = gram[i * n + j]
  const { values, vectors } = symmetricEigen(gram, n)
  return { values: values.map((x) => Math.sqrt(Math.max(0, x))), directions: vectors, ofOutputs }
}

/** The rank that a rule gives a weight [out, in], from 1 to all. */
export function rankOf(rule: RankRule, { values }: Spectrum, out: number, into: number): number {
  const within = (rank: number) => Math.min(values.length, Math.max(1, rank))
  if ('rank' in rule) return within(rule.rank)
  if ('share' in rule) return within(Math.floor((rule.share * out * into) / (out + into)))
  const all = values.reduce((sum, x) => sum + x * x, 0)
  let sum = 0
  const at = values.findIndex((x) => {
    sum += x * x
    return sum >= rule.energy * all
  })
  return within(at < 0 ? values.length : at + 1)
}

/**
 * Sets a low-rank layer to the nearest product to a weight. Each singular value is parted between the two by its root, so that
 * neither learns faster than the other.
 */
export function factorize(to: LowRankLinear, { weight, bias }: Linear, spectrum: Spectrum): void {
  const [out, into] = weight.shape
  const { values, directions, ofOutputs } = spectrum
  const [w, reduce, expand] = [weight, to.reduce.weight, to.expand.weight].map(flat)
  const n = values.length
  const { rank } = to
  for (let r = 0; r < rank; r++) {
    const root = values[r] > 0 ? Math.sqrt(values[r]) : 1
    const own = directions.subarray(r * n, (r + 1) * n)
    if (ofOutputs) {
      // u and u^T W
      for (let i = 0; i < out; i++) expand[i * rank + r] = own[i] * root
      for (let j = 0; j < into; j++) {
        let sum = 0
        for (let i = 0; i < out; i++) sum += own[i] * w[i * into + j]
        reduce[r * into + j] = sum / root
      }
    } else {
      // W v and v^T
      for (let j = 0; j < into; j++) reduce[r * into + j] = own[j] * root
      for (let i = 0; i < out; i++) {
        let sum = 0
        for (let j = 0; j < into; j++) sum += w[i * into + j] * own[j]
        expand[i * rank + r] = sum / root
      }
    }
  }
  if (to.bias !== null && bias !== null) flat(to.bias).set(flat(bias))
  for (const p of to.parameters()) touch(p)
}

/** One layer of a block that was looked at. */
export interface Factored {
  layer: number
  name: BlockLinear
  /** null: two layers would have no fewer numbers, and it stays one. */
  rank: number | null
  /** Of the sum of squares of its weight what the rank holds. */
  energy: number
}

/**
 * A model whose blocks' linear layers are products of two smaller ones, wherever that is fewer numbers; the model itself stays as
 * it is. Layers that are such products already stay so. sizes: the blocks by which numbers are counted, where parts of the model
 * are zeros that will not be there. Throws ArgumentError for a quantized model.
 */
export function lowRankModel<M extends Pretrained>(
  model: M,
  rule: RankRule,
  onLayer: (done: number, of: number) => void = () => {},
  sizes: readonly BlockShape[] = blocksOf(model.config),
): { model: M; factored: Factored[] } {
  if (isQuantized(model))
    throw new ArgumentError(
      'lowRankModel',
      'the model is quantized',
      'Take the float model that it was made of, and quantize what becomes of it',
    )
  const { config } = model
  const spectra = new Map<Linear | LowRankLinear, Spectrum>()
  const factored: Factored[] = []
  const linears = linearsOf(model.family.gated)
  const all = config.layers * linears.length
  const blocks = blocksOf(config).map((block, layer) => {
    const ranks = { ...block.ranks }
    for (const [i, name] of linears.entries()) {
      const own = baseOf(model).layers[layer].linear(name)
      if (own instanceof Linear) {
        const { from: into, to: out } = linearShape(widthsOf(config), sizes[layer], name)
        const spectrum = spectra.get(own) ?? spectrumOf(own.weight)
        const rank = rankOf(rule, spectrum, out, into)
        const fewer = 'rank' in rule || rank * (out + into) < out * into
        if (fewer) {
          ranks[name] = rank
          spectra.set(own, spectrum)
        }
        factored.push({ layer, name, rank: fewer ? rank : null, energy: energyOf(spectrum, rank) })
      }
      onLayer(layer * linears.length + i + 1, all)
    }
    return { ...block, ranks }
  })
  const made = remade(model, blocks, (to, from) => {
    const spectrum = spectra.get(from)
    if (spectrum !== undefined) factorize(to as LowRankLinear, from as Linear, spectrum)
  })
  return { model: made, factored }
}

/** A model of other blocks, with the numbers of all parameters of the same name, and what `fill` puts into blocks' layers. */
function remade<M extends Pretrained>(
  model: M,
  blocks: readonly BlockShape[],
  fill: (to: Linear | LowRankLinear, from: Linear | LowRankLinear) => void,
): M {
  const { family, kind, config } = model
  const base = baseOf(model)
  const settings = withBlocks(config, blocks)
  const made = undrawn(() => makeModel(family, kind, settings, { pooler: base.pooler !== null }))
  const { dtype } = model.parameters()[0]
  if (dtype === 'float64') made.to(dtype)
  noGrad(() => {
    const state = model.stateDict()
    for (const [name, p] of made.stateDict()) {
      const old = state.get(name)
      if (old !== undefined) flat(p).set(flat(old))
      touch(p)
    }
    const { layers } = baseOf(made)
    for (const layer of new Set(layers.map((block) => layers.indexOf(block))))
      for (const name of layers[layer].linears)
        fill(layers[layer].linear(name), base.layers[layer].linear(name))
  })
  return made.train(model.training) as M
}

function energyOf({ values }: Spectrum, rank: number): number {
  const squares = (n: number) => values.subarray(0, n).reduce((sum, x) => sum + x * x, 0)
  const all = squares(values.length)
  return all === 0 ? 1 : squares(rank) / all
}

/** The same model with whole layers again, each the product of its two: for loaders that know no other. */
export function wholeModel<M extends Pretrained>(model: M): M {
  const blocks = blocksOf(model.config).map((block) => ({ ...block, ranks: {} }))
  return remade(model, blocks, (to, from) => {
    if (!(to instanceof Linear && from instanceof LowRankLinear)) return
    const { weight, bias } = from
    flat(to.weight).set(flat(weight))
    weight.dispose()
    if (to.bias !== null && bias !== null) flat(to.bias).set(flat(bias))
  })
}
