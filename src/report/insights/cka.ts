// How alike two layers see the same rows: linear centred kernel alignment, whatever the widths of the two.
import { ShapeError } from '../../errors.js'

/** K = X X^T of states [rows, width] whose columns are centred first: float64 [rows, rows]. */
export interface Gram {
  rows: number
  values: Float64Array
}

/** Throws ShapeError where the values are no whole number of rows. */
export function centredGram(states: ArrayLike<number>, rows: number): Gram {
  const width = states.length / rows
  if (!Number.isInteger(width) || width < 1)
    throw new ShapeError('centredGram', `${states.length} values do not fit ${rows} rows`)
  const x = Float64Array.from(states)
  for (let c = 0; c < width; c++) {
    let sum = 0
    for (let r = 0; r < rows; r++) sum += x[r * width + c]
    for (let r = 0; r < rows; r++) x[r * width + c] -= sum / rows
  }
  const values = new Float64Array(rows * rows)
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0
      for (let a = i * width, b = j * width, end = a + width; a < end; a++, b++) sum += x[a] * x[b]
      values[i * rows + j] = sum
      values[j * rows + i] = sum
    }
  }
  return { rows, values }
}

/** |Y^T X|_F^2 = sum of K L: HSIC with linear kernels, but for a factor. */
function hsic({ values: k }: Gram, { values: l }: Gram): number {
  let sum = 0
  for (let i = 0; i < k.length; i++) sum += k[i] * l[i]
  return sum
}

/**
 * |Y^T X|_F^2 / (|X^T X|_F |Y^T Y|_F) in [0, 1]: 1 for states that a rotation and a factor turn into each other. NaN where
 * one of them is the same in every row. Kornblith et al. 2019, section 3. Throws ShapeError for other numbers of rows.
 */
export function linearCka(x: Gram, y: Gram): number {
  if (x.rows !== y.rows) throw new ShapeError('linearCka', `${x.rows} rows do not go with ${y.rows}`)
  return hsic(x, y) / Math.sqrt(hsic(x, x) * hsic(y, y))
}
