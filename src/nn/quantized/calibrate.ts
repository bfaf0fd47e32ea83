// Ranges of what goes into each linear layer, measured on texts before a model is quantized with them.
import { noGrad } from '../../autograd/graph.js'
import { tidy } from '../../autograd/tidy.js'
import { ArgumentError } from '../../errors.js'
import { functionArg } from '../../tensor/check.js'
import { log } from '../../tensor/math.js'
import type { Tensor } from '../../tensor/tensor.js'
import { Linear } from '../layers.js'
import { type Module, moduleArg } from '../module.js'

/**
 * min-max: all that came. percentile: without the 0.001% of numbers that lie furthest out. kl: cut where what is left, in 128
 * steps, is most like what was (Migacz 2017, TensorRT's way).
 */
export const rangeMethods = ['min-max', 'percentile', 'kl'] as const
/** How a range is chosen of what was seen. */
export type RangeMethod = (typeof rangeMethods)[number]
/** From where to where a layer's inputs go. */
export type Range = readonly [lo: number, hi: number]

const BINS = 2048
const KEPT = 0.99999
/** Steps of 7 bits, and by how many bins a cut moves. */
const STEPS = 128
const STRIDE = 16

/** What came to one layer. */
class Seen {
  lo = 0
  hi = 0
  /** Of equal bins from lo to hi. */
  readonly counts = new Float64Array(BINS)

  widen(x: ArrayLike<number>): void {
    for (let i = 0; i < x.length; i++) {
      if (x[i] < this.lo) this.lo = x[i]
      if (x[i] > this.hi) this.hi = x[i]
    }
  }

  count(x: ArrayLike<number>): void {
    const { lo, hi, counts } = this
    const by = hi > lo ? BINS / (hi - lo) : 0
    for (let i = 0; i < x.length; i++) counts[Math.min(BINS - 1, Math.floor((x[i] - lo) * by))]++
  }
}

const wholeRange = ({ lo, hi }: Seen): Range => [lo, hi]

function percentileRange({ lo, hi, counts }: Seen): Range {
  const total = counts.reduce((a, b) => a + b, 0)
  const out = ((1 - KEPT) / 2) * total
  const step = (hi - lo) / BINS
  let [first, last] = [0, BINS - 1]
  for (let sum = counts[first]; sum < out; sum += counts[++first]);
  for (let sum = counts[last]; sum < out; sum += counts[--last]);
  return [Math.min(0, lo + first * step), Math.max(0, lo + (last + 1) * step)]
}

/** Sum of p ln(p / q), both scaled to 1; q is 0 nowhere that p is not. */
function divergence(p: Float64Array, q: Float64Array): number {
  const [a, b] = [p, q].map((all) => all.reduce((x, y) => x + y, 0))
  let sum = 0
  for (let i = 0; i < p.length; i++) if (p[i] > 0) sum += (p[i] / a) * log(p[i] / a / (q[i] / b))
  return sum
}

/** Bins in `STEPS` steps, each step's mean where a bin is not empty. */
function stepped(bins: Float64Array): Float64Array {
  const out = new Float64Array(bins.length)
  for (let s = 0; s < STEPS; s++) {
    const from = Math.floor((s * bins.length) / STEPS)
    const to = Math.floor(((s + 1) * bins.length) / STEPS)
    const own = bins.subarray(from, to)
    const filled = own.reduce((n, x) => n + (x > 0 ? 1 : 0), 0)
    const mean = filled === 0 ? 0 : own.reduce((a, b) => a + b, 0) / filled
    for (let i = from; i < to; i++) out[i] = bins[i] > 0 ? mean : 0
  }
  return out
}

/** Cut at the same size on both sides. */
function klRange({ lo, hi, counts }: Seen): Range {
  const largest = Math.max(-lo, hi)
  const sizes = new Float64Array(BINS)
  const step = (hi - lo) / BINS
  for (let i = 0; i < BINS; i++) {
    const size = Math.abs(lo + (i + 0.5) * step)
    sizes[Math.min(BINS - 1, Math.floor((size / largest) * BINS))] += counts[i]
  }
  let [best, cut] = [Infinity, BINS]
  for (let at = STEPS; at <= BINS; at += STRIDE) {
    const kept = sizes.slice(0, at)
    const quantized = stepped(kept)
    // What is cut off ends in the last bin.
    const last = at - 1
    kept[last] += sizes.subarray(at).reduce((a, b) => a + b, 0)
    if (quantized[last] === 0 && kept[last] > 0) quantized[last] = Number.MIN_VALUE * 2 ** 60
    const far = divergence(kept, quantized)
    if (far < best) [best, cut] = [far, at]
  }
  const most = (cut / BINS) * largest
  return [Math.max(lo, -most), Math.min(hi, most)]
}

const ranges: Record<RangeMethod, (seen: Seen) => Range> = {
  'min-max': wholeRange,
  percentile: percentileRange,
  kl: (seen) => (seen.hi > seen.lo ? klRange(seen) : wholeRange(seen)),
}

/**
 * The range of the inputs of each linear layer, by its path, over what `run` gives the float model: called with a function
 * for each batch, twice where a method counts. For the `ranges` of quantize(). Throws ArgumentError where no layer saw
 * anything, or what it saw is not finite.
 */
export function calibrate(
  model: Module,
  run: () => void,
  method: RangeMethod = 'min-max',
): Map<string, Range> {
  moduleArg('calibrate', 'the model', model)
  functionArg('calibrate', 'run', run)
  const rangeOf = ranges[method]
  if (rangeOf === undefined)
    throw new RangeError(`calibrate: the method must be one of ${rangeMethods.join(', ')}`)
  const seen = new Map<string, Seen>()
  const look = (take: (seen: Seen, x: ArrayLike<number>) => void) => {
    const removers = Array.from(model.namedModules()).flatMap(([name, layer]) =>
      layer instanceof Linear
        ? [
            layer.registerForwardPreHook((_, [x]: Tensor[]) => {
              const own = seen.get(name) ?? new Seen()
              seen.set(name, own)
              take(own, x.elements)
              return undefined
            }),
          ]
        : [],
    )
    try {
      noGrad(() => tidy(() => run()))
    } finally {
      for (const remove of removers) remove()
    }
  }
  look((own, x) => own.widen(x))
  if (method !== 'min-max') look((own, x) => own.count(x))
  if (seen.size === 0)
    throw new ArgumentError('calibrate', 'no linear layer was run', 'Call the model in run()')
  return new Map(
    Array.from(seen, ([name, own]) => {
      if (!Number.isFinite(own.hi - own.lo))
        throw new ArgumentError(
          'calibrate',
          `the inputs of ${name} are not finite`,
          'Calibrate with other texts',
        )
      return [name, rangeOf(own)]
    }),
  )
}
