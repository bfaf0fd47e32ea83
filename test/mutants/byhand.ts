// Mistakes that people really make, each in one op: a wrong eps or axis, a forgotten term, a stale or swapped save.

import { type AnyOp, makeOp } from '../../src/autograd/op.js'
import { add, div, mul, neg, sub } from '../../src/autograd/ops/elementwise/arithmetic.js'
import { gt } from '../../src/autograd/ops/elementwise/compare.js'
import { exp, log, pow, sqrt, tanh } from '../../src/autograd/ops/elementwise/pointwise.js'
import { matmul } from '../../src/autograd/ops/products/matmul.js'
import { mean, sum } from '../../src/autograd/ops/reduce.js'
import { reshape, transpose } from '../../src/autograd/ops/shape/views.js'
import type { Backward, KernelOp } from '../../src/autograd/record.js'
import type { Tensor } from '../../src/tensor/tensor.js'

interface Slip {
  op: string
  what: string
  backward: Backward<{ T: number; eps: number }>
}

const keep = { keepdim: true }

/** layerNorm's gradient with its eps and its terms to choose. */
function layerNormWith(change: {
  eps?: number
  mean?: boolean
  spread?: boolean
  weight?: boolean
  axis?: number
}): Slip['backward'] {
  const { mean: useMean = true, spread: useSpread = true, weight = true, axis = -1 } = change
  return ({ dy, saved: [x, w], attrs }) => {
    const centered = sub(x, mean(x, -1, keep))
    const variance = mean(mul(centered, centered), -1, keep)
    const rstd = div(1, sqrt(add(variance, change.eps ?? attrs.eps)))
    const xhat = mul(centered, rstd)
    const g = weight ? mul(dy, w) : dy
    let inner = g
    if (useMean) inner = sub(inner, mean(g, axis, keep))
    if (useSpread) inner = sub(inner, mul(xhat, mean(mul(g, xhat), -1, keep)))
    return [mul(rstd, inner), mul(dy, xhat), dy]
  }
}

/** geluTanh's gradient with its constants to choose. */
function geluWith(root: number, cubic: number): Slip['backward'] {
  return ({ dy, saved: [x] }) => {
    const xx = mul(x, x)
    const t = tanh(mul(mul(x, root), add(mul(xx, cubic), 1)))
    const du = mul(add(mul(xx, 3 * cubic), 1), root)
    return [mul(dy, add(mul(add(t, 1), 0.5), mul(mul(x, 0.5), mul(sub(1, mul(t, t)), du))))]
  }
}

const one =
  (f: (dy: Tensor, saved: Tensor, T: number) => Tensor): Slip['backward'] =>
  ({ dy, saved: [s], attrs }) => [f(dy, s, attrs.T)]

