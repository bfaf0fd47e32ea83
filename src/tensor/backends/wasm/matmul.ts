// Matrix products: one table of addresses for the batch, products that share B joined into one.
import type { Kernels, MatrixBatch } from '../../kernels.js'
import { heap } from '../../storage.js'
import { at, type Scratch, staged } from './memory.js'
import type { Exports } from './module.js'

/** Whether the batch is one tall matrix times one B: all offsets of b the same, those of a following each other. */
function joins(a: MatrixBatch, b: MatrixBatch, batch: number, m: number): boolean {
  const step = m * a.rowStride
  for (let i = 1; i < batch; i++) {
    if (b.offsets[i] !== b.offsets[0] || a.offsets[i] !== a.offsets[0] + i * step) return false
  }
  return true
}

export function matmulKernel(
  w: Exports,
  scratch: Scratch,
  js: Kernels,
  self: () => Kernels,
): Kernels['matmul'] {
  return (out, a, b, batch, m, n, k, bias) => {
    const o = at(out)
    const aAt = at(a.data)
    const bAt = at(b.data)
    const biasAt = bias === null ? 0 : at(bias)
    if (Math.min(o, aAt, bAt, biasAt) < 0)
      return staged('matmul', self(), js, [out, a, b, batch, m, n, k, bias])
    if (batch * m * n === 0) return
    const rows = batch > 1 && joins(a, b, batch, m) ? m * batch : m
    const count = rows === m ? batch : 1
    const table = Math.ceil(count / 8) * 64
    const room = k === 0 ? -1 : scratch.reserve(table + w.batchScratch(n, k))
    if (room < 0 || heap === null) return js.matmul(out, a, b, batch, m, n, k, bias)
    const pairs = new Uint32Array(heap.buffer, room, count * 2)
    for (let i = 0; i < count; i++) {
      pairs[2 * i] = aAt + a.offsets[i] * 4
      pairs[2 * i + 1] = bAt + b.offsets[i] * 4
    }
    const aRow = a.rowStride * 4
    const bRow = b.rowStride * 4
    w.gemmBatch(
      o,
      room,
      count,
      aRow,
      a.colStride * 4,
      bRow,
      b.colStride * 4,
      rows,
      n,
      k,
      biasAt,
      room + table,
    )
  }
}
