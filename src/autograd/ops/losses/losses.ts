// Losses: cross entropy against labels or soft targets, KL divergence, mean squared error.
import { DTypeError, ShapeError } from '../../../errors.js'
import { kernelsFor } from '../../../tensor/backend.js'
import { type Kinds, optionsArg, tensorArg } from '../../../tensor/check.js'
import { formatShape, type Shape, sameShape } from '../../../tensor/shape.js'
import { empty, flat, ints, type Tensor } from '../../../tensor/tensor.js'
import { tensor } from '../../create.js'
import { dense } from '../../graph.js'
import { defineOp, type Op } from '../../op.js'
import { type Sample, unit } from '../../samples.js'
import { add, div, mul, neg, sub } from '../elementwise/arithmetic.js'
import { to } from '../elementwise/cast.js'
import { eq, where } from '../elementwise/compare.js'
import { exp, log } from '../elementwise/pointwise.js'
import { binaryComposite, type None, none, pairEdge, pairOf } from '../elementwise/records.js'
import { indexSelect, oneHot } from '../indexing/rows.js'
import { mean, sum } from '../reduce.js'
import { reshape } from '../shape/views.js'
import { logSoftmax } from '../softmax.js'

export type Reduction = 'mean' | 'sum' | 'none'

export const reductions = ['mean', 'sum', 'none'] as const

interface RowAttrs {
  ignoreIndex: number
  labelSmoothing: number
}

const rowLossOp: Op<RowAttrs> = defineOp<RowAttrs>({
  name: 'crossEntropyRows',
  doc: 'The cross entropy of each row of logits against its label; 0 where the label is the ignore index.',
  math: '\\ell = -(1 - s) \\ln p_y - \\tfrac{s}{C} \\textstyle\\sum_i \\ln p_i;\\quad \\bar z = \\bar\\ell\\,(p - (1 - s) e_y - s / C)',
  takes: ['float', 'int'],
  shape: ([x, labels]) => {
    if (x.length !== 2 || labels.length !== 1 || labels[0] !== x[0]) {
      throw new ShapeError(
        'crossEntropy',
        `logits ${formatShape(x)} need one label a row, got labels ${formatShape(labels)}`,
      )
    }
    return labels
  },
  kernel: (k, out, [x, labels], { ignoreIndex, labelSmoothing }) => {
    const [rows, n] = x.shape
    const y = ints(labels)
    for (let r = 0; r < rows; r++) {
      if (y[r] !== ignoreIndex && (y[r] < 0 || y[r] >= n)) {
        throw new RangeError(
          `crossEntropy: label ${y[r]} in row ${r} is not below the ${n} classes, nor the ignore index ${ignoreIndex}`,
        )
      }
    }
    k.crossEntropy(flat(out), flat(x), y, rows, n, ignoreIndex, labelSmoothing)
  },
  plain: ([x, labels], { ignoreIndex, labelSmoothing: s }) => {
    const logp = logSoftmax(x, -1)
    const picked = sum(mul(logp, oneHot(labels, x.shape[1], x.dtype)), -1)
    const rows = neg(add(mul(picked, 1 - s), mul(mean(logp, -1), s)))
    return where(eq(to(labels, x.dtype), ignoreIndex), 0, rows)
  },
  save: ([x, labels]) => [x, labels],
  backward: ({ dy, saved: [x, labels], attrs: { ignoreIndex, labelSmoothing: s } }) => {
    const [rows, n] = x.shape
    const target = add(mul(oneHot(labels, n, x.dtype), 1 - s), s / n)
    // Chosen, not multiplied by 0: where all rows are ignored dy is 1 / 0, and an ignored row may hold anything.
    const ignored = reshape(eq(to(labels, x.dtype), ignoreIndex), [rows, 1])
    const counted = where(ignored, 0, reshape(dy, [rows, 1]))
    return [mul(counted, sub(exp(logSoftmax(where(ignored, 0, x), -1)), target)), null]
  },
  fastBackward: ({ dy, saved: [x, labels], attrs: { ignoreIndex, labelSmoothing } }) => {
    const dx = empty(x.shape, x.dtype)
    const [rows, n] = x.shape
    kernelsFor(x.dtype).crossEntropyGrad(
      flat(dx),
      flat(dense(x)),
      ints(labels),
      flat(dense(dy)),
      rows,
      n,
      ignoreIndex,
      labelSmoothing,
    )
    return [dx, null]
  },
  twice: true,
  samples: () => {
    const s = (rows: number, n: number, labelSmoothing = 0, more = {}): Sample<RowAttrs> => ({
      inputs: [
        { shape: [rows, n], ...more },
        { shape: [rows], below: n },
      ],
      attrs: { ignoreIndex: -100, labelSmoothing },
    })
    return [
      s(3, 4),
      s(3, 4, 0.1),
      s(1, 1),
      s(0, 3),
      s(4, 3, 0, { view: 'transposed' }),
      s(4, 3, 0.3, { view: 'sliced' }),
      s(2, 3, 0, { domain: { lo: -15, hi: 15 } }),
      { ...s(4, 3, 0.1), attrs: { ignoreIndex: 1, labelSmoothing: 0.1 }, why: 'some rows ignored' },
    ]
  },
  errors: () => [
    {
      inputs: [{ shape: [2, 3] }, { shape: [3], below: 2 }],
      attrs: { ignoreIndex: -100, labelSmoothing: 0 },
      error: ShapeError,
      text: 'crossEntropy: logits [2, 3] need one label a row, got labels [3]',
    },
    {
      inputs: [{ shape: [2, 3] }, { shape: [2], below: 9, values: [0, 3] }],
      attrs: { ignoreIndex: -100, labelSmoothing: 0 },
      error: RangeError,
      text: 'crossEntropy: label 3 in row 1 is not below the 3 classes, nor the ignore index -100',
    },
  ],
  edge: () => [
    {
      inputs: [
        { shape: [3, 2], values: [0, 0, -Infinity, 5, NaN, 1] },
        { shape: [3], below: 2, values: [0, 1, -100] },
      ],
      attrs: { ignoreIndex: -100, labelSmoothing: 0 },
      out: [Math.LN2, 0, 0],
      grads: [
        [
          [-0.5, 0.5],
          [0, 0],
          [0, 0],
        ],
        null,
      ],
    },
  ],
})

