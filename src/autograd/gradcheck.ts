// Gradient checks in float64 against the 4-point difference formula. Two points at 1e-5 only reach 1e-5 and miss real bugs.
import { ArgumentError, DTypeError, GradError, got } from '../errors.js'
import { functionArg, type Kinds, optionsArg, tensorArg, tensorsArg, wholeArg } from '../tensor/check.js'
import { type Key, keyOf, uniformAt } from '../tensor/rng.js'
import { numel, type Shape } from '../tensor/shape.js'
import type { Tensor } from '../tensor/tensor.js'
import { grad } from './backward.js'
import { tensor } from './create.js'
import { noGrad, withRecording } from './graph.js'
import { add, mul } from './ops/elementwise/arithmetic.js'
import { sum } from './ops/reduce.js'

export interface GradcheckOptions {
  /** Step, relative to max(1, |x|). Default 1e-3. */
  h?: number
  /** The largest error allowed, relative to max(1, largest gradient). Default 1e-8. */
  tolerance?: number
  /** Check the second derivative too. */
  twice?: boolean
  /** Which inputs are differentiated. Default: all float ones. */
  wrt?: readonly number[]
  /** What the gradient is the derivative of, where that is not fn itself: of one that rounds, and passes its gradient on. */
  surrogate?: (...inputs: Tensor[]) => Tensor
}

export interface GradcheckResult {
  /** The worst error, relative to max(1, largest gradient). */
  error: number
  /** Where: input and element. */
  input: number
  index: number
  analytic: number
  numeric: number
}

type Fn = (...inputs: Tensor[]) => Tensor

/** f'(0) from four points: (f(-2h) - 8 f(-h) + 8 f(h) - f(2h)) / 12h, error h^4 f^(5) / 30. */
export function fourPoint(f: (step: number) => number, h: number): number {
  return (f(-2 * h) - 8 * f(-h) + 8 * f(h) - f(2 * h)) / (12 * h)
}

/** Fixed weights in [-1, 1] that turn any output into a number: a loss of plain sums would miss permuted gradients. */
function weights(shape: Shape, key: Key): Tensor {
  return tensor(
    Float64Array.from({ length: numel(shape) }, (_, i) => 2 * uniformAt(key, i) - 1),
    { shape },
  )
}

function weighted(y: Tensor, key: Key): Tensor {
  return sum(mul(y, weights(y.shape, key)))
}

function leaf(x: Tensor): Tensor {
  return tensor(x.data, { shape: x.shape, dtype: x.dtype, requiresGrad: x.dtype !== 'int32' })
}

/** The gradient of `fn` beside the differences of `moved`. */
function compare(
  fn: Fn,
  inputs: readonly Tensor[],
  wrt: readonly number[],
  h: number,
  key: Key,
  moved = fn,
): GradcheckResult {
  const leaves = inputs.map(leaf)
  const y = tensorArg('gradcheck', 'the result of fn', fn(...leaves))
  const wanted = wrt.map((i) => leaves[i])
  const analytic = y.requiresGrad
    ? grad(weighted(y, key), wanted, { allowUnused: true })
    : wanted.map(() => null)
  const worst: GradcheckResult = { error: 0, input: -1, index: -1, analytic: 0, numeric: 0 }
  let scale = 1
  const differences: GradcheckResult[] = []
  noGrad(() => {
    wrt.forEach((input, w) => {
      const data = leaves[input].elements
      const g = analytic[w]?.data
      for (let index = 0; index < data.length; index++) {
        const x = data[index]
        const at = (step: number) => {
          data[index] = x + step
          return weighted(moved(...leaves), key).item()
        }
        const numeric = fourPoint(at, h * Math.max(1, Math.abs(x)))
        data[index] = x
        const a = g ? g[index] : 0
        scale = Math.max(scale, Math.abs(numeric))
        differences.push({ error: Math.abs(a - numeric), input, index, analytic: a, numeric })
      }
    })
  })
  for (const d of differences) {
    const error = d.error / scale
    // NaN is the worst there is.
    if (!(error <= worst.error)) Object.assign(worst, d, { error: Number.isNaN(error) ? Infinity : error })
  }
  return worst
}

const gradcheckOptions: Kinds<GradcheckOptions> = {
  h: 'finite',
  tolerance: 'number',
  twice: 'boolean',
  wrt: 'any',
  surrogate: 'function',
}

/**
 * Compares the gradient of `fn` with finite differences at `inputs` (float64; int32 inputs are held).
 * Returns the worst error. Throws GradError when it is above the tolerance, DTypeError for float32 inputs.
 */
export function gradcheck(
  fn: Fn,
  inputs: readonly Tensor[],
  options: GradcheckOptions = {},
): GradcheckResult {
  const {
    h = 1e-3,
    tolerance = 1e-8,
    twice = false,
    surrogate,
  } = optionsArg('gradcheck', options, gradcheckOptions)
  functionArg('gradcheck', 'fn', fn)
  tensorsArg('gradcheck', 'inputs', inputs)
  if (!(h > 0)) throw new RangeError(`gradcheck: h must be above 0, got ${h}`)
  if (inputs.some((t) => t.dtype === 'float32')) {
    throw new DTypeError(
      'gradcheck',
      'inputs must be float64',
      "Make them with { dtype: 'float64' }: float32 cannot tell a wrong gradient from rounding",
    )
  }
  const wrt = options.wrt ?? inputs.map((_, i) => i).filter((i) => inputs[i].dtype !== 'int32')
  if (!Array.isArray(wrt))
    throw new ArgumentError('gradcheck', `wrt must be a list of inputs, got ${got(wrt)}`)
  for (const i of wrt) wholeArg('gradcheck', 'a place in wrt', i, 0, inputs.length - 1)
  const results = [compare(fn, inputs, wrt, h, keyOf(1), surrogate)]
  if (twice) {
    // The gradient as a function: its own gradient is the second derivative. Finite differences call it under noGrad,
    // so it records for itself, on leaves of its own where none are given.
    const first: Fn = (...xs) =>
      withRecording(true, () => {
        const at = xs.map((x, i) => (x.requiresGrad || !wrt.includes(i) ? x : leaf(x)))
        const y = weighted(fn(...at), keyOf(2))
        const gs = y.requiresGrad
          ? grad(
              y,
              wrt.map((i) => at[i]),
              { createGraph: true, allowUnused: true },
            )
          : []
        const parts = gs.flatMap((g, i) => (g === null ? [] : [weighted(g, keyOf(3 + i))]))
        return parts.reduce((a, b) => add(a, b), mul(sum(at[wrt[0]]), 0))
      })
    results.push(compare(first, inputs, wrt, h, keyOf(4)))
  }
  const worst = results.reduce((a, b) => (b.error > a.error ? b : a))
  if (worst.error > tolerance) {
    const order = worst === results[1] ? 'second derivative' : 'gradient'
    throw new GradError(
      `gradcheck: the ${order} of input ${worst.input}, element ${worst.index}, is ${worst.analytic}, finite differences say ${worst.numeric} (error ${worst.error.toExponential(2)}, allowed ${tolerance})`,
    )
  }
  return worst
}
