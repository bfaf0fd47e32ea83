// Weights from folders: single files, shards, and folders that lie.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { tensor } from '../../src/autograd/create.js'
import { openCheckpoint, readCheckpoint } from '../../src/files/models/on-disk.js'
import { writeSafetensors } from '../../src/formats/safetensors/safetensors.js'
import { memory } from '../../src/tensor/storage.js'
import { dice } from './mutants.js'

const root = mkdtempSync(join(tmpdir(), 'tinystill-checkpoint-'))
afterAll(() => rmSync(root, { recursive: true }))

type Shards = Record<string, Record<string, number[]>>
const bytesOf = (tensors: Record<string, number[]>) =>
  writeSafetensors(
    Object.entries(tensors).map(([name, x]) => [name, tensor(x)] as const),
    { metadata: [['format', 'pt']] },
  )

let count = 0
function place(files: Record<string, string | Uint8Array>): string {
  const folder = join(root, `${count++}`)
  mkdirSync(folder)
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  return folder
}

const INDEX = 'model.safetensors.index.json'
const parts: Shards = { 'a.safetensors': { x: [1, 2], __proto__x: [3] }, 'b.safetensors': { y: [4] } }
const map = '{"x":"a.safetensors","__proto__x":"a.safetensors","y":"b.safetensors"}'
const sharded = (weightMap = map, shards = parts) =>
  place({
    ...Object.fromEntries(Object.entries(shards).map(([name, held]) => [name, bytesOf(held)])),
    [INDEX]: `{"metadata":{"total_size":1.6e1},"weight_map":${weightMap}}`,
  })

const read = (path: string) =>
  Array.from(readCheckpoint(path).tensors, ([name, t]) => [name, t.toArray()] as const)

