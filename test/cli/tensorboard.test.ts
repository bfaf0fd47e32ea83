// TensorBoard's event files of a run: as it goes, when it goes on, and of one that is done.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import '../../src/index.js'
import { RunFolder } from '../../src/cli/shared/run-folder.js'
import { readEvents } from './events.js'
import { run } from './program.js'

const root = mkdtempSync(join(tmpdir(), 'tinystill-board-'))
afterAll(() => rmSync(root, { recursive: true }))
const at = (...names: string[]) => join(root, ...names)

const state = { resume: false, checkpointEvery: 'never', keepCheckpoints: false, tensorboard: true } as const

function open(name: string, options: Partial<typeof state> = {}) {
  const facts = { command: 'distill', seed: 1, options: {}, data: {} }
  let time = 0
  const clock = { now: () => (time += 250), epoch: 1.7e12 }
  return new RunFolder(at(name), facts, clock, { ...state, ...options })
}

const step = (n: number, loss = n / 2) => ({
  ...{ epoch: 1, step: n, total: 9, loss, terms: { soft: 2 * n }, lr: 1e-3, tokens: 7 },
  gradNorm: n % 2 === 0 ? 0.5 : 0,
})
const evaluation = (n: number) => ({
  epoch: 1,
  step: n,
  figures: { accuracy: 0.75 },
  score: 0.75,
  best: true,
})
const first = { model: 'alone', seed: 1 }
const second = { model: 'without soft: ../x', seed: 2 }

function learn(folder: RunFolder) {
  for (const place of [first, second]) {
    for (let n = 1; n <= 4; n++) folder.step(step(n, n === 3 ? Number.NaN : n / 2), place)
    folder.evaluation(evaluation(4), place)
  }
}

const short = (folder: string) => readEvents(folder).map(({ tag, step: n, value }) => [tag, n, value])

const expected = [
  ...[1, 2, 3, 4].flatMap((n) => [
    ...(n === 3 ? [] : [['train/loss', n, n / 2]]),
    ['train/terms/soft', n, 2 * n],
    ['train/lr', n, Math.fround(1e-3)],
    ...(n % 2 === 0 ? [['train/gradNorm', n, 0.5]] : []),
    ['train/epoch', n, 1],
  ]),
  ['dev/accuracy', 4, 0.75],
]

describe('--tensorboard', () => {
  it('writes a folder for each model and seed as it goes, with the time of day', () => {
    const folder = open('live')
    learn(folder)
    expect(short(at('live/tensorboard/alone/seed-1'))).toEqual(expected)
    expect(readdirSync(at('live/tensorboard')).sort()).toEqual(['alone', 'without-soft-..-x'])
    folder.fail(new Error('x'))
    expect(short(at('live/tensorboard/without-soft-..-x/seed-2'))).toEqual(expected)
    const times = readEvents(at('live/tensorboard/alone/seed-1')).map((e) => e.wallTime)
    expect(times.every((t, i) => t > 1.7e9 && t < 1.7e9 + 60 && (i === 0 || t >= times[i - 1]))).toBe(true)
  })

  it('a run that begins anew leaves none of an older one, and writes none unasked', () => {
    const folder = open('again')
    folder.step(step(1), { model: 'old', seed: 1 })
    folder.fail(new Error('x'))
    writeFileSync(at('again/tensorboard/mine.txt'), '')
    expect(existsSync(at('again/tensorboard/old/seed-1'))).toBe(true)
    open('again', { tensorboard: false as true }).fail(new Error('x'))
    expect(readdirSync(at('again/tensorboard'))).toEqual(['mine.txt'])
    const plain = open('plain', { tensorboard: false as true })
    plain.step(step(1), first)
    plain.fail(new Error('x'))
    expect(existsSync(at('plain/tensorboard'))).toBe(false)
  })
})

describe('tinystill tensorboard', () => {
  it('makes the same of a run that is there', async () => {
    const folder = open('done', { tensorboard: false as true })
    learn(folder)
    folder.fail(new Error('x'))
    const file = at('done/metrics.jsonl')
    utimesSync(file, 1.6e9, 1.6e9)
    for (const [to, ...args] of [[at('elsewhere'), '--out', at('elsewhere')], [at('done/tensorboard')]]) {
      // Once more writes it anew.
      for (let time = 0; time < 2; time++) {
        const { code, out } = await run('tensorboard', at('done'), ...args, '--json')
        expect([code, JSON.parse(out)]).toEqual([0, { out: to, lines: 10 }])
      }
      expect(short(join(to, 'alone/seed-1'))).toEqual(expected)
      expect(short(join(to, 'without-soft-..-x/seed-2'))).toEqual(expected)
      expect(new Set(readEvents(join(to, 'alone/seed-1')).map((e) => e.wallTime))).toEqual(new Set([1.6e9]))
    }
  })

  it('takes a line that a kill has torn for the end', async () => {
    mkdirSync(at('torn'))
    const line = JSON.stringify({ type: 'step', ...step(1) })
    writeFileSync(at('torn/metrics.jsonl'), `${line}\n${line.slice(0, 30)}`)
    const { code, out } = await run('tensorboard', at('torn'), '--json')
    expect([code, JSON.parse(out).lines]).toEqual([0, 1])
  })

  const good = { type: 'step', ...step(1) }
  it.each<[string, unknown, RegExp]>([
    ['no object', '[1]}', /metrics\.jsonl:2: /],
    ['another kind', { type: '__proto__' }, /metrics\.jsonl:2: is neither step nor evaluation/],
    ['no step', { ...good, step: 'x' }, /step is not what a run writes/],
    ['half a step', { ...good, step: 0.5 }, /step is not what a run writes/],
    ['no loss', { ...good, loss: 'low' }, /loss is not what a run writes/],
    ['no terms', { ...good, terms: [1] }, /terms is not what a run writes/],
    ['no figures', { type: 'evaluation', step: 1, figures: { a: 'x' } }, /figures is not what a run writes/],
    ['no model', { ...good, model: { a: 1 } }, /model is not what a run writes/],
  ])('refuses a line with %s', async (name, line, said) => {
    const folder = at(`bad ${name}`)
    mkdirSync(folder)
    const text = typeof line === 'string' ? line : JSON.stringify(line)
    writeFileSync(
      join(folder, 'metrics.jsonl'),
      [JSON.stringify(good), text, JSON.stringify(good)].join('\n'),
    )
    const { code, err } = await run('tensorboard', folder)
    expect([code, err]).toEqual([1, expect.stringMatching(said)])
    expect(err).toContain('Name the folder of a run of train or distill')
  })

  it('refuses what is no run', async () => {
    const { code, err } = await run('tensorboard', at('nowhere'))
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/nowhere: is no folder of a run: it has no metrics.jsonl/),
    ])
    expect(readFileSync(at('torn/metrics.jsonl'), 'utf8')).not.toBe('')
  })
})
