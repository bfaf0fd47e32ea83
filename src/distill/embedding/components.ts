// Vectors in fewer numbers: their principal components as a linear layer behind the model. Reimers' sentence-transformers,
// dimensionality_reduction.py: components of the vectors as they are, not centred, so that a product stays a product.

import { tensor } from '../../autograd/create.js'
import { noGrad } from '../../autograd/graph.js'
import { undrawn } from '../../nn/init.js'
import { Dense, Normalize, SentenceEncoder } from '../../nn/models/sentence.js'
import { symmetricEigen } from '../../nn/shrink/eigen.js'
import type { Vectors } from '../../train/embedding/vectors.js'

/**
 * Rows [k, size]: the k directions in which vectors are longest, the eigenvectors of X^T X with the largest values. Throws RangeError
 * for a k above the size, or above the number of vectors.
 */
export function principalRows({ values, size }: Vectors, k: number): Float32Array {
  const n = values.length / size
  if (!(Number.isInteger(k) && k >= 1 && k <= Math.min(n, size)))
    throw new RangeError(
      `--dim ${k}: ${n} vectors of ${size} numbers have 1 to ${Math.min(n, size)} components`,
    )
  const scatter = new Float64Array(size * size)
  for (let row = 0; row < n; row++) {
    const at = row * size
    for (let i = 0; i < size; i++) {
      const x = values[at + i]
      for (let j = i; j < size; j++) scatter[i * size + j] += x * values[at + j]
    }
  }
  for (let i = 0; i < size; i++) for (let j = 0; j < i; j++) scatter[i * size + j] = scatter[j * size + i]
  return Float32Array.from(symmetricEigen(scatter, size).vectors.subarray(0, k * size))
}

/**
 * The same encoder with its vectors in k numbers: a Dense without bias behind it, and a Normalize where it ended with one. The
 * encoder is shared with the one given.
 */
export function reducedEncoder(model: SentenceEncoder, vectors: Vectors, k: number): SentenceEncoder {
  const rows = principalRows(vectors, k)
  const dense = undrawn(() => new Dense(model.size, k, 'identity', { bias: false }))
  const weight = tensor(rows, { shape: [k, model.size] })
  noGrad(() => dense.loadStateDict(new Map([['linear.weight', weight]])))
  const ends = model.steps.at(-1) instanceof Normalize ? [new Normalize()] : []
  const steps = [...model.steps, dense, ...ends]
  return new SentenceEncoder(model.base, { pooling: model.pooling, steps }).eval()
}
