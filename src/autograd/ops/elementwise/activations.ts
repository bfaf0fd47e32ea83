// Activations written in other ops. relu, gelu, tanh and sigmoid, which have kernels, are in pointwise.ts.
// Where a branch would overflow or lose its gradient, its input is replaced before it is computed: where() alone would
// multiply that branch's infinite derivative by 0.
import { type Kinds, optionsArg } from '../../../tensor/check.js'
import type { Tensor } from '../../../tensor/tensor.js'
import type { Domain } from '../../samples.js'
import { add, div, mul, neg, sub } from './arithmetic.js'
import { detached, gt, lt, maximum, minimum, where } from './compare.js'
import { abs, exp, sigmoid, tanh } from './pointwise.js'
import { expm1, log1p } from './powers.js'
import { type None, none, unaryComposite } from './records.js'

const offZero: Domain = { lo: -2, hi: 2, avoid: [0], gap: 0.1 }
const tails: Domain = { lo: -6, hi: 6 }

const siluOp = unaryComposite<None>({
  name: 'silu',
  doc: 'x sigmoid(x), also called swish. Elfwing et al. 2017.',
  math: 'y = x \\sigma(x);\\quad \\bar x = \\bar y (\\sigma(x) + x \\sigma(x) (1 - \\sigma(x)))',
  tries: [none],
  large: tails,
  composite: (x) => mul(x, sigmoid(x)),
  edge: [
    [0, Infinity, NaN, -Infinity],
    [0, Infinity, NaN, NaN],
  ],
})

/** x sigmoid(x). Elfwing et al. 2017. */
export const silu = (x: Tensor): Tensor => siluOp([x], none)

/** scale * (x above 0, alpha (e^(x / width) - 1) below). */
function exponentialBelow(x: Tensor, alpha: number, scale = 1, width = 1): Tensor {
  const above = gt(x, 0)
  const below = where(above, 0, x)
  const bent = mul(expm1(width === 1 ? below : div(below, width)), alpha)
  const y = where(above, x, bent)
  return scale === 1 ? y : mul(y, scale)
}

export interface Alpha {
  alpha: number
}

const alphaOptions: Kinds<Partial<Alpha>> = { alpha: 'finite' }

const eluOp = unaryComposite<Alpha>({
  name: 'elu',
  doc: 'x above 0, alpha (e^x - 1) below. Clevert et al. 2015.',
  math: 'y = [x > 0]\\, x + [x \\le 0]\\, \\alpha (e^x - 1);\\quad \\bar x = \\bar y ([x > 0] + [x \\le 0]\\, \\alpha e^x)',
  tries: [{ alpha: 1 }, { alpha: 0.5 }],
  domain: offZero,
  large: { lo: -10, hi: 10, avoid: [0], gap: 0.1 },
  composite: (x, { alpha }) => exponentialBelow(x, alpha),
  edge: [
    [0, -Infinity, Infinity, NaN],
    [0, -1, Infinity, NaN],
    [1, 0, 1, NaN],
  ],
})

/** x above 0, alpha (e^x - 1) below; alpha 1 unless given. Clevert et al. 2015. */
export function elu(x: Tensor, options: Partial<Alpha> = {}): Tensor {
  const { alpha = 1 } = optionsArg('elu', options, alphaOptions)
  return eluOp([x], { alpha })
}

const celuOp = unaryComposite<Alpha>({
  name: 'celu',
  doc: 'x above 0, alpha (e^(x/alpha) - 1) below: elu with a smooth bend. Barron 2017.',
  math: 'y = [x > 0]\\, x + [x \\le 0]\\, \\alpha (e^{x/\\alpha} - 1);\\quad \\bar x = \\bar y ([x > 0] + [x \\le 0]\\, e^{x/\\alpha})',
  tries: [{ alpha: 1 }, { alpha: 2 }],
  domain: offZero,
  large: { lo: -10, hi: 10, avoid: [0], gap: 0.1 },
  composite: (x, { alpha }) => exponentialBelow(x, alpha, 1, alpha),
  check: ({ alpha }) => {
    if (alpha === 0) throw new RangeError('celu: alpha may not be 0')
  },
  refused: [{ attrs: { alpha: 0 }, text: 'celu: alpha may not be 0' }],
  edge: [
    [0, -Infinity, Infinity, NaN],
    [0, -1, Infinity, NaN],
    [1, 0, 1, NaN],
  ],
})

/** x above 0, alpha (e^(x / alpha) - 1) below. Barron 2017. Throws RangeError for alpha 0. */
export function celu(x: Tensor, options: Partial<Alpha> = {}): Tensor {
  const { alpha = 1 } = optionsArg('celu', options, alphaOptions)
  return celuOp([x], { alpha })
}

const SELU_ALPHA = 1.6732632423543772
const SELU_SCALE = 1.0507009873554805

