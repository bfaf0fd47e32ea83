// Data files of questions about texts.
import { type QuestionOptions, type QuestionSet, questionSetOf } from '../../text/questions/read.js'
import { MAX_JSON_LINE } from '../../text/rows/text-set.js'
import { checkFile, readLines } from '../lines.js'

/** A whole file. Throws what questionSetOf() throws, and DataError where it cannot be read. */
export function readQuestions(path: string, options: QuestionOptions = {}): QuestionSet {
  checkFile(path)
  return questionSetOf(readLines(path, { maxLine: MAX_JSON_LINE }), path, options)
}
