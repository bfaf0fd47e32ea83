// What a command leaves of the folder that it writes a model into: nothing that tinystill wrote about the model before, all
// that others wrote, and on a full disk all of it as it was.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { reviews, run } from './program.js'

/** Bytes that the disk still takes, and those that it took. */
const disk = vi.hoisted(() => ({ room: Number.POSITIVE_INFINITY, taken: 0 }))
vi.mock('node:fs', async (load) => {
  const real = await load<typeof import('node:fs')>()
  const writeSync = (file: number, bytes: Uint8Array, at: number, n: number) => {
    if (n > disk.room) throw Object.assign(new Error('full'), { code: 'ENOSPC' })
    disk.room -= n
    disk.taken += n
    return real.writeSync(file, bytes, at, n)
  }
  return { ...real, writeSync }
})

const root = mkdtempSync(join(tmpdir(), 'tinystill-places-'))
afterAll(() => rmSync(root, { recursive: true }))
const at = (...names: string[]) => join(root, ...names)

const shape = {
  ...{ model_type: 'bert', hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 2 },
  ...{ intermediate_size: 32, max_position_embeddings: 32 },
}
const data = ['--train', at('train.tsv'), '--dev', at('train.tsv')]
const fast = ['--epochs', '1', '--batch-size', '16']
// A model of one epoch is no teacher: in spite of that.
const forced = [...data, ...fast, '--force']

beforeAll(async () => {
  writeFileSync(
    at('train.tsv'),
    reviews(48)
      .map((row) => row.join('\t'))
      .join('\n'),
  )
  for (const [name, width] of [
    ['model', 16],
    ['other', 24],
  ] as const) {
    writeFileSync(at('shape.json'), JSON.stringify({ ...shape, hidden_size: width }))
    const made = ['--model', at('shape.json'), ...data, ...fast, '--out', at(name), '--quiet']
    expect(await run('train', ...made)).toMatchObject({ code: 0 })
    expect(await run('quantize', '--model', at(name), '--out', at(`${name}8`), '--quiet')).toMatchObject({
      code: 0,
    })
    expect(await run('export', '--model', at(name), '--out', at(`${name}-onnx`), '--quiet')).toMatchObject({
      code: 0,
    })
  }
})

/** All files below, by their names. */
function filesIn(folder: string): Map<string, string> {
  const names = readdirSync(folder, { recursive: true }).map(String).sort()
  const files = names.filter(
    (name) => statSync(join(folder, name)).isFile() && !name.includes('.tinystill-lock'),
  )
  return new Map(files.map((name) => [name, readFileSync(join(folder, name), 'latin1')]))
}

const OLD = 'of the model before'
/** As commands write them. */
const records = {
  'run.json': `{ "tinystill": "${OLD}", "status": "done" }`,
  'metrics.jsonl': `{"type":"step","of":"${OLD}"}\n`,
  'report.html': `<h2>About this run</h2>${OLD}`,
  'README.md': `# ${OLD}\n\nAll figures are in run.json.\n`,
  'shrink.json': `{ "identity": "${OLD}" }`,
  'onnx/model_fp16.onnx': `tinystill ${OLD}`,
  'tensorboard/events.out.tfevents.000001.tinystill': OLD,
  'added_tokens.json': `{ "${OLD}": 1 }`,
}
const foreign = {
  'notes.txt': 'mine',
  'onnx/mine.onnx': 'mine',
  'tensorboard/events.out.tfevents.1.host': 'mine',
}

/** A folder that holds another model and what was written about it. */
function oldFolder(name: string, from: string, more: Record<string, string>): string {
  const folder = at(name)
  rmSync(folder, { recursive: true, force: true })
  cpSync(at(from), folder, { recursive: true })
  for (const [file, text] of Object.entries({ ...records, ...foreign, ...more })) {
    mkdirSync(join(folder, file, '..'), { recursive: true })
    writeFileSync(join(folder, file), text)
  }
  return folder
}

interface Writer {
  /** The kind of folder that is written over. */
  over: string
  words: string[]
  /** Its folder in --out. */
  in?: string
}

const training: Record<string, Writer> = {
  train: { over: 'other', words: ['train', '--model', at('model'), ...data, ...fast] },
  distill: {
    over: 'other',
    words: ['distill', '--recipe', 'hinton', '--teacher', at('model'), '--from-layers', '0', ...forced],
  },
  'prune --train': {
    over: 'other',
    words: ['prune', '--model', at('model'), '--method', 'magnitude', '--sparsity', '0.5', ...forced],
  },
}
const atOnce: Record<string, Writer> = {
  prune: {
    over: 'other',
    words: [
      'prune',
      '--model',
      at('model'),
      '--method',
      'magnitude',
      '--sparsity',
      '0.5',
      '--dev',
      at('train.tsv'),
    ],
  },
  shrink: { over: 'other', words: ['shrink', '--model', at('model'), '--heads', '0.5'] },
  quantize: {
    over: 'other8',
    words: ['quantize', '--model', at('model'), '--dev', at('train.tsv'), '--sensitivity', '4'],
  },
  export: { over: 'other-onnx', words: ['export', '--model', at('model')] },
  import: { over: 'other', words: ['import', '--onnx', at('model-onnx', 'onnx', 'model.onnx')] },
}
const writers = { ...training, ...atOnce }
const start = ({ words }: Writer, out: string) => run(...words, '--out', out, '--quiet')

