// The page's side of the two workers: the helper, which answers, and the one that distils.
import { distilInWorker } from '../../dist/distill/worker/in-worker.js'

/** Asks the helper at `url`; it starts with the first question. */
export function openHelper(url) {
  let worker = null
  let last = 0
  const waiting = new Map()
  const open = () => {
    worker = new Worker(url, { type: 'module' })
    worker.onmessage = ({ data: { id, value, error } }) => {
      const { resolve, reject } = waiting.get(id)
      waiting.delete(id)
      if (error === null) resolve(value)
      else reject(Object.assign(new Error(error.message), { name: error.name }))
    }
    worker.onerror = (event) => {
      event.preventDefault()
      for (const { reject } of waiting.values())
        reject(new Error(event.message || 'the engine could not be loaded'))
      waiting.clear()
    }
  }
  return {
    ask(what, about = {}) {
      if (worker === null) open()
      return new Promise((resolve, reject) => {
        const id = ++last
        waiting.set(id, { resolve, reject })
        worker.postMessage({ id, what, about })
      })
    },
    close: () => worker?.terminate(),
  }
}

/** A run in a worker of its own; end() ends it at once. */
export function startRun(url, job, options) {
  const worker = new Worker(url, { type: 'module' })
  return { ...distilInWorker(worker, job, options), end: () => worker.terminate() }
}

/** Takes the place that one page of the origin can have. own: whether this one has it, until release(). */
export function takePlace(name) {
  let release = () => {}
  const held = new Promise((resolve) => {
    release = resolve
  })
  return new Promise((resolve) => {
    if (navigator.locks === undefined) resolve({ own: false, release })
    else
      navigator.locks
        .request(name, { ifAvailable: true }, (lock) => {
          resolve({ own: lock !== null, release })
          return lock === null ? undefined : held
        })
        .catch(() => resolve({ own: false, release }))
  })
}
