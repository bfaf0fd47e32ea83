// Rows of numbers as a DataSet: images, or any vectors of one width.
import { tensor } from '../autograd/create.js'
import { permutation } from '../tensor/rng.js'
import type { Tensor } from '../tensor/tensor.js'
import { cut, type DataSet, inOrder, selectRows } from './data.js'

/** values [n, width]; a batch is float32 [B, width]. */
export function rowData(values: Float32Array, width: number, labels: Int32Array | null): DataSet<Tensor> {
  const size = values.length / width
  return {
    size,
    labels,
    batches: (batchSize, key) => cut(key === null ? inOrder(size) : permutation(key, size), batchSize),
    input: (rows) => tensor(selectRows(values, width, rows), { shape: [rows.length, width] }),
    tokens: (rows) => rows.length,
  }
}