describe.each(Object.entries(writers))('%s', (name, writer) => {
  it('replaces what was written about the model before, and leaves what others wrote', async () => {
    const out = oldFolder('over', writer.over, {})
    const { code, err } = await start(writer, out)
    expect(code, err).toBe(0)
    const there = filesIn(out)
    for (const [file, text] of there) expect(text.includes(OLD), file).toBe(false)
    for (const [file, text] of Object.entries(foreign)) expect(there.get(file)).toBe(text)
    for (const file of ['shrink.json', 'onnx/model_fp16.onnx', 'added_tokens.json'])
      if (name !== file.replace('.json', '')) expect(there.has(file), file).toBe(false)
    // All that is there of a model is of one.
    if (name !== 'export') expect(await run('inspect', out, '--quiet')).toMatchObject({ code: 0 })
  })

  it('leaves a card that people wrote, and says so', async () => {
    const out = oldFolder('carded', writer.over, { 'README.md': '# By hand' })
    const { code, err } = await run(...writer.words, '--out', out)
    expect(code, err).toBe(0)
    // These write cards of their own.
    if (['distill', 'prune', 'prune --train'].includes(name)) return
    expect(readFileSync(join(out, 'README.md'), 'utf8')).toBe('# By hand')
    expect(err).toMatch(/README\.md/)
  })
})

describe.each(Object.entries(atOnce))('%s on a full disk', (_, writer) => {
  it('leaves the folder as it was, wherever that ends', async () => {
    disk.taken = 0
    await start(writer, oldFolder('room', writer.over, {}))
    const all = disk.taken
    for (const room of [0, Math.floor(all / 2), all - 100]) {
      const out = oldFolder('full', writer.over, {})
      const before = filesIn(out)
      disk.room = room
      const { code, err } = await start(writer, out).finally(() => {
        disk.room = Number.POSITIVE_INFINITY
      })
      expect(code).toBe(1)
      expect(err).toContain('the disk is full; what was there before is unchanged')
      expect(err).toContain(`tinystill: ${out}`)
      expect(err).not.toMatch(/\.tmp/)
      expect(filesIn(out)).toEqual(before)
    }
  })
})

describe.each(Object.entries(training))('%s on a full disk', (_, writer) => {
  it('leaves the model as it was', async () => {
    const out = oldFolder('full', writer.over, {})
    const model = [...filesIn(at(writer.over))].filter(([name]) =>
      /config|token|vocab|safetensors/.test(name),
    )
    // Room for what a run writes as it goes, and not for its model.
    disk.room = 20_000
    const { code, err } = await start(writer, out).finally(() => {
      disk.room = Number.POSITIVE_INFINITY
    })
    expect([code, err]).toEqual([1, expect.stringContaining('the disk is full')])
    expect(err).not.toMatch(/\.tmp/)
    const there = filesIn(out)
    for (const [name, text] of model) expect(there.get(name), name).toBe(text)
  })
})

describe('a run that was cut off', () => {
  it.each(Object.entries(atOnce))('is not written over by %s', async (_, writer) => {
    const out = oldFolder('cut', writer.over, { 'run.json': '{ "tinystill": "0", "status": "interrupted" }' })
    mkdirSync(join(out, 'checkpoints'))
    writeFileSync(join(out, 'checkpoints', '1.json'), '{}')
    const before = filesIn(out)
    const { code, err } = await start(writer, out)
    expect([code, err]).toEqual([1, expect.stringContaining('holds a run that is not finished')])
    expect(filesIn(out)).toEqual(before)
  })
})

describe('export', () => {
  it('keeps graphs of other dtypes of the same model', async () => {
    const out = at('dtypes')
    for (const dtype of ['fp32', 'fp16', 'q8'])
      expect(
        (await run('export', '--model', at('model'), '--out', out, '--dtype', dtype, '--quiet')).code,
      ).toBe(0)
    for (const name of ['model', 'model_fp16', 'model_quantized'])
      expect(existsSync(join(out, 'onnx', `${name}.onnx`))).toBe(true)
  })

  it('does not put a graph beside weights of another model with the same settings', async () => {
    cpSync(at('model'), at('twin'), { recursive: true })
    const file = at('twin', 'model.safetensors')
    const bytes = readFileSync(file)
    bytes[bytes.length - 1] ^= 1
    writeFileSync(file, bytes)
    const { code, err } = await run('export', '--model', at('model'), '--out', at('twin'))
    expect([code, err]).toEqual([1, expect.stringContaining('holds model.safetensors of another model')])
  })
})

describe('label --parts on a full disk', () => {
  it('stops at the first part that finds no room, and names what the user named', async () => {
    const rows = at('train.tsv')
    expect((await run('split', '--data', rows, '--out', at('parts'), '--rows', '8', '--quiet')).code).toBe(0)
    const label = ['label', '--teacher', at('model'), '--parts', at('parts'), '--out', at('caches')]
    // All of one part, and none of the next.
    disk.taken = 0
    expect((await run(...label, '--part', '0', '--quiet')).code).toBe(0)
    const part = disk.taken
    rmSync(at('caches'), { recursive: true })
    disk.room = Math.floor(part * 1.5)
    const { code, err } = await run(...label, '--quiet').finally(() => {
      disk.room = Number.POSITIVE_INFINITY
    })
    expect(code).toBe(1)
    expect(err.trim().split('\n')).toHaveLength(1)
    expect(err).toMatch(
      /^tinystill: label: part-000001: .*caches.part-000001.* the disk is full.* 1 part was labelled, and stays: run the same command again/,
    )
    expect(err).not.toContain('.attempt')
    expect(readdirSync(at('caches'))).toEqual(['part-000000'])
    expect((await run(...label, '--quiet')).code).toBe(0)
    expect(readdirSync(at('caches')).length).toBeGreaterThan(2)
  })
})
