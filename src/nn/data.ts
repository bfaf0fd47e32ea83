// What training needs to know of data: how many rows, in which batches, and a batch as the model takes it. And what
// data sets are made of.
import type { Key } from '../tensor/rng.js'
import type { Spans } from './models/spans.js'

/** Rows 0 to n - 1 in their order. */
export function inOrder(n: number): Int32Array {
  return Int32Array.from({ length: n }, (_, i) => i)
}

/** Cut into pieces of `size`; the last may be shorter. */
export function cut(rows: Int32Array, size: number): Int32Array[] {
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, i) => rows.slice(i * size, (i + 1) * size))
}

/** Rows of a matrix [n, width], one after the other. */
export function selectRows(matrix: Float32Array, width: number, rows: ArrayLike<number>): Float32Array {
  const out = new Float32Array(rows.length * width)
  for (let i = 0; i < rows.length; i++) {
    out.set(matrix.subarray(rows[i] * width, (rows[i] + 1) * width), i * width)
  }
  return out
}

/**
 * Rows that have several answers each, as sentences a tag a word. Labels and logits are then of answers, those of all rows one after
 * the other.
 */
export interface Answers {
  /** [rows + 1]: row r has answers starts[r] to starts[r + 1] - 1. */
  readonly starts: Int32Array
  /**
   * [sentences + 1], or questions: where the answers of each begin. It may be several rows, windows of it, and is judged as one. Default:
   * starts.
   */
  readonly items?: Int32Array
  /** Those of these rows that the model is asked for, in the order of its logits. Of words without a token nothing is asked. */
  asked(rows: Int32Array): Int32Array
}

/** Rows as a training takes them: in batches, each as the model's input. */
export interface DataSet<Input> {
  readonly size: number
  /** Class of each row, or of each answer where rows have several; null where there are none. */
  readonly labels: Int32Array | null
  /** Default: each row has one, of its own number. */
  readonly answers?: Answers | undefined
  /**
   * What each logit is to be, [size, logits], where a row has no single class: numbers to be predicted, or 1 and 0 for the
   * classes that it is of and is not.
   */
  readonly targets?: Float32Array
  /** Of rows in whose tokens an answer is sought: their answers are the tokens, and labels are the spans'. */
  readonly spans?: Spans | undefined
  /** Row numbers in batches: shuffled as a function of the key, or (null) in an order that is good for evaluation. */
  batches(batchSize: number, key: Key | null): Int32Array[]
  input(rows: Int32Array): Input
  /** Units of work in these rows, for progress: tokens of texts. */
  tokens(rows: Int32Array): number
}

type Answered = Pick<DataSet<unknown>, 'answers' | 'size'>

/** Places in labels and logits of what these rows are asked for. */
export const askedOf = ({ answers }: Pick<Answered, 'answers'>, rows: Int32Array): Int32Array =>
  answers?.asked(rows) ?? rows

/** The sentence, or question, that a row is a window of; else the row. */
export function itemOf({ answers }: Pick<Answered, 'answers'>, row: number): number {
  if (answers?.items === undefined) return row
  const from = answers.starts[row]
  return answers.items.findLastIndex((start) => start <= from)
}

/** Answers of all rows. */
export const answersIn = ({ answers, size }: Answered): number => answers?.starts[size] ?? size
