// A new student's embeddings, made of its teacher's: the same words in fewer dimensions. Most of a small student's parameters
// are its words, and a word that no text taught it stays where it was drawn; here it starts beside the words that its teacher
// holds for alike. Principal components, as LSA has them: Deerwester et al. 1990; of word vectors Raunak et al. 2019.
import { tensor } from '../autograd/create.js'
import { noGrad } from '../autograd/graph.js'
import { matmul } from '../autograd/ops/products/matmul.js'
import { transpose } from '../autograd/ops/shape/views.js'
import { tidy } from '../autograd/tidy.js'
import { tableWidth } from '../nn/models/config.js'
import type { MaskedWords, SequenceClassifier } from '../nn/models/heads.js'
import type { SentenceEncoder } from '../nn/models/sentence.js'
import { floats, type Tensor } from '../tensor/tensor.js'
import type { Student } from './plan/runner.js'

/** Rounds of the iteration. Components beyond the last differ little in what they hold, so that more rounds gain nothing. */
const ROUNDS = 8

const baseOf = (model: Student) => (model as SequenceClassifier | MaskedWords | SentenceEncoder).base

/**
 * What puts the teacher's embeddings of words, positions and token types into a student's, in their `width` principal components:
 * directions in which the words vary most, so that distances are kept as well as that width can. Widths that are alike: copies.
 * It says whether it did: not where the student is wider, or has another vocabulary. The components are computed once for all
 * students of a width: the teacher's words must not change.
 */
export function embeddingsOf(teacher: Student): (student: Student) => boolean {
  const from = baseOf(teacher)
  const { vocabSize } = from.config
  const own = tableWidth(from.config)
  const known = new Map<number, Float32Array>()
  const basisFor = (width: number) => {
    const basis = known.get(width) ?? (floats(components(from.words.weight, width)) as Float32Array).slice()
    known.set(width, basis)
    return tensor(basis, { shape: [own, width] })
  }
  return (student) => {
    const to = baseOf(student)
    const width = tableWidth(to.config)
    if (width > own || to.config.vocabSize !== vocabSize) return false
    noGrad(() => tidy(() => copyTables(from, to, width === own ? null : basisFor(width))))
    return true
  }
}

type Base = ReturnType<typeof baseOf>

/** The first rows of each table; through the basis, where there is one. Of bottlenecks words alone, whose other tables are wider. */
function copyTables(from: Base, to: Base, basis: Tensor | null): void {
  for (const part of ['words', 'positions', 'types'] as const) {
    const [old, table] = [from[part]?.weight, to[part]?.weight]
    if (!old || !table) continue
    if (old.shape[1] !== tableWidth(from.config) || table.shape[1] !== tableWidth(to.config)) continue
    const values = floats(basis === null ? old : matmul(old, basis))
    const room = floats(table)
    room.set(values.subarray(0, room.length))
  }
}

/** Columns [C, k]: an orthonormal basis of the k first principal directions of the rows [n, C], k at most C. */
export function components(rows: Tensor, k: number): Tensor {
  const [n, width] = rows.shape
  const centred = tensor(floats(rows).slice() as Float32Array, { shape: [n, width] })
  const values = floats(centred)
  for (let c = 0; c < width; c++) {
    let mean = 0
    for (let i = c; i < values.length; i += width) mean += values[i] / n
    for (let i = c; i < values.length; i += width) values[i] -= mean
  }
  const scatter = matmul(transpose(centred, 0, 1), centred) // [C, C]
  // Orthogonal iteration: Golub and Van Loan, Matrix Computations, section 8.2.4.
  let basis = tensor(
    Float32Array.from({ length: width * k }, (_, i) => Number(Math.floor(i / k) % k === i % k)),
    {
      shape: [width, k],
    },
  )
  for (let round = 0; round < ROUNDS; round++) basis = orthonormal(matmul(scatter, basis))
  return basis
}

/** Gram and Schmidt's, each vector twice, as once leaves what rounding left. Columns [n, k]. */
function orthonormal(columns: Tensor): Tensor {
  const [n, k] = columns.shape
  const given = floats(columns)
  const vectors = Array.from({ length: k }, (_, j) =>
    Float64Array.from({ length: n }, (_, i) => given[i * k + j]),
  )
  for (const [j, own] of vectors.entries()) {
    for (let twice = 0; twice < 2; twice++) for (const before of vectors.slice(0, j)) takeOff(own, before)
    const length = Math.sqrt(own.reduce((sum, x) => sum + x * x, 0))
    // A direction in which nothing varies.
    for (let i = 0; i < n; i++) own[i] = length > 0 ? own[i] / length : 0
  }
  return tensor(
    Float32Array.from({ length: n * k }, (_, i) => vectors[i % k][Math.floor(i / k)]),
    { shape: [n, k] },
  )
}

/** What `own` has of the unit vector `before`. */
function takeOff(own: Float64Array, before: Float64Array): void {
  let dot = 0
  for (let i = 0; i < own.length; i++) dot += own[i] * before[i]
  for (let i = 0; i < own.length; i++) own[i] -= dot * before[i]
}
