// Choosing between values: comparisons (1 or 0, no gradient), where, maximum, minimum, clamp.

import { ArgumentError, ShapeError } from '../../../errors.js'
import { numberArg } from '../../../tensor/check.js'
import type { BinaryName } from '../../../tensor/kernel-args.js'
import { broadcastShapes } from '../../../tensor/shape.js'
import { Tensor } from '../../../tensor/tensor.js'
import { constant, full } from '../../create.js'
import { defineOp, type Op } from '../../op.js'
import { type Domain, type EdgeCase, unarySpecs } from '../../samples.js'
import { add, mul, sub } from './arithmetic.js'
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
  const like = a instanceof Tensor ? a : b instanceof Tensor ? b : cond
  if (typeof a === 'number' && typeof b === 'number' && cond instanceof Tensor && cond.dtype === 'int32')
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

// Not where it loses, half at a tie: so both get all of it where one is NaN and neither loses. PyTorch's.
const share = (dy: Tensor, loses: Tensor, ties: Tensor) => mul(dy, sub(1, add(loses, mul(ties, 0.5))))

/** loses(a, b) is 1 where a is not the one taken. */
function extremeOp(
  name: 'maximum' | 'minimum',
  [adjective, sign]: [string, string],
  loses: (a: Tensor, b: Tensor) => Tensor,
  edge: EdgeCase<None>,
): Op<None> {
  return binaryOp({
    name,
    takes: 'number',
    samples: wholeSamples,
    doc: `The ${adjective} of two, NaN if either is; the gradient is halved at a tie, and goes to both where one is NaN.`,
    math: `y = \\${name.slice(0, 3)}(a, b);\\quad \\bar a = \\bar y ([a ${sign} b] + \\tfrac12 [a = b])`,
    save: ([a, b]) => [a, b],
    backward: ({ dy, saved: [a, b], needs }) => [
      needs[0] ? share(dy, loses(a, b), eq(a, b)) : null,
      needs[1] ? share(dy, loses(b, a), eq(a, b)) : null,
    ],
    twice: true,
    domains: spread,
    edge: [edge],
  })
}

const maximumOp = extremeOp(
  'maximum',
  ['larger', '>'],
  lt,
  pairEdge(
    [1, 2, NaN, 1, -Infinity],
    [1, 1, 1, NaN, 0],
    [1, 2, NaN, NaN, 0],
    [
      [0.5, 1, 1, 1, 0],
      [0.5, 0, 1, 1, 1],
    ],
  ),
)

const minimumOp = extremeOp(
  'minimum',
  ['smaller', '<'],
  gt,
  pairEdge(
    [1, 2, NaN, 1, -Infinity],
    [1, 1, 1, NaN, 0],
    [1, 1, NaN, NaN, -Infinity],
    [
      [0.5, 0, 1, 1, 1],
      [0.5, 1, 1, 1, 0],
    ],
  ),
)

/** The larger of two, elementwise and broadcast; the gradient is halved at a tie, and goes to both where one is NaN. */
export function maximum(a: Operand, b: Operand): Tensor {
  return maximumOp(pairOf(a, b), none)
}

/** The smaller of two, elementwise and broadcast; the gradient is halved at a tie, and goes to both where one is NaN. */
export function minimum(a: Operand, b: Operand): Tensor {
  return minimumOp(pairOf(a, b), none)
}

/** null: not bounded on that side. */
interface Bounds {
  min: number | null
  max: number | null
}

const clampOp = defineOp<Bounds>({
  name: 'clamp',
  doc: 'x brought into [min, max]; the gradient passes inside.',
  math: 'y = \\min(\\max(x, m), M);\\quad \\bar x = \\bar y [m < x < M]',
  takes: ['float'],
  shape: ([x], { min, max }) => {
    if (min !== null && max !== null && !(min <= max))
      throw new RangeError(`clamp: min ${min} is above max ${max}`)
    return x
  },
  composite: ([x], { min, max }) => {
    const sides = [...(min === null ? [] : [gt(x, min)]), ...(max === null ? [] : [lt(x, max)])]
    const cut = max === null ? detached(x) : minimum(detached(x), max)
    return where(
      sides.reduce((a, b) => mul(a, b)),
      x,
      min === null ? cut : maximum(cut, min),
    )
  },
  twice: true,
  samples: () =>
    [
      { min: -0.5, max: 0.5 },
      { min: null, max: 0.25 },
      { min: 0, max: null },
    ].flatMap((attrs) =>
      unarySpecs({ lo: -1, hi: 1, avoid: [attrs.min, attrs.max].filter((b) => b !== null), gap: 0.05 }).map(
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
      grads: [[0, 0, 1, 0, 0, 0]],
    },
    {
      inputs: [{ shape: [4], values: [-Infinity, 0, 1, NaN] }],
      attrs: { min: null, max: 1 },
      out: [-Infinity, 0, 1, NaN],
      grads: [[1, 1, 0, 0]],
    },
    {
      inputs: [{ shape: [4], values: [Infinity, 0, -1, NaN] }],
      attrs: { min: 0, max: null },
      out: [Infinity, 0, 0, NaN],
      grads: [[1, 0, 0, 0]],
    },
  ],
})

/** The same numbers without their history. */
export function detached(x: Tensor): Tensor {
  return x.viewAs(x.shape, x.strides)
}

/**
 * x brought into [min, max]; one of them may be left out or null. The gradient is 0 at a bound itself, as in PyTorch from
 * 2.15 on (it was 1 there before). Throws RangeError when min > max.
 */
export function clamp(x: Tensor, min?: number | null, max?: number | null): Tensor {
  const bound = (name: string, b: number | null | undefined) =>
    b === undefined || b === null ? null : numberArg('clamp', name, b)
  const bounds = { min: bound('min', min), max: bound('max', max) }
  if (bounds.min === null && bounds.max === null)
    throw new ArgumentError('clamp', 'both bounds are missing', 'Give min, max or both')
  if (x instanceof Tensor && x.dtype === 'int32') return clampWhole(x, bounds)
  return clampOp([x], bounds)
}

/** Without a gradient; RangeError when min > max, as clampOp has it. */
function clampWhole(x: Tensor, { min, max }: { min: number | null; max: number | null }): Tensor {
  if (min !== null && max !== null && min > max) throw new RangeError(`clamp: min ${min} is above max ${max}`)
  const above = min === null || min === -Infinity ? x : maximum(x, min)
  return max === null || max === Infinity ? above : minimum(above, max)
}
