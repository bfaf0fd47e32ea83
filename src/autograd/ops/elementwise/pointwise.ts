// Functions of one tensor, element by element, and pow. Each entry of the table is one op.

import { optionsArg } from '../../../tensor/check.js'
import type { Tensor } from '../../../tensor/tensor.js'
import type { Op } from '../../op.js'
import type { Domain } from '../../samples.js'
import { add, div, mul, neg, sub } from './arithmetic.js'
import { eq, gt, lt, maximum, where } from './compare.js'
import { binaryOp, type None, none, pairEdge, pairOf, unaryOp } from './records.js'

const INV_SQRT_2PI = 0.3989422804014327
const SQRT_2_OVER_PI = 0.7978845608028654
const GELU_C = 0.044715
const positive: Domain = { lo: 0.5, hi: 3 }
const largePositive: Domain = { lo: 10, hi: 1e4 }
const offZero: Domain = { lo: -1, hi: 1, avoid: [0], gap: 0.05 }
// Where the function still moves: further out tanh and its like are flat to the last bit.
const tails: Domain = { lo: -6, hi: 6 }

const ops = {
  abs: unaryOp({
    name: 'abs',
    doc: 'The absolute value; its derivative at 0 is 0.',
    math: 'y = |x|;\\quad \\bar x = \\bar y\\,\\mathrm{sign}(x)',
    saves: 'x',
    backward: (dy, x) => mul(dy, sign(x)),
    domain: offZero,
    edge: [
      [0, -0, -Infinity, NaN],
      [0, 0, Infinity, NaN],
      [0, 0, -1, NaN],
    ],
  }),
  sign: unaryOp({
    name: 'sign',
    doc: '-1, 0 or 1; its derivative is 0.',
    math: 'y = \\mathrm{sign}(x);\\quad \\bar x = 0',
    saves: null,
    backward: null,
    domain: offZero,
    edge: [
      [0, -3, Infinity, NaN],
      [0, -1, 1, NaN],
    ],
  }),
  sqrt: unaryOp({
    name: 'sqrt',
    doc: 'The square root; NaN below 0.',
    math: 'y = \\sqrt x;\\quad \\bar x = \\bar y / 2y',
    saves: 'y',
    backward: (dy, y) => div(dy, mul(y, 2)),
    domain: positive,
    large: largePositive,
    edge: [
      [0, -0, -1, Infinity],
      [0, -0, NaN, Infinity],
      [Infinity, -Infinity, NaN, 0],
    ],
  }),
  exp: unaryOp({
    name: 'exp',
    doc: 'e to the power x.',
    math: 'y = e^x;\\quad \\bar x = \\bar y y',
    saves: 'y',
    backward: (dy, y) => mul(dy, y),
    large: { lo: -20, hi: 5 },
    edge: [
      [-Infinity, 0, -0, Infinity, NaN, 1000, -1000],
      [0, 1, 1, Infinity, NaN, Infinity, 0],
      [0, 1, 1, Infinity, NaN, Infinity, 0],
    ],
  }),
  log: unaryOp({
    name: 'log',
    doc: 'The natural logarithm; NaN below 0.',
    math: 'y = \\ln x;\\quad \\bar x = \\bar y / x',
    saves: 'x',
    backward: (dy, x) => div(dy, x),
    domain: positive,
    large: largePositive,
    edge: [
      [0, -0, -1, 1, Infinity, NaN],
      [-Infinity, -Infinity, NaN, 0, Infinity, NaN],
      [Infinity, -Infinity, -1, 1, 0, NaN],
    ],
  }),
  tanh: unaryOp({
    name: 'tanh',
    doc: 'The hyperbolic tangent.',
    math: 'y = \\tanh x;\\quad \\bar x = \\bar y (1 - y^2)',
    saves: 'y',
    backward: (dy, y) => mul(dy, sub(1, mul(y, y))),
    fused: 'tanh',
    large: tails,
    edge: [
      [-Infinity, Infinity, 0, -0, NaN],
      [-1, 1, 0, -0, NaN],
      [0, 0, 1, 1, NaN],
    ],
  }),
  sigmoid: unaryOp({
    name: 'sigmoid',
    doc: 'The logistic function.',
    math: 'y = 1 / (1 + e^{-x});\\quad \\bar x = \\bar y\\, y (1 - y)',
    saves: 'y',
    backward: (dy, y) => mul(dy, mul(y, sub(1, y))),
    fused: 'sigmoid',
    large: tails,
    edge: [
      [-Infinity, Infinity, 0, NaN],
      [0, 1, 0.5, NaN],
      [0, 0, 0.25, NaN],
    ],
  }),
  erf: unaryOp({
    name: 'erf',
    doc: 'The error function.',
    math: 'y = \\mathrm{erf}(x);\\quad \\bar x = \\bar y \\tfrac{2}{\\sqrt\\pi} e^{-x^2}',
    saves: 'x',
    backward: (dy, x) => mul(dy, mul(exp(neg(mul(x, x))), 2 * Math.SQRT2 * INV_SQRT_2PI)),
    large: { lo: -3, hi: 3 },
    edge: [
      [-Infinity, Infinity, 0, -0, NaN],
      [-1, 1, 0, -0, NaN],
    ],
  }),
  relu: unaryOp({
    name: 'relu',
    doc: 'x where it is above 0, else 0; its derivative at 0 is 0.',
    math: 'y = \\max(x, 0);\\quad \\bar x = \\bar y [x > 0]',
    saves: 'x',
    backward: (dy, x) => mul(dy, gt(x, 0)),
    fused: 'relu',
    domain: offZero,
    edge: [
      [0, -0, -1, 2, Infinity, -Infinity, NaN],
      [0, 0, 0, 2, Infinity, 0, NaN],
      [0, 0, 0, 1, 1, 0, 0],
    ],
  }),
  gelu: unaryOp({
    name: 'gelu',
    doc: 'The Gaussian error linear unit, exact form. Hendrycks and Gimpel 2016.',
    math: 'y = x \\Phi(x);\\quad \\bar x = \\bar y (\\Phi(x) + x \\varphi(x))',
    saves: 'x',
    // Phi(x) = (1 + erf(x / sqrt 2)) / 2, phi(x) = exp(-x^2 / 2) / sqrt(2 pi)
    backward: (dy, x) => {
      const cdf = mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5)
      const pdf = mul(exp(mul(mul(x, x), -0.5)), INV_SQRT_2PI)
      return mul(dy, add(cdf, mul(x, pdf)))
    },
    fused: 'gelu',
    large: tails,
    edge: [
      [-Infinity, Infinity, 0, NaN],
      [-0, Infinity, 0, NaN],
      [0, 1, 0.5, NaN],
    ],
  }),
  geluTanh: unaryOp({
    name: 'geluTanh',
    doc: "gelu's tanh form, GPT-2's gelu_new.",
    math: "y = \\tfrac{x}{2} (1 + \\tanh u),\\ u = \\sqrt{2/\\pi}\\,(x + 0.044715 x^3);\\quad \\bar x = \\bar y (\\tfrac12 (1 + t) + \\tfrac{x}{2} (1 - t^2) u')",
    saves: 'x',
    backward: (dy, x) => {
      const xx = mul(x, x)
      const t = tanh(mul(mul(x, SQRT_2_OVER_PI), add(mul(xx, GELU_C), 1)))
      const du = mul(add(mul(xx, 3 * GELU_C), 1), SQRT_2_OVER_PI)
      return mul(dy, add(mul(add(t, 1), 0.5), mul(mul(x, 0.5), mul(sub(1, mul(t, t)), du))))
    },
    fused: 'geluTanh',
    large: tails,
    edge: [
      [-Infinity, Infinity, 0, NaN],
      [-0, Infinity, 0, NaN],
      [0, 1, 0.5, NaN],
    ],
  }),
}

