// The models of a job: its teacher, out of files or new, and students of one size from equal first weights.
import { randomScope } from '../../autograd/random.js'
import { CheckpointError, DataError } from '../../errors.js'
import { classifierIn } from '../../files/models/classifiers.js'
import { memoryFolder } from '../../files/models/model-folder.js'
import { classesIn, pretrainedIn, tokenizerOf } from '../../files/models/pretrained.js'
import { bert } from '../../nn/models/family.js'
import { newModel } from '../../nn/models/new-model.js'
import { Pretrained } from '../../nn/models/pretrained.js'
import { keyOf } from '../../tensor/rng.js'
import { type Tokenizer, trainingLength } from '../../text/encoding.js'
import { labelNamesOf } from '../../text/labels.js'
import { trainWordPiece } from '../../text/wordpiece-train.js'
import type { Student } from '../plan/runner.js'
import type { DistilJob, GivenTeacher, ModelSize, TeacherPace } from './job.js'

export interface JobTeacher {
  model: Student
  tokenizer: Tokenizer
  classes: readonly string[]
  /** How it is trained first; null: it is what it is. */
  train: Required<TeacherPace> | null
  /** Tokens of a text, where the job does not say. */
  usualLength: number
  /** What people should know of its files. */
  notes: readonly string[]
}

const VOCABULARY = 8192

/** BERT's classifier of a size. */
const classifierOf = (
  who: string,
  size: ModelSize,
  { vocabSize, padId }: Tokenizer,
  labels: readonly string[],
) =>
  newModel(who, bert, 'sequence-classification', {
    ...{ ...bert.defaults, ...size, vocabSize, padId, labels },
    problemType: 'single_label_classification',
  }) as Student

/** Throws CheckpointError for files that hold no classifier, RangeError for sizes that no model has, DataError without rows. */
export function teacherOf({ teacher, labelled, vocabSize = VOCABULARY, seed = 1 }: DistilJob): JobTeacher {
  if (labelled.texts.length === 0) throw new DataError('labelled', 'has no rows')
  const classes = labelNamesOf(labelled.labels)
  const drawn = <T>(make: () => T) => randomScope(keyOf(seed, 'init'), make)
  if ('files' in teacher) return drawn(() => givenTeacher(teacher, classes))
  const tokenizer = trainWordPiece(labelled.texts, { size: vocabSize })
  const model = drawn(() => classifierOf('the teacher', teacher.size, tokenizer, classes))
  return {
    ...{ model, tokenizer, classes, notes: [], train: { epochs: 5, lr: 5e-4, ...teacher.train } },
    usualLength: trainingLength([tokenizer], model.config.maxLength),
  }
}

function givenTeacher({ files, train }: GivenTeacher, classes: readonly string[]): JobTeacher {
  const folder = memoryFolder(files, 'the teacher')
  if (train === undefined) {
    const given = classifierIn(folder)
    const { model, tokenizer, maxLength, notes } = given
    if (!(model instanceof Pretrained))
      throw new CheckpointError('the teacher', 'is no model of the BERT family')
    const usualLength = trainingLength([tokenizer], maxLength)
    return { model: model as Student, tokenizer, classes: given.classes, train: null, usualLength, notes }
  }
  const own = classesIn(folder)
  const newHead = own === null || String([...own].sort()) !== String([...classes].sort())
  const loaded = pretrainedIn(folder, { as: 'sequence-classification', labels: classes, newHead })
  const tokenizer = tokenizerOf('the teacher', loaded)
  return {
    ...{ model: loaded.model as Student, tokenizer, classes, notes: loaded.info.notes },
    train: { epochs: 3, lr: 3e-5, ...train },
    usualLength: trainingLength([tokenizer], loaded.config.maxLength),
  }
}

/** Makes students: equal numbers give equal first weights. */
export const studentMaker =
  ({ student, seed = 1 }: DistilJob, { tokenizer, classes }: JobTeacher) =>
  (start: number): Student =>
    randomScope(keyOf(seed, 'init', start), () => classifierOf('the student', student, tokenizer, classes))
