// Powers, roots, exponentials and logarithms that pow, exp and log would spell less exactly.

import { ShapeError } from '../../../errors.js'
import { broadcastShapes } from '../../../tensor/shape.js'
import type { Tensor } from '../../../tensor/tensor.js'
import { constant } from '../../create.js'
import { defineOp, type Op } from '../../op.js'
import { binarySpecs, type Domain } from '../../samples.js'
import { add, div, mul, sub } from './arithmetic.js'
import { sqrt } from './pointwise.js'
import { mapOp, type None, none, pairEdge, pairOf, pairOp, unaryComposite } from './records.js'

type Operand = Tensor | number
const positive: Domain = { lo: 0.5, hi: 3 }
const largePositive: Domain = { lo: 10, hi: 1e4 }
const offZero: Domain = { lo: -2, hi: 2, avoid: [0], gap: 0.5 }

const ops = {
  square: unaryComposite<None>({
    name: 'square',
    doc: 'x times itself.',
    math: 'y = x^2;\\quad \\bar x = 2 x \\bar y',
    takes: 'number',
    tries: [none],
    composite: (x) => mul(x, x),
    edge: [
      [-3, -0, -Infinity, NaN],
      [9, 0, Infinity, NaN],
      [-6, -0, -Infinity, NaN],
    ],
  }),
  reciprocal: unaryComposite<None>({
    name: 'reciprocal',
    doc: '1 / x.',
    math: 'y = 1 / x;\\quad \\bar x = -\\bar y\\, y^2',
    tries: [none],
    domain: offZero,
    large: largePositive,
    composite: (x) => div(1, x),
    edge: [
      [2, 0, -0, Infinity, NaN],
      [0.5, Infinity, -Infinity, 0, NaN],
    ],
  }),
  rsqrt: unaryComposite<None>({
    name: 'rsqrt',
    doc: '1 / sqrt(x); NaN below 0.',
    math: 'y = x^{-1/2};\\quad \\bar x = -\\tfrac12 \\bar y\\, y^3',
    tries: [none],
    domain: positive,
    large: largePositive,
    composite: (x) => div(1, sqrt(x)),
    edge: [
      [4, 0, -1, Infinity, NaN],
      [0.5, Infinity, NaN, 0, NaN],
    ],
  }),
  exp2: mapOp({
    name: 'exp2',
    doc: '2 to the power x.',
    math: 'y = 2^x;\\quad \\bar x = \\bar y\\, y \\ln 2',
    saves: 'y',
    backward: (dy, y) => mul(mul(dy, y), Math.LN2),
    large: { lo: -30, hi: 8 },
    edge: [
      [3, -2, -Infinity, Infinity, NaN, 2000],
      [8, 0.25, 0, Infinity, NaN, Infinity],
    ],
  }),
  expm1: mapOp({
    name: 'expm1',
    doc: 'e^x - 1, exact near 0 where exp and a subtraction lose digits.',
    math: 'y = e^x - 1;\\quad \\bar x = \\bar y (y + 1)',
    saves: 'y',
    backward: (dy, y) => mul(dy, add(y, 1)),
    large: { lo: -20, hi: 5 },
    edge: [
      [0, -0, -Infinity, Infinity, NaN],
      [0, -0, -1, Infinity, NaN],
      [1, 1, 0, Infinity, NaN],
    ],
    also: [[2 ** -70], [2 ** -70], [1]],
  }),
  log1p: mapOp({
    name: 'log1p',
    doc: 'ln(1 + x), exact near 0; NaN below -1.',
    math: 'y = \\ln(1 + x);\\quad \\bar x = \\bar y / (1 + x)',
    saves: 'x',
    backward: (dy, x) => div(dy, add(x, 1)),
    domain: { lo: -0.5, hi: 2 },
    large: largePositive,
    edge: [
      [0, -0, -1, -2, Infinity, NaN],
      [0, -0, -Infinity, NaN, Infinity, NaN],
    ],
    also: [[2 ** -70], [2 ** -70], [1]],
  }),
  log2: mapOp({
    name: 'log2',
    doc: 'The logarithm to base 2, exact for powers of 2.',
    math: 'y = \\log_2 x;\\quad \\bar x = \\bar y / (x \\ln 2)',
    saves: 'x',
    backward: (dy, x) => div(dy, mul(x, Math.LN2)),
    domain: positive,
    large: largePositive,
    edge: [
      [8, 0.25, 1, 0, -1, Infinity, NaN],
      [3, -2, 0, -Infinity, NaN, Infinity, NaN],
    ],
  }),
  log10: mapOp({
    name: 'log10',
    doc: 'The logarithm to base 10.',
    math: 'y = \\log_{10} x;\\quad \\bar x = \\bar y / (x \\ln 10)',
    saves: 'x',
    backward: (dy, x) => div(dy, mul(x, Math.LN10)),
    domain: positive,
    large: largePositive,
    edge: [
      [1000, 1, 0, -1, Infinity, NaN],
      [3, 0, -Infinity, NaN, Infinity, NaN],
    ],
  }),
}

