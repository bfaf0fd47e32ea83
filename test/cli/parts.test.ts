// split, label --parts and join as users and schedulers run them: the joined cache is the one of the whole file, to the byte,
// whoever labelled what, and whatever was killed or damaged in between.
import { spawn } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { writePretrained } from '../../src/files/models/on-disk.js'
import { attempt, isPublished, publishedPart } from '../../src/files/parts/attempt.js'
import { readPlan } from '../../src/files/parts/plan.js'
import { DistilBertForSequenceClassification } from '../../src/nn/models/bert.js'
import { trainWordPiece } from '../../src/text/wordpiece-train.js'
import { run } from './program.js'

const folder = mkdtempSync(join(tmpdir(), 'tinystill-parts-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)

const words = 'a large grey animal small red fruit lives in the sea'.split(' ')
const different = Array.from({ length: 260 }, (_, i) => `${words[i % 11]} ${words[(i * 7) % 11]} "${i}"`)
const texts = [...different, ...different.slice(0, 40)]
writeFileSync(at('data.txt'), texts.join('\n'))
const tokenizer = trainWordPiece(texts, { size: 60 })
const sizes = { width: 8, layers: 2, heads: 2, inner: 8, maxLength: 16, labels: ['x', 'y', 'z'] }
const bert = () => new DistilBertForSequenceClassification({ vocabSize: tokenizer.vocabSize, ...sizes })
writePretrained(at('bert'), { model: bert(), tokenizer })
writePretrained(at('other'), { model: bert(), tokenizer })

const split = (out: string, ...more: string[]) =>
  run('split', '--data', at('data.txt'), '--out', at(out), '--rows', '64', '--quiet', ...more)
const label = (parts: string, caches: string, ...more: string[]) =>
  run('label', '--teacher', at('bert'), '--parts', at(parts), '--out', at(caches), '--quiet', ...more)
const joined = (parts: string, caches: string, out: string) =>
  run('join', '--parts', at(parts), '--caches', at(caches), '--out', at(out), '--quiet')

const bytesOf = (name: string) =>
  Object.fromEntries(
    readdirSync(at(name))
      .sort()
      .map((file) => [file, readFileSync(join(at(name), file), 'hex')]),
  )

await split('parts')
await run(
  'label',
  '--teacher',
  at('bert'),
  '--data',
  at('data.txt'),
  '--shard-rows',
  '32',
  '--out',
  at('whole'),
  '--quiet',
)
const whole = bytesOf('whole')

describe('split', () => {
  it('cuts what is different into parts, and says how many', () => {
    const plan = readPlan(at('parts'))
    expect(plan).toMatchObject({ rows: 260, duplicates: 40, partRows: 64, data: { file: at('data.txt') } })
    expect(plan.parts.map(({ rows }) => rows)).toEqual([64, 64, 64, 64, 4])
    const [first] = readFileSync(at('parts/part-000000.jsonl'), 'utf8').split('\n')
    expect(JSON.parse(first)).toEqual({ text: texts[0] })
  })

  it('takes several files as one, pairs, and columns by name', async () => {
    writeFileSync(at('one.csv'), 'q,a\nwhere,"there, or here"\nwho,me\n')
    writeFileSync(at('two.csv'), 'q,a\nwho,me\nwhen,now\n')
    const columns = ['--text-column', 'q', '--text-pair-column', 'a', '--rows', '2', '--quiet', '--json']
    const { out } = await run(
      'split',
      '--data',
      at('one.csv'),
      at('two.csv'),
      '--out',
      at('both'),
      ...columns,
    )
    expect(JSON.parse(out)).toMatchObject({ rows: 3, duplicates: 1, parts: 2 })
    expect(readFileSync(at('both/part-000000.jsonl'), 'utf8')).toBe(
      '{"text":"where","text_b":"there, or here"}\n{"text":"who","text_b":"me"}\n',
    )
  })

  it('writes the plan last, and once', async () => {
    expect((await split('parts')).err).toContain('plan.json: is there already')
    writeFileSync(at('bad.jsonl'), '{"text": "fine"}\n{"text": 3}\n')
    const { code, err } = await run('split', '--data', at('bad.jsonl'), '--out', at('none'), '--rows', '1')
    expect(code).toBe(1)
    expect(err).toContain('bad.jsonl:2')
    expect(existsSync(at('none/plan.json'))).toBe(false)
    expect((await label('none', 'no-caches')).err).toContain('split again')
  })
})

describe('label --parts and join', () => {
  it('give the bytes of label on the whole file, whoever did which part', async () => {
    // Two processes by turns, then whatever is missing, of which nothing is.
    expect((await label('parts', 'caches', '--part', '0', '--of', '2', '--shard-rows', '32')).code).toBe(0)
    expect(
      (await label('parts', 'caches', '--part', '1', '--of', '2', '--shard-rows', '32', '--batch-size', '64'))
        .code,
    ).toBe(0)
    const { out } = await label('parts', 'caches', '--shard-rows', '32', '--json')
    expect(JSON.parse(out).parts.map(({ state }: { state: string }) => state)).toEqual(Array(5).fill('there'))
    const { code, err } = await joined('parts', 'caches', 'joined')
    expect(code, err).toBe(0)
    expect(bytesOf('joined')).toEqual(whole)
    expect((await joined('parts', 'caches', 'joined')).err).toContain('holds a cache already')
  })

  it('take the number of a scheduler, and refuse one that is no part', async () => {
    for (const [name, part] of [
      ['JOB_COMPLETION_INDEX', 3],
      ['SLURM_ARRAY_TASK_ID', 4],
    ] as const) {
      process.env[name] = String(part)
      try {
        await label('parts', 'numbered')
        expect(existsSync(publishedPart(at('numbered'), part))).toBe(true)
        process.env[name] = '5'
        expect((await label('parts', 'numbered')).err).toContain(`${name} is 5, the plan has parts 0 to 4`)
      } finally {
        delete process.env[name]
      }
    }
    expect(readdirSync(at('numbered')).length).toBe(2)
    expect((await label('parts', 'numbered', '--part', '5')).err).toContain('--part is 5')
    expect((await label('parts', 'numbered', '--of', '2')).err).toContain('--part')
  })

  it('of two attempts at one part the first stands, and the other goes', async () => {
    const caches = at('raced')
    mkdirSync(caches)
    const write = (text: string) => async (to: string) => {
      mkdirSync(to)
      writeFileSync(join(to, 'cache.json'), text)
    }
    const slow = attempt(caches, 0, async (to) => {
      await write('slow')(to)
      expect(await attempt(caches, 0, write('fast'))).toBe(true)
    })
    expect(await slow).toBe(false)
    expect(readdirSync(caches)).toEqual(['part-000000'])
    expect(readFileSync(join(publishedPart(caches, 0), 'cache.json'), 'utf8')).toBe('fast')
    await expect(attempt(caches, 1, () => Promise.reject(new Error('no power')))).rejects.toThrow('no power')
    expect(readdirSync(caches)).toEqual(['part-000000'])
  })

  it('a killed process leaves no more than an attempt, which join removes', async () => {
    const bin = new URL('../../dist/cli/bin.js', import.meta.url).pathname
    const args = [
      'label',
      '--teacher',
      at('bert'),
      '--parts',
      at('parts'),
      '--out',
      at('killed'),
      '--shard-rows',
      '32',
      '--quiet',
    ]
    for (const after of [5, 60]) {
      const child = spawn(process.execPath, [bin, ...args], { stdio: 'ignore' })
      await new Promise<void>((resolve) => {
        const watch = setInterval(() => {
          if (!existsSync(at('killed')) || readdirSync(at('killed')).length === 0) return
          clearInterval(watch)
          setTimeout(() => child.kill('SIGKILL'), after)
        }, 2)
        child.on('exit', () => {
          clearInterval(watch)
          resolve()
        })
      })
    }
    mkdirSync(at('killed/.attempt-part-000001-elsewhere-7-000000000000'))
    expect((await label('parts', 'killed', '--shard-rows', '32')).code).toBe(0)
    const { err } = await run('join', '--parts', at('parts'), '--caches', at('killed'), '--out', at('after'))
    expect(err).toContain('removed')
    expect(bytesOf('after')).toEqual(whole)
    expect(readdirSync(at('killed')).sort()).toEqual([0, 1, 2, 3, 4].map((i) => `part-00000${i}`))
  })

  it('name what is missing, torn, or of another teacher, setting or plan, and write nothing', async () => {
    const refused = async (change: (caches: string) => unknown, ...said: string[]) => {
      const caches = `bad-${said[0].replaceAll(/\W/g, '')}`
      cpSync(at('caches'), at(caches), { recursive: true })
      await change(at(caches))
      const { code, err } = await joined('parts', caches, `${caches}-out`)
      expect(code).toBe(1)
      for (const text of said) expect(err).toContain(text)
      expect(existsSync(join(at(`${caches}-out`), 'cache.json'))).toBe(false)
    }
    const part = (caches: string, n: number) => publishedPart(caches, n)
    await refused(
      (caches) => {
        rmSync(part(caches, 1), { recursive: true })
        rmSync(part(caches, 4), { recursive: true })
      },
      '2 of 5 parts cannot be joined',
      'part-000001: ',
      'part-000004: ',
      'is not there',
    )
    await refused((caches) => {
      const shard = join(part(caches, 2), 'shard-00001.safetensors')
      const bytes = readFileSync(shard)
      bytes[bytes.length - 1] ^= 1
      writeFileSync(shard, bytes)
    }, 'shard-00001.safetensors: has changed')
    await refused(
      (caches) => {
        rmSync(part(caches, 3), { recursive: true })
        return run(
          'label',
          '--teacher',
          at('other'),
          '--parts',
          at('parts'),
          '--part',
          '3',
          '--out',
          caches,
          '--shard-rows',
          '32',
        )
      },
      'part-000003: ',
      'teacher.weights',
    )
    await refused((caches) => {
      rmSync(part(caches, 3), { recursive: true })
      cpSync(part(caches, 2), part(caches, 3), { recursive: true })
    }, "of this plan's part-000003.jsonl")

    const other = [
      '--teacher',
      at('other'),
      '--parts',
      at('parts'),
      '--out',
      at('caches'),
      '--shard-rows',
      '32',
    ]
    expect((await run('label', ...other, '--part', '0')).err).toMatch(/part-000000.*teacher\.weights is/)
    expect((await label('parts', 'caches', '--shard-rows', '16', '--part', '0')).err).toContain(
      'settings.shardRows is',
    )
    expect((await label('parts', 'new', '--shard-rows', '48')).err).toContain('which it does not divide')
    // A prime number of rows would make as many files.
    await split('prime', '--rows', '257')
    expect((await label('prime', 'new', '--hidden', 'all')).err).toContain(
      'from 16 to 256 divides: split again',
    )
    expect((await label('prime', 'whole-parts', '--part', '0')).code).toBe(0)
    expect((await run('label', '--teacher', at('bert'), '--out', at('new'))).err).toContain(
      '--data or --parts',
    )
  })

  it('go on with the other parts where one fails, and end with what failed', async () => {
    cpSync(at('parts'), at('torn'), { recursive: true })
    writeFileSync(at('torn/part-000001.jsonl'), '{"text": "another"}\n')
    const { code, err } = await label('torn', 'torn-caches')
    expect(code).toBe(1)
    expect(err).toContain('1 of 5 parts failed: part-000001: ')
    expect(err).toContain('has changed since the plan was written')
    expect(readdirSync(at('torn-caches')).length).toBe(4)
    expect(isPublished(at('torn-caches'), 1, {} as never)).toBe(false)
  })

  it('refuse plans that are not what they must be, by the field', async () => {
    const text = readFileSync(at('parts/plan.json'), 'utf8')
    type Tree = { [name: string]: Tree }
    const changed = (path: string, value: unknown) => {
      const plan = JSON.parse(text)
      const names = path.split('.')
      const last = names.pop() as string
      Object.assign(
        names.reduce((tree: Tree, name) => tree[name], plan),
        { [last]: value },
      )
      return JSON.stringify(plan)
    }
    mkdirSync(at('hostile'))
    for (const [said, path, value] of [
      ['format must be', 'format', 'other'],
      ['parts[0]: file', 'parts.0.file', '../part-000000.jsonl'],
      ['parts[1]: rows', 'parts.1.rows', 63],
      ['parts[4]: rows', 'parts.4.rows', 0],
      ['rows must be', 'rows', 1],
      ['data: sha256', 'data.sha256', 'x'],
      ['parts must be', 'parts', {}],
    ] as const) {
      writeFileSync(at('hostile/plan.json'), changed(path, value))
      expect(() => readPlan(at('hostile'))).toThrow(said)
    }
    writeFileSync(at('hostile/plan.json'), '{"format"')
    expect(() => readPlan(at('hostile'))).toThrow('plan.json')
  })
})
