// Files gone wrong for each reader: read as a plain reader would, or refused in one line that names the file. 10,000 of each:
// `npm run check:fuzz`; more of them, each within a second: `npm run fuzz`.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import '../../src/index.js'
import { memory } from '../../src/tensor/storage.js'
import { dice } from '../io/mutants.js'
import { tried } from './target.js'
import { targets } from './targets/index.js'

const SEED = 1
const COUNT = Number(process.env.TINYSTILL_FUZZ ?? 3_000)

const root = mkdtempSync(join(tmpdir(), 'tinystill-fuzz-'))
afterAll(() => rmSync(root, { recursive: true }))

describe(`${COUNT} files gone wrong`, () => {
  // Those of safetensors are in io/fuzz.test.ts.
  it.each(targets.filter(({ name }) => name !== 'safetensors'))('$name', (target) => {
    const folder = join(root, target.name)
    mkdirSync(folder)
    const reader = target.open(folder)
    const before = memory()
    const wrong: string[] = []
    let accepted = 0
    // Vitest's 100 frames of each refusal would take longer than the reading.
    Error.stackTraceLimit = 4
    for (let i = 0; i < COUNT && wrong.length < 5; i++) {
      const bytes = reader.make(dice(SEED, target.name, i))
      const verdict = tried(reader, folder, bytes)
      if (verdict.accepted) accepted++
      if (verdict.wrong !== null) wrong.push(`${i}: ${verdict.wrong}`)
    }
    expect(wrong).toEqual([])
    // Else nothing would be tested.
    expect(accepted).toBeGreaterThan(COUNT / 50)
    expect(accepted).toBeLessThan(COUNT)
    expect(memory()).toMatchObject({ buffers: before.buffers, bytes: before.bytes })
  })
})
