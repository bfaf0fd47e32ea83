// Turns of the event loop in the middle of long work: without them timers, sockets, signals and a page's frames stand still.
// The clock says only when to pause; no number follows from it.

/** A page draws a frame in 16 ms, and a ping or a lock of a job queue can wait for longer than this. */
const TURN_MS = 40
/** For the collector, where memory is short. */
const WAIT_MS = 10

// As they are now: a test that fakes timers must not stop a training for good.
const now = performance.now.bind(performance)
const immediate = (globalThis as { setImmediate?: (run: () => void) => unknown }).setImmediate

let turned = now()

/** Everything that waits gets its turn. Not by setTimeout(0), which pages hold back for 4 ms and more. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      turned = now()
      resolve()
    }
    if (immediate !== undefined) immediate(done)
    else if (typeof MessageChannel === 'function') {
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = () => {
        // An open port keeps a process alive.
        port1.close()
        done()
      }
      port2.postMessage(null)
    } else setTimeout(done, 0)
  })
}

/** A turn of the event loop where the last one is some 40 ms ago. To be awaited between two pieces of work. */
export async function breathe(): Promise<void> {
  if (now() - turned >= TURN_MS) await turn()
}

/**
 * Gives the collector reason to look, and its finds time to come back: it does not feel the weight of tensors in the shared
 * memory, and what it found is given back in a turn of the event loop only.
 */
export async function collect(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    try {
      // Never touched, so they cost addresses and no memory.
      for (let i = 0; i < 4; i++) new ArrayBuffer(2 ** 26)
    } catch {
      // Reason enough.
    }
    await turn()
  }
  // A collector that works beside us ends in its own time.
  await new Promise((resolve) => setTimeout(resolve, WAIT_MS))
}
