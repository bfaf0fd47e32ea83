// Born-again networks' two controls, which tell what of a teacher's knowledge is dark. Furlanello et al. 2018, section 3.
import { tensor } from '../autograd/create.js'
import { mul } from '../autograd/ops/elementwise/arithmetic.js'
import { crossEntropy } from '../autograd/ops/losses/losses.js'
import { sum } from '../autograd/ops/reduce.js'
import { fold, type Key, permutation } from '../tensor/rng.js'
import { ints, type Tensor } from '../tensor/tensor.js'
import { best, probabilities } from '../train/metrics.js'

const IGNORED = -100

/**
 * CWTM, confidence-weighted by the teacher's maximum: the labels' cross entropy, each row counting by the teacher's largest
 * probability over the sum of them in the batch. logits [B, C] each, labels int32 [B]; rows without a label do not count.
 */
export function weighedByConfidence(student: Tensor, teacher: Tensor, labels: Tensor): Tensor {
  const [rows, classes] = student.shape
  const z = teacher.elements
  const own = ints(labels)
  const tops = Array.from(own, (label, r) =>
    label === IGNORED ? 0 : probabilities(z, r * classes, classes)[best(z, r * classes, classes)],
  )
  const all = tops.reduce((a, b) => a + b, 0)
  const weights = tensor(
    Float64Array.from(tops, (w) => w / all),
    { shape: [rows], dtype: student.dtype },
  )
  return sum(mul(crossEntropy(student, labels, { reduction: 'none' }), weights))
}

/**
 * DKPP, dark knowledge with permuted predictions: each row of softmax(teacher) keeps its largest entry, the others change
 * places. A function of the key. teacher [B, C] -> [B, C].
 */
export function dkppTargets(teacher: Tensor, key: Key): Tensor {
  const [rows, classes] = teacher.shape
  const z = teacher.elements
  const out = new Float64Array(rows * classes)
  for (let r = 0; r < rows; r++) {
    const p = probabilities(z, r * classes, classes)
    const top = best(z, r * classes, classes)
    const places = Array.from(p.keys()).filter((c) => c !== top)
    const order = permutation(fold(key, r), places.length)
    out[r * classes + top] = p[top]
    places.forEach((c, i) => {
      out[r * classes + c] = p[places[order[i]]]
    })
  }
  return tensor(out, { shape: [rows, classes], dtype: teacher.dtype })
}
