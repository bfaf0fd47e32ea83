// tinystill sweep --queue without a queue: the jobs that runs become, what of a job is refused, and the waiting. With a Redis,
// workers and kills: npm run check:queue -- sweep.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { doJob } from '../../src/cli/queue/child.js'
import type { JobRecord, QueuedJob, QueueStore } from '../../src/cli/queue/engine.js'
import type { Context } from '../../src/cli/shared/command.js'
import { readGrid } from '../../src/cli/sweep/grid.js'
import { jobOfRun, runOfJob } from '../../src/cli/sweep/job.js'
import { throughQueue } from '../../src/cli/sweep/queued.js'
import { endOf, fail, failureOf, type Run, runsOf } from '../../src/cli/sweep/runs.js'
import { saveTinyModel } from './model.js'
import { run } from './program.js'

const root = mkdtempSync(join(tmpdir(), 'tinystill-sweep-queue-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const at = (...names: string[]) => join(root, ...names)

saveTinyModel(at('teacher'))
writeFileSync(at('train.tsv'), 'a large grey animal\tanimal\na small red fruit\tfood\n')
const grid = (lr: string) =>
  writeFileSync(
    at('grid.yaml'),
    `data: { train: train.tsv }
models: { teacher: teacher }
distill: { recipe: hinton, teacher: teacher, student: tiny, train: train }
seeds: 2
grid: { lr: ${lr} }
`,
  )
grid('[1e-2, 1e-3]')
const places = { config: 'grid.yaml', out: 'sweep' }
const runs = runsOf(readGrid(at('grid.yaml'), { seed: 1 }), at('sweep'))
const jobs = runs.map((own) => jobOfRun(places, own))
/** As it comes back from a store. */
const dataOf = (i = 0) => JSON.parse(JSON.stringify(jobs[i].data))
const hooks = { onRows: () => {}, signals: undefined }
const refused = (data: unknown, word: string) =>
  expect(doJob(data, { root }, hooks)).rejects.toMatchObject({
    name: 'Unfit',
    message: expect.stringContaining(word),
  })

describe('a run as a job', () => {
  it('is named by its folder, and found again by the file, the seed and its own hash', () => {
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(4)
    expect(jobs[0].id).toMatch(/^[0-9a-f]{12}-[0-9a-f]{16}$/)
    expect(jobOfRun({ ...places, out: 'other' }, runs[0]).id).not.toBe(jobs[0].id)
    for (const [i, own] of runs.entries()) expect(runOfJob(dataOf(i), root)).toMatchObject({ ...own })
  })

  it('holds no command line', () => {
    expect(Object.keys(dataOf()).sort()).toEqual(
      ['config', 'format', 'name', 'out', 'run', 'seed', 'version'].sort(),
    )
  })

  it.each([
    [{ format: 'tinystill-other' }, 'format must be tinystill-part or tinystill-run'],
    [{ version: 2 }, 'version'],
    [{ config: '../grid.yaml' }, 'config leads upwards'],
    [{ config: '/etc/passwd' }, 'config is an absolute path'],
    [{ config: 'none.yaml' }, 'none.yaml'],
    [{ config: 'train.tsv' }, 'train.tsv'],
    [{ config: ['grid.yaml'] }, 'config must be a text'],
    [{ out: '/tmp/x' }, 'out is an absolute path'],
    [{ out: 'a/../../b' }, 'out leads upwards'],
    [{ seed: '1' }, 'seed'],
    [{ seed: 7 }, 'has no run'],
    [{ run: '../../teacher' }, 'has no run ../../teacher'],
    [{ run: 3 }, 'run must be a text'],
  ])('%j is refused by name, and nothing is begun', async (change, word) => {
    await refused({ ...dataOf(), ...change }, word)
    expect(existsSync(at('sweep'))).toBe(false)
  })

  it('is refused where the file has changed since', async () => {
    const old = dataOf(3)
    grid('[1e-2, 2e-3]')
    await refused(old, 'It has changed since sweep --queue: run that again')
    grid('[1e-2, 1e-3]')
  })

  it('that has ended is left as it is', async () => {
    mkdirSync(at('sweep/runs'), { recursive: true })
    fail(runs[0], 'diverged')
    const text = readFileSync(failureOf(runs[0].folder), 'utf8')
    expect(await doJob(dataOf(), { root }, hooks)).toMatchObject({
      state: 'there',
      said: expect.stringMatching(/^lr=0\.01, seed 1 failed: diverged \(/),
    })
    expect(readFileSync(failureOf(runs[0].folder), 'utf8')).toBe(text)
    expect(endOf(runs[0])).toEqual({ status: 'failed', reason: 'diverged' })
  })
})

it('a failure names files as the sweep does, wherever that lies', () => {
  const [one] = runsOf(readGrid(at('grid.yaml'), { seed: 1 }), at('far', 'sweep'))
  const said = `${at('train.tsv')}:3 is not ${at('far', 'sweep', 'runs', 'x')}, nor /a${at('train.tsv')}`
  mkdirSync(at('far/sweep/runs'), { recursive: true })
  expect(fail(one, said)).toEqual({
    status: 'failed',
    reason: `train.tsv:3 is not runs/x, nor /a${at('train.tsv')}`,
  })
})

describe('the sweep that waits', () => {
  const job = (id: string, more: Partial<JobRecord> = {}): JobRecord => ({
    id,
    data: null,
    attempts: 1,
    ...more,
  })
  /** With a queue of these records; each look at it, the first one the adding, is told to `onAsk`, which may throw. */
  async function waits(
    records: Partial<Record<'failed' | 'done', JobRecord[]>>,
    onAsk: (asked: number, own: Run) => void,
    signals?: Context['signals'],
  ) {
    const out = at(`waits-${readdirSync(root).length}`)
    mkdirSync(join(out, 'runs'), { recursive: true })
    const [own] = runsOf(readGrid(at('grid.yaml'), { seed: 1, seeds: 1 }), out)
    const { id } = jobOfRun({ config: 'grid.yaml', out: basename(out) }, own)
    const [notes, added]: [string[], number[]] = [[], []]
    const nothing = () => {}
    let asked = 0
    const store = {
      unsafe: async () => [],
      add: async (jobs: readonly QueuedJob[]) => added.push(jobs.length),
      records: async (state: 'failed' | 'done') => (records[state] ?? []).map((one) => ({ ...one, id })),
    } as Partial<QueueStore> as QueueStore
    const output = { print: nothing, info: nothing, json: nothing } as unknown as Context['output']
    const progress = { start: nothing, update: nothing, aside: nothing, finish: nothing }
    const ended = throughQueue(
      [own],
      { config: at('grid.yaml'), out, root, retry: false, unsafeStore: false, queue: 'q' },
      {
        ...{ output, progress: { ...progress, note: (line: string) => void notes.push(line) }, signals },
        ...{ now: () => 0, lines: async function* () {} },
      },
      {
        lookMs: 1,
        within: async (work) => {
          onAsk(++asked, own)
          return work(store)
        },
      },
    )
    return { ended, own, notes, added }
  }

  it('makes a failure of what no worker could begin', async () => {
    const { ended, own } = await waits({ failed: [job('', { reason: 'train.tsv is not there' })] }, () => {})
    await ended
    expect(endOf(own)).toEqual({ status: 'failed', reason: 'train.tsv is not there' })
  })

  it('adds again what the store forgot, and outlasts one that is away', async () => {
    const { ended, notes, added } = await waits({}, (asked, own) => {
      if (asked === 3 || asked === 4) throw new Error('Redis at host:1 cannot be reached')
      if (asked === 6) fail(own, 'ended here')
    })
    await ended
    expect(added).toEqual([1, 1, 1, 0])
    expect(notes).toEqual([
      'Redis at host:1 cannot be reached; runs in hand go on, and this waits',
      'the queue answers again',
      expect.stringContaining('failed: ended here'),
    ])
  })

  it('ends where a run was done on another disk', async () => {
    const done = [job('', { worker: 'host-1' })]
    const { ended, added } = await waits({ done }, () => {})
    await expect(ended).rejects.toThrow(/^lr=0\.01, seed 1 was done by host-1, and is not in .*one folder/)
    expect(added).toEqual([1, 0, 0, 0, 0, 0, 0])
  })

  it('leaves the runs in the queue when it is stopped', async () => {
    const { ended } = await waits(
      {},
      () => {},
      (onSignal) => {
        onSignal('SIGINT')
        return () => {}
      },
    )
    await expect(ended).rejects.toThrow('stopped by SIGINT; 1 runs stay in the queue')
  })
})

describe('sweep --queue', () => {
  const sweep = (...more: string[]) =>
    run('sweep', '--config', at('grid.yaml'), '--out', at('new'), '--queue', '--quiet', ...more)

  it.each([
    [['--jobs', '2'], '--jobs does not go with --queue'],
    [['--threads', '1'], '--threads does not go with --queue'],
    [['--root', at('teacher')], 'outside --root'],
  ])('refuses %j', async (more, message) => {
    const { code, err } = await sweep(...more)
    expect(err).toContain(message)
    expect(code).toBe(2)
  })

  it('tells what the name of a queue is', async () => {
    expect((await sweep('--queue', 'a:b')).err).toContain('letters, digits')
  })
})
