// The task of models that find answers in texts: what they learn, and how they are judged.
import { tensor } from '../../autograd/create.js'
import { crossEntropy } from '../../autograd/ops/losses/losses.js'
import { DataError } from '../../errors.js'
import type { DataSet } from '../../nn/data.js'
import type { Spans } from '../../nn/models/spans.js'
import { exp, log } from '../../tensor/math.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { LabelOptions } from '../labels.js'
import { answers } from '../outputs/answers.js'
import type { Figures } from '../reports.js'
import type { LossTerms } from '../step.js'
import type { Task, Wanted } from '../tasks.js'
import { bestAnswer, type SpanLogits, windowsByQuestion } from './best.js'
import { type AnswerScore, answerScore } from './figures.js'

/**
 * Cross entropy of where answers begin and of where they end, the mean of both and of the batch's windows, as transformers has it.
 * Padding has no part in the softmax. Throws DataError where the data has no answers, RangeError for class weights or smoothing.
 */
export function spanLoss<Input>(
  { spans }: DataSet<Input>,
  { classWeights, labelSmoothing }: LabelOptions = {},
): (output: { logits: Tensor }, rows: Int32Array) => LossTerms {
  if (spans === undefined) throw new DataError('training data', 'has no questions with answers')
  if (classWeights || labelSmoothing)
    throw new RangeError('train: class weights and label smoothing are for classes, here places are learnt')
  return ({ logits }, rows) => ({
    total: crossEntropy(spans.shaped(logits, rows), tensor(spans.labels(rows))),
  })
}

function spansOf({ spans, answers: own }: Wanted): Spans & { starts: Int32Array } {
  if (!spans || !own) throw new RangeError('judge: answers in texts need questions, and their windows')
  return { ...spans, starts: own.starts }
}

/** Scores of the questions of which answers are known; null of others. */
function scoresOf(logits: ArrayLike<number>, set: Wanted): (AnswerScore | null)[] {
  const { windows, questions, rules, starts } = spansOf(set)
  const given: SpanLogits = { logits, starts, windows }
  return windowsByQuestion(windows, questions.length).map((rows, i) => {
    const { answers: right } = questions[i]
    return right && answerScore(bestAnswer(given, rows, questions[i], rules), right)
  })
}

/** The loss on all windows of which something is known. */
function lossOf(logits: ArrayLike<number>, set: Wanted): number {
  const { windows, labels, starts } = spansOf(set)
  let [sum, count] = [0, 0]
  windows.forEach((_, row) => {
    labels(Int32Array.of(row)).forEach((place, k) => {
      if (place < 0) return
      const z = (i: number) => logits[2 * (starts[row] + i) + k]
      const n = starts[row + 1] - starts[row]
      let top = z(0)
      for (let i = 1; i < n; i++) top = Math.max(top, z(i))
      let total = 0
      for (let i = 0; i < n; i++) total += exp(z(i) - top)
      sum += log(total) + top - z(place)
      count++
    })
  })
  return sum / count
}

const means = (scores: readonly AnswerScore[]) => {
  const mean = (of: keyof AnswerScore) => scores.reduce((sum, own) => sum + own[of], 0) / scores.length
  return { f1: mean('f1'), exactMatch: mean('exactMatch') }
}

/** F1 of a question in so many parts, as whole numbers that add up. */
const PARTS = 10_000_000

export const spans: Task & {
  shares(logits: ArrayLike<number>, set: Wanted): { over: Int32Array; of: Int32Array }
} = {
  ...{ name: 'question-answering', labels: 'classes', answer: answers.single_label_classification },
  metrics: ['f1', 'exactMatch', 'loss'],
  gives: () => 'the place in it that answers its question',
  loss: spanLoss,
  judge: (logits, set) => {
    const scores = scoresOf(logits, set)
    const { questions } = spansOf(set)
    const of = (keep: (answers: readonly string[]) => boolean) =>
      scores.filter((own, i): own is AnswerScore => own !== null && keep(questions[i].answers ?? []))
    const parts = { answered: of((own) => own.length > 0), unanswerable: of((own) => own.length === 0) }
    const each = Object.entries(parts).map(([name, own]): [string, Figures] => [
      name,
      { ...means(own), questions: own.length },
    ])
    const both = parts.answered.length > 0 && parts.unanswerable.length > 0
    return {
      figures: { ...means(of(() => true)), loss: lossOf(logits, set) },
      each: both ? Object.fromEntries(each) : null,
    }
  },
  shares: (logits, set) => {
    const own = scoresOf(logits, set).flatMap((score) => score ?? [])
    return {
      over: Int32Array.from(own, ({ f1 }) => Math.round(f1 * PARTS)),
      of: new Int32Array(own.length).fill(PARTS),
    }
  },
}
