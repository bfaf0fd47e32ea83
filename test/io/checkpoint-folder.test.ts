// Checkpoints on disks that fail and with files that change: what was saved before is there, and nothing torn is believed.
import * as nodeFs from 'node:fs'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import '../../src/index.js'
import { tensor } from '../../src/autograd/create.js'
import { CheckpointFolder } from '../../src/files/checkpoint-folder.js'
import type { FileSystem } from '../../src/files/disk.js'
import { floats } from '../../src/tensor/tensor.js'

const root = mkdtempSync(join(tmpdir(), 'tinystill-checkpoints-'))
afterAll(() => rmSync(root, { recursive: true }))
const system: FileSystem = nodeFs
let count = 0
const place = () => join(root, `${count++}`)

/** State of a step: numbers that tell which. */
const tensors = (step: number): [string, ReturnType<typeof tensor>][] => [
  ['a', tensor(Float32Array.from({ length: 40 }, (_, i) => step + i))],
  ['b', tensor(Float32Array.of(step))],
]
const save = (folder: string, step: number, fs: FileSystem = nodeFs) =>
  new CheckpointFolder(folder, fs).save(step, tensors(step), { at: step })

/** The newest that is believed, and what was said of others. */
function newest(folder: string): { step: number | null; warnings: string[] } {
  const warnings: string[] = []
  const state = new CheckpointFolder(folder).newest((line) => warnings.push(line))
  if (state !== null) {
    expect(state.facts.get('at')).toBe(state.step)
    expect(floats(state.tensors.get('b')!)[0]).toBe(state.step)
    expect(floats(state.tensors.get('a')!)[39]).toBe(state.step + 39)
  }
  return { step: state?.step ?? null, warnings }
}

