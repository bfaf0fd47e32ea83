// Losses of plans that read logits: soft targets, labels, both, and the controls.
import { tensor } from '../../autograd/create.js'
import { noGrad } from '../../autograd/graph.js'
import { add, mul } from '../../autograd/ops/elementwise/arithmetic.js'
import { crossEntropy } from '../../autograd/ops/losses/losses.js'
import { softmax } from '../../autograd/ops/softmax.js'
import { nextKey } from '../../autograd/random.js'
import { ints } from '../../tensor/tensor.js'
import { dkppTargets, weighedByConfidence } from '../controls.js'
import { maskedWordLoss } from '../losses/hard-target.js'
import { type RowReduction, rowReductions, softTargetLoss } from '../losses/soft-target.js'
import { type LossContext, planLoss, type TeacherOutput } from './loss.js'
import { flag, numberFrom, oneOf } from './settings.js'

const teacherLogits = ({ teacher }: LossContext) => (teacher as TeacherOutput).logits

/** Padded words have no part in losses on logits of each word. */
const wordMask = ({ student, input }: LossContext) =>
  student.logits.rank === 3 && 'attentionMask' in input ? input.attentionMask : undefined

const temperature = { T: numberFrom(0.01, 1000, 2), tSquared: flag(true) }
const softened = (T: number) =>
  T === 1 ? ['softmax(z_t)', 'softmax(z_s)'] : [`softmax(z_t/${T})`, `softmax(z_s/${T})`]

export const soft = planLoss({
  needs: { teacher: true },
  settings: {
    ...temperature,
    reduction: oneOf<RowReduction>(rowReductions, 'batchmean'),
    form: oneOf(['kl', 'ce'], 'kl'),
  },
  formula: ({ T, tSquared, reduction, form }) => {
    const terms = form === 'kl' ? `KL(${softened(T).join(' || ')})` : `CE(${softened(T).join(', ')})`
    const by = { batchmean: '', 'mean-elements': ' / classes', 'sum-rows': ' summed over rows' }[reduction]
    return `${tSquared && T !== 1 ? `${T}^2 ` : ''}${terms}${by}`
  },
  compute: (context, options) =>
    softTargetLoss(context.student.logits, teacherLogits(context), { ...options, mask: wordMask(context) }),
})

/** The mean over all rows of the batch, to which those without a label add nothing. */
export const hard = planLoss({
  needs: { labels: true },
  settings: { labelSmoothing: numberFrom(0, 0.99, 0) },
  formula: ({ labelSmoothing: s }) => `CE(y${s > 0 ? ` smoothed by ${s}` : ''}, softmax(z_s))`,
  compute: ({ student, labels }, options) => {
    if (labels === null) return null
    const own = ints(labels)
    const known = own.filter((label) => label >= 0).length
    const loss = crossEntropy(student.logits, labels, options)
    return known === own.length ? loss : mul(loss, known / own.length)
  },
})

/** BAM mixes the targets, not two losses; rows without a label have the teacher's alone. Clark et al. 2019, section 3. */
export const annealed = planLoss({
  needs: { labels: true, teacher: true },
  settings: { T: numberFrom(0.01, 1000, 1) },
  formula: ({ T }) => `CE(p y + (1 - p) ${softened(T)[0]}, softmax(z_s)), p = step/total`,
  compute: (context, { T }) => {
    const { student, labels, progress } = context
    const [rows, classes] = student.logits.shape
    const own = labels === null ? new Int32Array(rows).fill(-100) : ints(labels)
    const p = Float64Array.from(own, (label) => (label < 0 ? 0 : progress))
    const gold = new Float64Array(rows * classes)
    own.forEach((label, row) => {
      if (label >= 0) gold[row * classes + label] = p[row]
    })
    const { dtype } = student.logits
    const target = noGrad(() => {
      const share = tensor(
        p.map((x) => 1 - x),
        { shape: [rows, 1], dtype },
      )
      return add(
        tensor(gold, { shape: [rows, classes], dtype }),
        mul(share, softmax(teacherLogits(context), -1, { T })),
      )
    })
    return crossEntropy(student.logits, target)
  },
})

export const cwtm = planLoss({
  needs: { labels: true, teacher: true },
  settings: {},
  formula: () => 'sum w CE(y, softmax(z_s)), w = max softmax(z_t) / sum over the batch',
  compute: (context) =>
    context.labels && weighedByConfidence(context.student.logits, teacherLogits(context), context.labels),
})

export const dkpp = planLoss({
  needs: { teacher: true },
  settings: {},
  formula: () => 'CE(softmax(z_t) with all but its largest entry permuted, softmax(z_s))',
  compute: (context) => crossEntropy(context.student.logits, dkppTargets(teacherLogits(context), nextKey())),
})

/** Of a stage that masks words. Devlin et al. 2018, section 3.1. */
export const words = planLoss({
  needs: {},
  settings: {},
  formula: () => 'CE(masked words, softmax(z_s))',
  compute: ({ student, words }) => {
    if (words === null || ints(words).every((w) => w < 0)) return null
    return maskedWordLoss(student.logits, words)
  },
})
