// Data files of questions about texts.
import { type QuestionOptions, type QuestionSet, questionSetOf } from '../../text/questions/read.js'
import { MAX_JSON_LINE } from '../../text/rows/text-set.js'
import { readLines } from '../lines.js'

/** A whole file. Throws what questionSetOf() throws, and DataError where it cannot be read. */
export const readQuestions = (path: string, options: QuestionOptions = {}): QuestionSet =>
  questionSetOf(readLines(path, { maxLine: MAX_JSON_LINE }), path, options)
