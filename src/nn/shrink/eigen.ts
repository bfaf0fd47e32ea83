// Eigenvalues and eigenvectors of a symmetric matrix, all of them, in float64: Householder's reflections to three diagonals,
// then QL steps with implicit shifts. Golub and Van Loan, Matrix Computations, sections 8.3.1 and 8.3.3 to 8.3.5.

export interface Eigen {
  /** The largest first. */
  values: Float64Array
  /** A row each, [n, n], of length 1 and square to each other. */
  vectors: Float64Array
}

/** Reflects a [n, n] until all but the diagonal and its neighbours is 0; row k then holds the reflection's vector. */
function tridiagonal(a: Float64Array, n: number) {
  const [diagonal, beside, betas] = [new Float64Array(n), new Float64Array(n), new Float64Array(n)]
  const w = new Float64Array(n)
  for (let k = 0; k < n; k++) {
    const row = k * n
    diagonal[k] = a[row + k]
    if (k === n - 1) break
    const first = a[row + k + 1]
    let rest = 0
    for (let j = k + 2; j < n; j++) rest += a[row + j] ** 2
    beside[k] = first
    if (rest === 0) continue
    const length = Math.sqrt(first * first + rest)
    // The form without cancellation.
    const head = first <= 0 ? first - length : -rest / (first + length)
    const beta = 2 / (head * head + rest)
    beside[k] = length
    betas[k] = beta
    a[row + k + 1] = head
    let dot = 0
    for (let i = k + 1; i < n; i++) {
      let sum = 0
      for (let j = k + 1; j < n; j++) sum += a[i * n + j] * a[row + j]
      w[i] = beta * sum
      dot += w[i] * a[row + i]
    }
    const half = (beta * dot) / 2
    for (let i = k + 1; i < n; i++) w[i] -= half * a[row + i]
    for (let i = k + 1; i < n; i++) {
      const [v, x] = [a[row + i], w[i]]
      for (let j = k + 1; j < n; j++) a[i * n + j] -= v * w[j] + x * a[row + j]
    }
  }
  return { diagonal, beside, betas }
}

/** The product of all reflections, the last first: rows that the QL steps turn into eigenvectors. */
function reflected(a: Float64Array, betas: Float64Array, n: number): Float64Array {
  const out = new Float64Array(n * n)
  for (let i = 0; i < n; i++) out[i * n + i] = 1
  for (let k = n - 3; k >= 0; k--) {
    if (betas[k] === 0) continue
    for (let i = k + 1; i < n; i++) {
      let sum = 0
      for (let j = k + 1; j < n; j++) sum += out[i * n + j] * a[k * n + j]
      sum *= betas[k]
      for (let j = k + 1; j < n; j++) out[i * n + j] -= sum * a[k * n + j]
    }
  }
  return out
}

/** Turns rows i and i + 1 by an angle: most of the time goes here, and a pair taken apart as an array would take four times of it. */
function turn(rows: Float64Array, n: number, i: number, c: number, s: number): void {
  for (let at = i * n, next = at + n, end = next; at < end; at++, next++) {
    const x = rows[at]
    const y = rows[next]
    rows[next] = s * x + c * y
    rows[at] = c * x - s * y
  }
}

function diagonalize(d: Float64Array, e: Float64Array, rows: Float64Array, n: number): void {
  for (let l = 0; l < n; l++) {
    for (;;) {
      let m = l
      while (m < n - 1 && Math.abs(e[m]) > Number.EPSILON * (Math.abs(d[m]) + Math.abs(d[m + 1]))) m++
      if (m === l) break
      // Wilkinson's shift.
      const g0 = (d[l + 1] - d[l]) / (2 * e[l])
      const root = Math.sqrt(g0 * g0 + 1)
      let g = d[m] - d[l] + e[l] / (g0 + (g0 < 0 ? -root : root))
      let [s, c, p] = [1, 1, 0]
      let i = m - 1
      for (; i >= l; i--) {
        const [f, b] = [s * e[i], c * e[i]]
        const r = Math.sqrt(f * f + g * g)
        e[i + 1] = r
        if (r === 0) {
          d[i + 1] -= p
          e[m] = 0
          break
        }
        s = f / r
        c = g / r
        g = d[i + 1] - p
        const t = (d[i] - g) * s + 2 * c * b
        p = s * t
        d[i + 1] = g + p
        g = c * t - b
        turn(rows, n, i, c, s)
      }
      if (i >= l) continue
      d[l] -= p
      e[l] = g
      e[m] = 0
    }
  }
}

/** Of a symmetric matrix [n, n], row after row. Throws RangeError where it is not finite. */
export function symmetricEigen(matrix: Float64Array, n: number): Eigen {
  if (!matrix.every(Number.isFinite)) throw new RangeError('symmetricEigen: the matrix is not finite')
  const a = matrix.slice()
  const { diagonal, beside, betas } = tridiagonal(a, n)
  const rows = reflected(a, betas, n)
  diagonalize(diagonal, beside, rows, n)
  const order = Array.from(diagonal.keys()).sort((i, j) => diagonal[j] - diagonal[i] || i - j)
  const vectors = new Float64Array(n * n)
  for (const [at, from] of order.entries()) vectors.set(rows.subarray(from * n, (from + 1) * n), at * n)
  return { values: Float64Array.from(order, (i) => diagonal[i]), vectors }
}
