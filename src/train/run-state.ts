// The state of a run of one or more trainings, saved as it goes. A run that goes on does all of its work again from the
// start, but a training that was over gives its weights at once, and the one that was cut off goes on at its place.
import type { CheckpointFolder } from '../files/checkpoint-folder.js'
import type { Tensor } from '../tensor/tensor.js'
import type { FitPlace, FitState, FitStore, NamedTensors } from './fit-state.js'
import type { FitResult } from './reports.js'
import { type RunFacts, readFacts, writeFacts } from './run-facts.js'

/** When state is saved: after so many batches, or so much time. */
export type SaveEvery = { steps: number } | { ms: number } | 'never'

/** Where states are kept: a folder of the disk, or what stands for one. */
export type StatePlace = Pick<CheckpointFolder, 'folder' | 'newest' | 'save' | 'removeOlder' | 'clear'>

export interface RunStateOptions {
  every: SaveEvery
  /** Leaves the last checkpoint, with the optimizer's moments, when the run is done. */
  keep: boolean
  /** Milliseconds from any origin. */
  now: () => number
  /** Puts all that was logged on the disk; the length of the log. */
  mark: () => number
  /** Why the run is to stop after saving; null: it is not. */
  interrupted: () => string | null
  /** A training begins, or is over: only in one can the run stop and be gone on with. */
  training: (on: boolean) => void
  warn: (line: string) => void
}

/** Thrown out of work that was asked to stop, after its state was saved. */
export class Interrupted extends Error {
  /** saved: what there is to go on from, 'step 12 is saved'. */
  constructor(
    readonly signal: string,
    saved: string,
  ) {
    super(`stopped by ${signal}; ${saved}`)
    this.name = 'Interrupted'
  }
}

interface Finished {
  result: FitResult
  steps: number
  ms: number
  /** Of the model, by name; those of a model that another training goes on with are saved with that one. */
  tensors: NamedTensors
  /** Whether they are copies out of a checkpoint, not the model's own. */
  loaded: boolean
}

interface Current {
  name: string
  place: FitPlace
  ms: number
  tensors: NamedTensors
}

export class RunState {
  /** Milliseconds of the run before this process. */
  readonly before: number
  /** Length of the log when the state was saved; 0: from the start. */
  readonly mark: number
  /** Steps done when it was saved; null: there is none. */
  readonly from: number | null
  readonly #finished = new Map<string, Finished>()
  readonly #records = new Map<string, unknown>()
  #current: Current | null = null
  readonly #began: number
  #saved: number

  /** Takes up the newest whole checkpoint, if `resume` and there is one. */
  constructor(
    readonly folder: StatePlace,
    readonly options: RunStateOptions,
    resume: boolean,
  ) {
    this.#began = options.now()
    this.#saved = this.#began
    const state = resume ? folder.newest(options.warn) : null
    const facts = state === null ? null : readFacts(folder.folder, state.facts)
    this.before = facts?.ms ?? 0
    this.mark = facts?.mark ?? 0
    this.from = state?.step ?? null
    if (state === null || facts === null) return
    const part = (prefix: string) =>
      new Map(
        Array.from(state.tensors)
          .filter(([name]) => name.startsWith(prefix))
          .map(([name, t]) => [name.slice(prefix.length), t]),
      )
    for (const [name, value] of Object.entries(facts.records)) this.#records.set(name, value)
    for (const [i, { name, ...own }] of facts.finished.entries())
      this.#finished.set(name, { ...own, tensors: part(`${i}.`), loaded: true })
    if (facts.current !== null) this.#current = { ...facts.current, tensors: part(NOW) }
  }

