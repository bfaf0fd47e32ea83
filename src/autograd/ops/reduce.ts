// Reductions over any dims: sum, mean, max, min, logsumexp, var, and argmax. More of them: reductions/.
import { ShapeError } from '../../errors.js'
import { type Kinds, optionsArg } from '../../tensor/check.js'
import type { ReduceName } from '../../tensor/kernel-args.js'
import { normalizeDim, normalizeDims, numel, reducedShape, type Shape } from '../../tensor/shape.js'
import { flat, ints, type Tensor } from '../../tensor/tensor.js'
import { defineOp, type Op } from '../op.js'
import type { BackwardContext } from '../record.js'
import { type Domain, type EdgeCase, type Sample, type Spec, unit } from '../samples.js'
import { div, mul, sub } from './elementwise/arithmetic.js'
import { detached, eq, gt, where } from './elementwise/compare.js'
import { exp } from './elementwise/pointwise.js'
import { expand, permute, reshape } from './shape/views.js'

/** dims are normalized and sorted. */
export interface ReduceAttrs {
  dims: readonly number[]
  keepdim: boolean
}

/** What the public functions take: one dim, several, or none for all. */
export type Dims = number | readonly number[] | undefined
export interface Keep {
  /** Keep reduced dims with size 1. */
  keepdim?: boolean
}

export const keeps: Kinds<Keep> = { keepdim: 'boolean' }

/** [outer, n, inner] of reducing `dims`, when they stand side by side; null when they do not. */
export function lanes(
  shape: Shape,
  dims: readonly number[],
): [outer: number, n: number, inner: number] | null {
  if (dims.length === 0) return [numel(shape), 1, 1]
  const [first, last] = [dims[0], dims[dims.length - 1]]
  if (last - first !== dims.length - 1) return null
  return [numel(shape.slice(0, first)), numel(shape.slice(first, last + 1)), numel(shape.slice(last + 1))]
}

/** The output (or its gradient) with the reduced dims back as size 1. */
export function withDims(t: Tensor, shape: Shape, { dims }: ReduceAttrs): Tensor {
  return reshape(t, reducedShape(shape, dims, true))
}

export function reduceSamples(
  domain: Domain = unit,
  large: Domain = { lo: -1e3, hi: 1e3, ...(domain.distinct ? { distinct: true } : {}) },
  empty = true,
): Sample<ReduceAttrs>[] {
  const s = (
    shape: Shape,
    dims: number[],
    keepdim = false,
    more: Partial<Spec> = {},
  ): Sample<ReduceAttrs> => ({
    inputs: [{ shape, domain, ...more }],
    attrs: { dims, keepdim },
  })
  return [
    s([2, 3], [0, 1]),
    s([2, 3], [0]),
    s([2, 3], [1], true),
    s([2, 3, 4], [0, 2]),
    s([2, 3, 4], [1], true),
    s([1], [0]),
    s([], []),
    s([0, 3], [1]),
    ...(empty ? [s([0, 3], [0])] : []),
    s([3, 4], [1], false, { view: 'transposed' }),
    s([2, 3, 2], [1, 2], false, { view: 'sliced' }),
    s([2, 3], [1], false, { domain: large }),
  ]
}

const wholeSamples: Sample<ReduceAttrs>[] = [
  { inputs: [{ shape: [2, 3, 2], below: 9 }], attrs: { dims: [1], keepdim: false }, why: 'int32' },
  {
    inputs: [{ shape: [3, 4], below: 9, view: 'transposed' }],
    attrs: { dims: [0, 1], keepdim: true },
    why: 'int32',
  },
]

interface ReduceFields {
  name: ReduceName
  doc: string
  math: string
  saves: boolean
  /** dx from dy and y with their reduced dims kept, and x. */
  backward: (dy: Tensor, context: BackwardContext<ReduceAttrs>, kept: (y: Tensor) => Tensor) => Tensor
  domain?: Domain
  large?: Domain
  /** Whether a lane without elements has a result. */
  empty: boolean
  edge: EdgeCase<ReduceAttrs>[]
}

