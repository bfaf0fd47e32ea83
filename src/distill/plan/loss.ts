// What a plan's loss is: it says what it needs of both models, how its formula reads, and computes it.
import type { TransformerConfig } from '../../nn/models/config.js'
import type { TextInput } from '../../nn/models/input.js'
import type { HeadOutput, ModelOutput, Wanted } from '../../nn/models/pretrained.js'
import type { Module } from '../../nn/module.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { LabelKind } from '../../text/labels.js'
import type { LayerMap } from '../layer-map.js'
import { defaultsOf, type Given, type Settings, type Values, withSettings } from './settings.js'

/** What is known of the teacher for a batch: logits always, the rest where it runs beside the student. */
export type TeacherOutput = Partial<ModelOutput> & { logits: Tensor }

/** What is known of a teacher of which there may be only the outputs. */
export type TeacherShape = Pick<TransformerConfig, 'layers' | 'width'>

/** What a stage's model gives: classes, sets of classes or numbers of texts, words that are masked, or the next words. */
export type StageTask = LabelKind | 'words' | 'next'

/** A batch as a loss sees it. */
export interface LossContext {
  student: HeadOutput
  /** null in stages without a teacher. No gradient reaches it. */
  teacher: TeacherOutput | null
  /**
   * int32 [B], or where rows have several answers one of each, -100 for those without a label; of sets and numbers float [B, logits], NaN in those rows. null where no row of
   * the batch has one.
   */
  labels: Tensor | null
  input: TextInput
  /** Part of the stage that is done: 0 at its first step, 1 after its last. */
  progress: number
  task: StageTask
  /** Pairs of layers, of the stage's map or else a uniform one; null where none of its losses reads it. */
  layers: LayerMap | null
  /** int32 of inputIds' shape: what stood there before words were masked, or the next word; -100 where nothing is to be guessed. Else null. */
  words: Tensor | null
  configs: { student: TransformerConfig; teacher: TeacherShape | null }
}

/** What a plan's loss reads, so that it is computed, or its lack told before the run. */
export interface LossNeeds {
  /** Outputs besides logits, of both models. Anything here makes the teacher run beside the student on the same words. */
  outputs?: Wanted
  labels?: boolean
  teacher?: boolean
  /** The tasks that it is made for; default all. */
  tasks?: readonly StageTask[]
  /** Reads the stage's layer map. */
  layerMap?: boolean
  /** Compares text by text, as squares of attention, for which texts are padded. */
  padded?: boolean
  /**
   * Compares states of hidden layers, each with one of the teacher's: where tokenizers differ, those of the words that both have are
   * compared, or where it reads first tokens those.
   */
  atWords?: boolean
  /** Of hidden states it reads the first token's alone. */
  firstToken?: boolean
  /** What both models must have alike. */
  same?: readonly ('heads' | 'width')[]
}

export interface LossRecord<S extends Settings> {
  needs: LossNeeds
  settings: S
  /** As it is printed; z_t and z_s are the logits of teacher and student, y the labels. Throws RangeError for options that the task has not. */
  formula(options: Values<S>, task: StageTask): string
  /** What is trained along with the student: projections. */
  learnt?(student: TransformerConfig, teacher: TeacherShape | null, options: Values<S>): Module | null
  /** A scalar; null where the batch has nothing to learn from. */
  compute(context: LossContext, options: Values<S>, learnt: Module | null): Tensor | null
}

/** A loss with its options set. */
export interface BoundLoss {
  needs: LossNeeds
  options: Given
  formula: string
  learnt(student: TransformerConfig, teacher: TeacherShape | null): Module | null
  compute(context: LossContext, learnt: Module | null): Tensor | null
}

/** A loss that plans can name. */
export interface PlanLoss {
  needs: LossNeeds
  settings: Settings
  /** Throws DataError naming the option: unknown or out of range; RangeError for a task that it is not made for. */
  bind(options: Given, at: { file: string; where: string }, task?: StageTask): BoundLoss
}

/** For people. */
export const taskName = (task: StageTask) =>
  ({
    ...{ classes: 'single classes', sets: 'sets of classes', numbers: 'numbers' },
    ...{ words: 'masked words', next: 'next words' },
  })[task]

/** Makes a record fit for the table. */
export function planLoss<S extends Settings>(record: LossRecord<S>): PlanLoss {
  const { needs, settings } = record
  return {
    ...{ needs, settings },
    bind: (given, at, task = 'classes') => {
      const options = withSettings(settings, defaultsOf(settings), given, at)
      if (needs.tasks?.includes(task) === false)
        throw new RangeError(
          `${at.file}: ${at.where.replace(/\.$/, '')} is a loss for ${needs.tasks.map(taskName).join(' or ')}, and ${taskName(task)} are learnt`,
        )
      return {
        ...{ needs, options, formula: record.formula(options, task) },
        learnt: (student, teacher) => record.learnt?.(student, teacher, options) ?? null,
        compute: (context, learnt) => record.compute(context, options, learnt),
      }
    },
  }
}
