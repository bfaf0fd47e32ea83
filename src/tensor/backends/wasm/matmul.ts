// Matrix products: one table of addresses for the batch, products that share B joined into one.
import type { Kernels, MatrixBatch } from '../../kernels.js'
import { heap } from '../../storage.js'
import { at, type Scratch, shareOf, staged } from './memory.js'
import type { Exports } from './module.js'
import type { Pool } from './pool.js'

/** Whether the batch is one tall matrix times one B: all offsets of b the same, those of a following each other. */
function joins(a: MatrixBatch, b: MatrixBatch, batch: number, m: number): boolean {
  const step = m * a.rowStride
  for (let i = 1; i < batch; i++) {
    if (b.offsets[i] !== b.offsets[0] || a.offsets[i] !== a.offsets[0] + i * step) return false
  }
  return true
}

/** Multiply-adds a nanosecond on one thread, about. */
const RATE = 20

export function matmulKernel(
  w: Exports,
  scratch: Scratch,
  pool: Pool,
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
    const table = count > 1 ? Math.ceil(count / 8) * 64 : 0
    const chunks = pool.chunksFor((batch * m * n * k) / RATE)
    const share = shareOf(w.batchScratch(n, k))
    const room = k === 0 ? -1 : scratch.reserve(table + share * (chunks > 1 ? pool.size() : 1))
    if (room < 0 || heap === null) return js.matmul(out, a, b, batch, m, n, k, bias)
    const [aRow, aCol, bRow, bCol] = [a.rowStride, a.colStride, b.rowStride, b.colStride].map((s) => s * 4)

    if (count > 1) {
      const pairs = new Uint32Array(heap.buffer, room, count * 2)
      for (let i = 0; i < count; i++) {
        pairs[2 * i] = aAt + a.offsets[i] * 4
        pairs[2 * i + 1] = bAt + b.offsets[i] * 4
      }
      const chunk = Math.ceil(count / chunks)
      pool.run({
        fn: 'gemmBatch',
        args: [o, room, count, aRow, aCol, bRow, bCol, m, n, k, biasAt, room + table],
        steps: { 0: chunk * m * n * 4, 1: chunk * 8, 11: share },
        ...{ countAt: 2, total: count, chunk, scratchAt: 11 },
      })
      return
    }
    // The longer side of the result is cut; each chunk packs its part of one operand and all of the other.
    const down = rows >= n
    const chunk = Math.ceil((down ? rows : n) / chunks / 8) * 8
    const first = [aAt + a.offsets[0] * 4, bAt + b.offsets[0] * 4]
    pool.run({
      fn: 'gemmOne',
      args: [o, n * 4, first[0], aRow, aCol, first[1], bRow, bCol, rows, n, k, biasAt, room],
      steps: down
        ? { 0: chunk * n * 4, 2: chunk * aRow, 12: share }
        : { 0: chunk * 4, 5: chunk * bCol, 11: biasAt === 0 ? 0 : chunk * 4, 12: share },
      ...{ countAt: down ? 8 : 9, total: down ? rows : n, chunk, scratchAt: 12 },
    })
  }
}
