// Which is faster, the device or the processor, for products of each size: measured once, at the start of a long run.

import type { MatrixBatch } from '../../kernel-args.js'
import type { Kernels } from '../../kernels.js'
import { Storage } from '../../storage.js'
import type { GpuMatmul } from './matmul.js'

/** A product [m, k] x [k, n] belongs to the first class whose multiply-adds are not fewer than its own. */
export interface SizeClass {
  /** Multiply-adds, the class's largest. */
  upTo: number
  /** Side of the square product that was measured. */
  side: number
  /** GFLOP/s, uploads and read-back included; null: not measured, because there is none or the class below was far too slow. */
  gpu: number | null
  wasm: number
  winner: 'gpu' | 'wasm'
}

const SIDES = [64, 128, 256, 512, 1024]
const REPEATS = 3
/** A device slower by this factor is not measured at the next size. */
const HOPELESS = 8

function operand(side: number): { batch: MatrixBatch; storage: Storage } {
  const storage = new Storage('float32', side * side)
  const data = storage.data as Float32Array
  for (let i = 0; i < data.length; i++) data[i] = ((i * 37) % 64) / 32 - 1
  return { storage, batch: { data, offsets: [0], rowStride: side, colStride: 1, storage } }
}

/** GFLOP/s of the fastest of a few. What it writes is new each time, as in a training step. */
function speed(matmul: Kernels['matmul'], side: number): number {
  const [a, b, out] = [operand(side), operand(side), operand(side)]
  let best = Infinity
  for (let i = 0; i <= REPEATS; i++) {
    // One operand stays, as a weight does; the other one comes from the processor.
    a.storage.version++
    const began = performance.now()
    matmul(out.batch.data, a.batch, b.batch, 1, side, side, side, null, null, out.storage)
    // The first one compiles.
    if (i > 0) best = Math.min(best, performance.now() - began)
  }
  for (const { storage } of [a, b, out]) storage.dispose()
  return (2 * side ** 3) / best / 1e6
}

/** gpu: null measures the processor alone. A renderer in software is measured and never wins. */
export function race(gpu: GpuMatmul | null, processor: Kernels): SizeClass[] {
  const mayWin = gpu !== null && !gpu.device.driver.software
  let ratio = 1
  return SIDES.map((side, i) => {
    const wasm = speed(processor.matmul, side)
    const measured = gpu !== null && (ratio < HOPELESS || i < 2) ? speed(gpu.matmul, side) : null
    if (measured !== null) ratio = wasm / measured
    const upTo = i === SIDES.length - 1 ? Infinity : side ** 3
    return {
      upTo,
      side,
      gpu: measured,
      wasm,
      winner: mayWin && measured !== null && measured > wasm ? 'gpu' : 'wasm',
    }
  })
}

/** Each product to whoever was faster at its size. */
export function byClass(
  classes: readonly SizeClass[],
  gpu: Kernels['matmul'],
  processor: Kernels,
): Kernels['matmul'] {
  return (...args) => {
    const [, , , batch, m, n, k] = args
    const size = batch * m * n * k
    const winner = classes.find((c) => size <= c.upTo)?.winner
    return winner === 'gpu' ? gpu(...args) : processor.matmul(...args)
  }
}
