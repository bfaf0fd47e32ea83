// Losses of differences: l1, smooth L1, Huber; and of labels and margins: nll, ranking, hinge, triplet.
import { DTypeError, ShapeError } from '../../../errors.js'
import { type Kinds, optionsArg, tensorArg } from '../../../tensor/check.js'
import { formatShape, sameShape } from '../../../tensor/shape.js'
import { ints, type Tensor } from '../../../tensor/tensor.js'
import { tensor } from '../../create.js'
import { add, div, mul, neg, sub } from '../elementwise/arithmetic.js'
import { to } from '../elementwise/cast.js'
import { eq, lt, minimum, where } from '../elementwise/compare.js'
import { abs, pow, relu } from '../elementwise/pointwise.js'
import { binaryComposite, none, pairEdge } from '../elementwise/records.js'
import { gather } from '../indexing/gather.js'
import { indexSelect } from '../indexing/rows.js'
import { sum } from '../reduce.js'
import { reshape } from '../shape/views.js'
import { checkSame, type Reduced, reduced, reducedOptions } from './reduction.js'

const absoluteErrorOp = binaryComposite({
  name: 'absoluteError',
  composite: (a, b) => abs(sub(a, b)),
  doc: 'The absolute difference of two tensors.',
  math: 'y = |a - b|;\\quad \\bar a = \\bar y \\operatorname{sign}(a - b) = -\\bar b',
  domains: [
    { lo: 1, hi: 2 },
    { lo: -1, hi: 0.5 },
  ],
  edge: [
    pairEdge(
      [1, 2],
      [3, 2],
      [2, 0],
      [
        [-1, 0],
        [1, 0],
      ],
    ),
    pairEdge([NaN], [0], [NaN], [[NaN], [NaN]]),
  ],
})

/** |a - b|, reduced: by default its mean. Both of one shape. Throws ShapeError, RangeError. */
export function l1(input: Tensor, target: Tensor, options: Reduced = {}): Tensor {
  const { reduction = 'mean' } = optionsArg('l1', options, reducedOptions)
  checkSame('l1', input, target)
  return reduced(absoluteErrorOp([input, target], none), reduction)
}

/** d^2 / 2 for d below `edge`, edge (d - edge / 2) from there, by `scale`. */
function bent(input: Tensor, target: Tensor, edge: number, scale: number): Tensor {
  const d = abs(sub(input, target))
  return where(lt(d, edge), mul(mul(d, d), 0.5 * scale), mul(sub(d, 0.5 * edge), edge * scale))
}

/** d^2 / (2 beta) for |d| below beta, |d| - beta / 2 from there; beta 0: l1. Throws ShapeError, RangeError. */
export function smoothL1(input: Tensor, target: Tensor, options: Reduced & { beta?: number } = {}): Tensor {
  const { beta = 1, reduction = 'mean' } = optionsArg('smoothL1', options, {
    ...reducedOptions,
    beta: 'number',
  })
  if (!(beta >= 0 && beta < Infinity))
    throw new RangeError(`smoothL1: beta must be a number from 0, got ${beta}`)
  checkSame('smoothL1', input, target)
  if (beta === 0) return l1(input, target, { reduction })
  return reduced(bent(input, target, beta, 1 / beta), reduction)
}

/** d^2 / 2 for |d| below delta, delta (|d| - delta / 2) from there. Huber 1964. Throws ShapeError, RangeError. */
export function huber(input: Tensor, target: Tensor, options: Reduced & { delta?: number } = {}): Tensor {
  const { delta = 1, reduction = 'mean' } = optionsArg('huber', options, {
    ...reducedOptions,
    delta: 'number',
  })
  if (!(delta > 0 && delta < Infinity)) throw new RangeError(`huber: delta must be above 0, got ${delta}`)
  checkSame('huber', input, target)
  return reduced(bent(input, target, delta, 1), reduction)
}

export interface NllOptions extends Reduced {
  /** How much each class counts, [C]. */
  weight?: Tensor
  /** Rows with this label count for nothing. Default -100. */
  ignoreIndex?: number
}

const nllOptions: Kinds<NllOptions> = { ...reducedOptions, weight: 'tensor', ignoreIndex: 'whole' }

/**
 * Minus the log-probability of each label: logp [..., C], int32 labels [...]. 'mean' divides by the weights of the labels
 * that are not ignored; NaN where all are, as in PyTorch. Throws ShapeError, RangeError.
 */
