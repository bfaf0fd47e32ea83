// tinystill sweep: what a file of settings becomes, and 12 runs on 2 workers of which both are killed, beside the same left alone.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { reviews, run } from './program.js'

const root = mkdtempSync(join(tmpdir(), 'tinystill-sweep-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const at = (...names: string[]) => join(root, ...names)
const put = (name: string, text: string) => {
  writeFileSync(at(name), text)
  return at(name)
}

const rows = reviews(96).map((row, i) => [`${row[0]} ${i % 13}`, row[1]].join('\t'))
put('train.tsv', rows.slice(0, 64).join('\n'))
// A third of the labels are wrong, so that seeds differ.
put('test.tsv', rows.map((row, i) => (i % 3 ? row : row.replace(/\w+$/, 'good'))).join('\n'))
const config = (heads: number) =>
  JSON.stringify({
    ...{ model_type: 'bert', hidden_size: 16, num_hidden_layers: 1, num_attention_heads: heads },
    ...{ intermediate_size: 16, max_position_embeddings: 32 },
  })
put('model.json', config(2))
put('broken.json', config(3))

const base = `data: { train: train.tsv, test: test.tsv }
models: { teacher: teacher, student: model.json }
distill: { recipe: hinton, teacher: teacher, student: student, train: train, test: test, epochs: 2, batch-size: 8, augment: 0, force: true, checkpoint-every: 3 }
`
const grid = `${base}seeds: 3
grid:
  lr: [1e-2, 3e-3]
settings:
  - { name: softer, T: 4, lr: 3e-3 }
  - { name: broken, student: broken.json }
baseline: lr=0.003
`

beforeAll(async () => {
  const { code, err } = await run(
    ...['train', '--model', at('model.json'), '--train', at('train.tsv'), '--epochs', '3', '--lr', '5e-3'],
    ...['--out', at('teacher'), '--quiet', '--threads', '1'],
  )
  expect(code, err).toBe(0)
})

const commandsOf = async (file: string, ...more: string[]): Promise<string[][]> => {
  const { code, out, err } = await run(
    'sweep',
    '--config',
    file,
    '--out',
    at('any'),
    '--dry-run',
    '--json',
    ...more,
  )
  expect(code, err).toBe(0)
  return JSON.parse(out).commands
}

describe('the file', () => {
  it('gives each with each and those listed, with every seed, in folders that their settings name', async () => {
    const file = put(
      'many.yaml',
      `${base}grid: { lr: [1e-2, 1e-3], T: [1, 4] }\nsettings: [{ alpha: 0.5 }]\n`,
    )
    const commands = await commandsOf(file, '--seeds', '2')
    expect(commands).toHaveLength(10)
    const value = (words: string[], flag: string) => words[words.indexOf(flag) + 1]
    expect(
      commands.map((words) => [value(words, '--lr'), value(words, '--T'), value(words, '--seed')]),
    ).toEqual([
      ...[
        ['0.01', '1', '1'],
        ['0.01', '1', '2'],
        ['0.01', '4', '1'],
        ['0.01', '4', '2'],
      ],
      ...[
        ['0.001', '1', '1'],
        ['0.001', '1', '2'],
        ['0.001', '4', '1'],
        ['0.001', '4', '2'],
      ],
      ...[
        ['distill', 'distill', '1'],
        ['distill', 'distill', '2'],
      ],
    ])
    const folders = commands.map((words) => value(words, '--out'))
    expect(new Set(folders).size).toBe(10)
    // The order of names, their spelling, and what changes nothing of a result do not name another run.
    const same = put(
      'same.yaml',
      `${base.replace('batch-size: 8, augment: 0', 'augment: 0, batchSize: 8').replace('every: 3', 'every: 9')}seeds: [2]\ngrid: { T: [4], lr: [0.001] }\n`,
    )
    expect(value((await commandsOf(same))[0], '--out')).toBe(folders[7])
  })

  it.each([
    ['grid: { lr: [1e-2, 1e-2] }', 'lr=0.01 is the name of two settings'],
    ['grid: { lr: [0.01] }\nsettings: [{ name: x, lr: 0.01 }]', 'x is the same as lr=0.01. Leave one out'],
    ['grid: { lr: 0.01 }', 'grid must be lists of values by the names of options'],
    ['grid: { lrr: [0.01] }', 'grid.lrr is not known. Did you mean lr?'],
    ['grid: { seed: [1] }', 'grid.seed is not for a step to say'],
    ['grid: { lr: [fast] }', "lr=fast: option '--lr <x>' argument 'fast' is invalid"],
    ['grid: { student: [model.jsn] }', 'is not there. Paths go from the folder of this file on'],
    ['settings: [5]', 'settings[0] must be an object'],
    ['settings: [{ nam: 1 }]', 'settings[0].nam is not known'],
    ['', 'grid and settings are missing'],
    ['grid: { lr: [1, 2] }\nbaseline: lr=3', 'baseline: lr=3 is none of the settings. They are: lr=1; lr=2'],
    ['grid: { lr: [1, 2] }\nbaseline: { recipe: hinton }', 'baseline: 2 settings have recipe=hinton'],
  ])('is refused by name: %s', async (more, message) => {
    const file = put('wrong.yaml', `${base}${more}\n`)
    const { code, err } = await run('sweep', '--config', file, '--out', at('wrong'), '--quiet')
    expect(err).toContain(message)
    expect(err).toContain('wrong.yaml')
    expect(code).toBe(1)
    expect(existsSync(at('wrong'))).toBe(false)
  })
})

const program = new URL('../../dist/cli/bin.js', import.meta.url).pathname

interface Worker {
  child: ChildProcess
  ended: Promise<{ code: number | null; err: string }>
}

function worker(out: string, file: string, ...more: string[]): Worker {
  const args = ['sweep', '--config', file, '--out', out, '--quiet', '--threads', '1', ...more]
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  let err = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text))
  const ended = new Promise<{ code: number | null; err: string }>((resolve) =>
    child.once('close', (code) => resolve({ code, err })),
  )
  return { child, ended }
}

