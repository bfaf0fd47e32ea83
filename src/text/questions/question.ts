// What a question about a text is, and how questions are read and judged.
import type { SpanRules } from '../../nn/models/spans.js'

/** An answer and where it stands in its text, in UTF-16 units; -1 where the text has it nowhere. */
export interface SpanAnswer {
  text: string
  start: number
}

/** A question about a text, and what of it is right. */
export interface Question {
  id: string
  question: string
  context: string
  /** None of a question without answer; null where nothing is known. */
  answers: readonly SpanAnswer[] | null
}

/** How questions are read and judged. */
export interface QuestionRules extends Partial<SpanRules> {
  /** Tokens of the text that two windows have in common. Default 128, a third of a window where that is less. */
  docStride?: number | undefined
}
