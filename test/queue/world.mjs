// Texts, a teacher of random numbers, parts, and command lines on them.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, openSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))
export const bin = join(root, 'dist/cli/bin.js')

const words =
  'a large grey animal with trunk and small red fruit that lives in the deep sea or on trees'.split(' ')

/** n different texts and a tenth of them again, and teachers of random numbers: their names, and how wide they are. */
export async function makeWorld(folder, n, teachers) {
  await import(`${root}/dist/autograd/methods.js`)
  const { writePretrained } = await import(`${root}/dist/files/index.js`)
  const { DistilBertForSequenceClassification } = await import(`${root}/dist/nn/models/bert.js`)
  const { trainWordPiece } = await import(`${root}/dist/text/wordpiece-train.js`)
  const { randomScope } = await import(`${root}/dist/autograd/random.js`)
  const { keyOf } = await import(`${root}/dist/tensor/rng.js`)
  const word = (i, k) => words[(i * (2 * k + 1) + k * k) % words.length]
  const texts = Array.from(
    { length: n },
    (_, i) => `${Array.from({ length: 12 }, (_, k) => word(i, k)).join(' ')} ${i}`,
  )
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'data.txt'), [...texts, ...texts.slice(0, n / 10)].join('\n'))
  const tokenizer = trainWordPiece(texts.slice(0, 2000), { size: 90 })
  const { vocabSize } = tokenizer
  const sizes = { vocabSize, layers: 4, heads: 4, maxLength: 32, labels: ['x', 'y', 'z'] }
  for (const [i, [name, width]] of Object.entries(teachers).entries()) {
    const make = () => new DistilBertForSequenceClassification({ ...sizes, width, inner: 4 * width })
    writePretrained(join(folder, name), { model: randomScope(keyOf(i + 1), make), tokenizer })
  }
}

/** A command line that ends by itself. A last argument { inside }: words before it. */
export function tinystill(folder, url, ...args) {
  const { inside = [] } = typeof args.at(-1) === 'object' ? args.pop() : {}
  const [command, ...words] = [...inside, process.execPath, bin, ...args, '--quiet']
  const { status, stdout, stderr } = spawnSync(command, words, {
    ...{ cwd: folder, env: { ...process.env, TINYSTILL_QUEUE_URL: url } },
    ...{ encoding: 'utf8', timeout: 600_000, maxBuffer: 1 << 26 },
  })
  return { status, stdout, stderr, said: stdout + stderr }
}

let started = 0

/** A worker that goes on until it is killed, or with --until-done until nothing is left. */
export const startWorker = (folder, url, args, inside) =>
  startCommand(folder, url, ['work', '--threads', '1', ...args], inside)

/** A command line that can be killed. */
export function startCommand(folder, url, args, inside = []) {
  const log = join(folder, `command-${started++}.log`)
  const out = openSync(log, 'w')
  const [command, ...words] = [...inside, process.execPath, bin, ...args]
  const child = spawn(command, words, {
    ...{ cwd: folder, stdio: ['ignore', out, out], env: { ...process.env, TINYSTILL_QUEUE_URL: url } },
  })
  const worker = { pid: child.pid, child, code: null, said: () => readFileSync(log, 'utf8') }
  worker.ended = new Promise((resolve) =>
    child.once('exit', (code, signal) => {
      worker.code = code ?? signal
      resolve(worker.code)
    }),
  )
  return worker
}

/** Parts in the middle of being labelled, with the process that does it: its number is in the attempt's name. */
export function attempts(caches) {
  let names = []
  try {
    names = readdirSync(caches)
  } catch {}
  return names.flatMap((name) => {
    const [, part, pid] = /^\.attempt-(part-\d+)-.+-(\d+)-[0-9a-f]+$/.exec(name) ?? []
    return part === undefined ? [] : [{ name, part, pid: Number(pid) }]
  })
}

export const published = (caches) => {
  try {
    return readdirSync(caches).filter((name) => name.startsWith('part-'))
  } catch {
    return []
  }
}

/** Whose child a process is; null where it is gone. */
export function parentOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state === 'Z' ? null : Number(parent)
  } catch {
    return null
  }
}

/** Processes that work in this folder. */
export function processesIn(folder) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`) === folder && parentOf(pid) !== null
      } catch {
        return false
      }
    })
}

/** What a folder holds, by name. */
export const bytesOf = (folder) =>
  readdirSync(folder)
    .sort()
    .map((name) => `${name} ${readFileSync(join(folder, name)).toString('base64')}`)
    .join('\n')
