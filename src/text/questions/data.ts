// Questions as a DataSet: a row a window, whose answers are its tokens, and what is learnt of them where an answer begins and ends.
import { tensor } from '../../autograd/create.js'
import { indexSelect } from '../../autograd/ops/indexing/rows.js'
import { cat } from '../../autograd/ops/shape/join.js'
import { reshape, transpose } from '../../autograd/ops/shape/views.js'
import type { DataSet } from '../../nn/data.js'
import type { TextInput } from '../../nn/models/input.js'
import type { SpanRules, SpanWindow } from '../../nn/models/spans.js'
import type { Tensor } from '../../tensor/tensor.js'
import { encodedData } from '../dataset.js'
import type { PiecedTokenizer } from '../pieces/base.js'
import type { PlacedTokens } from './placed-pieces.js'
import { placing } from './placed-pieces.js'
import type { Question, QuestionRules } from './question.js'
import { usualStride, type Window, windowsOf } from './windows.js'

/** Less than any token has: no share of a softmax, and its logarithm is a number. As attention hides padding. */
const HIDDEN = -10_000

/** The rules as they hold for a set. */
export const rulesOf = (rules: QuestionRules, questions: readonly Question[]): SpanRules => ({
  ...{ best: rules.best ?? 20, longest: rules.longest ?? 30, threshold: rules.threshold ?? 0 },
  none: rules.none ?? questions.some(({ answers }) => answers?.length === 0),
})

/**
 * The first answer that its text has, without white space at its ends, which no token has; null: none is known, 'none': there is
 * none.
 */
function learntAnswer({ answers }: Question): { start: number; end: number } | 'none' | null {
  if (answers === null) return null
  if (answers.length === 0) return 'none'
  const found = answers.find(({ start }) => start >= 0)
  if (found === undefined) return null
  const { text, start } = found
  return { start: start + text.length - text.trimStart().length, end: start + text.trimEnd().length }
}

/** Whether something is learnt from it. */
export const isLearnt = (question: Question): boolean => learntAnswer(question) !== null

/** Tokens of the answer in a window, as transformers' run_qa: the last that begins by its beginning, the first that ends by its end. */
function placeOf(question: Question, { first }: Window, { starts, ends }: SpanWindow): [number, number] {
  const answer = learntAnswer(question)
  if (answer === null) return [-100, -100]
  const n = starts.length
  if (answer === 'none' || n === 0 || starts[0] > answer.start || ends[n - 1] < answer.end) return [0, 0]
  return [
    first + starts.findLastIndex((start) => start <= answer.start),
    first + ends.findIndex((end) => end >= answer.end),
  ]
}

/**
 * Questions with their texts: batches as textData's, of windows, with all of their tokens asked for (`at`). Throws TinystillError for a
 * tokenizer of whole words, RangeError for windows that would not go on.
 */
export function questionData(
  questions: readonly Question[],
  rules: QuestionRules,
  tokenizer: PiecedTokenizer,
  maxLength: number,
): DataSet<TextInput> {
  const place = placing(tokenizer)
  const { docStride = usualStride(maxLength) } = rules
  const encoded: Window[] = []
  const windows: SpanWindow[] = []
  const places: [number, number][] = []
  let before: { context: string; tokens: PlacedTokens } | null = null
  const firsts: number[] = []
  questions.forEach((own, question) => {
    firsts.push(windows.length)
    // Questions of one text follow each other.
    if (before?.context !== own.context) before = { context: own.context, tokens: place(own.context) }
    const { tokens } = before
    const asked = tokenizer.pieces(own.question)
    for (const window of windowsOf(tokenizer, asked, tokens, { maxLength, docStride })) {
      const { first, from, length } = window
      const [starts, ends] = [tokens.starts, tokens.ends].map((all) => all.subarray(from, from + length))
      const placed = { question, first, starts, ends }
      encoded.push(window)
      windows.push(placed)
      places.push(placeOf(own, window, placed))
    }
  })
  firsts.push(windows.length)
  const starts = new Int32Array(encoded.length + 1)
  encoded.forEach(({ ids }, row) => {
    starts[row + 1] = starts[row] + ids.length
  })
  const lengthOf = (row: number) => starts[row + 1] - starts[row]
  const data = encodedData(encoded, tokenizer.padId, { typed: tokenizer.sepId !== null })
  return {
    ...data,
    answers: {
      ...{ starts, items: Int32Array.from(firsts, (row) => starts[row]) },
      asked: (rows) =>
        Int32Array.from(
          Array.from(rows).flatMap((row) => Array.from({ length: lengthOf(row) }, (_, i) => starts[row] + i)),
        ),
    },
    spans: {
      ...{ windows, rules: rulesOf(rules, questions) },
      questions: questions.map(({ context, answers }) => ({
        context,
        answers: answers?.map(({ text }) => text) ?? null,
      })),
      shaped: (logits, rows) => shaped(logits, Array.from(rows, lengthOf)),
      labels: (rows) => Int32Array.from([0, 1].flatMap((k) => Array.from(rows, (row) => places[row][k]))),
    },
    input: (rows) => {
      const input = data.input(rows)
      return { ...input, at: tensor(Int32Array.from({ length: input.inputIds.numel }, (_, i) => i)) }
    },
  }
}

/** Logits [M, 2] of rows of these lengths as [2 B, T]. */
function shaped(logits: Tensor, lengths: readonly number[]): Tensor {
  const T = Math.max(...lengths)
  const M = logits.shape[0]
  const index = new Int32Array(lengths.length * T).fill(M)
  let before = 0
  lengths.forEach((length, row) => {
    for (let i = 0; i < length; i++) index[row * T + i] = before + i
    before += length
  })
  const hidden = tensor([[HIDDEN, HIDDEN]], { dtype: logits.dtype })
  const rows = indexSelect(cat([logits, hidden]), 0, tensor(index))
  return reshape(transpose(rows, 0, 1), [2 * lengths.length, T])
}
