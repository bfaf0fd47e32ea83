// What a command is, and what every command is given.
import type { Command } from 'commander'
import type { BackendName } from '../../tensor/backend.js'
import type { GpuMode } from '../../tensor/backends/gpu/index.js'
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
  /** Milliseconds from 1970 to the origin of now(), for records that others show by the time of day. Default 0. */
  epoch?: number | undefined
}

export interface Context extends Pick<Environment, 'signals' | 'epoch'> {
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

/** One command: the table in cli/commands.ts knows them all. */
export interface CommandSpec<O> {
  name: string
  describe: string
  /** Adds options of its own. */
  options: (command: Command) => Command
  /** What is no option comes as `args`. */
  run: (options: O & CommonOptions, context: Context) => Promise<void>
}