  /** Of a training that is over, with what was spent on it in earlier processes. */
  seconds(name: string): number {
    return (this.#finished.get(name)?.ms ?? 0) / 1000
  }

  /** What record() was given under this name in this or an earlier process. */
  recall(name: string): unknown {
    return this.#records.get(name)
  }

  /** Keeps a result, any JSON; the weights of trainings called `name/...` are not needed any more. */
  record(name: string, value: unknown): void {
    this.#records.set(name, value)
    for (const [own, { tensors, loaded, ...rest }] of this.#finished) {
      if (!own.startsWith(`${name}/`)) continue
      if (loaded) dispose(tensors)
      this.#finished.set(own, { ...rest, tensors: new Map(), loaded: false })
    }
  }

  /** Where the training of this name keeps its state. */
  training(name: string): FitStore {
    const { now } = this.options
    let began = now()
    let spent = 0
    const own = () => (this.#current?.name === name ? this.#current : null)
    /** What was loaded has been copied by then. */
    const release = () => {
      const loaded = own()
      if (loaded === null) return
      dispose(loaded.tensors)
      this.#current = null
    }
    return {
      load: () => {
        began = now()
        this.options.training(true)
        const over = this.#finished.get(name)
        if (over !== undefined) {
          // Kept with its moments, its weights stand there.
          const tensors = new Map([...(own()?.tensors ?? []), ...over.tensors])
          return { tensors, place: null, result: over.result }
        }
        const { tensors, place, ms } = own() ?? { tensors: new Map(), place: null, ms: 0 }
        spent = ms
        return place === null ? null : { tensors, place, result: null }
      },
      offer: async (step, state) => {
        release()
        const signal = this.options.interrupted()
        const all = this.#steps + step
        if (signal === null && !this.#isDue(all, step)) return
        const ms = spent + now() - began
        this.#save(all, { name, ms, ...state() })
        if (signal !== null) throw new Interrupted(signal, `step ${all} is saved`)
      },
      finish: (result, tensors, state) => {
        this.options.training(false)
        const known = this.#finished.get(name)
        release()
        if (known) {
          if (known.loaded) dispose(known.tensors)
          this.#finished.set(name, { ...known, tensors, loaded: false })
          return
        }
        const ms = spent + now() - began
        const end = (state as () => FitState)()
        this.#finished.set(name, { result, steps: end.place.step, ms, tensors, loaded: false })
        const { every, keep } = this.options
        if (every !== 'never') this.#save(this.#steps, keep ? { name, ms, ...end } : null)
      },
    }
  }

  /** The run is done: nothing to go on with. */
  close(): void {
    if (this.options.keep) this.folder.removeOlder()
    else this.folder.clear()
  }

  /** Of all trainings that are over. */
  get #steps(): number {
    let sum = 0
    for (const { steps } of this.#finished.values()) sum += steps
    return sum
  }

  #isDue(all: number, step: number): boolean {
    const { every, now } = this.options
    if (every === 'never' || step === 0) return false
    return 'steps' in every ? all % every.steps === 0 : now() - this.#saved >= every.ms
  }

  #save(step: number, current: (Omit<Current, 'tensors'> & FitState) | null): void {
    const { now, mark } = this.options
    const began = now()
    const taken = new Set<Tensor>(current?.tensors.values())
    const tensors: [string, Tensor][] = Array.from(current?.tensors ?? [], ([name, t]) => [NOW + name, t])
    const finished = Array.from(this.#finished)
    // From the last on: a model that was trained twice is saved as it was left.
    for (const [i, [, own]] of [...finished.entries()].reverse())
      for (const [name, t] of own.tensors) {
        if (t.disposed || taken.has(t)) continue
        taken.add(t)
        tensors.push([`${i}.${name}`, t])
      }
    const facts: RunFacts = {
      ms: this.before + began - this.#began,
      mark: mark(),
      records: Object.fromEntries(this.#records),
      finished: finished.map(([name, { result, steps, ms }]) => ({ name, result, steps, ms })),
      current: current && { name: current.name, place: current.place, ms: current.ms },
    }
    this.folder.save(step, tensors, writeFacts(facts))
    this.#saved = now()
  }
}

/** Prefix of the tensors of the training in hand; the others have numbers. */
const NOW = 'now.'

function dispose(tensors: NamedTensors): void {
  for (const t of tensors.values()) t.dispose()
}
