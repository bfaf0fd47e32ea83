// --epochs, --steps, --lr, --batch-size and --warmup: what they change in a recipe's plan, and what train does with them.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { reviews, run } from './program.js'

const folder = mkdtempSync(join(tmpdir(), 'tinystill-pace-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)
const record = (name: string) => JSON.parse(readFileSync(join(at(name), 'run.json'), 'utf8'))

/** Steps of each model in metrics.jsonl. */
function stepsOf(name: string): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const line of readFileSync(join(at(name), 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')) {
    const { type, model = 'model' } = JSON.parse(line)
    if (type === 'step') counts[model] = (counts[model] ?? 0) + 1
  }
  return counts
}

writeFileSync(
  at('train.tsv'),
  reviews(40)
    .map((row) => row.join('\t'))
    .join('\n'),
)
writeFileSync(at('plan.json'), '{"epochs": 1, "stages": {"distil": {"steps": 3, "lr": 0.1}}}')
const shape = (layers: number) =>
  JSON.stringify({
    ...{ model_type: 'bert', hidden_size: 8, num_hidden_layers: layers, num_attention_heads: 2 },
    ...{ intermediate_size: 8, max_position_embeddings: 40 },
  })
writeFileSync(at('teacher.json'), shape(2))
writeFileSync(at('student.json'), shape(1))
const train = (out: string, ...more: string[]) =>
  run('train', '--model', at('teacher.json'), '--train', at('train.tsv'), '--out', at(out), ...more)
const distil = (recipe: string, out: string, ...more: string[]) => {
  const models = ['--teacher', at('teacher'), '--student', at('student.json'), '--force']
  const data = ['--train', at('train.tsv'), '--out', at(out), '--augment', '0']
  return run('distill', '--recipe', recipe, ...models, ...data, ...more)
}

beforeAll(async () => {
  expect((await train('teacher', '--epochs', '1', '--quiet')).code).toBe(0)
})

describe('train --steps', () => {
  it('takes so many, whatever the rows, and keeps them in the record', async () => {
    const { code, err } = await train('steps', '--steps', '7', '--batch-size', '16')
    expect(code, err).toBe(0)
    expect(stepsOf('steps')).toEqual({ model: 7 })
    const { options } = record('steps')
    expect([options.steps, options.epochs]).toEqual([7, undefined])
  })

  it('goes on by --resume as it is', async () => {
    const again = await train('steps', '--steps', '7', '--batch-size', '16', '--resume')
    expect([again.code, again.out]).toEqual([0, expect.stringContaining('this run is done')])
    const other = await train('steps', '--steps', '8', '--batch-size', '16', '--resume')
    expect(other.err).toMatch(/settings\.steps is 7 there and 8/)
  })
})

describe('distill', () => {
  it('trains the stage as its flags say, over --config; the lone student takes only the batches', async () => {
    const flags = ['--steps', '5', '--lr', '0.002', '--batch-size', '8', '--warmup', '0']
    const { code, err } = await distil(
      ...(['hinton', 'all'] as const),
      ...[...flags, '--baseline', '--config', at('plan.json'), '--json'],
    )
    expect(code, err).toBe(0)
    const { stages, baseline, repeat, plan } = record('all')
    expect(stages[0].fit).toMatchObject({ steps: 5, lr: 0.002, batchSize: 8, warmup: 0 })
    expect(baseline.fit).toMatchObject({ steps: null, lr: 0.0005, batchSize: 8, warmup: 0.1 })
    expect(stepsOf('all').distilled).toBe(5)
    expect(plan).toContain('; 5 steps, lr 0.002 linear, warm-up 0, batch 8,')
    expect(err).toContain(
      '--steps 5, --lr 0.002, --batch-size 8, --warmup 0: for the stage distil; the lone student keeps its own schedule, but for the batches',
    )
    expect(repeat).toContain(flags.join(' '))
  })

  it('trains each stage of a recipe of several by them, and says so', async () => {
    const { code, err } = await distil('tinybert', 'two', '--epochs', '2', '--lr', '0.001')
    expect(code, err).toBe(0)
    const fits = record('two').stages.map((s: { fit: object }) => s.fit)
    const own = { epochs: 2, steps: null, lr: 0.001 }
    // What no flag names stays the recipe's.
    expect(fits).toMatchObject([
      { ...own, schedule: 'constant' },
      { ...own, schedule: 'linear' },
    ])
    expect(err).toContain('--epochs 2, --lr 0.001: for each of the stages intermediate, prediction\n')
  })

  it('leaves --config its steps, and epochs take their place', async () => {
    expect((await distil('hinton', 'file', '--config', at('plan.json'), '--quiet')).code).toBe(0)
    expect(stepsOf('file')).toEqual({ distilled: 3 })
    const epochs = ['--config', at('plan.json'), '--epochs', '1', '--batch-size', '10', '--quiet']
    expect((await distil('hinton', 'epochs', ...epochs)).code).toBe(0)
    expect(stepsOf('epochs')).toEqual({ distilled: 4 })
    expect(record('epochs').stages[0].fit).toMatchObject({ epochs: 1, steps: null, lr: 0.1 })
  })

  it('--quick is short where no flag says how long', async () => {
    for (const [out, flags, steps] of [
      ['quick', [], 2],
      ['quick-steps', ['--steps', '3'], 3],
    ] as const) {
      const quick = ['--quick', '--config', at('plan.json'), '--quiet', ...flags]
      expect((await distil('hinton', out, ...quick)).code).toBe(0)
      expect(stepsOf(out)).toEqual({ distilled: steps })
    }
  })

  it.each([
    ['{"epochs": 2, "steps": 3}', /bad\.json: epochs and steps are two lengths of one training/],
    ['{"stages": {"distil": {"epochs": 2, "steps": 3}}}', /stages\.distil\.epochs and steps are two/],
    ['{"steps": 0}', /steps must be a whole number from 1 to 1000000000, it is 0/],
    ['{"step": 3}', /step is not known\. Did you mean steps\?/],
  ])('refuses %s in --config', async (text, message) => {
    writeFileSync(at('bad.json'), text)
    const { code, err } = await distil('hinton', 'refused', '--config', at('bad.json'))
    expect([code, err]).toEqual([expect.toBeOneOf([1, 2]), expect.stringMatching(message)])
  })
})

describe.each([
  ['train', (...args: string[]) => train('refused', ...args)],
  ['distill', (...args: string[]) => distil('hinton', 'refused', ...args)],
])('%s refuses', (_, command) => {
  it.each([
    [['--steps', '5', '--epochs', '2'], /'--steps <n>' cannot be used with option '--epochs <n>'/],
    [['--steps', '0'], /'--steps <n>' argument '0' is invalid\. It must be a whole number, 1 to/],
    [['--epochs', '1.5'], /'--epochs <n>' argument '1\.5' is invalid/],
    [['--lr', 'much'], /'--lr <x>' argument 'much' is invalid\. It must be a number from 0 to 10/],
    [['--batch-size', '0'], /'--batch-size <n>' argument '0' is invalid/],
    [['--warmup', '-1'], /'--warmup <x>' argument '-1' is invalid/],
  ])('%j', async (args, message) => {
    const { code, err } = await command(...args)
    expect([code, err]).toEqual([2, expect.stringMatching(message)])
  })
})
