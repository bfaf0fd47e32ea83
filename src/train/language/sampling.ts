// The next word out of logits: the likeliest, or one drawn from what temperature, top-k and top-p leave of the distribution.
import { exp } from '../../tensor/math.js'

/** How a word is drawn. */
export interface Sampling {
  /** Logits are divided by it. Default 1. */
  temperature?: number | undefined
  /** So many of the likeliest words stay, and what is as likely as the last of them. Fan et al. 2018 (arXiv 1805.04833), section 4.2. */
  topK?: number | undefined
  /** The likeliest words stay that together reach this probability. Holtzman et al. 2019 (arXiv 1904.09751), eq. 3. */
  topP?: number | undefined
}

/** The first of the largest; -1 where all are NaN. */
export function likeliest(logits: ArrayLike<number>): number {
  let best = -1
  for (let i = 0; i < logits.length; i++)
    if (best < 0 ? !Number.isNaN(logits[i]) : logits[i] > logits[best]) best = i
  return best
}

/** Throws RangeError for settings that mean nothing. */
export function checkSampling({ temperature = 1, topK, topP }: Sampling): void {
  const refuse = (name: string, want: string, got: unknown): never => {
    throw new RangeError(`generate: ${name} must be ${want}, got ${got}`)
  }
  if (!(temperature > 0 && temperature < Infinity)) refuse('temperature', 'above 0', temperature)
  if (topK !== undefined && !(Number.isInteger(topK) && topK >= 1))
    refuse('topK', 'a whole number from 1 on', topK)
  if (topP !== undefined && !(topP > 0 && topP <= 1)) refuse('topP', 'above 0 and at most 1', topP)
}

/**
 * Probability of each word, 0 where it is not to be drawn: temperature, then topK, then topP, as transformers' warpers. Of words
 * that are equally likely at the edge of topP the later ones stay. Throws RangeError.
 */
export function probabilities(logits: ArrayLike<number>, sampling: Sampling): Float64Array {
  checkSampling(sampling)
  const { temperature = 1, topK = logits.length, topP = 1 } = sampling
  const scaled = Float32Array.from(logits, (z) => z / temperature)
  const sorted = topK < scaled.length || topP < 1 ? scaled.slice().sort() : scaled
  const least = topK < scaled.length ? sorted[sorted.length - topK] : -Infinity
  const largest = topK < scaled.length || topP < 1 ? sorted[sorted.length - 1] : scaled[likeliest(scaled)]
  const weight = (z: number) => (z >= least ? exp(z - largest) : 0)
  const out = Float64Array.from(scaled, weight)
  const total = out.reduce((a, b) => a + b, 0)
  if (topP < 1) dropTail(out, scaled, sorted, (1 - topP) * total, weight)
  const left = topP < 1 ? out.reduce((a, b) => a + b, 0) : total
  for (let i = 0; i < out.length; i++) out[i] /= left
  return out
}

/** Makes 0 of the least likely words, from the least on, as long as together they weigh at most `most`. The last one stays. */
function dropTail(
  out: Float64Array,
  scaled: Float32Array,
  sorted: Float32Array,
  most: number,
  weight: (z: number) => number,
): void {
  let gone = 0
  let sum = weight(sorted[0])
  while (gone < sorted.length - 1 && sum <= most) sum += weight(sorted[++gone])
  const edge = sorted[gone]
  // Of those at the edge the first ones go.
  let equal = gone - sorted.indexOf(edge)
  for (let i = 0; i < out.length; i++) if (scaled[i] < edge || (scaled[i] === edge && equal-- > 0)) out[i] = 0
}

/** The word at which the sum of probabilities passes `u`, from 0 to below 1. */
export function drawn(probabilities: Float64Array, u: number): number {
  let [sum, last] = [0, -1]
  for (let i = 0; i < probabilities.length; i++) {
    if (probabilities[i] === 0) continue
    sum += probabilities[i]
    last = i
    if (u < sum) return i
  }
  // Rounding: the sum may end below 1.
  return last
}