function reduceOp(f: ReduceFields): Op<ReduceAttrs> {
  return defineOp<ReduceAttrs>({
    name: f.name,
    doc: f.doc,
    math: f.math,
    takes: [f.name === 'logsumexp' ? 'float' : 'number'],
    shape: ([x], { dims, keepdim }) => {
      if (!f.empty && dims.some((d) => x[d] === 0)) {
        throw new ShapeError(
          f.name,
          `dim ${dims.find((d) => x[d] === 0)} has no elements`,
          'Nothing has no largest or smallest',
        )
      }
      return reducedShape(x, dims, keepdim)
    },
    kernel: (k, out, [x], { dims }) => {
      const shape = lanes(x.shape, dims)!
      if (x.dtype === 'int32' && f.name !== 'logsumexp') k.integerReduce(f.name, ints(out), ints(x), ...shape)
      else k.reduce(f.name, flat(out), flat(x), ...shape)
    },
    save: ([x], y) => (f.saves ? [x, y] : []),
    backward: (context) => {
      const kept = (t: Tensor) => withDims(t, context.shapes[0], context.attrs)
      return [f.backward(kept(context.dy), context, kept)]
    },
    twice: true,
    samples: () =>
      reduceSamples(f.domain, f.large, f.empty)
        .filter(({ inputs: [x], attrs }) => lanes(x.shape, attrs.dims) !== null)
        .concat(f.name === 'logsumexp' ? [] : wholeSamples),
    errors: () =>
      f.empty
        ? []
        : [
            {
              inputs: [{ shape: [0, 2] }],
              attrs: { dims: [0], keepdim: false },
              error: ShapeError,
              text: `${f.name}: dim 0 has no elements. Nothing has no largest or smallest`,
            },
          ],
    edge: () => f.edge,
  })
}

export function vectorEdge(values: number[], out: number, dx?: number[]): EdgeCase<ReduceAttrs> {
  return {
    inputs: [{ shape: [values.length], values }],
    attrs: { dims: [0], keepdim: false },
    out,
    ...(dx ? { grads: [dx] } : {}),
  }
}

const distinct: Domain = { lo: -1, hi: 1, distinct: true }

// The first of equals does not take all: PyTorch's amax shares the gradient evenly among ties.
export function shareOfTies(
  dy: Tensor,
  { saved: [x, y], attrs }: Pick<BackwardContext<ReduceAttrs>, 'saved' | 'attrs'>,
  kept: (y: Tensor) => Tensor,
): Tensor {
  const ties = eq(x, kept(y))
  return mul(dy, div(ties, sum(ties, attrs.dims, { keepdim: true })))
}

const ops: Record<ReduceName, Op<ReduceAttrs>> = {
  sum: reduceOp({
    name: 'sum',
    doc: 'The sum over dims; 0 of nothing.',
    math: 'y = \\sum_i x_i;\\quad \\bar x_i = \\bar y',
    saves: false,
    backward: (dy, { shapes: [x] }) => expand(dy, x),
    empty: true,
    edge: [
      vectorEdge([], 0),
      vectorEdge([Infinity, 1], Infinity, [1, 1]),
      vectorEdge([Infinity, -Infinity], NaN),
      vectorEdge([NaN, 1], NaN),
    ],
  }),
  max: reduceOp({
    name: 'max',
    doc: 'The largest over dims, NaN if one is; ties share the gradient evenly.',
    math: 'y = \\max_i x_i;\\quad \\bar x_i = \\bar y [x_i = y] / \\#\\{x_j = y\\}',
    saves: true,
    backward: shareOfTies,
    domain: distinct,
    empty: false,
    edge: [
      vectorEdge([1, 3, 3], 3, [0, 0.5, 0.5]),
      vectorEdge([1, NaN, 3], NaN),
      vectorEdge([-Infinity, -Infinity], -Infinity, [0.5, 0.5]),
    ],
  }),
  min: reduceOp({
    name: 'min',
    doc: 'The smallest over dims, NaN if one is; ties share the gradient evenly.',
    math: 'y = \\min_i x_i;\\quad \\bar x_i = \\bar y [x_i = y] / \\#\\{x_j = y\\}',
    saves: true,
    backward: shareOfTies,
    domain: distinct,
    empty: false,
    edge: [
      vectorEdge([1, 1, 3], 1, [0.5, 0.5, 0]),
      vectorEdge([1, NaN, 3], NaN),
      vectorEdge([Infinity, Infinity], Infinity, [0.5, 0.5]),
    ],
  }),
  logsumexp: reduceOp({
    name: 'logsumexp',
    doc: 'log of the sum of exponentials, without overflow; -Infinity of nothing.',
    math: 'y = \\ln \\sum_i e^{x_i};\\quad \\bar x_i = \\bar y\\, e^{x_i} / \\sum_j e^{x_j}',
    saves: true,
    // Not e^(x - y): y is rounded at its own size, which at 1000 costs float32 five digits of the gradient.
    backward: (dy, { saved: [x], attrs: { dims } }) => {
      if (x.numel === 0) return x
      const top = detached(max(x, dims, { keepdim: true }))
      const e = exp(sub(x, where(eq(top, -Infinity), 0, top)))
      const total = sum(e, dims, { keepdim: true })
      // At least 1, but 0 for a row of all -Infinity and NaN for one with Infinity: no reason to spoil its other places.
      return mul(dy, div(e, where(gt(total, 0), total, 1)))
    },
    large: { lo: -15, hi: 15 },
    empty: true,
    edge: [
      vectorEdge([-Infinity, -Infinity], -Infinity, [0, 0]),
      vectorEdge([Infinity, 1, -Infinity], Infinity, [NaN, 0, 0]),
      vectorEdge([NaN, 1], NaN, [NaN, NaN]),
      vectorEdge([-Infinity, 1], 1, [0, 1]),
      vectorEdge([1000, 1000], 1000 + Math.LN2, [0.5, 0.5]),
      vectorEdge([], -Infinity),
    ],
  }),
}