export interface CrossEntropyOptions extends Partial<RowAttrs> {
  reduction?: Reduction
  /** How much each class counts, float [C]; PyTorch's `weight`. */
  weight?: Tensor
}

const crossEntropyOptions: Kinds<CrossEntropyOptions> = {
  ignoreIndex: 'whole',
  labelSmoothing: 'number',
  reduction: reductions,
  weight: 'tensor',
}

/**
 * Cross entropy of logits [..., C] against int32 labels [...] or soft targets [..., C] (probabilities).
 * 'mean' is over the rows whose label is not `ignoreIndex` (-100); with `weight` it divides by the weights of their
 * labels, with soft targets by the rows. Throws ShapeError, RangeError on a label out of range.
 */
export function crossEntropy(logits: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const {
    ignoreIndex = -100,
    labelSmoothing = 0,
    reduction = 'mean',
    weight,
  } = optionsArg('crossEntropy', options, crossEntropyOptions)
  tensorArg('crossEntropy', 'logits', logits)
  tensorArg('crossEntropy', 'target', target)
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1))
    throw new RangeError(`crossEntropy: labelSmoothing must lie in [0, 1], got ${labelSmoothing}`)
  if (logits.rank === 0) throw new ShapeError('crossEntropy', 'logits must be [..., classes], got []')
  if (target.dtype !== 'int32' && target.rank === logits.rank - 1)
    throw new DTypeError(
      'crossEntropy',
      `labels must be int32, got ${target.dtype}`,
      "Convert them with .to('int32')",
    )
  const n = logits.shape[logits.rank - 1]
  if (weight !== undefined && !sameShape(weight.shape, [n])) {
    throw new ShapeError(
      'crossEntropy',
      `${n} classes need as many weights, got weight ${formatShape(weight.shape)}`,
    )
  }
  if (target.dtype !== 'int32') {
    const smooth = labelSmoothing === 0 ? target : add(mul(target, 1 - labelSmoothing), labelSmoothing / n)
    const counted = weight === undefined ? smooth : mul(smooth, weight)
    return reduceRows(softCrossEntropyOp([logits, counted], none), reduction)
  }
  const x = reshape(logits, [-1, n])
  const labels = reshape(target, [-1])
  const attrs = { ignoreIndex, labelSmoothing }
  const { rows, counts } =
    weight === undefined
      ? { rows: rowLossOp([x, labels], attrs), counts: null }
      : weightedRows(x, labels, weight, attrs)
  if (reduction === 'none') return reshape(rows, target.shape)
  if (reduction === 'sum') return sum(rows)
  const counted = ints(labels).reduce((count, label) => count + (label === ignoreIndex ? 0 : 1), 0)
  return div(sum(rows), counts === null ? counted : sum(counts))
}

