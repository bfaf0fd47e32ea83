// Choosing between values: comparisons (1 or 0, no gradient), where, maximum, minimum, clamp.

import { ShapeError } from '../../../errors.js'
import type { BinaryName } from '../../../tensor/kernels.js'
import { broadcastShapes } from '../../../tensor/shape.js'
import type { Tensor } from '../../../tensor/tensor.js'
import { constant, full } from '../../create.js'
import { defineOp, type Op } from '../../op.js'
import { type Domain, type EdgeCase, unarySpecs } from '../../samples.js'
import { add, mul } from './arithmetic.js'
import { binaryOp, type None, none, pairEdge, pairOf, wholeSamples } from './records.js'

function comparison(name: BinaryName, sign: string, edge: number[]): Op<None> {
  return binaryOp({
    name,
    doc: `1 where a ${sign} b, else 0. No gradient.`,
    takes: 'number',
    math: `y = [a ${sign} b]`,
    save: () => [],
    backward: null,
    twice: true,
    samples: wholeSamples,
    edge: [pairEdge([0, 1, 2, NaN, NaN, 0], [1, 1, 1, 1, NaN, -0], edge)],
  })
}

const comparisons = {
  eq: comparison('eq', '=', [0, 1, 0, 0, 0, 1]),
  ne: comparison('ne', '\\ne', [1, 0, 1, 1, 1, 0]),
  gt: comparison('gt', '>', [0, 0, 1, 0, 0, 0]),
  ge: comparison('ge', '\\ge', [0, 1, 1, 0, 0, 1]),
  lt: comparison('lt', '<', [1, 0, 0, 0, 0, 0]),
  le: comparison('le', '\\le', [1, 1, 0, 0, 0, 1]),
}

type Operand = Tensor | number

/** 1 where a = b, else 0. */
export const eq = (a: Operand, b: Operand): Tensor => comparisons.eq(pairOf(a, b), none)
/** 1 where a differs from b, else 0. */
export const ne = (a: Operand, b: Operand): Tensor => comparisons.ne(pairOf(a, b), none)
/** 1 where a > b, else 0. */
export const gt = (a: Operand, b: Operand): Tensor => comparisons.gt(pairOf(a, b), none)
/** 1 where a >= b, else 0. */
export const ge = (a: Operand, b: Operand): Tensor => comparisons.ge(pairOf(a, b), none)
/** 1 where a < b, else 0. */
export const lt = (a: Operand, b: Operand): Tensor => comparisons.lt(pairOf(a, b), none)
/** 1 where a <= b, else 0. */
export const le = (a: Operand, b: Operand): Tensor => comparisons.le(pairOf(a, b), none)

const whereOp = defineOp<None>({
  name: 'where',
  doc: 'a where the condition is not 0, else b; all three broadcast.',
  math: 'y = c\\,?\\,a : b;\\quad \\bar a = [c] \\bar y,\\ \\bar b = [\\neg c] \\bar y',
  takes: ['any', 'number'],
  strided: true,
  shape: ([c, a, b]) => broadcastShapes('where', broadcastShapes('where', a, b), c),
  dtype: ([, a]) => a.dtype,
  kernel: (k, out, [c, a, b]) => {
    const [cs, as, bs] = [c, a, b].map((t) => t.stridesFor(out.shape))
    k.where(out.shape, out.raw, c.raw, cs, a.raw, as, b.raw, bs)
  },
  save: ([c]) => [c],
  backward: ({ dy, saved: [c], needs }) => [
    null,
    needs[1] ? where(c, dy, 0) : null,
    needs[2] ? where(c, 0, dy) : null,
  ],
  twice: true,
  samples: () =>
    [
      [
        [2, 3],
        [2, 3],
        [2, 3],
      ],
      [[2, 1], [3], []],
      [[], [2, 2], [2]],
      [[1], [1], [1]],
      [[0, 3], [3], [1, 3]],
      [
        [3, 2, 2],
        [2, 1],
        [3, 1, 1],
      ],
    ]
      .map(([c, a, b]) => ({
        inputs: [
          { shape: c, below: 2 },
          { shape: a },
          { shape: b, view: b.length > 1 ? ('transposed' as const) : ('sliced' as const) },
        ],
        attrs: none,
      }))
      .concat([
        {
          inputs: [
            { shape: [2, 2], below: 2 },
            { shape: [2], below: 9 },
            { shape: [2, 2], below: 9 },
          ],
          attrs: none,
        },
      ]),
  errors: () => [
    {
      inputs: [{ shape: [2], below: 2 }, { shape: [3] }, { shape: [3] }],
      attrs: none,
      error: ShapeError,
      text: 'where: cannot broadcast [3] with [2]: 3 != 2 at dim -1. Sizes must be equal or 1, aligned at the right',
    },
  ],
  edge: () => [
    {
      inputs: [
        { shape: [3], below: 2, values: [1, 0, 1] },
        { shape: [3], values: [NaN, NaN, -0] },
        { shape: [3], values: [1, Infinity, NaN] },
      ],
      attrs: none,
      out: [NaN, Infinity, -0],
      grads: [null, [1, 0, 1], [0, 1, 0]],
    },
  ],
})

