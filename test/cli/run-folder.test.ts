// A run's folder while it runs, when it ends, and when it breaks.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import '../../src/index.js'
import { RunFolder } from '../../src/cli/shared/run-folder.js'
import { Mlp } from '../../src/nn/models/mlp.js'
import { rowData } from '../../src/nn/rows.js'
import { train } from '../../src/train/tasks.js'
import { VERSION } from '../../src/version.js'

const root = mkdtempSync(join(tmpdir(), 'tinystill-run-'))
afterAll(() => rmSync(root, { recursive: true }))

const data = rowData(
  new Float32Array(40).fill(0.5),
  2,
  Int32Array.from({ length: 20 }, (_, i) => i % 2),
)
const read = (folder: string, name: string) => readFileSync(join(folder, name), 'utf8')
const json = (folder: string) => JSON.parse(read(folder, 'run.json'))
const lines = (folder: string) =>
  read(folder, 'metrics.jsonl')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))

function open(name: string) {
  const file = join(root, `${name}.tsv`)
  writeFileSync(file, 'abc')
  let time = 0
  const run = new RunFolder(
    join(root, name),
    { command: 'train', seed: 3, options: { epochs: 2, '<b>': '</script>' }, data: { train: file } },
    { now: () => (time += 400) },
  )
  return { run, file, folder: join(root, name) }
}

function learn(run: RunFolder) {
  return train(new Mlp({ sizes: [2, 2] }), data, {
    ...{ epochs: 2, batchSize: 5, lr: 1e-2, seed: 3, evaluate: () => ({ accuracy: 0.5 }) },
    onStep: (s) => run.step(s),
    onEvaluation: (e) => run.evaluation(e),
  })
}

describe('a run folder', () => {
  it('tells from the start what runs, then all that came of it', async () => {
    const { run, file, folder } = open('good')
    const record = json(folder)
    expect(record).toMatchObject({
      ...{ status: 'running', tinystill: VERSION, node: process.version, command: 'train', seed: 3 },
      options: { epochs: 2 },
      data: { train: { file, bytes: 3, sha256: expect.stringMatching(/^ba7816bf/) } },
    })
    expect(record.backend.kernels.adam).toBeDefined()
    const { best } = await learn(run)
    const report = { title: 'T', intro: 'I', confusion: { classes: ['<i>', 'b'], table: [1, 2, 3, 4] } }
    run.finish({ figures: { dev: { accuracy: 0.5, loss: Number.NaN } }, more: { params: 6, best }, report })
    expect(json(folder)).toMatchObject({
      ...{ status: 'done', params: 6, best: { epoch: 1, step: 4 }, seconds: expect.any(Number) },
      figures: { dev: { accuracy: 0.5, loss: null } },
      evaluations: [{ step: 4 }, { step: 8 }],
    })
    expect(lines(folder).map((l) => [l.type, l.step])).toEqual([
      ...[1, 2, 3, 4].map((n) => ['step', n]),
      ['evaluation', 4],
      ...[5, 6, 7, 8].map((n) => ['step', n]),
      ['evaluation', 8],
    ])
    expect(lines(folder)[0]).toMatchObject({ epoch: 1, total: 8, tokens: 5, terms: {} })
    const page = read(folder, 'report.html')
    expect(page).toContain('&lt;/script&gt;')
    expect(page).not.toMatch(/<script|<i>/)
    expect(readdirSync(folder).sort()).toEqual(['metrics.jsonl', 'report.html', 'run.json'])
  })

  it('keeps what is known when the training breaks', async () => {
    const { run, folder } = open('bad')
    await learn(run)
    run.fail(new Error('the loss became NaN'))
    expect(json(folder)).toMatchObject({ status: 'failed', error: 'the loss became NaN' })
    expect(lines(folder).length).toBe(10)
    expect(readdirSync(folder).sort()).toEqual(['metrics.jsonl', 'run.json'])
  })

  it('writes lines every second', () => {
    const { run, folder } = open('slow')
    const step = { epoch: 1, total: 9, loss: 1, terms: {}, gradNorm: 0, lr: 1, tokens: 1 }
    run.step({ ...step, step: 1 })
    expect(lines(folder).length).toBe(0)
    run.step({ ...step, step: 2 })
    expect(lines(folder).length).toBe(2)
  })

  it('needs its data', () => {
    const facts = { command: 'train', seed: 1, options: {}, data: { train: join(root, 'none.tsv') } }
    expect(() => new RunFolder(join(root, 'x'), facts, { now: () => 0 })).toThrow(
      'none.tsv: cannot be read: no such file',
    )
  })
})