/**
 * rows: (1 - s) w_y (-ln p_y) + s / C sum_i w_i (-ln p_i), the label's weight, and with smoothing each class's own.
 * counts: w_y, 0 where the row is ignored. [rows] each.
 */
function weightedRows(
  x: Tensor,
  labels: Tensor,
  weight: Tensor,
  { ignoreIndex, labelSmoothing: s }: RowAttrs,
): { rows: Tensor; counts: Tensor } {
  const n = x.shape[1]
  // First: it refuses labels that name no class.
  const sharp = rowLossOp([x, labels], { ignoreIndex, labelSmoothing: 0 })
  const ignored = eq(to(labels, x.dtype), ignoreIndex)
  const known = ints(labels).map((label) => (label === ignoreIndex ? 0 : label))
  const counts = where(ignored, 0, indexSelect(weight, 0, tensor(known)))
  const hard = mul(sharp, counts)
  if (s === 0) return { rows: hard, counts }
  const every = neg(sum(mul(logSoftmax(x, -1), weight), -1))
  return { rows: add(mul(hard, 1 - s), mul(where(ignored, 0, every), s / n)), counts }
}

function reduceRows(rows: Tensor, reduction: Reduction): Tensor {
  return reduction === 'none' ? rows : reduction === 'sum' ? sum(rows) : mean(rows)
}

function sameRows(name: string): (shapes: readonly Shape[]) => Shape {
  return ([a, b]) => {
    if (a.length === 0 || !sameShape(a, b))
      throw new ShapeError(name, `shapes differ, ${formatShape(a)} and ${formatShape(b)}`)
    return a.slice(0, -1)
  }
}

const probabilities = { lo: 0.05, hi: 0.4 }

function rowSamples(target = probabilities): Sample<None>[] {
  return [
    { inputs: [{ shape: [2, 3] }, { shape: [2, 3], domain: target }], attrs: none },
    { inputs: [{ shape: [3] }, { shape: [3], domain: target }], attrs: none },
    { inputs: [{ shape: [1, 1] }, { shape: [1, 1], domain: target }], attrs: none },
    { inputs: [{ shape: [0, 3] }, { shape: [0, 3], domain: target }], attrs: none },
    {
      inputs: [
        { shape: [3, 4], view: 'transposed' },
        { shape: [3, 4], view: 'sliced', domain: target },
      ],
      attrs: none,
    },
    {
      inputs: [
        { shape: [2, 3], domain: { lo: 2, hi: 15 } },
        { shape: [2, 3], domain: target },
      ],
      attrs: none,
    },
  ]
}

function rowErrors(name: string) {
  return () => [
    {
      inputs: [{ shape: [2, 3] }, { shape: [3, 2] }],
      attrs: none,
      error: ShapeError,
      text: `${name}: shapes differ, [2, 3] and [3, 2]`,
    },
  ]
}

