// softmax and log-softmax with a temperature, over any dim.
import { kernelsFor } from '../../tensor/backend.js'
import { type Kinds, optionsArg } from '../../tensor/check.js'
import { normalizeDim, type Shape } from '../../tensor/shape.js'
import { empty, flat, type Tensor } from '../../tensor/tensor.js'
import { dense } from '../graph.js'
import { defineOp, type Op } from '../op.js'
import type { Backward } from '../record.js'
import { type EdgeCase, unarySpecs } from '../samples.js'
import { div, mul, sub } from './elementwise/arithmetic.js'
import { exp } from './elementwise/pointwise.js'
import { logsumexp, sum } from './reduce.js'
import { transpose } from './shape/views.js'

interface Temperature {
  T: number
}

interface SoftmaxFields {
  name: 'softmax' | 'logSoftmax'
  doc: string
  math: string
  plain: (x: Tensor, T: number) => Tensor
  backward: (dy: Tensor, y: Tensor, T: number) => Tensor
  edge: EdgeCase<Temperature>[]
}

/** Over the last dim. The public functions bring other dims there. */
function softmaxOp(f: SoftmaxFields): Op<Temperature> {
  const grad = f.name === 'softmax' ? 'softmaxGrad' : 'logSoftmaxGrad'
  const fastBackward: Backward<Temperature> = ({ dy, saved: [y], attrs }) => {
    const dx = empty(y.shape, y.dtype)
    kernelsFor(y.dtype)[grad](flat(dx), flat(dense(y)), flat(dense(dy)), ...rows(y.shape), 1 / attrs.T)
    return [dx]
  }
  return defineOp<Temperature>({
    name: f.name,
    doc: f.doc,
    math: f.math,
    takes: ['float'],
    shape: ([x], { T }) => {
      if (!(T > 0)) throw new RangeError(`${f.name}: the temperature T must be above 0, got ${T}`)
      normalizeDim(f.name, -1, x.length)
      return x
    },
    kernel: (k, out, [x], { T }) => k[f.name](flat(out), flat(x), ...rows(x.shape), 1 / T),
    plain: ([x], { T }) => f.plain(x, T),
    save: (_, y) => [y],
    backward: ({ dy, saved: [y], attrs }) => [f.backward(dy, y, attrs.T)],
    fastBackward,
    twice: true,
    samples: () =>
      [1, 4, 0.5].flatMap((T) =>
        unarySpecs({ lo: -2, hi: 2 }, { lo: -15, hi: 15 })
          .filter((s) => s.shape.length > 0)
          .map((s) => ({ inputs: [s], attrs: { T } })),
      ),
    errors: () => [
      {
        inputs: [{ shape: [2] }],
        attrs: { T: 0 },
        error: RangeError,
        text: `${f.name}: the temperature T must be above 0, got 0`,
      },
    ],
    edge: () => f.edge,
  })
}

function rows(shape: Shape): [rows: number, n: number] {
  const n = shape[shape.length - 1]
  return [shape.slice(0, -1).reduce((a, b) => a * b, 1), n]
}

function edge(values: number[], out: number[], grads?: number[]): EdgeCase<Temperature> {
  return {
    inputs: [{ shape: [values.length], values }],
    attrs: { T: 1 },
    out,
    ...(grads ? { grads: [grads] } : {}),
  }
}

const softmaxLast = softmaxOp({
  name: 'softmax',
  doc: 'Probabilities from logits at a temperature; a row of all -Infinity gives zeros.',
  math: 'p_i = e^{z_i / T} / \\sum_j e^{z_j / T};\\quad \\bar z = p (\\bar p - \\textstyle\\sum p \\bar p) / T',
  plain: (x, T) => exp(sub(div(x, T), logsumexp(div(x, T), -1, { keepdim: true }))),
  backward: (dy, p, T) => div(mul(p, sub(dy, sum(mul(p, dy), -1, { keepdim: true }))), T),
  edge: [
    edge([-Infinity, -Infinity], [0, 0], [0, 0]),
    edge([-Infinity, 0], [0, 1], [0, 0]),
    edge([1000, 1000], [0.5, 0.5], [0, 0]),
    edge([NaN, 1], [NaN, NaN]),
  ],
})

const logSoftmaxLast = softmaxOp({
  name: 'logSoftmax',
  doc: 'Log-probabilities from logits at a temperature, without underflow.',
  math: '\\ell_i = z_i / T - \\ln \\sum_j e^{z_j / T};\\quad \\bar z = (\\bar\\ell - e^{\\ell} \\textstyle\\sum \\bar\\ell) / T',
  plain: (x, T) => sub(div(x, T), logsumexp(div(x, T), -1, { keepdim: true })),
  backward: (dy, y, T) => div(sub(dy, mul(exp(y), sum(dy, -1, { keepdim: true }))), T),
  edge: [
    edge([-Infinity, -Infinity], [-Infinity, -Infinity]),
    edge([-Infinity, 0], [-Infinity, 0], [1, -1]),
    edge([NaN, 1], [NaN, NaN]),
  ],
})

const kinds: Kinds<Temperature> = { T: 'number' }

function over(op: Op<Temperature>, x: Tensor, dim: number, options: Partial<Temperature>): Tensor {
  const { T = 1 } = optionsArg(op.record.name, options, kinds)
  const d = normalizeDim(op.record.name, dim, x.rank)
  return d === x.rank - 1 ? op([x], { T }) : transpose(op([transpose(x, d, -1)], { T }), d, -1)
}

/** p_i = exp(z_i / T) / sum_j exp(z_j / T) over `dim`. Hinton et al. 2015, eq. 1. Throws ShapeError, RangeError on T <= 0. */
export function softmax(x: Tensor, dim: number, options: Partial<Temperature> = {}): Tensor {
  return over(softmaxLast, x, dim, options)
}

/** log(softmax(x / T)) over `dim`, without underflow. Throws ShapeError, RangeError on T <= 0. */
export function logSoftmax(x: Tensor, dim: number, options: Partial<Temperature> = {}): Tensor {
  return over(logSoftmaxLast, x, dim, options)
}
