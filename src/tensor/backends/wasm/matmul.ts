// Matrix products: which way one is computed, and how it is cut for threads. None of that shows in the result's bits.

import { heap } from '../../heap.js'
import type { MatrixBatch } from '../../kernel-args.js'
import type { Kernels } from '../../kernels.js'
import { unaryCode } from './elementwise.js'
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

/** Multiply-adds a nanosecond on one thread, about; numbers of B packed a nanosecond. */
const RATE = 25
const PACK_RATE = 1
/** Up to so many rows, reading B in place beats packing it. */
const FEW_ROWS = 48
/** Rows for a thread from which B is packed for all of them together. */
const SHARED_ROWS = 24
/** Columns of a chunk are a multiple of a panel's. */
const CHUNK_COLS = 16

/** One product C [m, n] = act(A [m, k] B [k, n] + bias): addresses and byte strides; bias and biasCol 0, act -1: none. */
interface Product {
  c: number
  a: number
  aRow: number
  aCol: number
  b: number
  bRow: number
  bCol: number
  m: number
  n: number
  k: number
  bias: number
  biasCol: number
  act: number
}

export function matmulKernel(
  w: Exports,
  scratch: Scratch,
  pool: Pool,
  js: Kernels,
  self: () => Kernels,
): Kernels['matmul'] {
  const rowsScratch = shareOf(w.rowsScratch())
  const tileRows = w.tileRows()
  const cutOf = (total: number, chunks: number, unit: number) => Math.ceil(total / chunks / unit) * unit
  const threadsFor = (chunks: number) => (chunks > 1 ? pool.size() : 1)

  /** Few rows, and columns of B that lie along k: chunks of columns. false: no room. */
  function turned(p: Product, chunks: number): boolean {
    const share = shareOf(w.turnedScratch(p.m, p.k))
    const room = scratch.reserve(share * threadsFor(chunks))
    if (room < 0) return false
    const chunk = cutOf(p.n, chunks, tileRows)
    return pool.run({
      fn: 'gemmTurned',
      args: [p.c, p.n * 4, p.a, p.aRow, p.aCol, p.b, p.bCol, p.m, p.n, p.k, p.bias, p.act, room],
      steps: { 0: chunk * 4, 5: chunk * p.bCol, 10: chunk * p.biasCol, 12: share },
      ...{ countAt: 8, total: p.n, chunk, scratchAt: 12 },
    })
  }

  /** One row, which is waiting for memory: chunks of columns. */
  function oneRow(p: Product, chunks: number): boolean {
    const chunk = cutOf(p.n, chunks, CHUNK_COLS)
    return pool.run({
      fn: 'gemvTurned',
      args: [p.c, p.a, p.aCol, p.b, p.bCol, p.n, p.k, p.bias, p.act],
      steps: { 0: chunk * 4, 3: chunk * p.bCol, 7: chunk * p.biasCol },
      ...{ countAt: 5, total: p.n, chunk },
    })
  }

  /** Too few rows to share out: chunks of columns, each packs its part of B. false: no room. */
  function byColumns(p: Product, chunks: number): boolean {
    const share = shareOf(w.batchScratch(p.n, p.k))
    const room = scratch.reserve(share * threadsFor(chunks))
    if (room < 0) return false
    const chunk = cutOf(p.n, chunks, CHUNK_COLS)
    return pool.run({
      fn: 'gemmOne',
      args: [p.c, p.n * 4, p.a, p.aRow, p.aCol, p.b, p.bRow, p.bCol, p.m, p.n, p.k, p.bias, p.act, room],
      steps: { 0: chunk * 4, 5: chunk * p.bCol, 11: chunk * p.biasCol, 13: share },
      ...{ countAt: 9, total: p.n, chunk, scratchAt: 13 },
    })
  }

  /** B is packed once, by all threads, and then chunks of rows are multiplied by it. false: no room. */
  function byRows(p: Product, chunks: number): boolean {
    const step = w.columnsAtOnce(p.n, p.k)
    const threads = threadsFor(chunks)
    const room = scratch.reserve(rowsScratch * threads + w.packedBytes(step, p.k))
    if (room < 0) return false
    const panels = room + rowsScratch * threads
    const chunk = cutOf(p.m, chunks, tileRows)
    for (let j = 0; j < p.n; j += step) {
      const cols = Math.min(step, p.n - j)
      const total = w.panelsOf(cols)
      const each = Math.ceil(total / pool.chunksFor((cols * p.k) / PACK_RATE))
      pool.run({
        fn: 'packB',
        args: [panels, p.b + j * p.bCol, p.bRow, p.bCol, cols, p.k, 0, total],
        ...{ steps: { 6: each }, countAt: 7, total, chunk: each },
      })
      pool.run({
        fn: 'gemmRows',
        args: [
          ...[p.c + j * 4, p.n * 4, p.a, p.aRow, p.aCol, panels, p.m, cols, p.k],
          ...[p.bias + j * p.biasCol, 0, p.act, room],
        ],
        steps: { 0: chunk * p.n * 4, 2: chunk * p.aRow, 12: rowsScratch },
        ...{ countAt: 6, total: p.m, chunk, scratchAt: 12 },
      })
    }
    return true
  }

  return (out, a, b, batch, m, n, k, bias, activation = null) => {
    const o = at(out)
    const aAt = at(a.data)
    const bAt = at(b.data)
    const biasAt = bias === null ? 0 : at(bias)
    if (Math.min(o, aAt, bAt, biasAt) < 0)
      return staged('matmul', self(), js, [out, a, b, batch, m, n, k, bias, activation])
    if (batch * m * n === 0) return
    const act = activation === null ? -1 : unaryCode[activation]
    const rows = batch > 1 && joins(a, b, batch, m) ? m * batch : m
    const count = rows === m ? batch : 1
    const chunks = pool.chunksFor((batch * m * n * k) / RATE)
    const [aRow, aCol, bRow, bCol] = [a.rowStride, a.colStride, b.rowStride, b.colStride].map((s) => s * 4)

    if (count > 1) {
      const table = Math.ceil(count / 8) * 64
      const share = shareOf(w.batchScratch(n, k))
      const room = k === 0 ? -1 : scratch.reserve(table + share * threadsFor(chunks))
      if (room < 0 || heap === null) return js.matmul(out, a, b, batch, m, n, k, bias, activation)
      const pairs = new Uint32Array(heap.buffer, room, count * 2)
      for (let i = 0; i < count; i++) {
        pairs[2 * i] = aAt + a.offsets[i] * 4
        pairs[2 * i + 1] = bAt + b.offsets[i] * 4
      }
      const chunk = Math.ceil(count / chunks)
      pool.run({
        fn: 'gemmBatch',
        args: [o, room, count, aRow, aCol, bRow, bCol, m, n, k, biasAt, act, room + table],
        steps: { 0: chunk * m * n * 4, 1: chunk * 8, 12: share },
        ...{ countAt: 2, total: count, chunk, scratchAt: 12 },
      })
      return
    }
    const product: Product = {
      ...{ c: o, a: aAt + a.offsets[0] * 4, aRow, aCol, b: bAt + b.offsets[0] * 4, bRow, bCol },
      ...{ m: rows, n, k, bias: biasAt, biasCol: biasAt && 4, act },
    }
    const way =
      rows <= FEW_ROWS && bRow === 4
        ? rows === 1 && k % 4 === 0
          ? oneRow
          : turned
        : chunks > 1 && rows < SHARED_ROWS * pool.size()
          ? byColumns
          : byRows
    if (k === 0 || !way(product, chunks)) js.matmul(out, a, b, batch, m, n, k, bias, activation)
  }
}