const softCrossEntropyOp = defineOp<None>({
  name: 'softCrossEntropy',
  doc: 'The cross entropy of each row of logits against a row of probabilities.',
  math: '\\ell = -\\textstyle\\sum_i q_i \\ln p_i;\\quad \\bar z = \\bar\\ell\\,(p \\sum q - q)',
  takes: ['float'],
  shape: sameRows('softCrossEntropy'),
  composite: ([logits, q]) => neg(sum(mul(q, logSoftmax(logits, -1)), -1)),
  twice: true,
  samples: () => rowSamples(),
  errors: rowErrors('softCrossEntropy'),
  edge: () => [
    {
      inputs: [
        { shape: [2], values: [0, 0] },
        { shape: [2], values: [1, 0] },
      ],
      attrs: none,
      out: Math.LN2,
      grads: [[-0.5, 0.5], null],
    },
  ],
})

/** q ln(q / p) elementwise, from ln p and q: 0 where q is 0. */
const klOp: Op<None> = binaryComposite({
  name: 'klDiv',
  composite: (logp, q) => {
    const positive = where(eq(q, 0), 1, q)
    // The factor, not the product: 0 times an infinite one would come back in the gradient.
    return mul(q, where(eq(q, 0), 0, sub(log(positive), logp)))
  },
  doc: 'Pointwise Kullback-Leibler divergence of targets from log-probabilities; 0 where the target is 0.',
  math: '\\ell = q (\\ln q - \\ln p);\\quad \\overline{\\ln p} = -\\bar\\ell q',
  domains: [unit, { lo: 0.1, hi: 0.9 }, null],
  edge: [
    pairEdge([-1, -Infinity, -Infinity], [0, 0, 0.5], [0, 0, Infinity]),
    pairEdge(
      [-1, -Infinity],
      [0, 0],
      [0, 0],
      [
        [0, 0],
        [0, 0],
      ],
    ),
  ],
})

/**
 * KL(q || p) from log-probabilities `logp` and target probabilities `q`, [..., C] each.
 * 'batchmean' divides the sum by the number of rows (PyTorch's right one), 'mean' by the number of elements. Where the
 * target is 0 the value is 0, and so is the gradient for q, whose limit is -Infinity (PyTorch: NaN): such a place teaches
 * nothing.
 */
export function klDiv(
  logp: Tensor,
  q: Tensor,
  options: { reduction?: Reduction | 'batchmean' } = {},
): Tensor {
  const { reduction = 'batchmean' } = optionsArg('klDiv', options, {
    reduction: [...reductions, 'batchmean'],
  })
  const point = klOp([logp, q], none)
  if (reduction === 'batchmean')
    return div(sum(point), Math.max(1, point.numel / Math.max(1, point.shape[point.rank - 1] ?? 1)))
  return reduceRows(point, reduction)
}

/** (a - b)^2, reduced: by default its mean over all elements. Shapes must agree: a broadcast here hides a bug. */
export function mse(a: Tensor, b: Tensor | number, options: { reduction?: Reduction } = {}): Tensor {
  const { reduction = 'mean' } = optionsArg('mse', options, { reduction: reductions })
  const [x, y] = pairOf(tensorArg('mse', 'the prediction', a), b)
  if (typeof b !== 'number' && tensorArg('mse', 'the target', y) && !sameShape(x.shape, y.shape)) {
    throw new ShapeError('mse', `shapes differ, ${formatShape(x.shape)} and ${formatShape(y.shape)}`)
  }
  return reduceRows(squaredErrorOp([x, y], none), reduction)
}

const squaredErrorOp: Op<None> = binaryComposite({
  name: 'squaredError',
  composite: (a, b) => {
    const d = sub(a, b)
    return mul(d, d)
  },
  doc: 'The squared difference of two tensors.',
  math: 'y = (a - b)^2;\\quad \\bar a = 2 \\bar y (a - b) = -\\bar b',
  edge: [
    pairEdge(
      [1, Infinity, NaN],
      [3, 1, 0],
      [4, Infinity, NaN],
      [
        [-4, Infinity, NaN],
        [4, -Infinity, NaN],
      ],
    ),
  ],
})
