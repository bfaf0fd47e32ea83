// The losses that a plan may name. A record says what it needs of both models, how its formula reads, and computes it;
// whoever has a new loss adds a record to the table, and every recipe and --config can use it.
import { tensor } from '../autograd/create.js'
import { noGrad } from '../autograd/graph.js'
import { add, mul } from '../autograd/ops/arithmetic.js'
import { crossEntropy } from '../autograd/ops/losses.js'
import { softmax } from '../autograd/ops/softmax.js'
import { nextKey } from '../autograd/random.js'
import type { TransformerConfig } from '../nn/models/config.js'
import type { TextInput } from '../nn/models/input.js'
import type { HeadOutput, ModelOutput, Wanted } from '../nn/models/pretrained.js'
import type { Module } from '../nn/module.js'
import { ints, type Tensor } from '../tensor/tensor.js'
import { dkppTargets, weighedByConfidence } from './controls.js'
import { type RowReduction, rowReductions, softTargetLoss } from './losses/soft-target.js'
import {
  defaultsOf,
  flag,
  type Given,
  numberFrom,
  oneOf,
  type Settings,
  type Values,
  withSettings,
} from './settings.js'

export type TeacherOutput = Partial<ModelOutput> & { logits: Tensor }

/** [student's, teacher's] layers by number from 0, or the name of a rule. */
export type LayerMap = string | readonly (readonly [number, number])[]

/** A batch as a loss sees it. */
export interface LossContext {
  student: HeadOutput
  /** null in stages without a teacher. No gradient reaches it. */
  teacher: TeacherOutput | null
  /** int32 [B], -100 for rows without a label; null where no row of the batch has one. */
  labels: Tensor | null
  input: TextInput
  /** Part of the stage that is done: 0 at its first step, 1 after its last. */
  progress: number
  layerMap: LayerMap | null
  configs: { student: TransformerConfig; teacher: TransformerConfig | null }
}

export interface LossNeeds {
  /** Outputs besides logits, of both models. Anything here makes the teacher run beside the student on the same words. */
  outputs?: Wanted
  labels?: boolean
  teacher?: boolean
  /** Reads the stage's layer map. */
  layerMap?: boolean
  /** What both models must have alike. */
  same?: readonly ('heads' | 'width')[]
}

export interface LossRecord<S extends Settings> {
  needs: LossNeeds
  settings: S
  /** As it is printed; z_t and z_s are the logits of teacher and student, y the labels. */
  formula(options: Values<S>): string
  /** What is trained along with the student: projections. */
  learnt?(student: TransformerConfig, teacher: TransformerConfig | null, options: Values<S>): Module
  /** A scalar; null where the batch has nothing to learn from. */
  compute(context: LossContext, options: Values<S>, learnt: Module | null): Tensor | null
}

/** A loss with its options set. */
export interface BoundLoss {
  needs: LossNeeds
  options: Given
  formula: string
  learnt(student: TransformerConfig, teacher: TransformerConfig | null): Module | null
  compute(context: LossContext, learnt: Module | null): Tensor | null
}

export interface PlanLoss {
  needs: LossNeeds
  settings: Settings
  /** Throws DataError naming the option: unknown or out of range. */
  bind(options: Given, at: { file: string; where: string }): BoundLoss
}

/** Makes a record fit for the table. */
export function planLoss<S extends Settings>(record: LossRecord<S>): PlanLoss {
  const { needs, settings } = record
  return {
    ...{ needs, settings },
    bind: (given, at) => {
      const options = withSettings(settings, defaultsOf(settings), given, at)
      return {
        ...{ needs, options, formula: record.formula(options) },
        learnt: (student, teacher) => record.learnt?.(student, teacher, options) ?? null,
        compute: (context, learnt) => record.compute(context, options, learnt),
      }
    },
  }
}

const teacherLogits = ({ teacher }: LossContext) => (teacher as TeacherOutput).logits

const temperature = { T: numberFrom(0.01, 1000, 2), tSquared: flag(true) }
const softened = (T: number) =>
  T === 1 ? ['softmax(z_t)', 'softmax(z_s)'] : [`softmax(z_t/${T})`, `softmax(z_s/${T})`]

const soft = planLoss({
  needs: { teacher: true },
  settings: {
    ...temperature,
    reduction: oneOf<RowReduction>(rowReductions, 'batchmean'),
  },
  formula: ({ T, tSquared }) => `${tSquared && T !== 1 ? `${T}^2 ` : ''}KL(${softened(T).join(' || ')})`,
  compute: (context, options) => softTargetLoss(context.student.logits, teacherLogits(context), options),
})

/** The mean over all rows of the batch, to which those without a label add nothing. */
const hard = planLoss({
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
const annealed = planLoss({
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

const cwtm = planLoss({
  needs: { labels: true, teacher: true },
  settings: {},
  formula: () => 'sum w CE(y, softmax(z_s)), w = max softmax(z_t) / sum over the batch',
  compute: (context) =>
    context.labels && weighedByConfidence(context.student.logits, teacherLogits(context), context.labels),
})

const dkpp = planLoss({
  needs: { teacher: true },
  settings: {},
  formula: () => 'CE(softmax(z_t) with all but its largest entry permuted, softmax(z_s))',
  compute: (context) => crossEntropy(context.student.logits, dkppTargets(teacherLogits(context), nextKey())),
})

export const lossTable: Readonly<Record<string, PlanLoss>> = { soft, hard, annealed, cwtm, dkpp }
