// The directions of the last hidden states. Sanh et al. 2019 (DistilBERT, arXiv 1910.01108), section 2.
import { sub } from '../../autograd/ops/elementwise/arithmetic.js'
import { detached } from '../../autograd/ops/elementwise/compare.js'
import { cosineSimilarity } from '../../autograd/ops/losses/cosine.js'
import { mean } from '../../autograd/ops/reduce.js'
import type { Tensor } from '../../tensor/tensor.js'
import { fitting, realRows } from './real.js'
import type { LossRecord } from './record.js'

/**
 * Mean of 1 - cos(student, teacher) over states [..., C], with a mask [...] (the attention mask) over real ones only.
 * Gradient: -(t / |t| - cos s / |s|) / |s| / states; none reaches the teacher. Sanh et al. 2019, section 2. Throws
 * ShapeError where shapes differ: there is no projection, widths must be equal.
 */
export function cosineLoss(
  student: Tensor,
  teacher: Tensor,
  { mask }: { mask?: Tensor | undefined } = {},
): Tensor {
  fitting('cosineLoss', student, teacher, 'The widths of student and teacher must be equal')
  const [s, t] = [student, detached(teacher)].map((x) => realRows('cosineLoss', x, mask))
  return sub(1, mean(cosineSimilarity(s, t)))
}

export const cosine: LossRecord = {
  name: 'cosine',
  doc: 'One minus the cosine between last hidden states, of real words only.',
  math: '\\tfrac{1}{N} \\sum_n 1 - \\cos(h_s, h_t);\\quad \\bar h_s = -\\tfrac{1}{N |h_s|} \\left( \\tfrac{h_t}{|h_t|} - \\cos \\tfrac{h_s}{|h_s|} \\right)',
  source: 'Sanh et al. 2019 (arXiv 1910.01108), section 2, and its code',
  needs: ['lastHiddenState', 'attentionMask'],
  golden: {
    'cosine.masked': (t) => cosineLoss(t.student, t.teacher, { mask: t.mask }),
    'cosine.rows': (t) => cosineLoss(t.student, t.teacher),
  },
}
