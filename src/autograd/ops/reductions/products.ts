// Products and running sums: prod, cumprod, cumsum. A product is a tree of multiplications, so that its gradient is right
// where elements are 0, and so is the gradient of that.
import { normalizeDim, numel, reducedShape, type Shape } from '../../../tensor/shape.js'
import { flat, type Tensor } from '../../../tensor/tensor.js'
import { defineOp, type Op } from '../../op.js'
import type { Domain, EdgeCase, Sample, Spec } from '../../samples.js'
import { add, mul } from '../elementwise/arithmetic.js'
import { around, type Dim } from '../indexing/rows.js'
import {
  type Dims,
  type Keep,
  lanes,
  type ReduceAttrs,
  reduceBy,
  reduceSamples,
  sum,
  vectorEdge,
} from '../reduce.js'
import { cat } from '../shape/join.js'
import { slice } from '../shape/slice.js'
import { reshape } from '../shape/views.js'

const moderate: Domain = { lo: 0.5, hi: 2 }

/** x [outer, n, inner], n > 0 -> the products over n: halves of the dim are multiplied until one is left. */
function tree(x: Tensor): Tensor {
  let y = x
  for (let n = y.shape[1]; n > 1; n = y.shape[1]) {
    const half = n >>> 1
    const pairs = mul(slice(y, 1, 0, half), slice(y, 1, half, 2 * half))
    y = n % 2 === 0 ? pairs : cat([pairs, slice(y, 1, n - 1)], 1)
  }
  return y
}

const prodOp = defineOp<ReduceAttrs>({
  name: 'prod',
  doc: 'The product over dims; 1 of nothing.',
  math: 'y = \\prod_i x_i;\\quad \\bar x_i = \\bar y \\textstyle\\prod_{j \\ne i} x_j',
  takes: ['float'],
  shape: ([x], { dims, keepdim }) => reducedShape(x, dims, keepdim),
  composite: ([x], { dims, keepdim }) => {
    const [outer, n, inner] = lanes(x.shape, dims)!
    // Nothing adds up to 0.
    const y = n === 0 ? add(sum(x, dims), 1) : tree(reshape(x, [outer, n, inner]))
    return reshape(y, reducedShape(x.shape, dims, keepdim))
  },
  twice: true,
  samples: () => [
    ...reduceSamples(moderate, { lo: -10, hi: 10 }).filter(
      ({ inputs: [x], attrs }) => lanes(x.shape, attrs.dims) !== null,
    ),
    {
      inputs: [{ shape: [2, 5], values: [1, 0, 3, 4, -2, 0, 2, 0, -1, 3] }],
      attrs: { dims: [1], keepdim: false },
      why: 'one zero in a row, and two',
    },
  ],
  errors: () => [],
  edge: () => [
    vectorEdge([], 1),
    vectorEdge([2, 3, 4], 24, [12, 8, 6]),
    vectorEdge([2, 0, 4], 0, [0, 8, 0]),
    vectorEdge([0, 3, 0], 0, [0, 0, 0]),
    vectorEdge([0, Infinity], NaN, [Infinity, 0]),
    vectorEdge([NaN, 1], NaN),
  ],
})

/** Product over `dim` (one, several, or all); 1 of nothing. Zeros among the factors get their right gradient. */
export function prod(x: Tensor, dim?: Dims, keep: Keep = {}): Tensor {
  return reduceBy('prod', (t, attrs) => prodOp([t], attrs), x, dim, keep)
}

function runningSamples<A extends Dim>(domain: Domain, large: Domain, attrs: Omit<A, 'dim'>): Sample<A>[] {
  const s = (shape: Shape, dim: number, more: Partial<Spec> = {}): Sample<A> => ({
    inputs: [{ shape, domain, ...more }],
    attrs: { ...attrs, dim } as A,
  })
  return [
    s([2, 5], 1),
    s([3, 2, 2], 0),
    s([2, 3, 2], -2),
    s([1], 0),
    s([0, 3], 0),
    s([0, 3], 1),
    s([3, 4], -1, { view: 'transposed' }),
    s([3, 4], 0, { view: 'sliced' }),
    s([2, 4], 1, { domain: large }),
  ]
}

