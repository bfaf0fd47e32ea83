// One temperature that makes a trained classifier's probabilities honest: temperature scaling.
import { exp, log } from '../tensor/math.js'
import { best } from './metrics.js'

/** Temperatures that are looked at. A model that is always right would have none at all. */
const [LOWEST, HIGHEST] = [0.05, 20]
const GOLDEN = (Math.sqrt(5) - 1) / 2

/** Mean -log softmax(z / T) of the labels. logits [rows, classes]. NaN without rows. */
export function temperedLoss(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
  T: number,
): number {
  let loss = 0
  for (let r = 0; r < labels.length; r++) {
    const at = r * classes
    const top = logits[at + best(logits, at, classes)]
    let sum = 0
    for (let c = 0; c < classes; c++) sum += exp((logits[at + c] - top) / T)
    loss += log(sum) - (logits[at + labels[r]] - top) / T
  }
  return loss / labels.length
}

/**
 * The T between 0.05 and 20 for which softmax(z / T) has the lowest loss on these rows, to 0.1%: a golden section of 1 / T,
 * in which the loss is convex. It changes no prediction. Guo et al. 2017, section 4.2. NaN without rows.
 */
export function fitTemperature(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
): number {
  if (labels.length === 0) return Number.NaN
  const loss = (inverse: number) => temperedLoss(logits, labels, classes, 1 / inverse)
  let [low, high] = [1 / HIGHEST, 1 / LOWEST]
  let [a, b] = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)]
  let [atA, atB] = [loss(a), loss(b)]
  while (high - low > 1e-3 * low) {
    if (atA <= atB) {
      ;[high, b, atB] = [b, a, atA]
      a = high - GOLDEN * (high - low)
      atA = loss(a)
    } else {
      ;[low, a, atA] = [a, b, atB]
      b = low + GOLDEN * (high - low)
      atB = loss(b)
    }
  }
  return 2 / (low + high)
}
