// Every public function and method, called with every kind of wrong value: an error that is ours, or a result that has
// a shape. TINYSTILL_CALLS=100000 (npm run check:calls) makes more calls, from a seed of the day, beside a watchdog.
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memory, Tensor, TinystillError, tidy } from '../../src/index.js'
import { type Callable, callables } from './callables.js'
import { type Argument, make, options, plainNames, print, tensorNames } from './junk.js'

const wanted = Number(process.env.TINYSTILL_CALLS ?? 0)
const count = wanted > 0 ? wanted : 4000
const seed = wanted > 0 ? Math.floor(Date.now() / 864e5) : 1
/** A call that takes longer hangs. */
const LONGEST_MS = 20_000

const all = callables()

interface Call {
  callable: Callable
  self: string
  args: Argument[]
}

const one = (names: readonly string[]) => fc.constantFrom(...names)
const argument: fc.Arbitrary<Argument> = fc.oneof(
  { weight: 5, arbitrary: one(tensorNames).map((is) => ({ is })) },
  { weight: 3, arbitrary: one(['0', '1', '2', '-1']).map((is) => ({ is })) },
  { weight: 6, arbitrary: one(plainNames).map((is) => ({ is })) },
  {
    weight: 2,
    arbitrary: fc.array(one(tensorNames), { minLength: 1, maxLength: 3 }).map((list) => ({ list })),
  },
  {
    weight: 3,
    arbitrary: fc.record({ option: one(options), is: one([...plainNames, ...tensorNames]) }),
  },
)
const calls: fc.Arbitrary<Call> = fc.record({
  callable: fc.constantFrom(...all),
  self: one(tensorNames),
  args: fc.array(argument, { maxLength: 5 }),
})

function spelled({ callable: { name, method }, self, args }: Call): string {
  const list = args.map(print).join(', ')
  return method ? `(${self}).${name.slice('Tensor.'.length)}(${list})` : `${name}(${list})`
}

/** Ours by class, or by the words it begins with: a name, a colon. Foreign ones read "Cannot read properties ...". */
function ours(e: unknown): boolean {
  if (e instanceof TinystillError) return true
  return (e instanceof RangeError || e instanceof TypeError) && /^[A-Za-z][\w.]*: /.test(e.message)
}

/** Every tensor in a result has whole sizes. */
function sound(value: unknown, depth = 0): boolean {
  if (value instanceof Tensor) {
    return [...value.shape, ...value.strides, value.offset].every((n) => Number.isInteger(n) && n >= 0)
  }
  if (typeof value !== 'object' || value === null || depth > 2 || ArrayBuffer.isView(value)) return true
  return Object.values(value).every((v) => sound(v, depth + 1))
}

/** What is wrong with a call, or null. */
function fault(call: Call): string | null {
  try {
    const result = tidy(() => {
      const value = call.callable.call(make({ is: call.self }), call.args.map(make))
      if (value instanceof Promise) value.catch(() => undefined)
      return sound(value)
    })
    return result ? null : 'gave sizes that are none'
  } catch (e) {
    return ours(e) ? null : `threw ${e instanceof Error ? `${e.name}: ${e.message}` : String(e)}`
  }
}

/** A thread that ends this process where one call takes too long, and says which. */
function watchdog(): { at: (what: string) => void; stop: () => Promise<unknown> } {
  const shared = new SharedArrayBuffer(4096)
  const [state, text] = [new Int32Array(shared, 0, 2), new Uint8Array(shared, 8)]
  const worker = new Worker(
    `const { workerData } = require('node:worker_threads')
    const state = new Int32Array(workerData, 0, 2), text = new Uint8Array(workerData, 8)
    let last = -1
    setInterval(() => {
      if (state[0] !== last) { last = state[0]; return }
      require('node:fs').writeSync(2, 'hangs: ' + Buffer.from(text.slice(0, state[1])).toString() + '\\n')
      process.kill(process.pid, 'SIGKILL')
    }, ${LONGEST_MS})`,
    { eval: true, workerData: shared },
  )
  const encoder = new TextEncoder()
  return {
    at: (what) => {
      state[1] = encoder.encodeInto(what, text).written
      state[0]++
    },
    stop: () => worker.terminate(),
  }
}

describe('wrong arguments', () => {
  it('reach all that is exported', () => {
    const names = all.map(({ name }) => name)
    expect(names).toEqual(
      expect.arrayContaining(['tensor', 'zeros', 'grad', 'nn.Linear', 'optim.AdamW', 'Tensor.add']),
    )
    expect(names.length).toBeGreaterThan(120)
  })

  it('give an error of ours, or a result', { timeout: 3_600_000 }, async () => {
    const dog = wanted > 0 ? watchdog() : null
    const faults = new Map<string, string>()
    const before = memory().bytes
    const sample = fc.sample(calls, { numRuns: count, seed })
    for (const call of sample) {
      dog?.at(spelled(call))
      const wrong = fault(call)
      if (wrong !== null) faults.set(`${call.callable.name} ${wrong}`, `${spelled(call)} ${wrong}`)
    }
    await dog?.stop()
    expect([...faults.values()]).toEqual([])
    expect(memory().bytes - before).toBeLessThan(2e8)
  })
})
