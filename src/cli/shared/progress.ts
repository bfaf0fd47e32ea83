// Progress on a stream: one redrawn line on a terminal, plain lines elsewhere. It draws only when called, so no
// timer keeps the process alive.
import { cutToWidth, printable } from './plain.js'
import { count, duration } from './table.js'

export interface ProgressStream {
  isTTY?: boolean
  columns?: number
  write(s: string): void
}

export interface Progress {
  /** Begins a task of `total` steps. */
  start(label: string, total: number): void
  /** Tells that `done` of the steps are done; the fields (loss, accuracy, tokens/s) follow in the line. */
  update(done: number, fields: Record<string, string>): void
  /**
   * Tells of other work in the middle of the task, or of a task without a start: 'judging dev: 128 of 6,920'. The next update()
   * takes the line back. Short work is not told: where lines are written, only what takes 10 s.
   */
  aside(label: string, done: number, total: number): void
  /** A line above the bar; the task goes on. */
  note(line: string): void
  /** Ends the task: the line replaces the bar. An empty line only clears it. */
  finish(line: string): void
}

const REDRAW_MS = 100
const PLAIN_MS = 10_000
const BAR = 20

/** `now` in milliseconds, from any origin. */
export function createProgress(
  stream: ProgressStream,
  { quiet, now }: { quiet: boolean; now: () => number },
): Progress {
  const terminal = stream.isTTY === true
  let label = ''
  let total = 0
  let began = 0
  let written = 0
  let tenth = 0

  // One column stays free: a full line makes some terminals wrap, and the next redraw would leave a copy behind.
  const redraw = (line: string) => stream.write(`\r${cutToWidth(line, (stream.columns || 80) - 1)}\x1b[K`)
  const share = (done: number) => (total > 0 ? Math.min(1, Math.max(0, done / total)) : 0)

  function status(done: number, fields: Record<string, string>, time: number): string {
    const part = share(done)
    const filled = Math.floor(part * BAR)
    const bar = `[${'='.repeat(filled)}${' '.repeat(BAR - filled)}]`
    const seconds = (time - began) / 1000
    const left = part > 0 && part < 1 ? `${duration((seconds * (1 - part)) / part)} left` : ''
    const said = Object.entries(fields).map(([name, value]) => printable(`${name} ${value}`))
    const head = `${label} ${terminal ? `${bar} ` : ''}${String(Math.floor(part * 100)).padStart(3)}%`
    return [head, left, ...said].filter(Boolean).join('  ')
  }

  function say(line: string): void {
    if (quiet) return
    if (terminal) stream.write('\r\x1b[K')
    if (line !== '') stream.write(`${printable(line)}\n`)
  }

  function write(line: string, time: number): void {
    written = time
    if (terminal) redraw(line)
    else stream.write(`${line}\n`)
  }

  return {
    start(name, steps) {
      label = printable(name)
      total = steps
      began = now()
      written = began
      tenth = 0
      if (quiet) return
      if (terminal) redraw(status(0, {}, began))
      else stream.write(`${label}\n`)
    },
    update(done, fields) {
      if (quiet) return
      const time = now()
      const tenths = Math.floor(share(done) * 10)
      const due = time - written
      if (terminal ? due < REDRAW_MS : (tenths <= tenth || tenths === 10) && due < PLAIN_MS) return
      tenth = tenths
      write(status(done, fields, time), time)
    },
    aside(name, done, steps) {
      if (quiet) return
      const time = now()
      if (time - written < (terminal ? REDRAW_MS : PLAIN_MS)) return
      write(printable(`${name}: ${count(done)} of ${count(steps)}`), time)
    },
    note: say,
    finish: say,
  }
}
