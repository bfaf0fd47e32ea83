// Products by their names in PyTorch: dot, outer, bmm, tensordot.
import { ArgumentError, got, ShapeError } from '../../../errors.js'
import { tensorArg, wholesArg } from '../../../tensor/check.js'
import { formatShape, normalizeDim, numel, type Shape, sameShape } from '../../../tensor/shape.js'
import type { Tensor } from '../../../tensor/tensor.js'
import { defineOp, type Op } from '../../op.js'
import type { Sample, Spec } from '../../samples.js'
import { mul } from '../elementwise/arithmetic.js'
import { type None, none, pairEdge } from '../elementwise/records.js'
import { sum } from '../reduce.js'
import { permute, reshape } from '../shape/views.js'
import { matmul } from './matmul.js'

function pair(a: Shape, b: Shape, more: Partial<Spec> = {}): Sample<None> {
  return {
    inputs: [
      { shape: a, ...more },
      { shape: b, ...more },
    ],
    attrs: none,
  }
}

const large: Partial<Spec> = { domain: { lo: -100, hi: 100 } }

function vectors(name: string, shapes: readonly Shape[]): void {
  const wrong = shapes.findIndex((s) => s.length !== 1)
  if (wrong >= 0)
    throw new ShapeError(name, `operand ${wrong} must have one dim, got ${formatShape(shapes[wrong])}`)
}

const dotOp: Op<None> = defineOp<None>({
  name: 'dot',
  doc: 'The sum of the products of two vectors.',
  math: 'y = a \\cdot b;\\quad \\bar a = \\bar y b,\\ \\bar b = \\bar y a',
  takes: ['float'],
  shape: ([a, b]) => {
    vectors('dot', [a, b])
    if (!sameShape(a, b)) throw new ShapeError('dot', `sizes differ, ${formatShape(a)} and ${formatShape(b)}`)
    return []
  },
  composite: ([a, b]) => sum(mul(a, b)),
  twice: true,
  samples: () => [
    pair([3], [3]),
    pair([1], [1]),
    pair([0], [0]),
    pair([4], [4], { view: 'sliced' }),
    pair([3], [3], large),
  ],
  errors: () => [
    { ...pair([2], [3]), error: ShapeError, text: 'dot: sizes differ, [2] and [3]' },
    { ...pair([2], [2, 2]), error: ShapeError, text: 'dot: operand 1 must have one dim, got [2, 2]' },
  ],
  edge: () => [{ ...pairEdge([Infinity, 1], [0, 1], []), out: NaN }],
})

/** a . b of two vectors of one size. Throws ShapeError. */
export function dot(a: Tensor, b: Tensor): Tensor {
  return dotOp([a, b], none)
}

const outerOp: Op<None> = defineOp<None>({
  name: 'outer',
  doc: 'All products of the elements of two vectors.',
  math: 'Y_{ij} = a_i b_j;\\quad \\bar a = \\bar Y b,\\ \\bar b = \\bar Y^\\top a',
  takes: ['float'],
  shape: ([a, b]) => {
    vectors('outer', [a, b])
    return [a[0], b[0]]
  },
  composite: ([a, b]) => mul(reshape(a, [a.numel, 1]), b),
  twice: true,
  samples: () => [
    pair([2], [3]),
    pair([1], [1]),
    pair([0], [2]),
    pair([3], [2], { view: 'sliced' }),
    pair([2], [2], large),
  ],
  errors: () => [
    { ...pair([2, 2], [2]), error: ShapeError, text: 'outer: operand 0 must have one dim, got [2, 2]' },
  ],
  edge: () => [{ ...pairEdge([Infinity], [0, 1], []), out: [[NaN, Infinity]] }],
})

/** [n] and [m] -> [n, m]. Throws ShapeError. */
export function outer(a: Tensor, b: Tensor): Tensor {
  return outerOp([a, b], none)
}

/** One product for each matrix of a batch: [B, m, k] x [B, k, n] -> [B, m, n]. Nothing broadcasts. Throws ShapeError. */
export function bmm(a: Tensor, b: Tensor): Tensor {
  tensorArg('bmm', 'the first input', a)
  tensorArg('bmm', 'the second input', b)
  if (a.rank !== 3 || b.rank !== 3 || a.shape[0] !== b.shape[0]) {
    throw new ShapeError(
      'bmm',
      `needs two batches of as many matrices, got ${formatShape(a.shape)} x ${formatShape(b.shape)}`,
      'matmul() broadcasts',
    )
  }
  return matmul(a, b)
}

/**
 * The product of a and b summed over dims of both: `dims` of them, a's last and b's first, or those named in two lists of
 * the same length. The dims that are left stand in order, a's first. Throws ShapeError.
 */
export function tensordot(
  a: Tensor,
  b: Tensor,
  dims: number | readonly [readonly number[], readonly number[]] = 2,
): Tensor {
  tensorArg('tensordot', 'the first input', a)
  tensorArg('tensordot', 'the second input', b)
  if (typeof dims !== 'number' && !(Array.isArray(dims) && dims.length === 2))
    throw new ArgumentError('tensordot', `dims must be a whole number or two lists of dims, got ${got(dims)}`)
  if (
    typeof dims === 'number' &&
    !(Number.isInteger(dims) && dims >= 0 && dims <= Math.min(a.rank, b.rank))
  ) {
    throw new ShapeError(
      'tensordot',
      `dims must be a whole number from 0 to ${Math.min(a.rank, b.rank)}, got ${dims}`,
    )
  }
  const [as, bs] =
    typeof dims === 'number'
      ? [Array.from({ length: dims }, (_, i) => a.rank - dims + i), Array.from({ length: dims }, (_, i) => i)]
      : [
          wholesArg('tensordot', 'dims[0]', dims[0]).map((d) => normalizeDim('tensordot', d, a.rank)),
          wholesArg('tensordot', 'dims[1]', dims[1]).map((d) => normalizeDim('tensordot', d, b.rank)),
        ]
  const inner = as.map((d) => a.shape[d])
  if (as.length !== bs.length || as.some((d, i) => a.shape[d] !== b.shape[bs[i]])) {
    throw new ShapeError(
      'tensordot',
      `dims [${as}] of ${formatShape(a.shape)} do not fit dims [${bs}] of ${formatShape(b.shape)}`,
    )
  }
  const left = a.shape.map((_, d) => d).filter((d) => !as.includes(d))
  const right = b.shape.map((_, d) => d).filter((d) => !bs.includes(d))
  const [m, n] = [left.map((d) => a.shape[d]), right.map((d) => b.shape[d])]
  const x = reshape(permute(a, [...left, ...as]), [numel(m), numel(inner)])
  const y = reshape(permute(b, [...bs, ...right]), [numel(inner), numel(n)])
  return reshape(matmul(x, y), [...m, ...n])
}