const powOp = binaryOp({
  name: 'pow',
  doc: 'a to the power b, both tensors or numbers; 0 to the power 0 is 1.',
  takes: 'number',
  math: 'y = a^b;\\quad \\bar a = \\bar y\\, b\\, a^{b-1},\\ \\bar b = \\bar y\\, y \\ln a',
  save: ([a, b], y) => [a, b, y],
  backward: ({ dy, saved: [a, b, y], needs }) => [
    // b = 0: the derivative of a constant is 0, also at a = 0 where a^-1 is infinite.
    needs[0] ? where(eq(b, 0), 0, mul(dy, mul(b, pow(a, sub(b, 1))))) : null,
    // a = 0: y ln a is 0 * -Infinity.
    needs[1] ? where(eq(a, 0), 0, mul(dy, mul(y, log(a)))) : null,
  ],
  twice: true,
  domains: [
    positive,
    { lo: -2, hi: 2, avoid: [0], gap: 0.1 },
    [
      { lo: 10, hi: 50 },
      { lo: 1, hi: 2 },
    ],
  ],
  samples: [
    {
      inputs: [
        { shape: [2, 3], domain: { lo: -2, hi: 2, avoid: [0], gap: 0.3 } },
        { shape: [], values: [3] },
      ],
      attrs: none,
      why: 'negative base',
      held: [1],
    },
    {
      inputs: [
        { shape: [2, 3], domain: positive },
        { shape: [], values: [0.5] },
      ],
      attrs: none,
      why: 'square root',
    },
    {
      inputs: [
        { shape: [2, 3], below: 4 },
        { shape: [3], below: 4 },
      ],
      attrs: none,
      why: 'int32',
    },
  ],
  edge: [pairEdge([0, 0, -8, Infinity, 2, 0], [0, 2, 2, 0, -1, -1], [1, 0, 64, 1, 0.5, Infinity])],
})

function unary(op: Op<None>): (x: Tensor) => Tensor {
  return (x) => op([x], none)
}

/** |x|. */
export const abs = (x: Tensor): Tensor => (x.dtype === 'int32' ? maximum(x, neg(x)) : ops.abs([x], none))
/** -1, 0 or 1; NaN stays NaN, where PyTorch has 0. No gradient passes. */
export const sign = (x: Tensor): Tensor =>
  x.dtype === 'int32' ? sub(gt(x, 0), lt(x, 0)) : ops.sign([x], none)
export const sqrt = unary(ops.sqrt)
/** e^x. */
export const exp = unary(ops.exp)
/** Natural logarithm. */
export const log = unary(ops.log)
export const tanh = unary(ops.tanh)
/** 1 / (1 + e^-x). */
export const sigmoid = unary(ops.sigmoid)
/** The error function. */
export const erf = unary(ops.erf)
export const relu = unary(ops.relu)

/** Gaussian error linear unit: 'none' is x Phi(x), 'tanh' GPT-2's approximation. Hendrycks and Gimpel 2016. */
export function gelu(x: Tensor, options: { approximate?: 'none' | 'tanh' } = {}): Tensor {
  const { approximate = 'none' } = optionsArg('gelu', options, { approximate: ['none', 'tanh'] })
  return (approximate === 'tanh' ? ops.geluTanh : ops.gelu)([x], none)
}

/** a^b elementwise, broadcast. */
export function pow(a: Tensor | number, b: Tensor | number): Tensor {
  return powOp(pairOf(a, b), none)
}
