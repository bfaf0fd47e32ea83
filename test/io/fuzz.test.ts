// 10,000 mutated safetensors files: none crashes the reader, hangs it or makes it allocate what the file cannot fill,
// and none is read that Python's safetensors refuses. Python's verdicts on them lie in golden/safetensors_verdicts.json;
// `npm run check:fuzz` asks a Python beside it, and writes them with TINYSTILL_GOLDEN=1.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, describe, expect, it } from 'vitest'
import { tidy } from '../../src/autograd/tidy.js'
import { CheckpointError } from '../../src/errors.js'
import { readCheckpoint } from '../../src/files/models/on-disk.js'
import { readSafetensors } from '../../src/formats/safetensors/safetensors.js'
import { bytesPerElement, memory } from '../../src/tensor/storage.js'
import type { Tensor } from '../../src/tensor/tensor.js'
import { type Mutant, mutant } from './mutants.js'

const SEED = 6
const COUNT = 10_000
const goldenFile = join(import.meta.dirname, '../golden/safetensors_verdicts.json')

interface Verdict {
  /** Why it is refused, or null. */
  refused: string | null
  /** Names and shapes, sorted by name. */
  held: [string, number[]][]
  /** Of all tensors. */
  bytes: number
}

function verdict(read: () => { tensors: Map<string, Tensor> }): Verdict {
  const held: Verdict['held'] = []
  let bytes = 0
  try {
    tidy(() => {
      for (const [name, t] of read().tensors) {
        held.push([name, [...t.shape]])
        bytes += t.numel * bytesPerElement[t.dtype]
      }
    })
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error
    return { refused: error.message, held: [], bytes: 0 }
  }
  return { refused: null, held, bytes }
}

/** Over lengths and bytes of all mutants. */
function fingerprint(files: Iterable<Uint8Array>): string {
  const hash = createHash('sha256')
  for (const bytes of files) hash.update(`${bytes.length} `).update(bytes)
  return hash.digest('hex')
}

