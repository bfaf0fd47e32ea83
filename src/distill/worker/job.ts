// A distillation as plain data: what a page gives its worker, or a program itself.
import type { ModelFiles } from '../../files/models/model-folder.js'
import type { Settings } from '../../nn/models/pretrained.js'
import type { Given } from '../plan/settings.js'

/** Texts with a class each, by its name. textSetIn() of tinystill/text reads them out of files. */
export interface LabelledTexts {
  texts: readonly string[]
  /** The class of each text. */
  labels: readonly string[]
  /** Second texts, of pairs; null where a text has none. */
  pairs?: readonly (string | null)[] | null
}

/** The sizes of a BERT, by the names that its class takes; what is left out is Hugging Face's default. */
export type ModelSize = Pick<
  Settings,
  'layers' | 'width' | 'heads' | 'inner' | 'maxLength' | 'dropout' | 'attentionDropout'
>

/** How a teacher is trained. */
export interface TeacherPace {
  /** Default 5 for a new one, 3 for one from files. */
  epochs?: number
  /** Default 5e-4 for a new one, 3e-5 for one from files. */
  lr?: number
}

/** The files of a Hugging Face folder by their names, as fromFiles() takes them. */
export interface GivenTeacher {
  files: ModelFiles
  /** Trains it on the labelled rows first: a model without a head, or with one for other classes. Default: as it is. */
  train?: TeacherPace
}

/** A new one, trained on the labelled rows. */
export interface NewTeacher {
  size: ModelSize
  train?: TeacherPace
}

/** What runDistillation() and distilInWorker() take. */
export interface DistilJob {
  /** Its classes are the job's, in the order of the names. */
  labelled: LabelledTexts
  /** Judged after each epoch; decides which weights are kept. Default: none, and the last are. */
  dev?: LabelledTexts
  /** Texts without labels, for the teacher to answer. */
  transfer?: readonly string[]
  /** How many texts are made of the labelled ones, for the teacher to answer. Default 0. */
  augment?: number
  teacher: GivenTeacher | NewTeacher
  student: ModelSize
  /** A recipe by its name, of those for one teacher and without plain text. Default 'hinton'. */
  recipe?: string
  /** What a --config file may say: settings of the recipe, its stages and losses, { T: 2, epochs: 3 }. */
  settings?: Given
  /** Tokens of the vocabulary that a new teacher's texts are cut into. Default 8192. */
  vocabSize?: number
  /** Tokens of a text at most. Default 128, or what the models take. */
  maxLength?: number
  /** Everything drawn is a function of it. Default 1. */
  seed?: number
  /** Whether the same student learns without the teacher too, by the schedules of --baseline. Default true. */
  alone?: boolean
}