/** Calls an op that reduces dims side by side; others are brought to the end first. */
export function reduceBy(
  name: string,
  op: (x: Tensor, attrs: ReduceAttrs) => Tensor,
  x: Tensor,
  dim: Dims,
  keep: Keep,
): Tensor {
  const { keepdim = false } = optionsArg(name, keep, keeps)
  const dims = normalizeDims(name, dim, x.rank)
  if (lanes(x.shape, dims) !== null) return op(x, { dims, keepdim })
  const rest = x.shape.map((_, d) => d).filter((d) => !dims.includes(d))
  const at = dims.map((_, i) => rest.length + i)
  const y = op(permute(x, [...rest, ...dims]), { dims: at, keepdim: false })
  return keepdim ? reshape(y, reducedShape(x.shape, dims, true)) : y
}

function reduce(name: ReduceName, x: Tensor, dim: Dims, keep: Keep): Tensor {
  return reduceBy(name, (t, attrs) => ops[name]([t], attrs), x, dim, keep)
}

/** Sum over `dim` (one, several, or all). */
export const sum = (x: Tensor, dim?: Dims, keep: Keep = {}): Tensor => reduce('sum', x, dim, keep)
/** Largest over `dim`; ties share the gradient. Throws ShapeError where there is nothing. */
export const max = (x: Tensor, dim?: Dims, keep: Keep = {}): Tensor => reduce('max', x, dim, keep)
/** Smallest over `dim`; ties share the gradient. Throws ShapeError where there is nothing. */
export const min = (x: Tensor, dim?: Dims, keep: Keep = {}): Tensor => reduce('min', x, dim, keep)
/** log(sum(exp(x))) over `dim`, without overflow. Where all is -Infinity the gradient is 0, as softmax's (PyTorch: NaN). */
export const logsumexp = (x: Tensor, dim?: Dims, keep: Keep = {}): Tensor => reduce('logsumexp', x, dim, keep)

const meanOp = defineOp<ReduceAttrs>({
  name: 'mean',
  doc: 'The mean over dims; NaN of nothing.',
  math: 'y = \\tfrac1n \\sum_i x_i;\\quad \\bar x_i = \\bar y / n',
  takes: ['float'],
  shape: ([x], { dims, keepdim }) => reducedShape(x, dims, keepdim),
  composite: ([x], { dims, keepdim }) => div(sum(x, dims, { keepdim }), numel(dims.map((d) => x.shape[d]))),
  twice: true,
  samples: () => reduceSamples(unit, undefined, false),
  errors: () => [],
  edge: () => [vectorEdge([], NaN), vectorEdge([1, 2], 1.5, [0.5, 0.5])],
})

/** Mean over `dim` (one, several, or all). */
export function mean(x: Tensor, dim?: Dims, keep: Keep = {}): Tensor {
  const { keepdim = false } = optionsArg('mean', keep, keeps)
  return meanOp([x], { dims: normalizeDims('mean', dim, x.rank), keepdim })
}

