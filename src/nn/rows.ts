// Rows of numbers as a DataSet: images, or any vectors of one width.
import { tensor } from '../autograd/create.js'
import { permutation } from '../tensor/rng.js'
import type { Tensor } from '../tensor/tensor.js'
import type { DataSet } from './data.js'

/** values [n, width]; a batch is float32 [B, width]. */
export function rowData(values: Float32Array, width: number, labels: Int32Array | null): DataSet<Tensor> {
  const size = values.length / width
  return {
    size,
    labels,
    batches: (batchSize, key) => {
      const order = key === null ? Int32Array.from({ length: size }, (_, i) => i) : permutation(key, size)
      return Array.from({ length: Math.ceil(size / batchSize) }, (_, i) =>
        order.slice(i * batchSize, (i + 1) * batchSize),
      )
    },
    input: (rows) => {
      const batch = new Float32Array(rows.length * width)
      rows.forEach((row, i) => {
        batch.set(values.subarray(row * width, (row + 1) * width), i * width)
      })
      return tensor(batch, { shape: [rows.length, width] })
    },
    tokens: (rows) => rows.length,
  }
}