export const slips: Slip[] = [
  { op: 'layerNorm', what: 'eps 1e-12 for the one given', backward: layerNormWith({ eps: 1e-12 }) },
  { op: 'layerNorm', what: 'eps 1e-5 always', backward: layerNormWith({ eps: 1e-5 }) },
  { op: 'layerNorm', what: 'the mean of g forgotten', backward: layerNormWith({ mean: false }) },
  { op: 'layerNorm', what: 'the spread term forgotten', backward: layerNormWith({ spread: false }) },
  { op: 'layerNorm', what: 'the weight forgotten', backward: layerNormWith({ weight: false }) },
  { op: 'layerNorm', what: 'the mean over the wrong axis', backward: layerNormWith({ axis: 0 }) },
  { op: 'geluTanh', what: 'sqrt(2 / pi) to four digits', backward: geluWith(0.7979, 0.044715) },
  { op: 'geluTanh', what: '0.0447 for 0.044715', backward: geluWith(0.7978845608028654, 0.0447) },
  {
    op: 'softmax',
    what: 'T forgotten',
    backward: one((dy, p) => mul(p, sub(dy, sum(mul(p, dy), -1, keep)))),
  },
  {
    op: 'softmax',
    what: 'T squared',
    backward: one((dy, p, T) => div(mul(p, sub(dy, sum(mul(p, dy), -1, keep))), T * T)),
  },
  {
    op: 'softmax',
    what: 'the sum over the wrong axis',
    backward: one((dy, p, T) => div(mul(p, sub(dy, sum(mul(p, dy), 0, keep))), T)),
  },
  {
    op: 'softmax',
    what: 'only the diagonal',
    backward: one((dy, p, T) => div(mul(dy, mul(p, sub(1, p))), T)),
  },
  {
    op: 'logSoftmax',
    what: 'the row sum forgotten',
    backward: one((dy, y, T) => div(sub(dy, mul(exp(y), dy)), T)),
  },
  {
    op: 'logSoftmax',
    what: 'softmax at T = 1',
    backward: one((dy, y, T) => div(sub(dy, mul(exp(mul(y, T)), sum(dy, -1, keep))), T)),
  },
  { op: 'mul', what: 'saves swapped', backward: ({ dy, saved: [a, b] }) => [mul(dy, a), mul(dy, b)] },
  { op: 'sub', what: 'b like a', backward: ({ dy }) => [dy, dy] },
  {
    op: 'div',
    what: 'b squared forgotten',
    backward: ({ dy, saved: [b, y] }) => [div(dy, b), neg(mul(dy, y))],
  },
  {
    op: 'add',
    what: 'the broadcast side not summed',
    backward: ({ dy, shapes: [a, b] }) => [firstOf(dy, a), firstOf(dy, b)],
  },
  {
    op: 'expand',
    what: 'the mean for the sum',
    backward: ({ dy, shapes: [x] }) => [mul(dy, size(x) / Math.max(1, dy.numel))],
  },
  {
    op: 'tanh',
    what: 'the input saved for the output',
    backward: one((dy, y) => mul(dy, sub(1, mul(tanh(y), tanh(y))))),
  },
  { op: 'sigmoid', what: 'one factor lost', backward: one((dy, y) => mul(dy, sub(1, y))) },
  { op: 'exp', what: 'the output taken for the input', backward: one((dy, y) => mul(dy, exp(y))) },
  { op: 'log', what: 'the log for the input', backward: one((dy, x) => div(dy, log(x))) },
  { op: 'sqrt', what: 'the 2 forgotten', backward: one((dy, y) => div(dy, y)) },
  { op: 'relu', what: 'the gate on dy', backward: one((dy) => mul(dy, gt(dy, 0))) },
  { op: 'abs', what: 'the sign forgotten', backward: one((dy) => dy) },
  { op: 'erf', what: '2 / sqrt(pi) forgotten', backward: one((dy, x) => mul(dy, exp(neg(mul(x, x))))) },
  {
    op: 'pow',
    what: 'the exponent not lowered',
    backward: ({ dy, saved: [a, b, y] }) => [mul(dy, mul(b, pow(a, b))), mul(dy, mul(y, log(a)))],
  },
  {
    op: 'matmul',
    what: 'nothing transposed where shapes allow',
    backward: ({ dy, saved: [a, b] }) => [matmul(dy, square(b)), matmul(transpose(a, -2, -1), dy)],
  },
  {
    op: 'linear',
    what: 'the weight gradient averaged over rows',
    backward: ({ dy, saved: [x, w], shapes }) => linearAveraged(dy, x, w, shapes.length),
  },
  { op: 'transpose', what: 'not turned back', backward: ({ dy, shapes: [x] }) => [reshape(dy, x)] },
]

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1)

/** The first copy instead of the sum over the copies. */
function firstOf(dy: Tensor, shape: readonly number[]): Tensor {
  let g = dy
  while (g.rank > shape.length) g = g.slice(0, 0, 1).reshape(g.shape.slice(1))
  shape.forEach((n, d) => {
    if (n === 1 && g.shape[d] > 1) g = g.slice(d, 0, 1)
  })
  return g
}

const square = (b: Tensor) => (b.shape[b.rank - 1] === b.shape[b.rank - 2] ? b : transpose(b, -2, -1))

function linearAveraged(dy: Tensor, x: Tensor, w: Tensor, inputs: number): (Tensor | null)[] {
  const g = reshape(dy, [-1, w.shape[0]])
  const rows = reshape(x, [g.shape[0], w.shape[1]])
  const dw = div(matmul(transpose(g, 0, 1), rows), Math.max(1, g.shape[0]))
  return [reshape(matmul(g, w), x.shape), dw, ...(inputs > 2 ? [sum(g, 0)] : [])]
}

/** The op with the slip in both spellings of its backward. */
export function slip(op: AnyOp, { backward }: Slip): AnyOp {
  const record = op.record as KernelOp<unknown>
  const wrong = backward as Backward<unknown>
  return makeOp({ ...record, backward: wrong, ...(record.fastBackward ? { fastBackward: wrong } : {}) })
}
