// Scalar products of sparse rows: cosines, where rows are of length 1 as those of TF-IDF.
import type { SparseRows } from './tfidf.js'

/** Of row i of `a` with row i of `b`, both of one width. */
export function rowProducts(a: SparseRows, b: SparseRows): Float64Array {
  const own = new Float64Array(a.width)
  return Float64Array.from({ length: a.size }, (_, r) => {
    for (let i = a.starts[r]; i < a.starts[r + 1]; i++) own[a.columns[i]] = a.values[i]
    let sum = 0
    for (let i = b.starts[r]; i < b.starts[r + 1]; i++) sum += b.values[i] * own[b.columns[i]]
    for (let i = a.starts[r]; i < a.starts[r + 1]; i++) own[a.columns[i]] = 0
    return sum
  })
}

/** The same entries by columns: of column c, the rows that have it. */
function transposed({ size, width, starts, columns, values }: SparseRows): SparseRows {
  const own = new Int32Array(width + 1)
  for (const column of columns) own[column + 1]++
  for (let c = 0; c < width; c++) own[c + 1] += own[c]
  const next = own.slice()
  const out = { columns: new Int32Array(columns.length), values: new Float64Array(values.length) }
  for (let r = 0; r < size; r++)
    for (let i = starts[r]; i < starts[r + 1]; i++) {
      const at = next[columns[i]]++
      out.columns[at] = r
      out.values[at] = values[i]
    }
  return { size: width, width: size, starts: own, ...out }
}

/** Row by row the products with all of `others`; the array is overwritten afterwards. */
export function eachRowOf(
  own: SparseRows,
  others: SparseRows,
  visit: (row: number, products: Float32Array) => void,
): void {
  const { starts, columns, values } = transposed(others)
  const sums = new Float64Array(others.size)
  const products = new Float32Array(others.size)
  for (let r = 0; r < own.size; r++) {
    sums.fill(0)
    for (let i = own.starts[r]; i < own.starts[r + 1]; i++) {
      const [column, x] = [own.columns[i], own.values[i]]
      for (let k = starts[column]; k < starts[column + 1]; k++) sums[columns[k]] += x * values[k]
    }
    products.set(sums)
    visit(r, products)
  }
}
