// Circular and hyperbolic functions and their inverses, on src/tensor/trigonometry.ts: the same bits in every engine.
import type { Tensor } from '../../../tensor/tensor.js'
import type { Op } from '../../op.js'
import type { Domain } from '../../samples.js'
import { add, div, mul, neg, sub } from './arithmetic.js'
import { sqrt } from './pointwise.js'
import { mapOp, type None, none, pairEdge, pairOf, pairOp } from './records.js'

type Operand = Tensor | number
const inside: Domain = { lo: -0.8, hi: 0.8 }
const squared = (x: Tensor) => mul(x, x)

const ops = {
  sin: mapOp({
    name: 'sin',
    doc: 'The sine of radians.',
    math: 'y = \\sin x;\\quad \\bar x = \\bar y \\cos x',
    saves: 'x',
    backward: (dy, x) => mul(dy, cos(x)),
    large: { lo: -10, hi: 10 },
    edge: [
      [0, -0, Infinity, -Infinity, NaN],
      [0, -0, NaN, NaN, NaN],
    ],
  }),
  cos: mapOp({
    name: 'cos',
    doc: 'The cosine of radians.',
    math: 'y = \\cos x;\\quad \\bar x = -\\bar y \\sin x',
    saves: 'x',
    backward: (dy, x) => neg(mul(dy, sin(x))),
    large: { lo: -10, hi: 10 },
    edge: [
      [0, -0, Infinity, NaN],
      [1, 1, NaN, NaN],
    ],
  }),
  tan: mapOp({
    name: 'tan',
    doc: 'The tangent of radians.',
    math: 'y = \\tan x;\\quad \\bar x = \\bar y (1 + y^2)',
    saves: 'y',
    backward: (dy, y) => mul(dy, add(squared(y), 1)),
    large: { lo: -1.2, hi: 1.2 },
    edge: [
      [0, -0, Infinity, NaN],
      [0, -0, NaN, NaN],
      [1, 1, NaN, NaN],
    ],
  }),
  asin: mapOp({
    name: 'asin',
    doc: 'The arc sine in radians; NaN outside [-1, 1].',
    math: 'y = \\arcsin x;\\quad \\bar x = \\bar y / \\sqrt{1 - x^2}',
    saves: 'x',
    backward: (dy, x) => div(dy, sqrt(sub(1, squared(x)))),
    domain: inside,
    large: null,
    edge: [
      [0, -0, 2, NaN],
      [0, -0, NaN, NaN],
      [1, 1, NaN, NaN],
    ],
    also: [
      [1, -1],
      [Math.PI / 2, -Math.PI / 2],
      [Infinity, Infinity],
    ],
  }),
  acos: mapOp({
    name: 'acos',
    doc: 'The arc cosine in radians; NaN outside [-1, 1].',
    math: 'y = \\arccos x;\\quad \\bar x = -\\bar y / \\sqrt{1 - x^2}',
    saves: 'x',
    backward: (dy, x) => neg(div(dy, sqrt(sub(1, squared(x))))),
    domain: inside,
    large: null,
    edge: [
      [1, 2, NaN],
      [0, NaN, NaN],
    ],
    also: [
      [-1, 0],
      [Math.PI, Math.PI / 2],
      [-Infinity, -1],
    ],
  }),
  atan: mapOp({
    name: 'atan',
    doc: 'The arc tangent in radians.',
    math: 'y = \\arctan x;\\quad \\bar x = \\bar y / (1 + x^2)',
    saves: 'x',
    backward: (dy, x) => div(dy, add(squared(x), 1)),
    large: { lo: -5, hi: 5 },
    edge: [
      [0, -0, NaN],
      [0, -0, NaN],
      [1, 1, NaN],
    ],
    also: [
      [Infinity, -Infinity],
      [Math.PI / 2, -Math.PI / 2],
      [0, 0],
    ],
  }),
  sinh: mapOp({
    name: 'sinh',
    doc: 'The hyperbolic sine.',
    math: 'y = \\sinh x;\\quad \\bar x = \\bar y \\cosh x',
    saves: 'x',
    backward: (dy, x) => mul(dy, cosh(x)),
    large: { lo: -5, hi: 5 },
    edge: [
      [0, -0, Infinity, -Infinity, NaN],
      [0, -0, Infinity, -Infinity, NaN],
    ],
  }),
  cosh: mapOp({
    name: 'cosh',
    doc: 'The hyperbolic cosine.',
    math: 'y = \\cosh x;\\quad \\bar x = \\bar y \\sinh x',
    saves: 'x',
    backward: (dy, x) => mul(dy, sinh(x)),
    large: { lo: -5, hi: 5 },
    edge: [
      [0, Infinity, -Infinity, NaN],
      [1, Infinity, Infinity, NaN],
    ],
  }),
  asinh: mapOp({
    name: 'asinh',
    doc: 'The inverse of sinh.',
    math: 'y = \\mathrm{arsinh}\\, x;\\quad \\bar x = \\bar y / \\sqrt{x^2 + 1}',
    saves: 'x',
    backward: (dy, x) => div(dy, sqrt(add(squared(x), 1))),
    large: { lo: -50, hi: 50 },
    edge: [
      [0, -0, Infinity, -Infinity, NaN],
      [0, -0, Infinity, -Infinity, NaN],
    ],
  }),
  acosh: mapOp({
    name: 'acosh',
    doc: 'The inverse of cosh, from 0 up; NaN below 1.',
    math: 'y = \\mathrm{arcosh}\\, x;\\quad \\bar x = \\bar y / \\sqrt{x^2 - 1}',
    saves: 'x',
    backward: (dy, x) => div(dy, sqrt(sub(squared(x), 1))),
    domain: { lo: 1.5, hi: 4 },
    large: { lo: 5, hi: 100 },
    edge: [
      [1, 0.5, Infinity, NaN],
      [0, NaN, Infinity, NaN],
    ],
  }),
  atanh: mapOp({
    name: 'atanh',
    doc: 'The inverse of tanh; NaN outside [-1, 1].',
    math: 'y = \\mathrm{artanh}\\, x;\\quad \\bar x = \\bar y / (1 - x^2)',
    saves: 'x',
    backward: (dy, x) => div(dy, sub(1, squared(x))),
    domain: inside,
    large: null,
    edge: [
      [0, -0, 1, -1, 2, NaN],
      [0, -0, Infinity, -Infinity, NaN, NaN],
    ],
  }),
}

