// --resume and what it refuses: other runs, other processes, folders with work that would be lost.
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lockFolder } from '../../src/files/lock.js'
import { bytesOfRun, start } from '../resume/trials.js'
import { readEvents } from './events.js'
import { reviews, run } from './program.js'

const root = mkdtempSync(join(tmpdir(), 'tinystill-again-'))
const at = (name: string) => join(root, name)
const put = (name: string, text: string) => {
  writeFileSync(at(name), text)
  return at(name)
}
const rows = (n: number, from = 0) =>
  `text\tlabel\n${reviews(n)
    .map(([text, label], i) => `${text} ${(i + from) % 11}\t${label}`)
    .join('\n')}\n`
const config = (layers: number, width = 16) =>
  JSON.stringify({
    ...{ model_type: 'bert', hidden_size: width, num_hidden_layers: layers, num_attention_heads: 2 },
    ...{ intermediate_size: 24, max_position_embeddings: 32 },
  })

type Options = Record<string, string | true | null>
const argsOf = (command: string, options: Options) => [
  command,
  ...Object.entries(options).flatMap(([name, value]) =>
    value === null ? [] : value === true ? [`--${name}`] : [`--${name}`, value],
  ),
]
const training: Options = {}
const distilling: Options = {}
const unfinished = { train: '', distill: '' }
const same = (name: string) => ({ train: training, distill: distilling })[name as 'train' | 'distill']

