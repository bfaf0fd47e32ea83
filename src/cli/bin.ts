#!/usr/bin/env node
// The entry: the only place that touches the process.
import { once } from 'node:events'
import { linesOf } from '../files/lines.js'
import { main } from './main.js'

const { stdin, stdout, stderr } = process

// EPIPE: the reader has gone, as in `tinystill ... | head`, and nobody is left to tell.
stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  stderr.write(`tinystill: standard output: ${error.message}\n`)
  process.exit(1)
})
// What is only worth knowing is not worth failing for.
stderr.on('error', () => {})

/** Where the program can save before it ends. */
function signals(onSignal: (name: string) => void): () => void {
  let asked = false
  const stop = (name: NodeJS.Signals) => {
    if (asked) process.exit(name === 'SIGINT' ? 130 : 143)
    asked = true
    onSignal(name)
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  return () => void process.off('SIGINT', stop).off('SIGTERM', stop)
}

// Started by another tinystill: it ends with that one, which may be killed and then says nothing.
if (process.connected) {
  process.once('disconnect', () => process.exit(1))
  process.channel?.unref()
}

process.exitCode = await main(process.argv.slice(2), {
  stdout: {
    write: (s) => void stdout.write(s),
    drained: async () => {
      if (stdout.writableNeedDrain) await once(stdout, 'drain')
    },
  },
  stderr,
  lines: () => linesOf(stdin, 'standard input'),
  now: () => performance.now(),
  epoch: performance.timeOrigin,
  signals,
})