/** a where cond is not 0, else b. All broadcast. */
export function where(cond: Tensor, a: Operand, b: Operand): Tensor {
  const like = typeof a !== 'number' ? a : typeof b !== 'number' ? b : cond
  if (typeof a === 'number' && typeof b === 'number' && cond.dtype === 'int32')
    return whereOp([cond, full([], a), full([], b)], none)
  return whereOp([cond, constant(a, like), constant(b, like)], none)
}

const spread: [Domain, Domain, [Domain, Domain]] = [
  // Two ladders of values that never meet: a step of the gradient check crosses no tie.
  { lo: -1, hi: 1, avoid: ladder(0), gap: 0.14 },
  { lo: -1, hi: 1, avoid: ladder(0.25), gap: 0.14 },
  [
    { lo: -1e3, hi: -1 },
    { lo: 1, hi: 1e3 },
  ],
]

function ladder(shift: number): number[] {
  return [-1, -0.5, 0, 0.5, 1].map((x) => x + shift)
}

// At a tie each side gets half, as in PyTorch.
const share = (dy: Tensor, wins: Tensor, ties: Tensor) => mul(dy, add(wins, mul(ties, 0.5)))

/** wins(a, b) is 1 where a is the one taken. */
function extremeOp(
  name: 'maximum' | 'minimum',
  [adjective, sign]: [string, string],
  wins: (a: Tensor, b: Tensor) => Tensor,
  edge: EdgeCase<None>,
): Op<None> {
  return binaryOp({
    name,
    takes: 'number',
    samples: wholeSamples,
    doc: `The ${adjective} of two, NaN if either is; the gradient is halved at a tie.`,
    math: `y = \\${name.slice(0, 3)}(a, b);\\quad \\bar a = \\bar y ([a ${sign} b] + \\tfrac12 [a = b])`,
    save: ([a, b]) => [a, b],
    backward: ({ dy, saved: [a, b], needs }) => [
      needs[0] ? share(dy, wins(a, b), eq(a, b)) : null,
      needs[1] ? share(dy, wins(b, a), eq(a, b)) : null,
    ],
    twice: true,
    domains: spread,
    edge: [edge],
  })
}

const maximumOp = extremeOp(
  'maximum',
  ['larger', '>'],
  gt,
  pairEdge(
    [1, 2, NaN, 1, -Infinity],
    [1, 1, 1, NaN, 0],
    [1, 2, NaN, NaN, 0],
    [
      [0.5, 1, 0, 0, 0],
      [0.5, 0, 0, 0, 1],
    ],
  ),
)

const minimumOp = extremeOp(
  'minimum',
  ['smaller', '<'],
  lt,
  pairEdge(
    [1, 2, NaN, 1, -Infinity],
    [1, 1, 1, NaN, 0],
    [1, 1, NaN, NaN, -Infinity],
    [
      [0.5, 0, 0, 0, 1],
      [0.5, 1, 0, 0, 0],
    ],
  ),
)

/** The larger of two, elementwise and broadcast. */
export function maximum(a: Operand, b: Operand): Tensor {
  return maximumOp(pairOf(a, b), none)
}

/** The smaller of two, elementwise and broadcast. */
export function minimum(a: Operand, b: Operand): Tensor {
  return minimumOp(pairOf(a, b), none)
}

interface Bounds {
  min: number
  max: number
}

const clampOp = defineOp<Bounds>({
  name: 'clamp',
  doc: 'x brought into [min, max]; the gradient passes where x lies inside, bounds included.',
  math: 'y = \\min(\\max(x, m), M);\\quad \\bar x = \\bar y [m \\le x \\le M]',
  takes: ['float'],
  shape: ([x], { min, max }) => {
    if (!(min <= max)) throw new RangeError(`clamp: min ${min} is above max ${max}`)
    return x
  },
  composite: ([x], { min, max }) => {
    const inside = mul(ge(x, min), le(x, max))
    return where(inside, x, maximum(minimum(detached(x), max), min))
  },
  twice: true,
  samples: () =>
    [
      { min: -0.5, max: 0.5 },
      { min: -Infinity, max: 0.25 },
      { min: 0, max: Infinity },
    ].flatMap((attrs) =>
      unarySpecs({ lo: -1, hi: 1, avoid: [attrs.min, attrs.max].filter(Number.isFinite), gap: 0.05 }).map(
        (s) => ({ inputs: [s], attrs }),
      ),
    ),
  errors: () => [
    {
      inputs: [{ shape: [2] }],
      attrs: { min: 1, max: 0 },
      error: RangeError,
      text: 'clamp: min 1 is above max 0',
    },
  ],
  edge: () => [
    {
      inputs: [{ shape: [6], values: [-2, -1, 0, 1, NaN, Infinity] }],
      attrs: { min: -1, max: 1 },
      out: [-1, -1, 0, 1, NaN, 1],
      grads: [[0, 1, 1, 1, 0, 0]],
    },
  ],
})

/** The same numbers without their history. */
export function detached(x: Tensor): Tensor {
  return x.viewAs(x.shape, x.strides)
}

/** x brought into [min, max]. Throws RangeError when min > max. */
export function clamp(x: Tensor, min = -Infinity, max = Infinity): Tensor {
  if (x.dtype === 'int32' && min <= max) return clampWhole(x, min, max)
  return clampOp([x], { min, max })
}

/** int32 has no infinity to leave a side open. */
function clampWhole(x: Tensor, min: number, max: number): Tensor {
  const above = min === -Infinity ? x : maximum(x, min)
  return max === Infinity ? above : minimum(above, max)
}