const seluOp = unaryComposite<None>({
  name: 'selu',
  doc: 'elu with the scale and alpha that keep mean 0 and variance 1. Klambauer et al. 2017.',
  math: 'y = s\\, ([x > 0]\\, x + [x \\le 0]\\, \\alpha (e^x - 1))',
  tries: [none],
  domain: offZero,
  large: { lo: -10, hi: 10, avoid: [0], gap: 0.1 },
  composite: (x) => exponentialBelow(x, SELU_ALPHA, SELU_SCALE),
  edge: [
    [0, Infinity, NaN],
    [0, Infinity, NaN],
  ],
  also: [
    [0, 1, -Infinity],
    [0, SELU_SCALE, -SELU_ALPHA * SELU_SCALE],
    [SELU_ALPHA * SELU_SCALE, SELU_SCALE, 0],
  ],
})

/** elu that normalizes itself. Klambauer et al. 2017. */
export const selu = (x: Tensor): Tensor => seluOp([x], none)

export interface Slope {
  negativeSlope: number
}

const leakyReluOp = unaryComposite<Slope>({
  name: 'leakyRelu',
  doc: 'x above 0, a small multiple of it below; at 0 the derivative is the slope.',
  math: 'y = x ([x > 0] + s [x \\le 0]);\\quad \\bar x = \\bar y ([x > 0] + s [x \\le 0])',
  tries: [{ negativeSlope: 0.01 }, { negativeSlope: 0.3 }],
  domain: offZero,
  composite: (x, { negativeSlope }) => where(gt(x, 0), x, mul(x, negativeSlope)),
  edge: [
    [0, -100, Infinity, -Infinity, NaN],
    [0, -1, Infinity, -Infinity, NaN],
    [0.01, 0.01, 1, 0.01, 0.01],
  ],
})

/** x above 0, negativeSlope x below; 0.01 unless given. Maas et al. 2013. */
export function leakyRelu(x: Tensor, options: Partial<Slope> = {}): Tensor {
  const { negativeSlope = 0.01 } = optionsArg('leakyRelu', options, { negativeSlope: 'finite' })
  return leakyReluOp([x], { negativeSlope })
}

export interface Softplus {
  beta: number
  threshold: number
}

const softplusOp = unaryComposite<Softplus>({
  name: 'softplus',
  doc: 'ln(1 + e^(beta x)) / beta, and x itself where beta x is above the threshold.',
  math: 'y = \\ln(1 + e^{\\beta x}) / \\beta;\\quad \\bar x = \\bar y\\, \\sigma(\\beta x)',
  tries: [
    { beta: 1, threshold: 20 },
    { beta: 2, threshold: 20 },
    { beta: 1, threshold: 1.5 },
  ],
  domain: ({ beta, threshold }) => ({ lo: -2, hi: 2, avoid: [threshold / beta], gap: 0.1 }),
  large: { lo: -9, hi: 9, avoid: [1.5], gap: 0.1 },
  composite: (x, { beta, threshold }) => {
    const z = beta === 1 ? x : mul(x, beta)
    const straight = gt(z, threshold)
    const bent = log1p(exp(where(straight, 0, z)))
    return where(straight, x, beta === 1 ? bent : div(bent, beta))
  },
  check: ({ beta }) => {
    if (beta === 0) throw new RangeError('softplus: beta may not be 0')
  },
  refused: [{ attrs: { beta: 0, threshold: 20 }, text: 'softplus: beta may not be 0' }],
  edge: [
    [30, Infinity, -Infinity, NaN],
    [30, Infinity, 0, NaN],
    [1, 1, 0, NaN],
  ],
  also: [[0], [Math.LN2], [0.5]],
})

/** ln(1 + e^(beta x)) / beta, x where beta x > threshold. beta 1 and threshold 20 unless given. Throws RangeError. */
export function softplus(x: Tensor, options: Partial<Softplus> = {}): Tensor {
  const { beta = 1, threshold = 20 } = optionsArg('softplus', options, {
    beta: 'finite',
    threshold: 'number',
  })
  return softplusOp([x], { beta, threshold })
}

const logSigmoidOp = unaryComposite<None>({
  name: 'logSigmoid',
  doc: 'The logarithm of the logistic function, without underflow.',
  math: 'y = -\\ln(1 + e^{-x});\\quad \\bar x = \\bar y\\, \\sigma(-x)',
  tries: [none],
  domain: offZero,
  large: { lo: -30, hi: 10, avoid: [0], gap: 0.1 },
  composite: (x) => sub(minimum(x, 0), log1p(exp(neg(abs(x))))),
  edge: [
    [0, Infinity, -Infinity, -1000],
    [-Math.LN2, 0, -Infinity, -1000],
    [0.5, 0, 1, 1],
  ],
})

/** ln sigmoid(x), without underflow. */
export const logSigmoid = (x: Tensor): Tensor => logSigmoidOp([x], none)

