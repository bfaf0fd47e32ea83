// Initial values. Each draws from the current random scope, so a model is a function of the seed it was made under.
import { full, rand, randn, tensor } from '../autograd/create.js'
import { dense, noGrad } from '../autograd/graph.js'
import { add, mul } from '../autograd/ops/elementwise/arithmetic.js'
import { tidy } from '../autograd/tidy.js'
import { got, ShapeError } from '../errors.js'
import {
  finiteArg,
  functionArg,
  type Kinds,
  numberArg,
  optionsArg,
  shapeArg,
  tensorArg,
} from '../tensor/check.js'
import { erf } from '../tensor/math.js'
import { normalQuantile } from '../tensor/rng.js'
import { formatShape, numel, type Shape } from '../tensor/shape.js'
import type { Tensor } from '../tensor/tensor.js'

/** A leaf that the optimizer may change, from computed values. */
export function parameter(values: Tensor): Tensor {
  const leaf = dense(tensorArg('parameter', 'values', values))
  leaf.node = null
  leaf.requiresGrad = true
  return leaf
}

type Drawing = 'drawn' | 'zeros' | 'hollow'
let drawing: Drawing = 'drawn'

function whileDrawing<T>(how: Drawing, fn: () => T): T {
  const before = drawing
  drawing = how
  try {
    return fn()
  } finally {
    drawing = before
  }
}

/** Runs `fn` while what would be drawn is 0 instead: for models whose values are loaded next. */
export function undrawn<T>(fn: () => T): T {
  return whileDrawing('zeros', functionArg('undrawn', 'the argument', fn))
}

/**
 * Runs `fn` while a matrix that would be drawn is one 0 seen again and again: it has its shape and takes no memory. For
 * models whose matrices are put in next; nothing may write to those.
 */
export function hollow<T>(fn: () => T): T {
  return whileDrawing('hollow', functionArg('hollow', 'the argument', fn))
}

/** What stands for values while none are drawn, or null. */
function standIn(shape: Shape): Tensor | null {
  if (drawing === 'drawn') return null
  if (drawing === 'zeros' || shape.length !== 2) return constant(shape, 0)
  const one = constant([1], 0)
  const seen = one.viewAs(shape, [0, 0])
  seen.requiresGrad = true
  return seen
}

/** N(0, std^2). BERT: std 0.02. */
export function normal(shape: Shape, std = 1): Tensor {
  const instead = standIn(shape)
  if (instead !== null) return instead
  shapeArg('normal', shape)
  finiteArg('normal', 'std', std)
  return parameter(tidy(() => noGrad(() => mul(randn(shape), std))))
}

/** Uniform on [-bound, bound). PyTorch's Linear: bound 1 / sqrt(in), for weight and bias. */
export function uniform(shape: Shape, bound: number): Tensor {
  const instead = standIn(shape)
  if (instead !== null) return instead
  shapeArg('uniform', shape)
  finiteArg('uniform', 'bound', bound)
  return parameter(tidy(() => noGrad(() => add(mul(rand(shape), 2 * bound), -bound))))
}

export function constant(shape: Shape, value: number): Tensor {
  shapeArg('constant', shape)
  numberArg('constant', 'value', value)
  return full(shape, value, { requiresGrad: true })
}

/** What feeds an element of a weight [out, in, ...kernel], and what it feeds. Throws ShapeError below 2 dims. */
function fans(who: string, shape: Shape): { fanIn: number; fanOut: number } {
  shapeArg(who, shape)
  if (shape.length < 2)
    throw new ShapeError(
      who,
      `a weight is [out, in, ...], got ${formatShape(shape)}`,
      'Use uniform() or normal()',
    )
  const field = numel(shape.slice(2))
  return { fanIn: shape[1] * field, fanOut: shape[0] * field }
}

const gains = {
  ...{ linear: 1, conv: 1, sigmoid: 1 },
  ...{ tanh: 5 / 3, relu: Math.sqrt(2), selu: 3 / 4 },
} as const

/** What follows a layer, for the gain that its weights begin with. */
export type Nonlinearity = keyof typeof gains | 'leakyRelu'

const nonlinearities = [...Object.keys(gains), 'leakyRelu']

/** By how much a function shrinks what passes it: PyTorch's table. `a`: slope of leakyRelu below 0. Throws RangeError. */
export function gain(nonlinearity: Nonlinearity, a = 0.01): number {
  if (nonlinearity === 'leakyRelu') {
    finiteArg('init.gain', 'a', a)
    return Math.sqrt(2 / (1 + a * a))
  }
  if (typeof nonlinearity === 'string' && Object.hasOwn(gains, nonlinearity)) return gains[nonlinearity]
  throw new RangeError(
    `init.gain: nonlinearity must be one of ${nonlinearities.join(', ')}, got ${got(nonlinearity)}`,
  )
}

const gainKinds: Kinds<{ gain?: number }> = { gain: 'finite' }

/** Uniform with variance 2 gain^2 / (in + out), for weights [out, in, ...]. Glorot and Bengio 2010, eq. 16. */
export function xavierUniform(shape: Shape, options: { gain?: number } = {}): Tensor {
  const { gain = 1 } = optionsArg('init.xavierUniform', options, gainKinds)
  const { fanIn, fanOut } = fans('init.xavierUniform', shape)
  return uniform(shape, gain * Math.sqrt(6 / (fanOut + fanIn)))
}