const varOp = defineOp<ReduceAttrs & { correction: number }>({
  name: 'var',
  doc: 'The variance over dims, divided by n - correction.',
  math: 'y = \\tfrac{1}{n - c} \\sum_i (x_i - \\mu)^2;\\quad \\bar x_i = \\tfrac{2 \\bar y}{n - c} (x_i - \\mu)',
  takes: ['float'],
  shape: ([x], { dims, keepdim }) => reducedShape(x, dims, keepdim),
  // In double: a row of equal numbers has the variance 0, whatever it is a row of.
  kernel: (k, out, [x], { dims, correction }) =>
    k.variance(flat(out), flat(x), ...lanes(x.shape, dims)!, correction),
  plain: ([x], { dims, keepdim, correction }) => {
    const centered = sub(x, mean(x, dims, { keepdim: true }))
    const n = numel(dims.map((d) => x.shape[d]))
    return div(sum(mul(centered, centered), dims, { keepdim }), Math.max(0, n - correction))
  },
  save: ([x]) => [x],
  backward: ({ dy, saved: [x], attrs, shapes }) => {
    const n = numel(attrs.dims.map((d) => x.shape[d]))
    const centered = sub(x, mean(x, attrs.dims, { keepdim: true }))
    return [mul(withDims(dy, shapes[0], attrs), mul(centered, 2 / Math.max(0, n - attrs.correction)))]
  },
  twice: true,
  samples: () =>
    reduceSamples(unit, { lo: -100, hi: 100 }, false).flatMap(({ inputs, attrs }) =>
      [0, 1]
        .filter(() => lanes(inputs[0].shape, attrs.dims) !== null)
        .filter((c) => numel(attrs.dims.map((d) => inputs[0].shape[d])) > c)
        .map((correction) => ({ inputs, attrs: { ...attrs, correction } })),
    ),
  errors: () => [],
  edge: () => [
    { inputs: [{ shape: [1], values: [3] }], attrs: { dims: [0], keepdim: false, correction: 1 }, out: NaN },
    {
      inputs: [{ shape: [3], values: [0.7, 0.7, 0.7] }],
      attrs: { dims: [0], keepdim: false, correction: 1 },
      out: 0,
    },
  ],
})

/** Variance over `dim`; correction 1 (default) is the unbiased estimate, 0 the plain one. */
export function variance(x: Tensor, dim?: Dims, options: Keep & { correction?: number } = {}): Tensor {
  const { keepdim = false, correction = 1 } = optionsArg('var', options, { ...keeps, correction: 'finite' })
  return reduceBy('var', (t, attrs) => varOp([t], { ...attrs, correction }), x, dim, { keepdim })
}

const argmaxOp = defineOp<{ dim: number; keepdim: boolean }>({
  name: 'argmax',
  doc: 'The place of the first largest along a dim; NaN counts as largest.',
  math: 'y = \\arg\\max_i x_i',
  takes: ['number'],
  shape: ([x], { dim, keepdim }) => {
    const d = normalizeDim('argmax', dim, x.length)
    if (x[d] === 0) throw new ShapeError('argmax', `dim ${d} has no elements`, 'Nothing has no largest')
    return reducedShape(x, [d], keepdim)
  },
  dtype: () => 'int32',
  kernel: (k, out, [x], { dim }) => {
    const shape = lanes(x.shape, [normalizeDim('argmax', dim, x.rank)])!
    if (x.dtype === 'int32') k.integerReduce('argmax', ints(out), ints(x), ...shape)
    else k.argmax(ints(out), flat(x), ...shape)
  },
  save: () => [],
  backward: null,
  twice: true,
  samples: () =>
    [
      { shape: [2, 3], dim: 1 },
      { shape: [2, 3, 4], dim: 1 },
      { shape: [3, 4], dim: -1, view: 'transposed' as const },
      { shape: [1], dim: 0 },
      { shape: [0, 3], dim: 1 },
    ].map(({ dim, ...spec }) => ({
      inputs: [{ ...spec, domain: distinct }],
      attrs: { dim, keepdim: dim === 1 },
    })),
  errors: () => [
    {
      inputs: [{ shape: [2, 0] }],
      attrs: { dim: 1, keepdim: false },
      error: ShapeError,
      text: 'argmax: dim 1 has no elements. Nothing has no largest',
    },
  ],
  edge: () => [
    {
      inputs: [{ shape: [2, 3], values: [1, 5, 5, 2, NaN, 7] }],
      attrs: { dim: 1, keepdim: false },
      out: [1, 1],
    },
  ],
})

/** Place of the first largest along `dim`, int32. Without a dim: in the flattened tensor. */
export function argmax(x: Tensor, dim?: number, keep: Keep = {}): Tensor {
  const { keepdim = false } = optionsArg('argmax', keep, keeps)
  if (dim === undefined) return argmaxOp([reshape(x, [x.numel])], { dim: 0, keepdim: false })
  return argmaxOp([x], { dim, keepdim })
}
