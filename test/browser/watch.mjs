// Watches the threads that tinystill starts in a page or worker, and makes one fail at a wish. Imported before tinystill.
import { UP } from '../../dist/tensor/backends/wasm/worker.js'

/** Free words of the control block: what the next thread to take a chunk shall do, and chunks that threads took. */
const [FATE, TAKEN] = [13, 14]
const fates = { nothing: 0, throws: 1, hangs: 2 }

const claimed = 'const own ='
const patch = `Atomics.add(c, ${TAKEN}, 1)
      switch (Atomics.exchange(c, ${FATE}, 0)) {
        case ${fates.throws}: throw new Error('a check made this thread fail')
        case ${fates.hangs}: Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
      }
      ${claimed}`

/** Of each worker, in the order of their start. */
const started = []

/** Those that were not ended: the memory of the others may be anybody's. */
const live = new Set()

const { Blob: NativeBlob, Worker: NativeWorker } = globalThis

globalThis.Blob = class extends NativeBlob {
  constructor(parts, options) {
    const text = parts.join('')
    if (!text.includes(claimed))
      throw new Error('the source of threads has changed: patch it in another place')
    super([text.replace(claimed, patch)], options)
  }
}

globalThis.Worker = class extends NativeWorker {
  postMessage(data) {
    super.postMessage(data)
    started.push({ worker: this, words: new Int32Array(data.memory.buffer, data.control, 16) })
    live.add(started.at(-1))
  }

  terminate() {
    for (const own of live) if (own.worker === this) live.delete(own)
    super.terminate()
  }
}

export const workersStarted = () => started.length

const newest = () => started.at(-1).words

/** Chunks that the threads took which are there now: kernels of each build have some of their own. */
export function chunksTaken() {
  const blocks = new Map([...live].map(({ words }) => [words.byteOffset, words]))
  return [...blocks.values()].reduce((sum, words) => sum + Atomics.load(words, TAKEN), 0)
}

/** What becomes of the next thread that takes a chunk, before it does anything with it. */
export const doom = (fate) => Atomics.store(newest(), FATE, fates[fate])
export const doomed = () => Atomics.load(newest(), FATE) !== 0

/** Ends the workers that are there now as a page would that knows them. */
export function terminateAll() {
  const words = newest()
  for (const s of started) if (s.words.byteOffset === words.byteOffset) s.worker.terminate()
}

/** Works until the threads are there: they start only while the caller rests. Gives how many came up. */
export async function untilUp(threads, work) {
  for (const end = performance.now() + 10000; performance.now() < end; ) {
    work()
    if (started.length > 0 && Atomics.load(newest(), UP) >= threads - 1) return threads - 1
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return started.length > 0 ? Atomics.load(newest(), UP) : 0
}