const mishOp = unaryComposite<None>({
  name: 'mish',
  doc: 'x tanh(softplus(x)). Misra 2019.',
  math: 'y = x \\tanh(\\ln(1 + e^x))',
  tries: [none],
  large: tails,
  composite: (x) => mul(x, tanh(softplus(x))),
  edge: [
    [0, Infinity, NaN],
    [0, Infinity, NaN],
  ],
  also: [
    [0, 100],
    [0, 100],
    [0.6, 1],
  ],
})

/** x tanh(softplus(x)). Misra 2019. */
export const mish = (x: Tensor): Tensor => mishOp([x], none)

export interface Bounds {
  minVal: number
  maxVal: number
}

const hardtanhOp = unaryComposite<Bounds>({
  name: 'hardtanh',
  doc: 'x brought into [minVal, maxVal]; the gradient passes inside.',
  math: 'y = \\min(\\max(x, m), M);\\quad \\bar x = \\bar y [m < x < M]',
  tries: [
    { minVal: -1, maxVal: 1 },
    { minVal: 0, maxVal: 6 },
  ],
  domain: ({ minVal, maxVal }) => ({ lo: -2, hi: 7, avoid: [minVal, maxVal], gap: 0.1 }),
  large: null,
  composite: (x, { minVal, maxVal }) => {
    const within = mul(gt(x, minVal), lt(x, maxVal))
    return where(within, x, maximum(minimum(detached(x), maxVal), minVal))
  },
  check: ({ minVal, maxVal }) => {
    if (!(minVal < maxVal)) throw new RangeError(`hardtanh: minVal ${minVal} is not below maxVal ${maxVal}`)
  },
  refused: [{ attrs: { minVal: 1, maxVal: 1 }, text: 'hardtanh: minVal 1 is not below maxVal 1' }],
  edge: [
    [-1, 1, 0, Infinity, -Infinity, NaN],
    [-1, 1, 0, 1, -1, NaN],
    [0, 0, 1, 0, 0, 0],
  ],
})

/** x brought into [minVal, maxVal], -1 and 1 unless given. No gradient at the bounds. Throws RangeError. */
export function hardtanh(x: Tensor, options: Partial<Bounds> = {}): Tensor {
  const { minVal = -1, maxVal = 1 } = optionsArg('hardtanh', options, { minVal: 'number', maxVal: 'number' })
  return hardtanhOp([x], { minVal, maxVal })
}

/** x brought into [0, 6]. */
export const relu6 = (x: Tensor): Tensor => hardtanh(x, { minVal: 0, maxVal: 6 })

const bends: Domain = { lo: -6, hi: 6, avoid: [-3, 3], gap: 0.1 }

const hardsigmoidOp = unaryComposite<None>({
  name: 'hardsigmoid',
  doc: '0 up to -3, 1 from 3 on, a straight line between.',
  math: 'y = \\min(\\max(x + 3, 0), 6) / 6;\\quad \\bar x = \\bar y\\, [-3 < x < 3] / 6',
  tries: [none],
  domain: bends,
  large: null,
  composite: (x) => div(relu6(add(x, 3)), 6),
  edge: [
    [-3, 3, 0, Infinity, -Infinity, NaN],
    [0, 1, 0.5, 1, 0, NaN],
    [0, 0, 1 / 6, 0, 0, 0],
  ],
})

/** relu6(x + 3) / 6. */
export const hardsigmoid = (x: Tensor): Tensor => hardsigmoidOp([x], none)

const hardswishOp = unaryComposite<None>({
  name: 'hardswish',
  doc: 'x hardsigmoid(x). Howard et al. 2019.',
  math: 'y = x \\min(\\max(x + 3, 0), 6) / 6',
  tries: [none],
  domain: bends,
  large: null,
  composite: (x) => mul(x, hardsigmoid(x)),
  edge: [
    [0, 4, -4, Infinity, NaN],
    [0, 4, -0, Infinity, NaN],
    [0.5, 1, 0, 1, NaN],
  ],
})

/** x hardsigmoid(x). Howard et al. 2019. */
export const hardswish = (x: Tensor): Tensor => hardswishOp([x], none)

const softsignOp = unaryComposite<None>({
  name: 'softsign',
  doc: 'x / (1 + |x|).',
  math: 'y = x / (1 + |x|);\\quad \\bar x = \\bar y / (1 + |x|)^2',
  tries: [none],
  domain: offZero,
  large: { lo: -20, hi: 20, avoid: [0], gap: 0.1 },
  composite: (x) => div(x, add(abs(x), 1)),
  edge: [
    [0, 1, -3, NaN],
    [0, 0.5, -0.75, NaN],
    [1, 0.25, 0.0625, NaN],
  ],
})

/** x / (1 + |x|). */
export const softsign = (x: Tensor): Tensor => softsignOp([x], none)
