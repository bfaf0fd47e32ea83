// A run as a process of its own: what it holds is gone when it ends, and where it runs out of memory the others go on.
import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  /** The last line that the program said of an error. */
  reason: string | null
}

export interface Child {
  ended: Promise<Ended>
  /** Passes a signal on. */
  kill(signal: NodeJS.Signals): void
}

const program = fileURLToPath(new URL('../bin.js', import.meta.url))

/**
 * Starts a command line; what it says is added to `log`. It ends with this process, however that ends: the channel between them
 * breaks. A terminal's Control-C does not reach it twice, as its group is another one.
 */
export function start(words: readonly string[], log: string): Child {
  const file = openSync(log, 'a')
  const before = statSync(log).size
  try {
    const child = spawn(process.execPath, [...process.execArgv, program, ...words], {
      ...{ stdio: ['ignore', file, file, 'ipc'], detached: true, windowsHide: true },
    })
    const ended = new Promise<Ended>((resolve) => {
      child.once('error', (error) => resolve({ code: null, signal: null, reason: error.message }))
      child.once('close', (code, signal) => resolve({ code, signal, reason: reasonIn(log, before) }))
    })
    return { ended, kill: (signal) => void child.kill(signal) }
  } finally {
    closeSync(file)
  }
}

function reasonIn(log: string, from: number): string | null {
  const said = readFileSync(log).subarray(from).toString('utf8').split('\n')
  return said.findLast((line) => line.startsWith('tinystill: '))?.slice('tinystill: '.length) ?? null
}