/** Normal with variance 2 gain^2 / (in + out), for weights [out, in, ...]. Glorot and Bengio 2010. */
export function xavierNormal(shape: Shape, options: { gain?: number } = {}): Tensor {
  const { gain = 1 } = optionsArg('init.xavierNormal', options, gainKinds)
  const { fanIn, fanOut } = fans('init.xavierNormal', shape)
  return normal(shape, gain * Math.sqrt(2 / (fanOut + fanIn)))
}

/** Of the Kaiming initializations. */
export interface KaimingOptions {
  /** fanIn keeps the variance going forward, fanOut going back. Default 'fanIn'. */
  mode?: 'fanIn' | 'fanOut'
  /** What follows. Default 'leakyRelu'. */
  nonlinearity?: Nonlinearity
  /** Slope of leakyRelu below 0. Default 0: relu. */
  a?: number
}

const kaimingKinds: Kinds<KaimingOptions> = {
  ...{ mode: ['fanIn', 'fanOut'], nonlinearity: nonlinearities, a: 'finite' },
}

function kaimingStd(who: string, shape: Shape, options: KaimingOptions): number {
  const { mode = 'fanIn', nonlinearity = 'leakyRelu', a = 0 } = optionsArg(who, options, kaimingKinds)
  return gain(nonlinearity, a) / Math.sqrt(fans(who, shape)[mode])
}

/** Uniform with variance gain^2 / fan, for weights [out, in, ...]. He et al. 2015. Throws ShapeError, RangeError. */
export function kaimingUniform(shape: Shape, options: KaimingOptions = {}): Tensor {
  return uniform(shape, Math.sqrt(3) * kaimingStd('init.kaimingUniform', shape, options))
}

/** Normal with variance gain^2 / fan, for weights [out, in, ...]. He et al. 2015. Throws ShapeError, RangeError. */
export function kaimingNormal(shape: Shape, options: KaimingOptions = {}): Tensor {
  return normal(shape, kaimingStd('init.kaimingNormal', shape, options))
}

/** The distribution function of N(0, 1). */
const normalCdf = (x: number) => (1 + erf(x / Math.SQRT2)) / 2

/** Of truncNormal(). */
export interface TruncNormalOptions {
  /** Default 0. */
  mean?: number
  /** Before it is cut. Default 1. */
  std?: number
  /** Least and largest value. Default -2 and 2: not in units of std, as in PyTorch. */
  a?: number
  b?: number
}

const truncNormalKinds: Kinds<TruncNormalOptions> = {
  ...{ mean: 'finite', std: 'finite', a: 'number', b: 'number' },
}

/** N(mean, std^2) within [a, b]: none is drawn outside, and none stands on the bounds in heaps. Throws RangeError. */
export function truncNormal(shape: Shape, options: TruncNormalOptions = {}): Tensor {
  shapeArg('init.truncNormal', shape)
  const { mean = 0, std = 1, a = -2, b = 2 } = optionsArg('init.truncNormal', options, truncNormalKinds)
  if (!(std > 0 && a < b))
    throw new RangeError(`init.truncNormal: needs std above 0 and a below b, got std ${std}, a ${a}, b ${b}`)
  if (drawing !== 'drawn') return constant(shape, 0)
  const [from, to] = [normalCdf((a - mean) / std), normalCdf((b - mean) / std)]
  if (!(from < to))
    throw new RangeError(`init.truncNormal: nothing of N(${mean}, ${std}^2) lies between ${a} and ${b}`)
  const values = rand(shape, { dtype: 'float64' }).elements
  const drawn = Float32Array.from(values, (u) => {
    const p = from + u * (to - from)
    const x = p <= 0 ? a : p >= 1 ? b : mean + std * normalQuantile(p)
    return Math.min(b, Math.max(a, x))
  })
  return tensor(drawn, { shape, requiresGrad: true })
}

/** Makes the columns [n, m], m <= n, orthonormal, one after the other: Gram-Schmidt, twice for the rounding. */
function orthonormal(columns: readonly Float64Array[]): void {
  columns.forEach((v, j) => {
    for (let pass = 0; pass < 2; pass++) {
      for (const q of columns.slice(0, j)) {
        const along = v.reduce((sum, x, i) => sum + x * q[i], 0)
        v.forEach((x, i) => {
          v[i] = x - along * q[i]
        })
      }
    }
    const length = Math.sqrt(v.reduce((sum, x) => sum + x * x, 0))
    v.forEach((x, i) => {
      v[i] = x / length
    })
  })
}

/**
 * A matrix [rows, rest] with orthonormal rows, or columns where there are more rows, times gain; uniform among all such. Saxe et
 * al. 2014. It is the Q of a normal matrix whose R has a positive diagonal, as PyTorch's. Throws ShapeError below 2 dims.
 */
export function orthogonal(shape: Shape, options: { gain?: number } = {}): Tensor {
  const { gain = 1 } = optionsArg('init.orthogonal', options, gainKinds)
  fans('init.orthogonal', shape)
  if (drawing !== 'drawn') return constant(shape, 0)
  const rows = shape[0]
  const rest = numel(shape.slice(1))
  const [n, m] = [Math.max(rows, rest), Math.min(rows, rest)]
  const values = randn([n, m], { dtype: 'float64' }).elements
  const columns = Array.from({ length: m }, (_, j) =>
    Float64Array.from({ length: n }, (_, i) => values[i * m + j]),
  )
  orthonormal(columns)
  const drawn = new Float32Array(rows * rest)
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < rest; c++) drawn[r * rest + c] = gain * (rows < rest ? columns[r][c] : columns[c][r])
  return tensor(drawn, { shape, requiresGrad: true })
}