const hypotOp = pairOp({
  name: 'hypot',
  doc: 'The length of (a, b), without overflow between.',
  math: 'y = \\sqrt{a^2 + b^2};\\quad \\bar a = \\bar y\\, a / y,\\ \\bar b = \\bar y\\, b / y',
  save: ([a, b], y) => [a, b, y],
  backward: ({ dy, saved: [a, b, y], needs }) => [
    needs[0] ? mul(dy, div(a, y)) : null,
    needs[1] ? mul(dy, div(b, y)) : null,
  ],
  twice: true,
  domains: [
    offZero,
    offZero,
    [
      { lo: 10, hi: 1e3 },
      { lo: 10, hi: 1e3 },
    ],
  ],
  edge: [
    pairEdge([3, Infinity, NaN, 0, 1e30], [4, NaN, 1, 0, 0], [5, Infinity, NaN, 0, Math.fround(1e30)]),
    pairEdge([3], [4], [5], [[0.6], [0.8]]),
  ],
})

function unary(op: Op<None>): (x: Tensor) => Tensor {
  return (x) => op([x], none)
}

/** x * x. */
export const square = unary(ops.square)
/** 1 / x. */
export const reciprocal = unary(ops.reciprocal)
/** 1 / sqrt(x). */
export const rsqrt = unary(ops.rsqrt)
/** 2^x. */
export const exp2 = unary(ops.exp2)
/** e^x - 1, exact near 0. */
export const expm1 = unary(ops.expm1)
/** ln(1 + x), exact near 0. */
export const log1p = unary(ops.log1p)
/** Logarithm to base 2. */
export const log2 = unary(ops.log2)
/** Logarithm to base 10. */
export const log10 = unary(ops.log10)

/** sqrt(a^2 + b^2), broadcast. */
export function hypot(a: Operand, b: Operand): Tensor {
  return hypotOp(pairOf(a, b), none)
}

const lerpOp = defineOp<None>({
  name: 'lerp',
  doc: 'From a to b by a weight: a at 0, b at 1.',
  math: 'y = a + w (b - a);\\quad \\bar a = \\bar y (1 - w),\\ \\bar b = \\bar y w,\\ \\bar w = \\bar y (b - a)',
  takes: ['float'],
  shape: ([a, b, w]) => broadcastShapes('lerp', broadcastShapes('lerp', a, b), w),
  composite: ([a, b, w]) => add(a, mul(sub(b, a), w)),
  twice: true,
  samples: () =>
    binarySpecs().map((inputs, i) => ({ inputs: [...inputs, { shape: i % 2 ? [] : [1] }], attrs: none })),
  errors: () => [
    {
      inputs: [{ shape: [2] }, { shape: [3] }, { shape: [] }],
      attrs: none,
      error: ShapeError,
      text: 'lerp: cannot broadcast [2] with [3]: 2 != 3 at dim -1. Sizes must be equal or 1, aligned at the right',
    },
  ],
  edge: () => [
    {
      inputs: [
        { shape: [3], values: [1, NaN, 0] },
        { shape: [3], values: [3, 1, Infinity] },
        { shape: [], values: [0.5] },
      ],
      attrs: none,
      out: [2, NaN, Infinity],
    },
  ],
})

/** start + weight (end - start), broadcast. */
export function lerp(start: Tensor, end: Tensor, weight: Operand): Tensor {
  return lerpOp([start, end, constant(weight, start)], none)
}
