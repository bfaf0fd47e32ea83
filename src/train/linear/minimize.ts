// L-BFGS: Newton's direction out of the last few steps and gradients. Nocedal and Wright 2006, algorithms 7.4 and 7.5.

export interface MinimizeOptions {
  /** Ends where no derivative is larger. Default 1e-5. */
  tolerance?: number
  /** Most steps. Default 500. */
  iterations?: number
  /** About the second derivative by each variable, above 0: where they differ much, steps go far more straight. Default: all 1. */
  curvature?: Float64Array
}

/** Steps that are remembered: more take fewer steps, each with two vectors as long as x. */
const MEMORY = 5
/** Of the decrease that the slope promises, what a step must bring: Armijo's rule. */
const ENOUGH = 1e-4
const HALVINGS = 40

interface Past {
  step: Float64Array
  change: Float64Array
  /** Of step and change. */
  product: number
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i]
  return sum
}

function addScaled(to: Float64Array, scale: number, x: Float64Array): void {
  for (let i = 0; i < to.length; i++) to[i] += scale * x[i]
}

function largest(x: Float64Array): number {
  let most = 0
  for (let i = 0; i < x.length; i++) most = Math.max(most, Math.abs(x[i]))
  return most
}

/** The same with each product divided by a third. */
function dotOver(a: Float64Array, b: Float64Array, by: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] * b[i]) / by[i]
  return sum
}

/** Into `out`: downhill from where the gradient is this. */
function direction(
  gradient: Float64Array,
  past: readonly Past[],
  curvature: Float64Array,
  out: Float64Array,
): void {
  out.set(gradient)
  const used: number[] = []
  for (let i = past.length - 1; i >= 0; i--) {
    const { step, change, product } = past[i]
    used[i] = dot(step, out) / product
    addScaled(out, -used[i], change)
  }
  const newest = past.at(-1)
  const scale = newest ? newest.product / dotOver(newest.change, newest.change, curvature) : 1
  for (let i = 0; i < out.length; i++) out[i] *= -scale / curvature[i]
  past.forEach(({ step, change, product }, i) => {
    addScaled(out, -used[i] - dot(change, out) / product, step)
  })
}

/**
 * Moves x to where a smooth convex function is smallest. `value` gives the function at a point and writes its gradient. Gives
 * the steps taken.
 */
export function minimize(
  x: Float64Array,
  value: (x: Float64Array, gradient: Float64Array) => number,
  { tolerance = 1e-5, iterations = 500, curvature = x.slice().fill(1) }: MinimizeOptions = {},
): number {
  const fresh = () => new Float64Array(x.length)
  let [gradient, nextGradient, next] = [fresh(), fresh(), fresh()]
  const towards = fresh()
  const past: Past[] = []
  let now = value(x, gradient)
  for (let taken = 0; taken < iterations; taken++) {
    if (largest(gradient) <= tolerance) return taken
    direction(gradient, past, curvature, towards)
    const slope = dot(gradient, towards)
    let length = 1
    let then = now
    let tries = 0
    for (; tries < HALVINGS; tries++, length /= 2) {
      next.set(x)
      addScaled(next, length, towards)
      then = value(next, nextGradient)
      if (then <= now + ENOUGH * length * slope) break
    }
    // What is left to win is less than rounding.
    if (tries === HALVINGS) return taken
    const { step, change } =
      past.length < MEMORY ? { step: fresh(), change: fresh() } : (past.shift() as Past)
    for (let i = 0; i < x.length; i++) {
      step[i] = next[i] - x[i]
      change[i] = nextGradient[i] - gradient[i]
    }
    const product = dot(step, change)
    if (product > 0) past.push({ step, change, product })
    x.set(next)
    ;[gradient, nextGradient] = [nextGradient, gradient]
    now = then
  }
  return iterations
}
