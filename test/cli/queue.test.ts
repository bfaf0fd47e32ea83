// What tinystill itself does for a job queue, without one: jobs, their checks, the work of a child, and what is told. With a
// Redis: npm run check:queue.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { doJob } from '../../src/cli/queue/child.js'
import { type JobRecord, loadEngine, type QueuedJob, type QueueStore } from '../../src/cli/queue/engine.js'
import { belowRoot, insideRoot, readJob } from '../../src/cli/queue/job.js'
import { placeOf, URL_NAME } from '../../src/cli/queue/place.js'
import { type AddOptions, addJobs, jobsOf } from '../../src/cli/queue/queue.js'
import { prometheus, statusOf, statusText } from '../../src/cli/queue/status.js'
import { saveTinyModel } from './model.js'
import { run } from './program.js'

const folder = mkdtempSync(join(tmpdir(), 'tinystill-queue-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)

const options: AddOptions = {
  ...{ teacher: at('bert'), parts: at('parts'), out: at('caches'), root: folder, queue: 'q' },
  ...{ dtype: 'float32', hidden: 'none', batchSize: 64, shardRows: 5, resume: false, unsafeStore: false },
}

beforeAll(async () => {
  saveTinyModel(at('bert'))
  writeFileSync(at('data.txt'), Array.from({ length: 35 }, (_, i) => `a large grey ${i}`).join('\n'))
  await run('split', '--data', at('data.txt'), '--out', at('parts'), '--rows', '10', '--quiet')
  mkdirSync(at('caches'))
})

/** A store in memory. */
function store(
  unsafe: string[] = [],
  more: Partial<QueueStore> = {},
): QueueStore & { jobs: Map<string, QueuedJob> } {
  const jobs = new Map<string, QueuedJob>()
  return {
    jobs,
    unsafe: async () => unsafe,
    add: async (given) => {
      const fresh = given.filter(({ id }) => !jobs.has(id))
      for (const job of fresh) jobs.set(job.id, job)
      return fresh.length
    },
    counts: async () => ({ waiting: jobs.size, active: 0, delayed: 0, failed: 0, done: 0 }),
    records: async () => [],
    workers: async () => [],
    drain: async () => ({ waiting: 0, delayed: 0, failed: 0, done: 0 }),
    close: async () => {},
    ...more,
  }
}

function output() {
  const said: string[] = []
  const docs: unknown[] = []
  const tell = (text: string) => void said.push(text)
  const none = {
    jsonList: () => ({ add: () => {}, end: () => {} }),
    write: () => {},
    jsonLine: () => {},
    drained: async () => {},
  }
  return {
    said,
    docs,
    output: { print: tell, info: tell, json: (doc: unknown) => void docs.push(doc), ...none },
  }
}

const hooks = { onRows: () => {}, signals: undefined }
/** As it comes back from a store. */
const dataOf = (part = 0) => JSON.parse(JSON.stringify(jobsOf(options).jobs[part].data))

describe('queue add', () => {
  it('adds what is not published, once, under names of run and part', async () => {
    const queue = store()
    const { output: out, docs } = output()
    await addJobs(queue, options, { output: out })
    await addJobs(queue, options, { output: out })
    expect(docs).toMatchObject([
      { parts: 4, added: 4, waiting: 0, published: 0, rows: 35 },
      { parts: 4, added: 0, waiting: 4, published: 0, rows: 35 },
    ])
    const ids = [...queue.jobs.keys()]
    expect(ids[3]).toMatch(/^[0-9a-f]{12}-part-000003$/)
    expect(jobsOf({ ...options, batchSize: 32 }).run).not.toBe(jobsOf(options).run)
    expect(queue.jobs.get(ids[0])?.data).toMatchObject({
      parts: 'parts',
      caches: 'caches',
      teacher: 'bert',
      part: 0,
    })
  })

  it('refuses a store that forgets, unless told otherwise', async () => {
    const { output: out, said } = output()
    const forgetful = store(['set appendonly yes'])
    await expect(addJobs(forgetful, options, { output: out })).rejects.toThrow(
      /appendonly yes.*--unsafe-store/,
    )
    await addJobs(forgetful, { ...options, unsafeStore: true }, { output: out })
    expect(said[0]).toContain('appendonly yes')
    expect(forgetful.jobs.size).toBe(4)
  })

  it('names folders below the root alone', () => {
    expect(belowRoot(folder, at('a/b'), '--out')).toBe('a/b')
    expect(belowRoot(folder, folder, '--out')).toBe('.')
    expect(() => belowRoot(at('parts'), at('bert'), '--teacher')).toThrow(/--teacher .* outside --root/)
  })

  it('makes no folder for what it refuses', async () => {
    const outside = { ...options, root: at('parts'), out: at('elsewhere') }
    await expect(addJobs(store(), outside, output())).rejects.toThrow(/outside --root/)
    expect(existsSync(at('elsewhere'))).toBe(false)
  })
})

describe('a job', () => {
  it.each([
    [{ format: 'other' }, 'format'],
    [{ part: -1 }, 'part'],
    [{ part: 1.5 }, 'part'],
    [{ file: 'part-000001.jsonl' }, 'file'],
    [{ file: '../part-000000.jsonl' }, 'file'],
    [{ rows: '10' }, 'rows'],
    [{ caches: 3 }, 'caches'],
    [{ facts: null }, 'facts'],
    [{ facts: { settings: {} } }, 'facts: teacher|facts: teacher must|teacher'],
  ])('%j is refused by name', (change, name) => {
    expect(() => readJob({ ...dataOf(), ...change })).toThrow(new RegExp(name))
  })

  it.each([null, 'text', 3, []])('%j is none', (data) => {
    expect(() => readJob(data)).toThrow('must hold one JSON object')
  })

  it.each([
    '..',
    'a/../..',
    '/etc',
    'C:\\x',
    'c:x',
    'a\\b',
    '',
    'a\0',
    'out',
    'out/new',
    `${'a'.repeat(5000)}`,
  ])('does not lead to %j', (path) => {
    rmSync(at('out'), { force: true })
    symlinkSync(tmpdir(), at('out'))
    expect(() => insideRoot(folder, path, 'caches')).toThrow(/^job: caches/)
  })

  it('leads to folders below the root, there or not', () => {
    expect(insideRoot(folder, 'bert', 'teacher')).toBe(at('bert'))
    expect(insideRoot(folder, './new/er', 'caches')).toBe(at('new/er'))
    expect(insideRoot('/', 'tmp', 'caches')).toBe('/tmp')
  })
})

describe('the child', () => {
  it('labels parts to the bytes of label on the whole, and leaves what is there', async () => {
    const { jobs } = jobsOf(options)
    const results = []
    for (const { data } of jobs) results.push(await doJob(data, { root: folder }, hooks))
    expect(results).toMatchObject([10, 10, 10, 5].map((rows) => ({ state: 'labelled', rows })))
    expect((await doJob(jobs[0].data, { root: folder }, hooks)).state).toBe('there')
    expect(jobsOf(options).jobs).toEqual([])
    await run('join', '--parts', at('parts'), '--caches', at('caches'), '--out', at('joined'), '--quiet')
    await run(
      'label',
      '--teacher',
      at('bert'),
      '--data',
      at('data.txt'),
      '--shard-rows',
      '5',
      '--out',
      at('whole'),
    )
    const bytes = (name: string) =>
      readdirSync(at(name)).map((file) => readFileSync(join(at(name), file), 'hex'))
    expect(bytes('joined')).toEqual(bytes('whole'))
    for (const name of readdirSync(at('caches'))) rmSync(join(at('caches'), name), { recursive: true })
  })

  it('refuses for good another teacher, plan, setting or part, by name', async () => {
    cpSync(at('bert'), at('turned'), { recursive: true })
    const { jobs } = jobsOf({ ...options, teacher: at('turned') })
    writeFileSync(at('turned/config.json'), readFileSync(at('bert/config.json'), 'utf8').replace('{', '{ '))
    const unfit = (data: unknown, word: string) =>
      expect(doJob(data, { root: folder }, hooks)).rejects.toMatchObject({
        name: 'Unfit',
        message: expect.stringContaining(word),
      })
    await unfit(jobs[0].data, 'teacher.config')
    const { facts, ...rest } = dataOf()
    const settings = { ...facts.settings, maxLength: 4000 }
    await unfit({ ...rest, facts: { ...facts, settings } }, '--max-length')
    await unfit(
      { ...rest, facts: { ...facts, settings: { ...facts.settings, width: 0, shardRows: 3 } } },
      'shard-rows',
    )
    await unfit(
      { ...rest, facts: { ...facts, data: { ...facts.data, sha256: '0'.repeat(64) } } },
      'data.sha256',
    )
    await unfit({ ...rest, rows: 9, facts }, 'has 10 rows')
    const far = { ...facts, data: { ...facts.data, file: 'part-000009.jsonl' } }
    await unfit({ ...rest, part: 9, file: 'part-000009.jsonl', facts: far }, 'part-000009')
    await unfit({ ...rest, facts, caches: 'bert' }, 'is the folder of the model itself')
    expect(readdirSync(at('caches'))).toEqual([])
  })

  it('ends with its worker, and takes its attempt along', async () => {
    const signals = (onSignal: (name: string) => void) => {
      onSignal('disconnect')
      return () => {}
    }
    await expect(doJob(dataOf(), { root: folder }, { onRows: () => {}, signals })).rejects.toThrow(
      'disconnect',
    )
    expect(readdirSync(at('caches'))).toEqual([])
  })
})

describe('queue status', () => {
  const done = (id: string, started: number, ended: number, rows: unknown): JobRecord => ({
    ...{ id, data: { rows: 100 }, result: { rows }, attempts: 1, started, ended },
  })
  const records: Record<string, JobRecord[]> = {
    // The second was done side by side with the first; the third long before; of the last two nothing can be said.
    done: [
      done('a', 20_000_000, 20_010_000, 100),
      done('b', 20_000_000, 20_008_000, 100),
      done('c', 1000, 2000, 100),
      done('d', 20_000_000, 20_001_000, '1e9'),
      { id: 'e', data: null, result: null, attempts: 1 },
    ],
    active: [{ id: 'f', data: { rows: 100 }, progress: { rows: 40 }, attempts: 1, worker: 'host-1' }],
    failed: [{ id: 'g', data: 3, reason: 'the disk\n is full', attempts: 3 }],
  }
  const counts = async () => ({ waiting: 2, active: 1, delayed: 0, failed: 1, done: 5 })
  const busy = store([], {
    counts,
    records: async (state) => records[state],
    workers: async () => ['host-1'],
  })

  it('tells rates, time left and reasons', async () => {
    const status = await statusOf(busy)
    expect(status).toMatchObject({ rowsPerSecond: 20, workers: ['host-1'], inHand: [{ job: 'f', rows: 40 }] })
    expect(status.secondsLeft).toBeGreaterThan(9)
    expect(statusText(status)).toContain('jobs: 2 waiting, 1 active, 0 delayed, 1 failed, 5 done')
    expect(statusText(status)).toContain('the disk\\n is full')
    const lines = prometheus('q', status).split('\n')
    expect(lines).toContain('tinystill_queue_jobs{queue="q",state="waiting"} 2')
    expect(lines).toContain('tinystill_queue_rows_per_second{queue="q"} 20')
    for (const line of lines) expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+\{[^}]*\} [\d.]+)$/)
  })

  it('says nothing where nothing is known', async () => {
    const status = await statusOf(store())
    expect(status).toMatchObject({ rowsPerSecond: null, secondsLeft: 0 })
    expect(statusText(status)).toContain('no job is done yet; 0 workers')
  })
})