function runningEdge<A extends Dim>(attrs: A, values: number[], out: number[], dx?: number[]): EdgeCase<A> {
  return { inputs: [{ shape: [values.length], values }], attrs, out, ...(dx ? { grads: [dx] } : {}) }
}

const cumprodOp: Op<Dim> = defineOp<Dim>({
  name: 'cumprod',
  doc: 'The products of the elements so far along a dim.',
  math: 'y_i = \\prod_{j \\le i} x_j;\\quad \\bar x_k = \\textstyle\\sum_{i \\ge k} \\bar y_i \\prod_{j \\le i, j \\ne k} x_j',
  takes: ['float'],
  shape: ([x], { dim }) => {
    normalizeDim('cumprod', dim, x.length)
    return x
  },
  // After each round an element holds the product of twice as many before it: log2(n) rounds.
  composite: ([x], { dim }) => {
    const d = normalizeDim('cumprod', dim, x.rank)
    const n = x.shape[d]
    let y = x
    for (let step = 1; step < n; step *= 2) {
      y = cat([slice(y, d, 0, step), mul(slice(y, d, step), slice(y, d, 0, n - step))], d)
    }
    // Never x itself, which the caller may write into.
    return y === x ? mul(x, 1) : y
  },
  twice: true,
  samples: () => [
    ...runningSamples<Dim>(moderate, { lo: -10, hi: 10 }, {}),
    { inputs: [{ shape: [6], values: [2, 0, 3, -1, 0, 4] }], attrs: { dim: 0 }, why: 'zeros' },
  ],
  errors: () => [],
  edge: () => [
    runningEdge({ dim: 0 }, [2, 3, 4], [2, 6, 24], [16, 10, 6]),
    runningEdge({ dim: 0 }, [2, 0, 4], [2, 0, 0], [1, 10, 0]),
    runningEdge({ dim: 0 }, [NaN, 0], [NaN, NaN]),
    runningEdge({ dim: 0 }, [], []),
  ],
})

/** y_i = x_0 ... x_i along `dim`. Throws ShapeError. */
export function cumprod(x: Tensor, dim: number): Tensor {
  return cumprodOp([x], { dim })
}

type SumAttrs = Dim & { reverse: boolean }

const cumsumOp: Op<SumAttrs> = defineOp<SumAttrs>({
  name: 'cumsum',
  doc: 'The sums of the elements so far along a dim, from its start, or in reverse from its end.',
  math: 'y_i = \\sum_{j \\le i} x_j;\\quad \\bar x_j = \\textstyle\\sum_{i \\ge j} \\bar y_i',
  takes: ['float'],
  shape: ([x], { dim }) => {
    normalizeDim('cumsum', dim, x.length)
    return x
  },
  kernel: (k, out, [x], { dim, reverse }) => {
    if (numel(x.shape) === 0) return
    k.cumsum(flat(out), flat(x), ...around(x.shape, normalizeDim('cumsum', dim, x.rank)), reverse)
  },
  save: () => [],
  backward: ({ dy, attrs: { dim, reverse } }) => [cumsumOp([dy], { dim, reverse: !reverse })],
  twice: true,
  samples: () =>
    [false, true].flatMap((reverse) =>
      runningSamples<SumAttrs>({ lo: -1, hi: 1 }, { lo: -1e4, hi: 1e4 }, { reverse }),
    ),
  errors: () => [],
  edge: () => [
    runningEdge({ dim: 0, reverse: false }, [1, 2, 3], [1, 3, 6], [3, 2, 1]),
    runningEdge({ dim: 0, reverse: true }, [1, 2, 3], [6, 5, 3], [1, 2, 3]),
    runningEdge({ dim: 0, reverse: false }, [1, NaN, 3], [1, NaN, NaN]),
    runningEdge({ dim: 0, reverse: false }, [], []),
  ],
})

/** y_i = x_0 + ... + x_i along `dim`, added up in float64. Throws ShapeError. */
export function cumsum(x: Tensor, dim: number): Tensor {
  return cumsumOp([x], { dim, reverse: false })
}
