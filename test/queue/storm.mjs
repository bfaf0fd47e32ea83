// Two workers, one after the other killed, paused for longer than their lease, and robbed of their store, until all is labelled.
import { join } from 'node:path'
import { pause, until } from './store.mjs'
import { attempts, parentOf, published, startWorker } from './world.mjs'

const LEASE = 2

const signal = (pid, name) => {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended meanwhile.
  }
}

/** What happens, each kind spread over the whole. */
function eventsOf({ kills, pauses, outages }) {
  const spread = (kind, n) => Array.from({ length: n }, (_, i) => ({ kind, at: (i + 0.5) / n }))
  return [...spread('kill', kills), ...spread('pause', pauses), ...spread('outage', outages)]
    .sort((a, b) => a.at - b.at)
    .map(({ kind }) => kind)
}

/** Throws where a child outlives its worker, or where all parts are done before all has happened. */
export async function storm(folder, store, counts) {
  const caches = join(folder, 'caches')
  const args = ['--lease', String(LEASE)]
  const start = () => startWorker(folder, store.url, args)
  let workers = [start(), start()]
  const happened = { kill: 0, pause: 0, outage: 0 }
  // The one that labels, and its child.
  const busy = async () => {
    const own = () => {
      for (const { pid, part } of attempts(caches)) {
        const worker = workers.find((w) => w.pid === parentOf(pid))
        if (worker !== undefined) return { worker, pid, part }
      }
      return null
    }
    return until('a part in hand', own)
  }
  for (const kind of eventsOf(counts)) {
    if (published(caches).length === counts.rows / counts.part)
      throw new Error(`all parts were done after ${JSON.stringify(happened)}`)
    const { worker, pid, part } = await busy()
    if (kind === 'kill') {
      worker.child.kill('SIGKILL')
      await worker.ended
      await until(`the end of ${pid}, whose worker was killed`, () => parentOf(pid) === null)
      workers = workers.map((w) => (w === worker ? start() : w))
    } else if (kind === 'pause') {
      // By turns the worker alone, whose child goes on, and both.
      const both = happened.pause % 2 === 0
      signal(worker.pid, 'SIGSTOP')
      if (both) signal(pid, 'SIGSTOP')
      await until(`${part} by another`, () => published(caches).includes(part))
      await pause(1000 * 1.5 * LEASE)
      signal(worker.pid, 'SIGCONT')
      if (both) signal(pid, 'SIGCONT')
    } else {
      await store.kill()
      await pause(1500)
      await store.start()
    }
    happened[kind]++
  }
  return { workers, happened }
}
