// Whole numbers, orders and choices at random. Element i is a function of the key and i alone; the key is the next of the
// current random scope unless one is given.
import { ArgumentError, DTypeError, got, ShapeError } from '../errors.js'
import { optionsArg, shapeArg, tensorArg, wholeArg } from '../tensor/check.js'
import { log } from '../tensor/math.js'
import { fold, integerAt, type Key, permutation, uniformAt } from '../tensor/rng.js'
import { formatShape, numel, type Shape } from '../tensor/shape.js'
import type { Floats } from '../tensor/storage.js'
import type { Tensor } from '../tensor/tensor.js'
import { int32Arg } from '../tensor/values.js'
import { make, type RandomOptions, randomOptions } from './create.js'
import { nextKey } from './random.js'

/** Whole numbers of [low, high), int32 unless the options say otherwise: randint(low, high, shape) or randint(high, shape). */
export function randint(high: number, shape: Shape, options?: RandomOptions): Tensor
export function randint(low: number, high: number, shape: Shape, options?: RandomOptions): Tensor
export function randint(first: number, ...args: (number | Shape | RandomOptions | undefined)[]): Tensor {
  const [low, high, sizes, given, ...more] = Array.isArray(args[0]) ? [0, first, ...args] : [first, ...args]
  if (more.length > 0) throw new ArgumentError('randint', `one argument too many, ${got(more[0])}`)
  const from = wholeArg('randint', 'low', low)
  const to = wholeArg('randint', 'high', high)
  const shape = shapeArg('randint', sizes)
  const {
    key,
    dtype = 'int32',
    ...rest
  } = optionsArg('randint', given as RandomOptions | undefined, randomOptions)
  if (!(from < to)) throw new RangeError(`randint: low must be below high, got ${from} and ${to}`)
  if (!Number.isSafeInteger(to - from)) throw new RangeError(`randint: ${from} to ${to} is too wide a range`)
  if (dtype === 'int32') {
    int32Arg('randint', from, '')
    int32Arg('randint', to - 1, '')
  }
  return make('randint', shape, { dtype, ...rest }, (out) => {
    const own = key ?? nextKey()
    for (let i = 0, n = numel(shape); i < n; i++) out[i] = from + integerAt(own, i, to - from)
  })
}

/** The numbers 0 to n - 1 in a random order, int32 [n]. */
export function randperm(n: number, options?: { key?: Key }): Tensor {
  const count = wholeArg('randperm', 'n', n, 0, 2 ** 31 - 1)
  const { key } = optionsArg('randperm', options, { key: 'key' })
  return make('randperm', [count], { dtype: 'int32' }, (out) => out.set(permutation(key ?? nextKey(), count)))
}

function floatsOf(op: string, x: Tensor): Floats {
  tensorArg(op, 'the input', x)
  if (x.dtype === 'int32')
    throw new DTypeError(op, 'probabilities are floats, got int32', "Convert it with .to('float32')")
  return x.elements as Floats
}

/** 1 with the probability that stands in p, else 0; of p's shape and dtype. Throws RangeError outside [0, 1]. */
export function bernoulli(p: Tensor, options?: { key?: Key }): Tensor {
  const data = floatsOf('bernoulli', p)
  const { key } = optionsArg('bernoulli', options, { key: 'key' })
  const bad = data.findIndex((x) => !(x >= 0 && x <= 1))
  if (bad >= 0) throw new RangeError(`bernoulli: ${data[bad]} at place ${bad} is no probability`)
  return make('bernoulli', p.shape, { dtype: p.dtype }, (out) => {
    const own = key ?? nextKey()
    for (let i = 0; i < data.length; i++) out[i] = uniformAt(own, i) < data[i] ? 1 : 0
  })
}

export interface MultinomialOptions {
  /** Whether one place may be drawn again. Default false. */
  replacement?: boolean
  key?: Key
}

/**
 * n places drawn from each row of weights, which need not add up to 1: [C] -> int32 [n], [B, C] -> int32 [B, n]. Throws
 * RangeError for a row that is negative, not finite or all zeros, and without replacement for one of fewer than n weights
 * above 0.
 */
export function multinomial(probs: Tensor, n: number, options?: MultinomialOptions): Tensor {
  const data = floatsOf('multinomial', probs)
  const count = wholeArg('multinomial', 'n', n, 1)
  const { key, replacement = false } = optionsArg<MultinomialOptions>('multinomial', options, {
    replacement: 'boolean',
    key: 'key',
  })
  if (probs.rank !== 1 && probs.rank !== 2)
    throw new ShapeError('multinomial', `the weights must be [C] or [B, C], got ${formatShape(probs.shape)}`)
  const width = probs.shape[probs.rank - 1]
  const rows = probs.rank === 1 ? 1 : probs.shape[0]
  for (let r = 0; r < rows; r++)
    checkWeights(data.subarray(r * width, (r + 1) * width), r, replacement ? 1 : count)
  return make('multinomial', [...probs.shape.slice(0, -1), count], { dtype: 'int32' }, (out) => {
    const own = key ?? nextKey()
    for (let r = 0; r < rows; r++) {
      const weights = data.subarray(r * width, (r + 1) * width)
      const place = out.subarray(r * count, (r + 1) * count) as Int32Array
      if (replacement) drawAgain(weights, fold(own, r), place)
      else drawOnce(weights, fold(own, r), place)
    }
  })
}

function checkWeights(weights: Floats, row: number, least: number): void {
  let above = 0
  for (const w of weights) {
    if (!(w >= 0 && w < Infinity)) throw new RangeError(`multinomial: ${w} in row ${row} is no weight`)
    if (w > 0) above++
  }
  if (above < least)
    throw new RangeError(
      `multinomial: row ${row} has ${above} weights above 0, ${least} are to be drawn. Fewer, or with { replacement: true }`,
    )
}

/** By the sums so far: the first above u times their total. */
function drawAgain(weights: Floats, key: Key, out: Int32Array): void {
  const sums = new Float64Array(weights.length)
  let total = 0
  for (let i = 0; i < weights.length; i++) sums[i] = total += weights[i]
  for (let j = 0; j < out.length; j++) {
    const u = uniformAt(key, j) * total
    let [lo, hi] = [0, weights.length - 1]
    while (lo < hi) {
      const middle = (lo + hi) >> 1
      if (sums[middle] > u) hi = middle
      else lo = middle + 1
    }
    // Rounding may have taken u up to the total: back to a place that has a weight.
    while (weights[lo] === 0) lo--
    out[j] = lo
  }
}

/** A race of exponential clocks, each as fast as its weight: the first n to ring. Efraimidis and Spirakis 2006. */
function drawOnce(weights: Floats, key: Key, out: Int32Array): void {
  const times = Float64Array.from(weights, (w, i) =>
    // A weight of next to nothing rings before one of 0 still.
    w === 0 ? Infinity : Math.min(Number.MAX_VALUE, -log(1 - uniformAt(key, i)) / w),
  )
  const order = Array.from(times.keys()).sort((a, b) => times[a] - times[b] || a - b)
  out.set(order.slice(0, out.length))
}
