// Loaded before the program (node --import): ends the process by SIGKILL at one of its calls to the file system, before the
// call or, of a write, in the middle of it. KILL_AT: which call, counted from 1. KILL_COUNT: a file for the number of calls.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const at = Number(process.env.KILL_AT ?? Infinity)
const counted = process.env.KILL_COUNT
const original = { ...fs }
let calls = 0

function die() {
  process.kill(process.pid, 'SIGKILL')
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000)
}

for (const name of [
  'writeSync',
  'fsyncSync',
  'renameSync',
  'rmSync',
  'ftruncateSync',
  'linkSync',
  'writeFileSync',
]) {
  fs[name] = (...args) => {
    calls++
    if (calls < at) return original[name](...args)
    if (name === 'writeSync' && ArrayBuffer.isView(args[1])) {
      const [file, data] = args
      original.writeSync(file, data.subarray(0, Math.ceil(data.length / 2)))
    }
    return die()
  }
}
syncBuiltinESMExports()
if (counted) process.on('exit', () => original.writeFileSync(counted, String(calls)))
