// Logits that a run keeps: taken up where they are the ones asked for, computed again where anything is not.
import * as nodeFs from 'node:fs'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import '../../src/index.js'
import { KeptLogits } from '../../src/files/kept-logits.js'
import { readSafetensors, writeSafetensors } from '../../src/formats/safetensors/safetensors.js'

const root = mkdtempSync(join(tmpdir(), 'tinystill-logits-'))
afterAll(() => rmSync(root, { recursive: true }))

const facts = { weights: 'ab', texts: 'cd', maxLength: 16 }
const logits = Float32Array.of(0.1, -2, 3, 4, 5, 6)
const shape = [3, 2] as const

function open(name: string, { read = true, write = true, fs = nodeFs } = {}) {
  const warnings: string[] = []
  const kept = new KeptLogits(join(root, name), { read, write, warn: (line) => warnings.push(line) }, fs)
  let computed = 0
  const take = (own: Record<string, string | number> = facts, of: readonly [number, number] = shape) =>
    kept.take(own, of, () => {
      computed++
      return logits.slice(0, of[0] * of[1])
    })
  return { kept, take, warnings, count: () => computed }
}

/** A folder in which they are kept, and the path of the file. */
async function keptIn(name: string): Promise<string> {
  await open(name).take()
  return join(root, name, readdirSync(join(root, name))[0])
}

describe('kept logits', () => {
  it('are computed once, and then read to the bit', async () => {
    const { take, count } = open('once')
    expect(await take()).toEqual(logits)
    expect(await take()).toEqual(logits)
    expect(count()).toBe(1)
    const later = open('once')
    // In whatever order they are given.
    expect(await later.take({ maxLength: 16, texts: 'cd', weights: 'ab' })).toEqual(logits)
    expect([later.count(), later.warnings]).toEqual([0, []])
  })

  it.each([
    ['another teacher', { ...facts, weights: 'ac' }],
    ['other texts', { ...facts, texts: 'ce' }],
    ['another length', { ...facts, maxLength: 17 }],
  ])('are computed again for %s', async (name, other) => {
    await keptIn(name)
    const { take, count } = open(name)
    await take(other)
    expect(count()).toBe(1)
  })

  it('are not taken where that is not wanted, and not kept', async () => {
    await keptIn('no')
    const unread = open('no', { read: false })
    await unread.take()
    expect(unread.count()).toBe(1)
    await open('nothing', { write: false }).take()
    expect(nodeFs.existsSync(join(root, 'nothing'))).toBe(false)
  })

  /** The file with its own names and values changed. */
  const planted =
    (change: (file: { metadata: Map<string, string>; values: Float32Array; name: string }) => void) =>
    (bytes: Uint8Array) => {
      const { tensors, metadata } = readSafetensors(bytes)
      const [[, t]] = [...tensors]
      const file = { metadata, values: t.elements as Float32Array, name: 'logits' }
      change(file)
      return writeSafetensors([[file.name, t]], { metadata: file.metadata })
    }
  it.each<[string, (bytes: Uint8Array) => Uint8Array, RegExp]>([
    ['no safetensors', () => new TextEncoder().encode('hello'), /safetensors/],
    ['half of it', (bytes) => bytes.slice(0, bytes.length - 8), /safetensors/],
    ['a giant', (bytes) => Buffer.concat([bytes, new Uint8Array(2 ** 17)]), /bytes, at most \d+ are read/],
    ['another value', planted(({ values }) => values.fill(7)), /is damaged: its SHA-256/],
    ['another tensor', planted((file) => (file.name = 'x')), /does not hold 3 rows of 2 logits/],
    ['another format', planted((f) => f.metadata.set('format', 'x')), /does not hold 3 rows of 2 logits/],
    ['other facts', planted((f) => f.metadata.set('facts', '{}')), /is of another model, other texts/],
  ])('are computed again where the file is %s, and it says so', async (name, change, said) => {
    const path = await keptIn(`bad ${name}`)
    writeFileSync(path, change(readFileSync(path)))
    const { take, count, warnings } = open(`bad ${name}`)
    expect(await take()).toEqual(logits)
    expect([count(), warnings]).toEqual([1, [expect.stringMatching(said)]])
    expect(warnings[0]).toContain('These logits are computed again')
    // And written whole.
    const later = open(`bad ${name}`)
    await later.take()
    expect([later.count(), later.warnings]).toEqual([0, []])
  })

  it('of another shape are computed again', async () => {
    await keptIn('shape')
    const { take, count, warnings } = open('shape')
    await take(facts, [2, 3])
    expect([count(), warnings.length]).toEqual([1, 1])
  })

  it('do not end a run where the disk is full', async () => {
    const full = () => {
      throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
    }
    const { take, warnings } = open('full', { fs: { ...nodeFs, writeSync: full } })
    expect(await take()).toEqual(logits)
    expect(warnings).toEqual([expect.stringContaining('A run that goes on will compute these logits again')])
  })

  it('go when they are cleared, and nothing else does', async () => {
    const path = await keptIn('gone')
    writeFileSync(join(root, 'gone/other.txt'), '')
    open('gone').kept.clear()
    expect([nodeFs.existsSync(path), readdirSync(join(root, 'gone'))]).toEqual([false, ['other.txt']])
    await open('empty').take()
    open('empty').kept.clear()
    expect(nodeFs.existsSync(join(root, 'empty'))).toBe(false)
  })
})
