// Vectors of 8: newer V8 can make one 256-bit operation of two 128-bit ones, which doubles matrix products. It is behind
// a flag and tells nobody whether it works on this processor, so the two builds are raced, and must agree bit for bit.
import { heap } from '../../heap.js'
import { type Exports, instantiate } from './module.js'
import { raceOf } from './race.js'

/** The first V8 that pairs all operations of the tile. Node 24 has 13.6; an unknown flag would print a warning. */
const FIRST_V8 = 13

// A product that fits the first cache, [M, K] x [K, N] as one block: A, B, C, then scratch.
const [M, K, N] = [60, 128, 64]
const FLOATS = M * K + K * N + M * N
/** Faster by this much is no accident: 1.4 to 1.6 is usual, and 0.3 where the wide tile spills registers. */
const GAIN = 1.15
/** Milliseconds for the race. */
const LIMIT = 80

/** How many times faster the wide build multiplies than the relaxed one; 0 where it must not be used. */
function race(): number {
  const [relaxed, wide] = [instantiate('relaxed'), instantiate('wide')]
  if (heap === null || relaxed === null || wide === null) return 0
  const share = FLOATS * 4 + Math.max(relaxed.batchScratch(N, K), wide.batchScratch(N, K))
  const size = 2 ** Math.ceil(Math.log2(2 * share))
  const block = heap.alloc(size)
  if (block < 0) return 0
  try {
    const { buffer } = heap
    const places = [0, 1].map((i) => block + i * Math.ceil(share / 64) * 64)
    for (const at of places) {
      const values = new Float32Array(buffer, at, FLOATS)
      for (let j = 0; j < M * K + K * N; j++) values[j] = ((j * 7919) % 1009) / 1009 - 0.5
    }
    const works = [relaxed, wide].map((w, i) => () => multiply(w, places[i]))
    const [slow, fast] = raceOf(works, LIMIT)
    const [a, b] = places.map((at) => new Int32Array(buffer, at + (M * K + K * N) * 4, M * N))
    return a.every((x, i) => x === b[i]) ? slow / fast : 0
  } finally {
    heap.free(block)
  }
}

/** Four products, so that the clock's grain does not matter. */
function multiply(w: Exports, block: number): void {
  const [b, c, scratch] = [M * K, M * K + K * N, FLOATS].map((at) => block + at * 4)
  for (let i = 0; i < 4; i++) w.gemmOne(c, N * 4, block, K * 4, 4, b, N * 4, 4, M, N, K, 0, -1, scratch)
}

let gain: number | null = null

/** How many times faster products are in the wide build, or null where it is no gain or cannot be had. */
export function wideGain(): number | null {
  const { versions, arch } = typeof process === 'undefined' ? { versions: null, arch: '' } : process
  if (versions === null || arch !== 'x64' || !(Number.parseInt(versions.v8, 10) >= FIRST_V8)) return null
  if (gain === null) {
    process.getBuiltinModule?.('node:v8')?.setFlagsFromString('--experimental-wasm-revectorize')
    gain = race()
  }
  return gain >= GAIN ? gain : null
}
