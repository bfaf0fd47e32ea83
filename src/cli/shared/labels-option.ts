// The option that names classes, and labels that are read by it.
import { InvalidArgumentError, Option } from 'commander'
import { readQuestions } from '../../files/data/questions.js'
import { reordered } from '../../files/data/reordered.js'
import { readTagged } from '../../files/data/tagged.js'
import { readTexts, type TextSet } from '../../files/data/texts.js'
import type { DataOptions } from '../../text/rows/columns.js'
import { everyTask, isOfWords, type TaskType } from '../../train/tagging/tasks.js'
import type { Output } from './output.js'

function nameList(text: string): string[] {
  const names = text.split(',').map((name) => name.trim())
  if (names.includes('') || new Set(names).size < names.length)
    throw new InvalidArgumentError('It must be names with commas between, each once: toxic,insult.')
  return names
}

export const labelsOption = (describe: string): Option =>
  new Option('--labels <list>', describe).argParser(nameList)

/** Of commands that have a model already. */
export const orderOption = (): Option =>
  labelsOption("the model's classes in the order in which the data numbers them: a,b,c; default: the model's")

/** A file for a task without its labels: texts, sentences of words, or questions. */
export function readUnlabelled(file: string, type: TaskType, reading: DataOptions): TextSet {
  if (isOfWords(type)) return { ...readTagged(file, { ...reading, labels: 'none' }), ...windowsOf(reading) }
  if (type === 'spans') return readQuestions(file, { ...questionReading(reading), labels: 'none' })
  return readTexts(file, { ...reading, labels: 'none' })
}

const windowsOf = ({ questions }: DataOptions) => ({ docStride: questions?.docStride })

const questionReading = ({ questions, note }: DataOptions) => ({ rules: questions, note })

/** A labelled file as a task has it: texts, sentences of words, or questions. Without names of the classes they are the file's own. */
export function readLabelled(
  file: string,
  type: TaskType,
  reading: DataOptions,
  labelNames?: readonly string[],
): TextSet {
  const named = labelNames && { labelNames }
  if (isOfWords(type)) return { ...readTagged(file, { ...reading, ...named }), ...windowsOf(reading) }
  if (type === 'spans') return readQuestions(file, { ...questionReading(reading), ...named })
  return readTexts(file, { ...reading, labels: everyTask[type].labels, ...named })
}

/** A labelled file for a model, in the order of its classes. Says so where that order is taken on trust. */
export function readFor(
  file: string,
  { classes, problemType }: { classes: readonly string[]; problemType: TaskType },
  listed: readonly string[] | undefined,
  reading: DataOptions,
  output: Pick<Output, 'info'>,
): TextSet {
  const set = readLabelled(file, problemType, reading, listed ?? classes)
  if (listed !== undefined) return reordered(set, classes, file)
  if (set.inTurn)
    output.info(
      `${file}: each label holds ${classes.length} numbers, taken for ${classes.join(', ')} in this order; --labels names another`,
    )
  return set
}