export function nll(logp: Tensor, target: Tensor, options: NllOptions = {}): Tensor {
  const { weight, ignoreIndex = -100, reduction = 'mean' } = optionsArg('nll', options, nllOptions)
  tensorArg('nll', 'the input', logp)
  tensorArg('nll', 'the target', target)
  const n = logp.shape[logp.rank - 1]
  if (logp.rank === 0 || !sameShape(target.shape, logp.shape.slice(0, -1))) {
    throw new ShapeError(
      'nll',
      `log-probabilities ${formatShape(logp.shape)} need labels of ${formatShape(logp.shape.slice(0, -1))}, got ${formatShape(target.shape)}`,
    )
  }
  if (weight !== undefined && !sameShape(weight.shape, [n]))
    throw new ShapeError('nll', `${n} classes need as many weights, got weight ${formatShape(weight.shape)}`)
  if (target.dtype !== 'int32')
    throw new DTypeError('nll', `labels must be int32, got ${target.dtype}`, "Convert them with .to('int32')")
  const labels = reshape(target, [-1])
  const known = ints(labels).map((label, row) => {
    if (label === ignoreIndex) return 0
    if (label >= 0 && label < n) return label
    throw new RangeError(
      `nll: label ${label} in row ${row} is not below the ${n} classes, nor the ignore index ${ignoreIndex}`,
    )
  })
  const picked = tensor(known, { shape: [known.length, 1] })
  const ignored = eq(to(labels, logp.dtype), ignoreIndex)
  const each = neg(reshape(gather(reshape(logp, [-1, n]), 1, picked), [known.length]))
  const ofLabel = weight === undefined ? 1 : indexSelect(weight, 0, reshape(picked, [known.length]))
  const counts = where(ignored, 0, ofLabel)
  const rows = where(ignored, 0, weight === undefined ? each : mul(each, counts))
  if (reduction === 'none') return reshape(rows, target.shape)
  return reduction === 'sum' ? sum(rows) : div(sum(rows), sum(counts))
}

const marginOptions: Kinds<Reduced & { margin?: number }> = { ...reducedOptions, margin: 'finite' }

/** max(0, -y (a - b) + margin): a ranks above b where y is 1, below where it is -1. Throws ShapeError, RangeError. */
export function marginRanking(
  a: Tensor,
  b: Tensor,
  target: Tensor,
  options: Reduced & { margin?: number } = {},
): Tensor {
  const { margin = 0, reduction = 'mean' } = optionsArg('marginRanking', options, marginOptions)
  tensorArg('marginRanking', 'the first input', a)
  tensorArg('marginRanking', 'the second input', b)
  checkSame('marginRanking', a, b)
  checkSame('marginRanking', a, target)
  return reduced(relu(add(mul(neg(target), sub(a, b)), margin)), reduction)
}

/** x where y is 1, max(0, margin - x) where it is -1: x is a distance. Throws ShapeError, RangeError. */
export function hingeEmbedding(
  input: Tensor,
  target: Tensor,
  options: Reduced & { margin?: number } = {},
): Tensor {
  const { margin = 1, reduction = 'mean' } = optionsArg('hingeEmbedding', options, marginOptions)
  checkSame('hingeEmbedding', input, target)
  return reduced(where(eq(target, 1), input, relu(sub(margin, input))), reduction)
}

export interface TripletOptions extends Reduced {
  /** Default 1. */
  margin?: number
  /** Of the norm. Default 2. */
  p?: number
  /** Added to each difference. Default 1e-6. */
  eps?: number
  /** The nearer of the distances from anchor and from positive to negative. Default false. */
  swap?: boolean
}

const tripletOptions: Kinds<TripletOptions> = {
  ...marginOptions,
  p: 'number',
  eps: 'finite',
  swap: 'boolean',
}

/**
 * max(0, d(anchor, positive) - d(anchor, negative) + margin), d the p-norm of the difference over the last dim. Balntas et
 * al. 2016. All of one shape [..., D]. Throws ShapeError, RangeError.
 */
export function tripletMargin(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  options: TripletOptions = {},
): Tensor {
  const {
    margin = 1,
    p = 2,
    eps = 1e-6,
    swap = false,
    reduction = 'mean',
  } = optionsArg('tripletMargin', options, tripletOptions)
  tensorArg('tripletMargin', 'the anchor', anchor)
  tensorArg('tripletMargin', 'the positive', positive)
  tensorArg('tripletMargin', 'the negative', negative)
  checkSame('tripletMargin', anchor, positive)
  checkSame('tripletMargin', anchor, negative)
  if (!(p > 0 && p < Infinity)) throw new RangeError(`tripletMargin: p must be above 0, got ${p}`)
  const distance = (a: Tensor, b: Tensor) => pow(sum(pow(abs(add(sub(a, b), eps)), p), -1), 1 / p)
  const far = distance(anchor, negative)
  const other = swap ? minimum(far, distance(positive, negative)) : far
  return reduced(relu(add(sub(distance(anchor, positive), other), margin)), reduction)
}
