// The best answer in all windows of a question's text, out of logits of beginnings and ends.
import type { SpanQuestion, SpanRules, SpanWindow } from '../../nn/models/spans.js'
import { exp } from '../../tensor/math.js'
import { probabilities } from '../metrics.js'

/** Logits [tokens, 2] of windows one after the other, and where each begins among them. */
export interface SpanLogits {
  logits: ArrayLike<number>
  /** [windows + 1] */
  starts: ArrayLike<number>
  windows: readonly SpanWindow[]
}

/** Part of a text, in UTF-16 units. */
export interface Span {
  start: number
  end: number
}

/** Windows of each question. */
export function windowsByQuestion(windows: readonly SpanWindow[], questions: number): number[][] {
  const rows = Array.from({ length: questions }, (): number[] => [])
  windows.forEach(({ question }, row) => {
    rows[question].push(row)
  })
  return rows
}

/** The numbers of the n largest, the largest first. */
function largest(values: readonly number[], n: number): number[] {
  return [...values.keys()].sort((a, b) => values[b] - values[a] || b - a).slice(0, n)
}

/** Logits of a window: of beginnings, and of ends. */
function columnsOf({ logits, starts }: SpanLogits, row: number): [number[], number[]] {
  const length = starts[row + 1] - starts[row]
  const column = (k: number) => Array.from({ length }, (_, i) => logits[2 * (starts[row] + i) + k])
  return [column(0), column(1)]
}

interface Candidate extends Span {
  score: number
}

/**
 * What is said of a question, by transformers' run_qa (postprocess_qa_predictions): of each window the `best` beginnings and ends are put
 * together; an answer lies in the text and is no longer than `longest` tokens. Where `none` is allowed there is no answer if the first
 * token of some window is better by more than `threshold`. Empty: no answer.
 */
export function bestAnswer(
  given: SpanLogits,
  rows: readonly number[],
  { context }: Pick<SpanQuestion, 'context'>,
  { best, longest, none, threshold }: SpanRules,
): string {
  const found: Candidate[] = []
  let nothing: Candidate | null = null
  for (const row of rows) {
    const { first, starts, ends } = given.windows[row]
    const [begin, end] = columnsOf(given, row)
    const score = begin[0] + end[0]
    if (nothing === null || score < nothing.score) nothing = { start: 0, end: 0, score }
    const inside = (token: number) => token >= first && token < first + starts.length
    const lasts = largest(end, best).filter(inside)
    for (const s of largest(begin, best).filter(inside))
      for (const e of lasts)
        if (e >= s && e - s < longest)
          found.push({ start: starts[s - first], end: ends[e - first], score: begin[s] + end[e] })
  }
  const byScore = (a: Candidate, b: Candidate) => b.score - a.score
  if (none !== true || nothing === null) {
    const [top] = found.sort(byScore)
    return top === undefined ? '' : context.slice(top.start, top.end)
  }
  const own = [...found, nothing]
    .sort(byScore)
    .slice(0, best)
    .find(({ start, end }) => end > start)
  if (own === undefined || nothing.score - own.score > threshold) return ''
  return context.slice(own.start, own.end)
}

/** An answer, and how sure the model is of it. */
export interface FoundAnswer extends Span {
  answer: string
  score: number
}

/**
 * The answer by probabilities, as transformers' question-answering pipeline has it (4.57, words not aligned): of each window softmaxes of
 * beginnings and ends over its first token and the text's, the score the product of both; of all windows the largest. With `none` there
 * may be no answer, whose score is the least product of the first token's: where that is e^threshold times as much `answer` is empty.
 */
export function surestAnswer(
  given: SpanLogits,
  rows: readonly number[],
  { context }: Pick<SpanQuestion, 'context'>,
  { longest, none, threshold }: Omit<SpanRules, 'best'>,
): FoundAnswer {
  let top: FoundAnswer = { answer: '', start: 0, end: 0, score: 0 }
  let nothing = Number.POSITIVE_INFINITY
  for (const row of rows) {
    const { first, starts, ends } = given.windows[row]
    const [p, q] = columnsOf(given, row).map((own) => {
      const shown = [own[0], ...own.slice(first, first + starts.length)]
      return probabilities(shown, 0, shown.length)
    })
    nothing = Math.min(nothing, p[0] * q[0])
    for (let s = 0; s < starts.length; s++)
      for (let e = s; e < Math.min(starts.length, s + longest); e++) {
        const score = p[s + 1] * q[e + 1]
        if (score <= top.score) continue
        const [start, end] = [starts[s], ends[e]]
        top = { answer: context.slice(start, end), start, end, score }
      }
  }
  return none === true && nothing > top.score * exp(threshold)
    ? { answer: '', start: 0, end: 0, score: nothing }
    : top
}
