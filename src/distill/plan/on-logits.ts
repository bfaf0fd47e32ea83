// Losses of plans that read logits: soft targets, labels, both, and the controls.
import { tensor } from '../../autograd/create.js'
import { noGrad } from '../../autograd/graph.js'
import { add, mul } from '../../autograd/ops/elementwise/arithmetic.js'
import { indexSelect } from '../../autograd/ops/indexing/rows.js'
import { crossEntropy, mse } from '../../autograd/ops/losses/losses.js'
import { softmax } from '../../autograd/ops/softmax.js'
import { nextKey } from '../../autograd/random.js'
import { ints, type Tensor } from '../../tensor/tensor.js'
import { dkppTargets, weighedByConfidence } from '../controls.js'
import { hardSetLoss, maskedWordLoss } from '../losses/hard-target.js'
import { softSetLoss } from '../losses/soft-sets.js'
import { type RowReduction, rowReductions, softTargetLoss } from '../losses/soft-target.js'
import { type LossContext, planLoss, type TeacherOutput } from './loss.js'
import { flag, numberFrom, oneOf } from './settings.js'

const teacherLogits = ({ teacher }: LossContext) => (teacher as TeacherOutput).logits

/** Padded words have no part in losses on logits of each word. */
const wordMask = ({ student, input }: LossContext) =>
  student.logits.rank === 3 && 'attentionMask' in input ? input.attentionMask : undefined

const temperature = { T: numberFrom(0.01, 1000, 2), tSquared: flag(true) }
const softened = (T: number, of = 'softmax') =>
  ['z_t', 'z_s'].map((z) => `${of}(${z}${T === 1 ? '' : `/${T}`})`)

export const soft = planLoss({
  needs: { teacher: true },
  settings: {
    ...temperature,
    reduction: oneOf<RowReduction>(rowReductions, 'batchmean'),
    form: oneOf(['kl', 'ce'], 'kl'),
  },
  formula: ({ T, tSquared, reduction, form }, task) => {
    if (task === 'numbers') return 'MSE(z_t, z_s)'
    const [of, name] = task === 'sets' ? ['sigmoid', 'BCE'] : ['softmax', 'CE']
    const pair = softened(T, of)
    const terms = form === 'kl' ? `KL(${pair.join(' || ')})` : `${name}(${pair.join(', ')})`
    const by = {
      batchmean: '',
      'mean-elements': task === 'sets' ? ' / 2' : ' / classes',
      'sum-rows': ' summed over rows',
    }[reduction]
    return `${tSquared && T !== 1 ? `${T}^2 ` : ''}${terms}${by}`
  },
  compute: (context, options) => {
    const { logits } = context.student
    const theirs = teacherLogits(context)
    if (context.task === 'sets') return softSetLoss(logits, theirs, options)
    // T^2 times the error of numbers divided by T: T has no part in it.
    if (context.task === 'numbers') return mse(logits, theirs)
    return softTargetLoss(logits, theirs, { ...options, mask: wordMask(context) })
  },
})

/** Ba and Caruana 2014; Tang et al. 2019, equation 3. The mean over rows and classes. */
export const logits = planLoss({
  needs: { teacher: true },
  settings: {},
  formula: () => 'MSE(z_t, z_s)',
  compute: (context) => mse(context.student.logits, teacherLogits(context)),
})

/** The mean over all rows of the batch, to which those without a label add nothing. */
export const hard = planLoss({
  needs: { labels: true, tasks: ['classes', 'sets', 'numbers'] },
  settings: { labelSmoothing: numberFrom(0, 0.99, 0) },
  formula: ({ labelSmoothing: s }, task) => {
    if (task === 'numbers' && s > 0) throw new RangeError('labelSmoothing is for classes, not for numbers')
    if (task === 'numbers') return 'MSE(y, z_s)'
    const y = `y${s > 0 ? ` smoothed by ${s}` : ''}`
    return task === 'sets' ? `BCE(${y}, sigmoid(z_s))` : `CE(${y}, softmax(z_s))`
  },
  compute: ({ student: { logits }, labels, task }, options) => {
    if (labels === null) return null
    const rows = logits.shape[0]
    const known = knownRows(labels, rows)
    const part = known.length / rows
    const loss = () => {
      if (task === 'classes') return crossEntropy(logits, labels, options)
      const [own, theirs] =
        part === 1 ? [logits, labels] : [logits, labels].map((t) => indexSelect(t, 0, tensor(known)))
      return task === 'sets' ? hardSetLoss(own, theirs, options.labelSmoothing) : mse(own, theirs)
    }
    return part === 1 ? loss() : mul(loss(), part)
  },
})

/** Rows that have a label: of int32 an index from 0 on, else numbers. */
function knownRows({ elements, dtype }: Tensor, rows: number): Int32Array {
  const width = elements.length / rows
  const known = (value: number) => (dtype === 'int32' ? value >= 0 : !Number.isNaN(value))
  return Int32Array.from({ length: rows }, (_, row) => row).filter((row) => known(elements[row * width]))
}

/** BAM mixes the targets, not two losses; rows without a label have the teacher's alone. Clark et al. 2019, section 3. */
export const annealed = planLoss({
  needs: { labels: true, teacher: true, tasks: ['classes'] },
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
  needs: { labels: true, teacher: true, tasks: ['classes'] },
  settings: {},
  formula: () => 'sum w CE(y, softmax(z_s)), w = max softmax(z_t) / sum over the batch',
  compute: (context) =>
    context.labels && weighedByConfidence(context.student.logits, teacherLogits(context), context.labels),
})

export const dkpp = planLoss({
  needs: { teacher: true, tasks: ['classes'] },
  settings: {},
  formula: () => 'CE(softmax(z_t) with all but its largest entry permuted, softmax(z_s))',
  compute: (context) => crossEntropy(context.student.logits, dkppTargets(teacherLogits(context), nextKey())),
})

/** Of a stage that masks words, or learns the next ones. Devlin et al. 2018, section 3.1; Radford et al. 2019. */
export const words = planLoss({
  needs: {},
  settings: {},
  formula: (_, task) => `CE(${task === 'next' ? 'next' : 'masked'} words, softmax(z_s))`,
  compute: ({ student, words }) => {
    if (words === null || ints(words).every((w) => w < 0)) return null
    return maskedWordLoss(student.logits, words)
  },
})
