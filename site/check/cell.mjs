// Runs one cell in a thread of this Node, compiled as the page compiles it, on the modules that the site serves.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { compile } from '../cells/compile.js'
import { ENGINE, entries, fileOf } from '../engine/bundle.mjs'

const LIMIT = 120_000
const folder = mkdtempSync(join(tmpdir(), 'tinystill-cells-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
let count = 0

function address(name) {
  const file = join(ENGINE, fileOf(name))
  return (Object.hasOwn(entries, name) || name === 'runner') && existsSync(file)
    ? pathToFileURL(file).href
    : null
}

/** -> { output, pictures }; `output` has errors too, as the page shows them. */
export function runCell(code, check = '') {
  const file = join(folder, `${++count}.mjs`)
  writeFileSync(file, compile(code, { check, resolve: address }))
  const worker = new Worker(new URL('thread.mjs', import.meta.url), { workerData: pathToFileURL(file).href })
  return new Promise((resolve) => {
    const lines = []
    const pictures = []
    const end = () => {
      clearTimeout(timer)
      worker.terminate()
      resolve({ output: lines.join('\n'), pictures })
    }
    const timer = setTimeout(() => {
      lines.push(`not done after ${LIMIT / 1000} s`)
      end()
    }, LIMIT)
    worker.on('message', (message) => {
      if (message.kind === 'done') end()
      else if (message.kind === 'picture') pictures.push(message)
      else lines.push(message.text)
    })
    worker.on('error', (error) => {
      lines.push(`${error.name}: ${error.message}`)
      end()
    })
    worker.on('exit', end)
  })
}