beforeAll(async () => {
  const [train, dev, other] = [
    put('train.tsv', rows(60)),
    put('dev.tsv', rows(20)),
    put('other.tsv', rows(60, 3)),
  ]
  put('transfer.txt', 'a warm plot\na cold cast\n')
  const [two, four] = [put('two.json', config(2)), put('four.json', config(4))]
  put('wide.json', config(2, 32))
  put('plan.json', JSON.stringify({ epochs: 2, batchSize: 8 }))
  put('plan2.json', JSON.stringify({ epochs: 2, batchSize: 8, lr: 0.1 }))
  for (const name of ['teacher', 'teacher2'])
    await run(
      ...argsOf('train', {
        model: four,
        train: name === 'teacher' ? train : other,
        epochs: '1',
        out: at(name),
        quiet: true,
      }),
    )
  cpSync(at('teacher'), at('teacher3'), { recursive: true })
  const text = readFileSync(join(at('teacher3'), 'config.json'), 'utf8')
  writeFileSync(join(at('teacher3'), 'config.json'), text.replace('0.1', '0.2'))
  Object.assign(training, {
    model: two,
    train,
    dev,
    epochs: '2',
    'batch-size': '8',
    'checkpoint-every': '2',
    quiet: true,
  })
  Object.assign(distilling, {
    ...{
      recipe: 'hinton',
      teacher: at('teacher'),
      student: two,
      train,
      dev,
      config: at('plan.json'),
      augment: '0',
    },
    ...{ 'checkpoint-every': '2', quiet: true, force: true },
  })
  for (const name of ['train', 'distill'] as const) {
    unfinished[name] = at(`${name}-cut`)
    const { signal } = await start(
      [...argsOf(name, same(name)), '--out', unfinished[name], '--threads', '1'],
      {
        env: { KILL_AT: '400' },
      },
    )
    expect(signal).toBe('SIGKILL')
    expect(existsSync(join(unfinished[name], 'checkpoints'))).toBe(true)
  }
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const again = (name: 'train' | 'distill', change: Options = {}) =>
  run(...argsOf(name, { ...same(name), ...change, out: unfinished[name], resume: true }))

describe('--resume', () => {
  const planted: ['train' | 'distill', Options, RegExp][] = [
    ['train', { seed: '2' }, /seed is 1 there and 2 now\./],
    ['train', { lr: '0.01' }, /settings\.lr is 0\.0005 there and 0\.01/],
    ['train', { epochs: '3' }, /settings\.epochs is 2 there and 3/],
    ['train', { 'batch-size': '4' }, /settings\.batchSize is 8 there and 4/],
    ['train', { accumulate: '2' }, /settings\.accumulate is 1 there and 2/],
    ['train', { warmup: '0' }, /settings\.warmup is 0\.1 there and 0/],
    ['train', { schedule: 'cosine' }, /settings\.schedule is "linear" there and "cosine"/],
    ['train', { 'weight-decay': '0.1' }, /settings\.weightDecay is 0\.01 there and 0\.1/],
    ['train', { 'max-length': '12' }, /settings\.maxLength is 32 there and 12/],
    ['train', { 'max-norm': '2' }, /settings\.maxNorm is 1 there and 2/],
    ['train', { freeze: 'embeddings' }, /settings\.freeze\.0 is missing there and "embeddings"/],
    ['train', { train: 'other.tsv' }, /data\.train is "[0-9a-f]{64}" there and "[0-9a-f]{64}"/],
    ['train', { dev: null }, /data\.dev is "[0-9a-f]{64}" there and missing/],
    ['train', { model: 'wide.json' }, /models\.model is "[0-9a-f]{64}" there/],
    ['distill', { recipe: 'annealing' }, /settings\.recipe is "hinton" there and "annealing"/],
    ['distill', { T: '3' }, /settings\.T is missing there and 3/],
    ['distill', { alpha: '0.5' }, /settings\.alpha is missing there and 0\.5/],
    ['distill', { teacher: 'teacher2' }, /models\.teacher\.model\.safetensors is "[0-9a-f]{64}" there and/],
    ['distill', { teacher: 'teacher3' }, /models\.teacher\.config\.json is "[0-9a-f]{64}" there and/],
    ['distill', { transfer: 'transfer.txt' }, /data\.transfer is missing there and "[0-9a-f]{64}"/],
    ['distill', { config: 'plan2.json' }, /data\.config is "[0-9a-f]{64}" there and/],
    ['distill', { student: 'wide.json' }, /models\.student is "[0-9a-f]{64}" there and/],
    ['distill', { seeds: '2' }, /settings\.seeds is 1 there and 2/],
  ]
  it.each(planted)('%s refuses %j', async (name, change, said) => {
    const files = Object.entries(change).map(([option, value]) => [
      option,
      typeof value === 'string' && existsSync(at(value)) ? at(value) : value,
    ])
    const before = readFileSync(join(unfinished[name], 'metrics.jsonl'), 'utf8')
    const { code, err } = await again(name, Object.fromEntries(files))
    expect(err).toMatch(said)
    expect(err).toContain('Go on with what it was begun with, or begin another one')
    expect(code).toBe(1)
    expect(readFileSync(join(unfinished[name], 'metrics.jsonl'), 'utf8')).toBe(before)
  })

  it('is asked for where a run would be lost', async () => {
    const { code, err } = await run(...argsOf('train', { ...training, out: unfinished.train }))
    expect(code).toBe(1)
    expect(err).toContain(`${unfinished.train}: holds a run that is not finished. Go on with it by --resume`)
  })

  it('waits for no other process', async () => {
    const release = lockFolder(unfinished.train)
    const { code, err } = await again('train')
    release()
    expect(code).toBe(1)
    expect(err).toContain(`is in use by process ${process.pid}`)
  })

  it('goes on, by files of the same content elsewhere too, and is done then', async () => {
    const alone = await run(...argsOf('train', { ...training, out: at('alone'), 'keep-checkpoints': true }))
    expect(alone.code).toBe(0)
    cpSync(at('train.tsv'), at('moved.tsv'))
    const { code, err } = await again('train', {
      train: at('moved.tsv'),
      ...{ 'keep-checkpoints': true, quiet: null, tensorboard: true },
    })
    expect(err).toMatch(/goes on after step \d+/)
    expect(code).toBe(0)
    expect(bytesOfRun(unfinished.train)).toEqual(bytesOfRun(at('alone')))
    const curves = (folder: string) =>
      readFileSync(join(folder, 'report.html'), 'utf8').match(/<path[^>]*d="[^"]*"/g)
    expect(curves(unfinished.train)).toEqual(curves(at('alone')))
    // The process before wrote no event files: its steps are there too.
    const losses = readEvents(join(unfinished.train, 'tensorboard')).filter((e) => e.tag === 'train/loss')
    expect(losses.map((e) => e.step)).toEqual(Array.from({ length: 16 }, (_, i) => i + 1))
    expect((await again('train')).out).toContain('this run is done')
  })

  it('does not ask the teacher again, unless what it said is damaged', async () => {
    const alone = await run(...argsOf('distill', { ...distilling, out: at('taught') }))
    expect(alone.code).toBe(0)
    const weights = (folder: string) => readFileSync(join(folder, 'model.safetensors'))
    const goesOn = async (folder: string) => {
      const { code, err } = await run(
        ...argsOf('distill', { ...distilling, out: folder, resume: true, quiet: null }),
      )
      expect(code).toBe(0)
      expect(weights(folder).equals(weights(at('taught')))).toBe(true)
      expect(existsSync(join(folder, 'checkpoints'))).toBe(false)
      return err
    }
    cpSync(unfinished.distill, at('damaged'), { recursive: true })
    const kept = readdirSync(join(at('damaged'), 'checkpoints')).filter((name) => name.startsWith('logits-'))
    // Of the labelled rows, and of those that models are judged on.
    expect(kept).toHaveLength(2)
    for (const name of kept) truncateSync(join(at('damaged'), 'checkpoints', name), 100)
    const again = await goesOn(at('damaged'))
    expect(again.match(/These logits are computed again/g)).toHaveLength(2)
    expect(again).toMatch(/has labelled 60 rows\n/)
    const err = await goesOn(unfinished.distill)
    expect(err).toContain('has labelled 60 rows before')
    expect(err).not.toContain('warning')
  })

  it('begins where there is nothing to go on with', async () => {
    const { code } = await run(...argsOf('train', { ...training, epochs: '1', out: at('new'), resume: true }))
    expect(code).toBe(0)
    expect(existsSync(join(at('new'), 'checkpoints'))).toBe(false)
  })
})

describe('a run that is asked to stop', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'saves at %s and says how to go on',
    async (signal) => {
      const out = at(`stopped-${signal}`)
      const args = [
        ...argsOf('train', { ...training, epochs: '40', 'checkpoint-every': 'never' }),
        '--out',
        out,
      ]
      const ended = await start(args, { stop: { signal, when: join(out, 'metrics.jsonl') } })
      expect(ended.code).toBe(signal === 'SIGINT' ? 130 : 143)
      expect(ended.err).toMatch(
        new RegExp(`stopped by ${signal}; step \\d+ is saved\\. Go on with: tinystill train .* --resume`),
      )
      expect(JSON.parse(readFileSync(join(out, 'run.json'), 'utf8')).status).toBe('interrupted')
      expect((await run(...args, '--resume', '--keep-checkpoints')).code).toBe(0)
    },
    60_000,
  )
})
