#!/usr/bin/env node
// The entry: the only place that touches the process.
import { createInterface } from 'node:readline'
import { main } from './main.js'

// The reader has gone, as in `tinystill ... | head`: nobody is left to tell.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

process.exitCode = await main(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  lines: () => createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY }),
  now: () => performance.now(),
})