describe('checkpoints', () => {
  it('gives the newest, keeps two, removes what was cut off', () => {
    const folder = place()
    const own = new CheckpointFolder(folder)
    expect(own.empty).toBe(true)
    for (const step of [3, 6, 9]) own.save(step, tensors(step), { at: step })
    writeFileSync(join(folder, '.tinystill-0123456789abcdef.tmp'), 'half')
    writeFileSync(join(folder, 'notes.txt'), 'mine')
    own.save(12, tensors(12), { at: 12 })
    expect(readdirSync(folder).sort()).toEqual([
      ...['notes.txt', 'step-000000009.json', 'step-000000009.safetensors'],
      ...['step-000000012.json', 'step-000000012.safetensors'],
    ])
    expect(newest(folder)).toEqual({ step: 12, warnings: [] })
    own.clear()
    expect(readdirSync(folder)).toEqual(['notes.txt'])
  })

  it('removes at the end what a run left that was killed while it removed', () => {
    const folder = place()
    const own = new CheckpointFolder(folder)
    for (const step of [3, 6, 9]) own.save(step, tensors(step), { at: step })
    // Its manifest was gone already.
    writeFileSync(join(folder, 'step-000000003.safetensors'), 'old')
    const again = new CheckpointFolder(folder)
    for (const t of again.newest(() => {})?.tensors.values() ?? []) t.dispose()
    again.removeOlder()
    expect(readdirSync(folder).sort()).toEqual([
      ...['step-000000006.json', 'step-000000006.safetensors'],
      ...['step-000000009.json', 'step-000000009.safetensors'],
    ])
  })

  it('keeps the one that it went on from, not the damaged one after it', () => {
    const folder = place()
    for (const step of [3, 6]) save(folder, step)
    const own = new CheckpointFolder(folder)
    own.save(9, tensors(9), { at: 9 })
    rmSync(join(folder, 'step-000000009.safetensors'))
    save(folder, 3)
    save(folder, 6)
    writeFileSync(join(folder, 'step-000000009.json'), '{')
    const again = new CheckpointFolder(folder)
    expect(again.newest(() => {})?.step).toBe(6)
    again.save(8, tensors(8), { at: 8 })
    expect(readdirSync(folder).filter((name) => name.endsWith('.json'))).toEqual([
      ...['step-000000006.json', 'step-000000008.json'],
    ])
  })

  it('falls back from a newest that was damaged, 100 of 100', () => {
    const folder = place()
    for (let i = 0; i < 100; i++) {
      rmSync(folder, { recursive: true, force: true })
      const own = new CheckpointFolder(folder)
      for (const step of [5, 10]) own.save(step, tensors(step), { at: step })
      const file = join(folder, `step-000000010.${i % 4 === 0 ? 'json' : 'safetensors'}`)
      const bytes = readFileSync(file)
      const at = (i * 7919) % bytes.length
      if (i % 3 === 0) writeFileSync(file, bytes.subarray(0, at))
      else if (i % 3 === 1) rmSync(file.replace('.json', '.safetensors'))
      else {
        // Of the manifest a byte that counts: in its hash.
        const place = file.endsWith('.json') ? bytes.indexOf('"sha256":"') + 10 + (at % 64) : at
        bytes[place] = bytes[place] === 0x30 ? 0x31 : 0x30
        if (bytes[place] === readFileSync(file)[place]) bytes[place] ^= 1
        writeFileSync(file, bytes)
      }
      const { step, warnings } = newest(folder)
      expect(step, `damage ${i}`).toBe(5)
      expect(warnings).toHaveLength(1)
      expect(warnings[0]).toContain('step-000000010')
    }
  })

  it('has none where all are damaged', () => {
    const folder = place()
    save(folder, 1)
    writeFileSync(join(folder, 'step-000000001.safetensors'), 'x')
    const { step, warnings } = newest(folder)
    expect(step).toBeNull()
    expect(warnings[0]).toMatch(/is damaged: its SHA-256/)
  })

  it('loads the old one after a disk was full at any byte of the new one', () => {
    const folder = place()
    save(folder, 1)
    let failures = 0
    for (let room = 0; ; room++) {
      let left = room
      const full: FileSystem = {
        ...nodeFs,
        writeSync: ((file: number, bytes: Uint8Array, at: number, n: number) => {
          if (left === 0) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
          const done = nodeFs.writeSync(file, bytes, at, Math.min(n, left))
          left -= done
          return done
        }) as FileSystem['writeSync'],
      }
      try {
        save(folder, 2, full)
        break
      } catch (error) {
        failures++
        expect((error as Error).message).toMatch(/cannot be written: the disk is full/)
        expect(newest(folder)).toEqual({ step: 1, warnings: [] })
      }
    }
    expect(failures).toBeGreaterThan(400)
    expect(newest(folder).step).toBe(2)
  })

  it.each(['fsyncSync', 'renameSync', 'openSync'] as const)('loads the old one when any %s fails', (call) => {
    const folder = place()
    save(folder, 1)
    for (let ok = 0; ; ok++) {
      let left = ok
      const broken = {
        ...nodeFs,
        [call]: (...args: never[]) => {
          if (left-- === 0) throw Object.assign(new Error('EIO'), { code: 'EIO' })
          return (system[call] as (...a: never[]) => unknown)(...args)
        },
      } as FileSystem
      try {
        save(folder, 2, broken)
        expect(ok).toBeGreaterThan(1)
        break
      } catch (error) {
        expect((error as Error).message).toMatch(/the device reports an error/)
        // Only the last sync, of the folder, finds the new one complete.
        expect([1, 2]).toContain(newest(folder).step)
        rmSync(join(folder, 'step-000000002.json'), { force: true })
      }
    }
  })

  it('loads the old one where the disk keeps other bytes of any file', () => {
    const folder = place()
    save(folder, 1)
    for (const wrong of [0, 1]) {
      let files = -1
      const lying: FileSystem = {
        ...nodeFs,
        openSync: ((path: string, flags: string) => {
          if (flags === 'wx') files++
          return nodeFs.openSync(path, flags)
        }) as FileSystem['openSync'],
        writeSync: ((file: number, bytes: Uint8Array, at: number, n: number) =>
          nodeFs.writeSync(
            file,
            files === wrong ? bytes.map((b) => b ^ 1) : bytes,
            at,
            n,
          )) as FileSystem['writeSync'],
      }
      expect(() => save(folder, 2, lying)).toThrow(/step-000000002\.\w+: reads back otherwise/)
      expect(newest(folder).step).toBe(1)
    }
  })

  it('refuses facts and manifests of strangers by name', () => {
    const folder = place()
    save(folder, 4)
    const path = join(folder, 'step-000000004.json')
    const good = JSON.parse(readFileSync(path, 'utf8'))
    for (const [change, said] of [
      [{ format: 'x' }, /format must be tinystill-checkpoint/],
      [{ version: 2 }, /version must be 1/],
      [{ step: 5 }, /step must be 4/],
      [{ facts: 7 }, /facts must be an object/],
    ] as const) {
      writeFileSync(path, JSON.stringify({ ...good, ...change }))
      const { step, warnings } = newest(folder)
      expect(step).toBeNull()
      expect(warnings[0]).toMatch(said)
    }
  })
})
