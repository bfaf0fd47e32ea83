// Where a student's soft targets come from: any place that gives a batch of them by the numbers of its rows.
import { ShapeError } from '../../errors.js'
import { selectRows } from '../../nn/data.js'

/** A teacher's logits by rows, from memory or from a cache. */
export interface TargetSource {
  readonly classes: number
  /** A teacher's logits for these rows of the data, [B, classes]. */
  readonly rows: (rows: Int32Array) => Float32Array
}

/** All logits of a data set of `size` rows, [size, classes], in memory. Throws ShapeError where they do not fit. */
export function targetsOf(logits: Float32Array, size: number): TargetSource {
  const classes = logits.length / size
  if (!Number.isInteger(classes))
    throw new ShapeError('distil', `${logits.length} teacher logits do not fit ${size} rows`)
  return { classes, rows: (rows) => selectRows(logits, classes, rows) }
}
