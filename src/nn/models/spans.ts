// What is known of rows in whose own tokens an answer is sought: where it begins, and where it ends.
import type { Tensor } from '../../tensor/tensor.js'

/** A row: a question, and a window of its text. Windows of one question follow each other. */
export interface SpanWindow {
  /** The number of its question. */
  question: number
  /** The token at which the text begins; those before it, and behind the last, are of no answer. */
  first: number
  /** Where each of the window's tokens of the text begins and ends in the text, in UTF-16 units. */
  starts: Int32Array
  ends: Int32Array
}

/** A question as it is judged. */
export interface SpanQuestion {
  context: string
  /** Texts that are right, none where it has no answer; null where nothing is known. */
  answers: readonly string[] | null
}

/** How the best of all answers is found: as transformers' run_qa, whose defaults these are. */
export interface SpanRules {
  /** Beginnings and ends of a window that are looked at. Default 20. */
  best: number
  /** Tokens of an answer. Default 30. */
  longest: number
  /** Whether there may be no answer; null: where some question of the set has none. */
  none: boolean | null
  /** How much better than the best answer none must be. Default 0. */
  threshold: number
}

/** Logits are of tokens, [M, 2]: of beginnings and of ends. A softmax over them is over those of a row. */
export interface Spans {
  readonly windows: readonly SpanWindow[]
  readonly questions: readonly SpanQuestion[]
  readonly rules: SpanRules
  /** Logits [M, 2] of the tokens of these rows as rows of classes [2 B, T]: all beginnings, then all ends. */
  shaped(logits: Tensor, rows: Int32Array): Tensor
  /** Of each of those rows which token it is, 0 where the answer is not in the window; -100 where nothing is known. int32 [2 B]. */
  labels(rows: Int32Array): Int32Array
}