describe('the store', () => {
  it('is told what to install where the package is not', async () => {
    await expect(loadEngine([at('package.json')])).rejects.toThrow(
      /@tinystill\/queue is not installed.*npm install/,
    )
  })

  it('is of the environment, whose value is never shown', async () => {
    const before = process.env[URL_NAME]
    try {
      for (const url of ['http://me:secret@host', 'secret', 'redis://']) {
        process.env[URL_NAME] = url
        const { code, err } = await run('queue', 'status')
        expect(code).toBe(1)
        expect(err).toMatch(new RegExp(`^tinystill: ${URL_NAME} .*\\n$`))
        expect(err).not.toContain('secret')
      }
      delete process.env[URL_NAME]
      expect(placeOf({ queue: 'q' })).toEqual({ url: 'redis://127.0.0.1:6379', queue: 'q' })
    } finally {
      if (before === undefined) delete process.env[URL_NAME]
      else process.env[URL_NAME] = before
    }
  })

  it('has commands with a help', async () => {
    expect((await run('queue', '--help')).out).toMatch(/add[\s\S]*status[\s\S]*drain/)
    expect((await run('queue', 'add', '--help')).out).toContain('--unsafe-store')
    expect((await run('queue', 'status', '--queue', 'a:b')).code).toBe(2)
  })
})
