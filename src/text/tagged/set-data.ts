// A set that was read, of texts or of sentences of words, as a model reads it.
import { TinystillError } from '../../errors.js'
import { type DataSet, inOrder, selectRows } from '../../nn/data.js'
import type { TextInput } from '../../nn/models/input.js'
import { textData } from '../dataset.js'
import { sameVocabulary, type Tokenizer } from '../encoding.js'
import { PiecedTokenizer } from '../pieces/base.js'
import { isLearnt, questionData } from '../questions/data.js'
import type { Question } from '../questions/question.js'
import type { TextSet } from '../rows/text-set.js'
import { readingOf } from './windows.js'
import { wordPlaces } from './word-places.js'
import { startsOf, wordData } from './words.js'

type Read = Pick<
  TextSet,
  'texts' | 'pairs' | 'labels' | 'targets' | 'words' | 'docStride' | 'readings' | 'questions'
>

function pieced(tokenizer: Tokenizer): PiecedTokenizer {
  if (tokenizer instanceof PiecedTokenizer) return tokenizer
  throw new TinystillError(
    'words with tags, answers in texts, and states compared at words need a tokenizer that cuts words into pieces, as those of BERT, RoBERTa and their kin do',
  )
}

/** textData(), wordData() or questionData(), as its labels are of texts, of words, or places in texts. */
export function setData(
  { texts, pairs, labels, targets, words, questions, docStride, readings }: Read,
  tokenizer: Tokenizer,
  maxLength: number,
): DataSet<TextInput> {
  if (words !== undefined)
    return wordData(words, labels, pieced(tokenizer), maxLength, { docStride, readings })
  if (questions !== undefined)
    return questionData(questions.each, questions.rules, pieced(tokenizer), maxLength)
  return textData(texts, labels, tokenizer, maxLength, { pairs, targets })
}

/** wordPlaces() of a set. Throws TinystillError for a tokenizer of whole words. */
export const setPlaces = (set: Read, tokenizer: Tokenizer, maxLength: number): Int32Array[] =>
  wordPlaces(set, pieced(tokenizer), maxLength)

/** Who reads a set, and how much of a text. */
export interface SetReader {
  tokenizer: Tokenizer
  maxLength: number
}

/** Labels and answers of a set: as many as texts, or as words. */
export const answersOfSet = ({ texts, words }: Pick<TextSet, 'texts' | 'words'>): number =>
  words === undefined ? texts.length : startsOf(words)[words.length]

/** A set whose sentences all of these read in the same windows. Others are as they were. */
export function readAlike<S extends Read>(set: S, readers: readonly SetReader[]): S {
  const { words, docStride } = set
  if (words === undefined) return set
  return { ...set, readings: words.map((own) => readingOf(own, readers.map(ofWords), docStride)) }
}

const ofWords = ({ tokenizer, maxLength }: SetReader) => ({ tokenizer: pieced(tokenizer), maxLength })

/**
 * What is learnt from of a set: the words that all readers have a token of, so that a teacher and a student answer for the same, in
 * windows that are the same; the questions whose answers their texts have. Of texts all. `left`: words or questions that are not among
 * them. Throws TinystillError where readers have other tokens, and a teacher's places mean nothing to its student.
 */
export function learnable<S extends Read & Pick<TextSet, 'lines' | 'labelNames'>>(
  set: S,
  readers: readonly SetReader[],
): { set: S; left: number } {
  const { words, questions, docStride } = set
  if (questions !== undefined) return learnableQuestions(set, readers, questions)
  if (words === undefined) return { set, left: 0 }
  const readings = words.map((own) => {
    const { windows, sizes } = readingOf(own, readers.map(ofWords), docStride)
    return { windows, heard: own.map((_, i) => sizes.every((tokens) => tokens[i] > 0)) }
  })
  const left = readings.flatMap(({ heard }) => heard).filter((yes) => !yes).length
  const rows = [...words.keys()].filter((row) => readings[row].heard.includes(true))
  return { set: someRows({ ...set, readings }, rows), left }
}

/** Rows of a set, with their labels and answers. */
export function someRows<S extends Read & Pick<TextSet, 'lines' | 'labelNames'>>(
  set: S,
  rows: readonly number[],
): S {
  const { words, questions, labels, targets, labelNames } = set
  const of = <T>(list: readonly T[]) => rows.map((row) => list[row])
  const starts = words ? startsOf(words) : inOrder(set.texts.length + 1)
  const own = (row: number) => [...(labels?.subarray(starts[row], starts[row + 1]) ?? [])]
  return {
    ...set,
    ...{ texts: of(set.texts), lines: of(set.lines), pairs: set.pairs && of(set.pairs) },
    labels: labels && Int32Array.from(rows.flatMap(own)),
    targets: targets && selectRows(targets, labelNames.length, rows),
    ...(words && { words: of(words) }),
    ...(set.readings && { readings: of(set.readings) }),
    ...(questions && { questions: { ...questions, each: of(questions.each) } }),
  }
}

function learnableQuestions<S extends Read & Pick<TextSet, 'lines' | 'labelNames'>>(
  set: S,
  [own, ...others]: readonly SetReader[],
  questions: NonNullable<TextSet['questions']>,
): { set: S; left: number } {
  const alike = ({ tokenizer, maxLength }: SetReader) =>
    maxLength === own.maxLength && sameVocabulary(tokenizer, own.tokenizer)
  if (!others.every(alike))
    throw new TinystillError(
      'a teacher of answers in texts says which token each begins with, and its student has other tokens, or shorter windows',
      "Take a student with the teacher's tokenizer, and --max-length that both take",
    )
  const unknown = ({ answers }: Question) => answers === null
  const rows = [...questions.each.keys()].filter((row) => {
    const question = questions.each[row]
    return unknown(question) || isLearnt(question)
  })
  const left = questions.each.length - rows.length
  return { set: left === 0 ? set : someRows(set, rows), left }
}

/** The first n rows. */
export const firstRows = <S extends TextSet>(set: S, n: number): S =>
  someRows(set, [...inOrder(Math.min(n, set.texts.length))])
