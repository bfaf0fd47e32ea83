// How fast whole numbers are multiplied here, for the doctor.
import { int8Kernels } from './backend.js'
import { int8Bytes } from './int8.js'
import { type Floats, Storage } from './storage.js'

/** A layer of MiniLM over eight texts of 64 words. */
const [M, K, N] = [512, 384, 1536]
const MS = 150

/** 10^9 operations a second, floats in and out, on all threads. */
export function int8Speed(): number {
  const storages: Storage[] = []
  const make = (dtype: 'float32' | 'int32', length: number) => {
    const storage = new Storage(dtype, length)
    storages.push(storage)
    return storage.data
  }
  const [out, x, scales] = [M * N, M * K, N].map((n) => make('float32', n).fill(1) as Floats)
  const [words, sums] = [int8Bytes(N, K) / 4, N].map((n) => make('int32', n).fill(0) as Int32Array)
  x.forEach((_, i) => {
    x[i] = ((i * 7919) % 1009) / 1009 - 0.5
  })
  try {
    const { int8Linear } = int8Kernels()
    let best = Infinity
    for (const end = performance.now() + MS; performance.now() < end; ) {
      const start = performance.now()
      int8Linear(out, x, K, words, scales, sums, M, N, K, 7, null, null, null)
      best = Math.min(best, performance.now() - start)
    }
    return (2 * M * K * N) / best / 1e6
  } finally {
    for (const storage of storages) storage.dispose()
  }
}
