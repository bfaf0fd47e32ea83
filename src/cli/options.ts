// What every command takes, and what every command is given.
import { totalmem } from 'node:os'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { SaveEvery } from '../distill/run-state.js'
import { type BackendName, raceBackends, setBackend, setThreads } from '../tensor/backend.js'
import { type GpuMode, gpuModes } from '../tensor/backends/gpu/index.js'
import { limitMemory } from '../tensor/storage.js'
import type { Output, Sink } from './output.js'
import type { Progress, ProgressStream } from './progress.js'

/** The process, as far as commands may touch it. */
export interface Environment {
  stdout: Sink
  stderr: ProgressStream
  /** Lines of standard input. */
  lines: () => AsyncIterable<string>
  /** Calls back when the user asks the program to stop; the second time it ends at once. Returns how to stop listening. */
  signals?: ((onSignal: (name: string) => void) => () => void) | undefined
  /** Milliseconds from any origin, for progress and figures; never for results. */
  now: () => number
}

export interface Context extends Pick<Environment, 'signals'> {
  output: Output
  progress: Progress
  now: () => number
  lines: () => AsyncIterable<string>
}

export interface CommonOptions {
  seed: number
  threads?: number
  backend?: BackendName
  gpuMode?: GpuMode
  json: boolean
  quiet: boolean
  debug: boolean
}

/** Parses a whole number in [from, to]. */
export function whole(from: number, to = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const n = Number(text)
    if (!/^\d+$/.test(text) || n < from || n > to) {
      const range = to === Number.MAX_SAFE_INTEGER ? `${from} or more` : `${from} to ${to}`
      throw new InvalidArgumentError(`It must be a whole number, ${range}.`)
    }
    return n
  }
}

export function addCommonOptions(command: Command): Command {
  return command
    .option('--seed <n>', 'everything random follows from it', whole(0), 1)
    .option('--threads <n>', 'worker threads', whole(1, 64))
    .addOption(new Option('--backend <name>', 'where kernels run').choices(['auto', 'wasm', 'js', 'gpu']))
    .addOption(new Option('--gpu-mode <name>', 'what gpu.js computes on').choices(gpuModes))
    .option('--json', 'one JSON document on standard output', false)
    .option('--quiet', 'no progress', false)
    .option('--debug', 'show the stack of an error', false)
}

/** Bytes of memory that this process may use: the machine's, or a container's share of it. */
function machineMemory(): number {
  const constrained = process.constrainedMemory() ?? 0
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
}

export function applyCommonOptions({ threads, backend, gpuMode }: CommonOptions): void {
  limitMemory(machineMemory())
  if (backend !== undefined || gpuMode !== undefined)
    setBackend(backend ?? 'gpu', gpuMode === undefined ? {} : { mode: gpuMode })
  if (threads !== undefined) setThreads(threads)
}

/** Of commands that train. */
export interface RunCommandOptions {
  resume: boolean
  checkpointEvery: SaveEvery
  keepCheckpoints: boolean
}

/** '200': steps; '90s', '5m', '1h': time; 'never'. */
function saveEvery(text: string): SaveEvery {
  const [, n, unit] = /^(\d+)([smh]?)$/.exec(text) ?? []
  const number = Number(n)
  if (text === 'never') return 'never'
  if (n === undefined || number < 1 || number > 1e9)
    throw new InvalidArgumentError('It must be a number of batches, a time (90s, 5m, 1h), or never.')
  const seconds = { s: 1, m: 60, h: 3600 }[unit]
  return seconds === undefined ? { steps: number } : { ms: 1000 * seconds * number }
}

export function addRunOptions(command: Command): Command {
  return command
    .option('--resume', 'go on with the run in --out where it was ended, with the same result', false)
    .addOption(
      new Option('--checkpoint-every <n>', 'saves the state after so many batches, or a time: 90s, 5m; never')
        .argParser(saveEvery)
        .default({ ms: 300_000 }, '5m'),
    )
    .option('--keep-checkpoints', 'leaves the last states, with the moments of AdamW, in the folder', false)
}

/** Options that change nothing of what a run computes. */
export const noSettings = ['json', 'quiet', 'debug', 'args', 'resume', 'checkpointEvery', 'keepCheckpoints']

/** What is there, by name. */
export function given(record: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const there = Object.entries(record).filter((pair): pair is [string, string] => pair[1] !== undefined)
  return Object.fromEntries(there)
}

/** Remembers how the user asked to stop; `signal` is null until then. */
export function listen(signals: Environment['signals']): { readonly signal: string | null; end(): void } {
  let signal: string | null = null
  const end = signals?.((name) => (signal = name)) ?? (() => {})
  return {
    get signal() {
      return signal
    },
    end,
  }
}

/** At the start of a long run: where a gpu is installed, whether it is taken is measured, and said. */
export function settleBackend(output: Output): void {
  const { gpu } = raceBackends()
  if (gpu !== null) output.info(`gpu: ${gpu.driver} (${gpu.mode}): ${gpu.why}`)
}
