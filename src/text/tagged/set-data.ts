// A set that was read, of texts or of sentences of words, as a model reads it.
import { TinystillError } from '../../errors.js'
import type { DataSet } from '../../nn/data.js'
import type { TextInput } from '../../nn/models/input.js'
import { textData } from '../dataset.js'
import { sameVocabulary, type Tokenizer } from '../encoding.js'
import { PiecedTokenizer } from '../pieces/base.js'
import { isLearnt, questionData } from '../questions/data.js'
import type { Question } from '../questions/question.js'
import type { TextSet } from '../rows/text-set.js'
import { wordPlaces } from './word-places.js'
import { encodeWords, startsOf, wordData } from './words.js'

type Read = Pick<TextSet, 'texts' | 'pairs' | 'labels' | 'targets' | 'words' | 'questions'>

function pieced(tokenizer: Tokenizer): PiecedTokenizer {
  if (tokenizer instanceof PiecedTokenizer) return tokenizer
  throw new TinystillError(
    'words with tags, answers in texts, and states compared at words need a tokenizer that cuts words into pieces, as those of BERT, RoBERTa and their kin do',
  )
}

/** textData(), wordData() or questionData(), as its labels are of texts, of words, or places in texts. */
export function setData(
  { texts, pairs, labels, targets, words, questions }: Read,
  tokenizer: Tokenizer,
  maxLength: number,
): DataSet<TextInput> {
  if (words !== undefined) return wordData(words, labels, pieced(tokenizer), maxLength)
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

/**
 * What is learnt from of a set: the words that all readers have a token of, so that a teacher and a student answer for the same; the
 * questions whose answers their texts have. Of texts all. `left`: words or questions that are not among them. Throws TinystillError
 * where readers have other tokens, and a teacher's places mean nothing to its student.
 */
export function learnable<S extends Read & Pick<TextSet, 'lines'>>(
  set: S,
  readers: readonly SetReader[],
): { set: S; left: number } {
  const { words, labels, questions } = set
  if (questions !== undefined) return learnableQuestions(set, readers, questions)
  if (words === undefined) return { set, left: 0 }
  const starts = startsOf(words)
  const read = words.map((own) => {
    const places = readers.map(
      ({ tokenizer, maxLength }) => encodeWords(pieced(tokenizer), own, { maxLength }).places,
    )
    return own.map((_, i) => places.every((at) => at[i] >= 0))
  })
  const left = read.flat().filter((yes) => !yes).length
  if (left === 0) return { set, left }
  const rows = [...read.keys()].filter((row) => read[row].includes(true))
  const kept = rows.map((row) => words[row].filter((_, i) => read[row][i]))
  const flat =
    labels &&
    rows.flatMap((row) => [...labels.subarray(starts[row], starts[row + 1])].filter((_, i) => read[row][i]))
  return {
    set: {
      ...set,
      words: kept,
      texts: kept.map((own) => own.join(' ')),
      lines: rows.map((row) => set.lines[row]),
      labels: flat && Int32Array.from(flat),
    },
    left,
  }
}

/** Rows of a set of questions. */
function someQuestions<S extends Read & Pick<TextSet, 'lines'>>(
  set: S,
  { each, rules }: NonNullable<TextSet['questions']>,
  rows: readonly number[],
): S {
  return {
    ...set,
    texts: rows.map((row) => set.texts[row]),
    pairs: rows.map((row) => set.pairs?.[row] ?? null),
    lines: rows.map((row) => set.lines[row]),
    questions: { rules, each: rows.map((row) => each[row]) },
  }
}

function learnableQuestions<S extends Read & Pick<TextSet, 'lines'>>(
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
  return { set: left === 0 ? set : someQuestions(set, questions, rows), left }
}

/** The first n rows. */
export function firstRows<S extends TextSet>(set: S, n: number): S {
  const { words, questions } = set
  if (questions !== undefined) return someQuestions(set, questions, [...questions.each.keys()].slice(0, n))
  const answers = words === undefined ? n : startsOf(words)[Math.min(n, words.length)]
  return {
    ...set,
    texts: set.texts.slice(0, n),
    pairs: set.pairs?.slice(0, n) ?? null,
    labels: set.labels?.slice(0, answers) ?? null,
    targets: set.targets?.slice(0, n * set.labelNames.length) ?? null,
    ...(words && { words: words.slice(0, n) }),
  }
}
