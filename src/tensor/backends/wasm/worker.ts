// What a thread runs: wait for a job, take chunks of it until none is left, wait again. As source text, because a
// worker must start from a bundle, a test or a browser page alike. pool.ts has the other side of this protocol.

/** Words of the control block, int32. */
export const SEQ = 0 // number of the job: threads wait on it
export const TICKET = 1 // SEQ modulo 2^20, then the next chunk in CHUNK_BITS: a claim from a job that is over fails
export const DONE = 2 // chunks finished: the caller waits on it
export const STATUS = 3 // 0 fine, 1 the kernel declined, 2 it threw
export const FN = 4 // index of the export
export const CHUNKS = 5
export const ARITY = 6
export const COUNT_AT = 7 // the argument that is the chunk's size
export const SCRATCH_AT = 8 // the argument that each thread moves by its own share
export const TOTAL = 9
export const CHUNK = 10
export const THREADS = 11 // those whose number is not below it leave the job alone
export const UP = 12 // threads that came up
export const CHUNK_BITS = 12
export const CHUNK_MASK = 2 ** CHUNK_BITS - 1
export const SEQ_MASK = 2 ** (32 - CHUNK_BITS) - 1
/** Behind the words: arguments, then what each changes by from chunk to chunk, as float64. */
export const ARGS_AT = 64
export const MAX_ARGS = 24
/** Behind those, by the number of a thread: what the kernel calls it, int32, 0 where nobody tells. */
export const TIDS_AT = ARGS_AT + 2 * MAX_ARGS * 8
export const MAX_TIDS = 64
export const CONTROL_BYTES = TIDS_AT + 4 * MAX_TIDS
/** Looks at SEQ before a thread goes to sleep: about 0.1 ms, longer than a kernel's caller takes to come back. */
const SPINS = 15000

export const workerSource = `
const run = ({ modules, memory, control, names, id }) => {
  const w = {}
  for (const module of modules) Object.assign(w, new WebAssembly.Instance(module, { env: { memory } }).exports)
  const c = new Int32Array(memory.buffer, control, ${ARGS_AT / 4})
  const numbers = new Float64Array(memory.buffer, control + ${ARGS_AT}, ${2 * MAX_ARGS})
  let last = 0
  Atomics.add(c, ${UP}, 1)
  for (;;) {
    let seq = Atomics.load(c, ${SEQ})
    for (let i = 0; seq === last && i < ${SPINS}; i++) seq = Atomics.load(c, ${SEQ})
    if (seq === last) {
      Atomics.wait(c, ${SEQ}, last)
      continue
    }
    last = seq
    if (id >= c[${THREADS}]) continue
    const fn = w[names[c[${FN}]]]
    const chunks = c[${CHUNKS}], countAt = c[${COUNT_AT}], scratchAt = c[${SCRATCH_AT}]
    const total = c[${TOTAL}], chunk = c[${CHUNK}], arity = c[${ARITY}]
    const args = Array.from(numbers.subarray(0, arity))
    const steps = Array.from(numbers.subarray(${MAX_ARGS}, ${MAX_ARGS} + arity))
    if (scratchAt >= 0) args[scratchAt] += id * steps[scratchAt]
    for (;;) {
      const ticket = Atomics.load(c, ${TICKET})
      const i = ticket & ${CHUNK_MASK}
      if (ticket >>> ${CHUNK_BITS} !== (seq & ${SEQ_MASK}) || i >= chunks) break
      if (Atomics.compareExchange(c, ${TICKET}, ticket, ticket + 1) !== ticket) continue
      const own = args.map((x, k) => (k === scratchAt ? x : x + i * steps[k]))
      own[countAt] = Math.min(chunk, total - i * chunk)
      try {
        if (fn(...own) === 0) Atomics.store(c, ${STATUS}, 1)
      } catch {
        Atomics.store(c, ${STATUS}, 2)
      }
      if (Atomics.add(c, ${DONE}, 1) + 1 === chunks) Atomics.notify(c, ${DONE})
    }
  }
}
if (typeof require === 'function') {
  const data = require('node:worker_threads').workerData
  try {
    const tid = Number(require('node:fs').readlinkSync('/proc/thread-self').split('/').pop())
    if (data.id < ${MAX_TIDS}) new Int32Array(data.memory.buffer, data.control + ${TIDS_AT}, ${MAX_TIDS})[data.id] = tid
  } catch {}
  run(data)
}
else onmessage = (event) => run(event.data)
`