describe('10,000 mutants', () => {
  const files = Array.from({ length: COUNT }, (_, i) => mutant(SEED, i))
  const golden = JSON.parse(readFileSync(goldenFile, 'utf8'))
  const bits = Buffer.from(golden.accepted, 'base64')
  const byPython = (i: number) => ((bits[i >> 3] >> (i & 7)) & 1) === 1

  it('are those that Python judged', () => {
    expect(golden).toMatchObject({ seed: SEED, count: COUNT })
    expect(fingerprint(files.map((f) => f.bytes))).toBe(golden.sha256)
  })

  it('are read or refused at once, within twice their size, and as Python where read', () => {
    const before = memory()
    const accepted: string[] = []
    let read = 0
    for (const [i, { kind, bytes }] of files.entries()) {
      const look = () => {
        const began = performance.now()
        return { ...verdict(() => readSafetensors(bytes)), ms: performance.now() - began }
      }
      const { refused, bytes: taken, ms } = look()
      // A second look, because the machine may have been busy elsewhere.
      if (ms > 1000) expect(look().ms, `${i}: ${kind}`).toBeLessThan(1000)
      if (refused !== null) expect(refused.length).toBeLessThan(400)
      else {
        read++
        expect(taken, `${i}: ${kind}`).toBeLessThanOrEqual(2 * bytes.length)
        if (!byPython(i)) accepted.push(`${i}: ${kind}`)
      }
    }
    expect(accepted).toEqual([])
    // Else nothing would be tested.
    expect(read).toBeGreaterThan(COUNT / 10)
    expect(memory()).toMatchObject({ buffers: before.buffers, bytes: before.bytes })
  })

  it('fare the same on disk', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tinystill-fuzz-'))
    const path = join(folder, 'model.safetensors')
    try {
      for (const { kind, bytes } of files.slice(0, 1000)) {
        writeFileSync(path, bytes)
        const disk = verdict(() => readCheckpoint(folder))
        const { refused, ...rest } = verdict(() => readSafetensors(bytes, { file: path }))
        expect(disk, kind).toEqual({ refused, ...rest })
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

/** What the Python beside finds in each file, or why there is none. */
async function askPython(files: readonly Mutant[]): Promise<{ version: string; held: unknown[] } | string> {
  const python = process.env.PYTHON ?? 'python3'
  const test = spawnSync(python, ['-c', 'import safetensors'], { encoding: 'utf8' })
  if (test.error) return `${python} does not run; PYTHON names another one`
  if (test.status !== 0) return `${python} has no package safetensors`
  const child = spawn(python, [join(import.meta.dirname, '../golden/safetensors_verdicts.py')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const feed = (async () => {
    for (const { bytes } of files) {
      child.stdin.write(new Uint8Array(BigUint64Array.of(BigInt(bytes.length)).buffer))
      if (!child.stdin.write(bytes)) await new Promise((resolve) => child.stdin.once('drain', resolve))
    }
    child.stdin.end()
  })()
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) lines.push(line)
  await feed
  return { version: lines[0], held: lines.slice(1).map((line) => JSON.parse(line)) }
}

const byName = (a: [string, unknown], b: [string, unknown]) => (a[0] < b[0] ? -1 : 1)

describe.skipIf(!process.env.TINYSTILL_FUZZ)('Python beside', () => {
  const said: string[] = []
  afterAll(() => console.log(said.join('\n')))

  it('accepts whatever is read here', async ({ skip }) => {
    const count = Number(process.env.TINYSTILL_FUZZ)
    const seed = Number(process.env.TINYSTILL_SEED ?? SEED)
    const files = Array.from({ length: count }, (_, i) => mutant(seed, i))
    const answer = await askPython(files)
    if (typeof answer === 'string') {
      said.push(`check:fuzz skipped: ${answer}`)
      return skip(answer)
    }
    expect(answer.held.length).toBe(count)
    const wrong: string[] = []
    const stricter = new Map<string, number>()
    let both = 0
    for (const [i, { kind, bytes }] of files.entries()) {
      const ours = verdict(() => readSafetensors(bytes))
      const theirs = answer.held[i] as Verdict['held'] | null
      if (ours.refused === null) {
        both++
        if (JSON.stringify(ours.held.sort(byName)) !== JSON.stringify(theirs?.sort(byName)))
          wrong.push(`${i}: ${kind}: ${JSON.stringify(theirs)}`)
      } else if (theirs !== null) {
        // What is quoted and counted differs from file to file.
        const [what] = ours.refused.replace('safetensors: ', '').split('. ')
        const reason = what.replace(/"(?:[^"\\]|\\.)*"/g, '"..."').replace(/-?\d+(, \d+)*/g, 'N')
        stricter.set(reason, (stricter.get(reason) ?? 0) + 1)
      }
    }
    const total = [...stricter.values()].reduce((a, b) => a + b, 0)
    said.push(`${count} mutants of seed ${seed}, Python's safetensors ${answer.version}`)
    said.push(`read by both: ${both}; read here and refused or read otherwise there: ${wrong.length}`)
    said.push(`refused here and read there: ${total}`)
    for (const [reason, n] of [...stricter].sort((a, b) => b[1] - a[1])) said.push(`  ${n}  ${reason}`)
    expect(wrong).toEqual([])
    if (process.env.TINYSTILL_GOLDEN && count === COUNT && seed === SEED) {
      const bits = new Uint8Array(Math.ceil(count / 8))
      for (let i = 0; i < count; i++) if (answer.held[i] !== null) bits[i >> 3] |= 1 << (i & 7)
      const sha256 = fingerprint(files.map((f) => f.bytes))
      const accepted = Buffer.from(bits).toString('base64')
      const document = { python: answer.version, seed, count, sha256, accepted }
      writeFileSync(goldenFile, `${JSON.stringify(document, null, 1)}\n`)
    }
  })
})
