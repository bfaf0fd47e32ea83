// A word between the words beside it: MobileBERT's embeddings are a convolution over three narrow vectors.
import { tensor, zeros } from '../../autograd/create.js'
import { indexSelect } from '../../autograd/ops/indexing/rows.js'
import { cat } from '../../autograd/ops/shape/join.js'
import { reshape } from '../../autograd/ops/shape/views.js'
import { ints, type Tensor } from '../../tensor/tensor.js'

/**
 * Padded [B, T, E] -> [B, T, 3 E], or unpadded with starts [N, E] -> [N, 3 E]: the word behind, the word, the word before it. Beside
 * a text's first and last place are zeros. As in Python padding counts as a word: where its row of the table is not zeros, the last
 * word of a text is not the same with padding behind it. Sun et al. 2020, section 3.2.
 */
export function withNeighbours(x: Tensor, starts?: Tensor): Tensor {
  const [E] = x.shape.slice(-1)
  const rows = reshape(x, [-1, E])
  const N = rows.shape[0]
  const [, T] = x.shape
  const ends =
    starts === undefined ? Array.from({ length: x.shape[0] + 1 }, (_, b) => b * T) : Array.from(ints(starts))
  const index = new Int32Array(3 * N)
  for (let b = 0; b + 1 < ends.length; b++)
    for (let i = ends[b]; i < ends[b + 1]; i++) {
      // Row N is zeros.
      index[3 * i] = i + 1 < ends[b + 1] ? i + 1 : N
      index[3 * i + 1] = i
      index[3 * i + 2] = i > ends[b] ? i - 1 : N
    }
  const all = cat([rows, zeros([1, E], { dtype: x.dtype })])
  return reshape(indexSelect(all, 0, tensor(index)), [...x.shape.slice(0, -1), 3 * E])
}