/** As soon as the condition holds; the limit is for a test that is wrong. */
async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 240_000 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 5))
  expect(holds()).toBe(true)
}

const namesIn = (out: string) => (existsSync(join(out, 'runs')) ? readdirSync(join(out, 'runs')) : [])
/** Runs that have saved something and are not done. */
const begun = (out: string) =>
  namesIn(out).filter((name) => existsSync(join(out, 'runs', name, 'checkpoints', 'step-000000003.json')))
const ended = (out: string) =>
  namesIn(out).filter(
    (name) => name.endsWith('.failed.json') || existsSync(join(out, 'runs', name, 'report.html')),
  ).length

describe('12 runs on 2 workers', () => {
  it('killed four times give the table of 12 left alone; one that fails is a row, and is tried again by --retry', async () => {
    const file = put('grid.yaml', grid)
    // Alone: the commands that the runs are, one after the other.
    const commands = await commandsOf(file)
    expect(commands).toHaveLength(12)
    for (const words of commands) {
      const { code, err } = await run(...words.map((word) => word.replace(at('any'), at('alone'))), '--quiet')
      expect(code, err).toBe(words.includes(at('broken.json')) ? 1 : 0)
    }
    const out = at('killed')
    const workers = [worker(out, file), worker(out, file)]
    for (let kill = 0; kill < 4; kill++) {
      await until(() => begun(out).length > 0 || ended(out) >= 3 * kill + 3)
      const own = workers[kill % 2]
      own.child.kill('SIGKILL')
      await own.ended
      workers[kill % 2] = worker(out, file)
      await until(() => ended(out) >= 2 * kill + 1)
    }
    for (const { ended: end } of workers) {
      const { code, err } = await end
      expect(err).toContain('sweep: 3 of 12 runs failed: broken, seed 1: ')
      expect(code).toBe(1)
    }
    const alone = await worker(at('alone'), file).ended
    expect(alone.code).toBe(1)
    const text = readFileSync(join(out, 'results.json'), 'utf8')
    expect(text).toBe(readFileSync(at('alone', 'results.json'), 'utf8'))
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toBe(
      readFileSync(at('alone', 'report.html'), 'utf8'),
    )
    expect(namesIn(out).filter((name) => name.endsWith('.lock'))).toEqual([])

    const { settings, baseline, set, figure } = JSON.parse(text)
    expect([baseline, set, figure]).toEqual(['lr=0.003', 'test', 'accuracy'])
    const broken = settings.find(({ name }: { name: string }) => name === 'broken')
    expect(broken).toMatchObject({ mean: null, verdict: null, runs: [{ status: 'failed' }, {}, {}] })
    expect(broken.runs[0].reason).toContain('broken.json')
    const softer = settings.find(({ name }: { name: string }) => name === 'softer')
    expect(softer.runs.map(({ status }: { status: string }) => status)).toEqual(['done', 'done', 'done'])
    expect(softer.verdict).toMatchObject({ seeds: 3, rows: 96 })
    expect(softer.verdict.text).toMatch(/^softer is .* lr=0\.003 over 3 seeds and 96 rows/)
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('By lr')

    // In this process: there is nothing left to start.
    const table = await run('sweep', '--config', file, '--out', out, '--quiet')
    expect(table.out).toMatch(/^broken, seed 2 +failed +.*broken\.json/m)
    expect(table.out).toMatch(/^lr=0\.003 .* 3 of 3 .*baseline$/m)
    put('broken.json', config(2))
    const retried = await worker(out, file, '--retry', '--jobs', '2').ended
    expect(retried.code, retried.err).toBe(0)

    put('train.tsv', rows.slice(0, 60).join('\n'))
    const changed = await run('sweep', '--config', file, '--out', out, '--quiet')
    expect(changed.err).toMatch(/run\.json: .*data\.train is "[0-9a-f]{64}" there and/)
  })
})