const offOrigin: Domain = { lo: -2, hi: 2, avoid: [0], gap: 0.5 }

const atan2Op = pairOp({
  name: 'atan2',
  doc: 'The angle of the point (b, a) in radians, in [-pi, pi].',
  math: 'y = \\mathrm{atan2}(a, b);\\quad \\bar a = \\bar y\\, b / (a^2 + b^2),\\ \\bar b = -\\bar y\\, a / (a^2 + b^2)',
  save: ([a, b]) => [a, b],
  backward: ({ dy, saved: [a, b], needs }) => {
    const part = div(dy, add(squared(a), squared(b)))
    return [needs[0] ? mul(part, b) : null, needs[1] ? neg(mul(part, a)) : null]
  },
  twice: true,
  domains: [
    offOrigin,
    offOrigin,
    [
      { lo: 10, hi: 1e3 },
      { lo: 10, hi: 1e3 },
    ],
  ],
  edge: [
    pairEdge(
      [0, 0, -0, 1, -1, Infinity],
      [1, -1, -1, 0, 0, -Infinity],
      [0, Math.PI, -Math.PI, Math.PI / 2, -Math.PI / 2, (3 * Math.PI) / 4],
    ),
    pairEdge([NaN, 1, 0], [1, NaN, 1], [NaN, NaN, 0]),
    pairEdge(
      [0, 1],
      [1, 0],
      [0, Math.PI / 2],
      [
        [1, 0],
        [-0, -1],
      ],
    ),
  ],
})

function unary(op: Op<None>): (x: Tensor) => Tensor {
  return (x) => op([x], none)
}

/** The sine of x in radians. */
export const sin = unary(ops.sin)
/** The cosine of x in radians. */
export const cos = unary(ops.cos)
/** The tangent of x in radians. */
export const tan = unary(ops.tan)
/** The arc sine, in [-pi/2, pi/2]; NaN outside [-1, 1]. */
export const asin = unary(ops.asin)
/** The arc cosine, in [0, pi]; NaN outside [-1, 1]. */
export const acos = unary(ops.acos)
/** The arc tangent, in [-pi/2, pi/2]. */
export const atan = unary(ops.atan)
/** (e^x - e^-x) / 2. */
export const sinh = unary(ops.sinh)
/** (e^x + e^-x) / 2. */
export const cosh = unary(ops.cosh)
/** The inverse of sinh. */
export const asinh = unary(ops.asinh)
/** The inverse of cosh; NaN below 1. */
export const acosh = unary(ops.acosh)
/** The inverse of tanh; NaN outside [-1, 1]. */
export const atanh = unary(ops.atanh)

/** The angle of the point (x, y), in [-pi, pi]; broadcast. */
export function atan2(y: Operand, x: Operand): Tensor {
  return atan2Op(pairOf(y, x), none)
}
