// What every reader of data gives.
import type { Label } from '../label-parts.js'

/** One row as it stands in the data. */
export interface TextRow {
  text: string
  textB: string | null
  /** As written; null where there is none. */
  label: Label | null
  /** The line it begins on, from 1. */
  line: number
  /** The label's number in the data's own list of classes, where there is one. */
  classId?: number
}