describe('readCheckpoint', () => {
  it('reads a file, a folder with one, and shards', () => {
    const folder = place({ 'model.safetensors': bytesOf({ x: [1], y: [2, 3] }) })
    const wanted = [
      ['x', [1]],
      ['y', [2, 3]],
    ]
    expect(read(folder)).toEqual(wanted)
    expect(read(join(folder, 'model.safetensors'))).toEqual(wanted)
    expect(new Map(read(sharded()))).toEqual(
      new Map([
        ['x', [1, 2]],
        ['__proto__x', [3]],
        ['y', [4]],
      ]),
    )
    expect([...readCheckpoint(sharded()).metadata]).toEqual([['format', 'pt']])
  })

  it('reads in pieces what is longer than one', () => {
    const long = Float32Array.from({ length: 600_000 }, (_, i) => i)
    const whole = Int32Array.from({ length: 300_001 }, (_, i) => -i)
    const folder = place({
      'model.safetensors': writeSafetensors([
        ['f', tensor(long)],
        ['i', tensor(whole)],
      ]),
    })
    const { tensors } = readCheckpoint(folder)
    expect(tensors.get('f')!.data.every((x, i) => x === long[i])).toBe(true)
    expect(tensors.get('i')!.data.every((x, i) => x === whole[i])).toBe(true)
    const [file] = openCheckpoint(folder)
    const pieces = Array.from(file.values(file.header.entries[0]), (piece) => piece.length)
    file.close()
    expect(pieces.length).toBeGreaterThan(1)
    expect(pieces.reduce((a, b) => a + b)).toBe(600_000)
  })

  it('follows the links of the hub cache', () => {
    const cache = place({})
    for (const name of ['blobs', 'snapshots', 'snapshots/c0ffee']) mkdirSync(join(cache, name))
    const folder = join(cache, 'snapshots/c0ffee')
    writeFileSync(join(cache, 'blobs/1'), bytesOf({ x: [7] }))
    symlinkSync('../../blobs/1', join(folder, 's.safetensors'))
    writeFileSync(join(folder, INDEX), '{"weight_map":{"x":"s.safetensors"}}')
    expect(read(folder)).toEqual([['x', [7]]])
  })

  it.each([
    ['../a.safetensors', 'is not the name of a .safetensors file beside it'],
    ['/etc/passwd', 'is not the name of a .safetensors file beside it'],
    ['sub/a.safetensors', 'is not the name of a .safetensors file beside it'],
    ['..\\\\a.safetensors', 'is not the name of a .safetensors file beside it'],
    ['C:a.safetensors', 'is not the name of a .safetensors file beside it'],
    ['.hidden.safetensors', 'is not the name of a .safetensors file beside it'],
    ['a\\u2028.safetensors', 'is not the name of a .safetensors file beside it'],
    ['a.safetensors\\u0000', 'is not the name of a .safetensors file beside it'],
    ['pytorch_model.bin', 'is not the name of a .safetensors file beside it'],
    ['c.safetensors', 'c.safetensors: cannot be read: no such file or folder'],
    ['b.safetensors', 'b.safetensors: lacks tensor "x"'],
  ])('refuses the shard %s', (shard, text) => {
    expect(() => read(sharded(map.replace('"x":"a.safetensors"', `"x":"${shard}"`)))).toThrow(text)
  })

  it.each([
    ['{"x":"a.safetensors","y":"b.safetensors"}', 'a.safetensors: holds tensor "__proto__x"'],
    [map.replace('}', ',"z":"b.safetensors"}'), 'b.safetensors: lacks tensor "z"'],
    [map.replace('}', ',"x":"b.safetensors"}'), 'it names "x" twice'],
    ['{"x":1}', 'weight_map "x" is not a string'],
    ['{}', 'weight_map is empty'],
    ['[]', 'weight_map is missing or not an object'],
    ['null', 'where an object, an array, a string or a whole number should be'],
    [
      `{${Array.from({ length: 501 }, (_, i) => `"${i}":"${i}.safetensors"`)}}`,
      'names 501 shards, at most 500 are read',
    ],
  ])('refuses the map %.60s', (weightMap, text) => {
    const { buffers } = memory()
    const folder = sharded(weightMap)
    const made = memory().buffers - buffers
    expect(() => read(folder)).toThrow(text)
    expect(memory().buffers - buffers).toBe(made)
  })

  it('reads or refuses 500 mutated indexes, and nothing else happens', () => {
    const folder = sharded()
    const whole = new TextEncoder().encode(`{"metadata":{"total_size":16},"weight_map":${map}}`)
    let accepted = 0
    for (let i = 0; i < 500; i++) {
      const roll = dice(8, 'index', i)
      let bytes = [...whole]
      for (let n = 1 + roll(3); n > 0; n--) {
        const at = roll(bytes.length)
        const way = roll(4)
        if (way === 0) bytes[at] ^= 1 << roll(8)
        else if (way === 1) bytes = bytes.toSpliced(at, roll(4))
        else if (way === 2) bytes = bytes.toSpliced(at, 0, ...bytes.slice(roll(at + 1), at))
        else bytes[at] = '{}[]:,"\\./0a '.charCodeAt(roll(13))
      }
      writeFileSync(join(folder, INDEX), Uint8Array.from(bytes))
      try {
        expect(read(folder).length).toBe(3)
        accepted++
      } catch (error) {
        expect((error as Error).name).toBe('CheckpointError')
      }
    }
    expect(accepted).toBeGreaterThan(5)
  })

  it.each(['01', '.5', '1.', '+1', '1e', '0x10', '--1'])('takes %s for no number', (size) => {
    const folder = sharded()
    writeFileSync(join(folder, INDEX), `{"metadata":{"total_size":${size}},"weight_map":${map}}`)
    expect(() => read(folder)).toThrow('model.safetensors.index.json: it ')
  })

  it('refuses a tensor that two shards hold, and a link out of the folder', () => {
    const twice = { ...parts, 'b.safetensors': { y: [4], x: [9] } }
    expect(() => read(sharded(map, twice))).toThrow('b.safetensors: holds tensor "x"')
    const folder = sharded()
    rmSync(join(folder, 'b.safetensors'))
    symlinkSync(join(sharded(), 'b.safetensors'), join(folder, 'b.safetensors'))
    expect(() => read(folder)).toThrow('b.safetensors: is a link out of its folder')
  })

  it('refuses pickles with a line that converts them', () => {
    const folder = place({ 'training_args.bin': '', 'pytorch_model.bin': 'x', 'config.json': '{}' })
    expect(() => read(folder)).toThrow(
      /pytorch_model\.bin: is a Python pickle.*Convert it, in its folder: python -c "/,
    )
    expect(() => read(join(folder, 'pytorch_model.bin'))).toThrow('is a Python pickle')
    // Nested states, and what wrappers put in front of names.
    for (const part of [
      "'state_dict', 'model_state_dict', 'model'",
      "replace('_orig_mod.', '').removeprefix('module.')",
    ])
      expect(() => read(folder)).toThrow(part)
    expect(() => read(place({ "a';rm -rf ~;'.pt": '' }))).toThrow("torch.load('FILE'")
    expect(() => read(place({ 'training_args.bin': '' }))).toThrow(
      'holds neither model.safetensors nor model.safetensors.index.json',
    )
    expect(() => read(join(folder, 'nothing'))).toThrow('nothing: cannot be read: no such file or folder')
  })

  it.for([
    "{'x': torch.ones(2)}",
    "{'state_dict': {'x': torch.ones(2), 'epoch': 3}, 'hyper_parameters': {}}",
    "{'epoch': 3, 'model_state_dict': {'module.x': torch.ones(2)}, 'optimizer': {'state': {0: torch.ones(9)}}}",
    "{'model': {'state_dict': {'_orig_mod.module.x': torch.ones(2)}}}",
    "{'module': {'module._orig_mod.x': torch.ones(2)}, 'lr': torch.ones(1)}",
  ])('gives a conversion of %s that works, where torch is at hand', (state, { skip }) => {
    const python = process.env.PYTHON
    if (!python) return skip('PYTHON names no python with torch')
    const folder = place({})
    const make = `import torch; torch.save(${state}, 'pytorch_model.bin')`
    expect(spawnSync(python, ['-c', make], { cwd: folder }).status).toBe(0)
    let line = ''
    try {
      read(folder)
    } catch (error) {
      line = /python -c "(.*)"/.exec(String(error))![1]
    }
    const { status, stderr } = spawnSync(python, ['-c', line], { cwd: folder, encoding: 'utf8' })
    expect([status, stderr.includes('Error')]).toEqual([0, false])
    expect(read(folder)).toEqual([['x', [1, 1]]])
  })

  it('finds the file changed while it is read', () => {
    const folder = place({ 'model.safetensors': bytesOf({ x: [1, 2, 3, 4] }) })
    const [file] = openCheckpoint(folder)
    writeFileSync(join(folder, 'model.safetensors'), 'short')
    expect(() => file.tensor(file.header.entries[0])).toThrow('It was changed while it was read')
    file.close()
  })
})
