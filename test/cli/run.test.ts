// tinystill run: the example on small data, what is gone on with, what a file's steps are as commands, and what is refused.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { start } from '../resume/trials.js'
import { reviews, run } from './program.js'

const root = mkdtempSync(join(tmpdir(), 'tinystill-run-'))
afterAll(() => rmSync(root, { recursive: true }))
const at = (...names: string[]) => join(root, ...names)
const put = (name: string, text: string) => {
  writeFileSync(at(name), text)
  return at(name)
}
const json = (...names: string[]) => JSON.parse(readFileSync(at(...names), 'utf8'))

const rows = reviews(96).map((row, i) => [`${row[0]} ${i % 13}`, row[1]].join('\t'))
put('train.tsv', rows.slice(0, 64).join('\n'))
for (const name of ['dev.tsv', 'test.tsv']) put(name, rows.slice(64).join('\n'))
put('more.txt', 'a warm plot\na cold cast\n')
put(
  'model.json',
  JSON.stringify({
    ...{ model_type: 'bert', hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2 },
    ...{ intermediate_size: 16, max_position_embeddings: 32 },
  }),
)
/** A name as a step's option holds it. */
const ref = (name: string) => `\${${name}}`
const example = readFileSync(join(import.meta.dirname, '../../examples/experiment.yaml'), 'utf8')

describe('the example', () => {
  /** Smaller and shorter, of two seeds. */
  const small = example
    .replace('base: tiny', 'base: model.json')
    .replace('student: tiny', 'student: base\n    force: true')
    .replace('steps: 500', 'steps: 3')
    .replace('baseline: true', 'baseline: false')
    .replace('seeds: [1, 2, 3]', 'seeds: 2')
    .replace('epochs: 5', 'epochs: 2\n    lr: 5e-3')
  const file = () => put('example.yaml', small)

  it('as it stands is checked whole, and its commands printed', async () => {
    const { code, out, err } = await run('run', put('whole.yaml', example), '--dry-run')
    expect(code, err).toBe(0)
    const lines = out.trim().split('\n')
    expect(lines.length).toBe(12)
    const here = await run('run', put('whole.yaml', example), '--dry-run', '--threads', '2')
    expect(here.out).toBe(lines.map((line) => `${line} --threads 2\n`).join(''))
    const teacher = at('experiment', 'seed-1', 'teacher')
    expect(lines[0]).toBe(
      `tinystill train --model tiny --train ${at('train.tsv')} --dev ${at('dev.tsv')} --epochs 5 --out ${teacher} --seed 1`,
    )
    expect(lines[1]).toContain(`--teacher ${teacher} --student tiny --train ${at('train.tsv')} --transfer`)
    expect(lines[1]).toContain(
      ` --steps 500 --baseline --out ${at('experiment', 'seed-1', 'small')} --seed 1`,
    )
    expect(lines[11]).toBe(
      `tinystill eval --model ${at('experiment', 'seed-3', 'small')} --data ${at('test.tsv')} --seed 3`,
    )
    expect(existsSync(at('experiment'))).toBe(false)
  })

  it('runs, each seed in its own folder, and tells figures', async () => {
    const { code, out, err } = await run('run', file(), '--json')
    expect(code, err).toBe(0)
    for (const line of ['seed 1, step 1 of 4: train teacher', 'seed 2, step 4 of 4: eval small-test'])
      expect(err).toContain(`${line}\n`)
    const { steps, seeds } = JSON.parse(out)
    expect(seeds).toEqual([1, 2])
    const { accuracy } = json('experiment', 'seed-2', 'small-test.json').figures
    expect(steps[3].runs[1].figures.accuracy).toBe(accuracy)
    expect(json('experiment', 'seed-2', 'small', 'run.json').figures.test.accuracy).toBe(accuracy)
    expect(json('experiment', 'seed-2', 'teacher', 'run.json').seed).toBe(2)
    expect(err).toMatch(/^small +distill +.*experiment\/seed-\*\/small +test accuracy .*, mean /m)
  })

  it('passes over what is done, makes again what is gone, and refuses what has changed', async () => {
    const before = readFileSync(at('experiment', 'seed-2', 'small', 'model.safetensors'), 'hex')
    rmSync(at('experiment', 'seed-2', 'small'), { recursive: true })
    const { code, out, err } = await run('run', file(), '--resume')
    expect(code, err).toBe(0)
    expect(out.match(/this run is done/g)).toHaveLength(3)
    expect(out.match(/these figures are there/g)).toHaveLength(4)
    expect(readFileSync(at('experiment', 'seed-2', 'small', 'model.safetensors'), 'hex')).toBe(before)
    const changed = put('changed.yaml', small.replace('epochs: 2', 'epochs: 3'))
    const refused = await run('run', changed, '--quiet')
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringMatching(/changed\.yaml: step teacher: .*settings\.epochs is 2 there and 3 now/),
    ])
  })
})

describe('a model made small', () => {
  const file = () =>
    put(
      'smaller.yaml',
      `data: { train: train.tsv, dev: dev.tsv }
steps:
  - { name: whole, command: train, model: model.json, train: train, dev: dev, epochs: 3, lr: 5e-3 }
  - { name: half, command: shrink, model: whole, train: train, dev: dev, heads: 0.5, neurons: 0.5, vocabulary: [train] }
  - { name: bytes, command: quantize, model: half, dev: dev }
  - { name: web, command: export, model: bytes, dtype: q8 }
  - { name: web-eval, command: eval, model: bytes, data: dev }
`,
    )

  it('by steps that do their work at once, passed over when they are done', async () => {
    const first = await run('run', file(), '--json')
    expect(first.code, first.err).toBe(0)
    const { steps } = JSON.parse(first.out)
    const [, half, bytes, web, judged] = steps.map(
      ({ runs }: { runs: { figures?: object }[] }) => runs[0].figures,
    )
    expect(bytes).toMatchObject({ accuracy: judged.accuracy })
    expect(half.accuracy).toBeGreaterThan(0.4)
    expect(web).toBeUndefined()
    expect(existsSync(at('smaller', 'web', 'onnx', 'model_quantized.onnx'))).toBe(true)
    const again = await run('run', file())
    for (const name of ['half', 'bytes', 'web'])
      expect(again.out).toContain(`${at('smaller', name)}: is done`)
    // What a step was made of is gone another way.
    rmSync(at('smaller', 'bytes'), { recursive: true })
    const third = await run('run', file())
    expect(third.code, third.err).toBe(0)
    expect(third.out).toContain(`${at('smaller', 'half')}: is done`)
    expect(third.out).not.toContain(`${at('smaller', 'bytes')}: is done`)
    expect(third.out).toContain(`${at('smaller', 'web')}: is done`)
  })
})

describe('steps', () => {
  const base = 'data: {train: train.tsv, more: more.txt}\nmodels: {base: model.json, size: mini}\nout: made\n'

  it('take every command, names in camel or kebab case, lists, and results of those before', async () => {
    const steps = [
      '{name: words, command: train, model: size, task: mlm, train: more, vocab-size: 300, decayAll: true}',
      '{name: teacher, command: train, model: base, train: train, freeze: [embeddings, 1], maskPower: -0.5}',
      '{name: rich, command: augment, model: words, data: train, stopWords: none, topK: 3}',
      `{name: said, command: label, teacher: teacher, data: "${ref('rich')}", layers: [0, 1], hidden: all}`,
      '{name: one, command: distill, recipe: multi-teacher, teacher: [teacher, said], student: words, train: rich, quick: false, quantize-aware: true, T: 4}',
      `{name: last, command: eval, model: "${ref('one')}", data: train.tsv}`,
    ]
    const file = put('steps.yaml', `${base}steps:\n${steps.map((s) => `  - ${s}\n`).join('')}`)
    const { code, out, err } = await run('run', file, '--dry-run', '--seed', '7')
    expect(code, err).toBe(0)
    const made = (name: string) => at('made', name)
    const train = at('train.tsv')
    expect(out.trim().split('\n')).toEqual(
      [
        `train --model mini --task mlm --train ${at('more.txt')} --vocab-size 300 --decay-all --out ${made('words')}`,
        `train --model ${at('model.json')} --train ${train} --freeze embeddings 1 --mask-power -0.5 --out ${made('teacher')}`,
        `augment --model ${made('words')} --data ${train} --stop-words none --top-k 3 --out ${made('rich.tsv')}`,
        `label --teacher ${made('teacher')} --data ${made('rich.tsv')} --layers 0,1 --hidden all --out ${made('said')}`,
        `distill --recipe multi-teacher --teacher ${made('teacher')} ${made('said')} --student ${made('words')} --train ${made('rich.tsv')} --quantize-aware --T 4 --out ${made('one')}`,
        `eval --model ${made('one')} --data ${train}`,
      ].map((line) => `tinystill ${line} --seed 7`),
    )
  })

  it('teach from a cache, in a folder named after the file, by JSON too', async () => {
    const folder = at('elsewhere')
    mkdirSync(folder)
    cpSync(at('train.tsv'), join(folder, 'train.tsv'))
    const file = join(folder, 'cached.json')
    const model = '../model.json'
    const steps = [
      { name: 'teacher', command: 'train', model, train: 'train.tsv', steps: 2, dev: 'train.tsv' },
      { name: 'said', command: 'label', teacher: 'teacher', data: 'train.tsv' },
      {
        ...{ name: 'small', command: 'distill', recipe: 'hinton', teacher: 'said', student: model },
        ...{ tokenizer: 'teacher', train: 'train.tsv', steps: 2, force: true },
      },
    ]
    writeFileSync(file, JSON.stringify({ steps }))
    for (const rest of ['64 rows', '64 of 64 rows are there already']) {
      const { code, out, err } = await run('run', file)
      expect(code, err).toBe(0)
      expect(out + err).toContain(rest)
    }
    expect(existsSync(join(folder, 'cached', 'small', 'model.safetensors'))).toBe(true)
  })

  it.each([
    ['seed: 3', /^seed is not known\. Did you mean seeds\? Known are out, seeds, data, models, steps$/],
    ['seeds: 0', /^seeds must be a whole number from 1 to 100, or a list of seeds, each once, it is 0$/],
    ['seeds: [1, 1]', /^seeds must be/],
    ['data: [x]', /^data must be paths by name/],
    [
      'data: {dev: dev.tvs}',
      /^data\.dev: .*dev\.tvs is not there\. Paths go from the folder of this file on$/,
    ],
    ['models: {m: tinny}', /^models\.m: .*tinny is not there/],
    ['data: {a b: dev.tsv}', /^data\.a b must be a word of letters/],
    ['data: {x: dev.tsv}\nmodels: {x: tiny}', /^models\.x: x is the name of something else already$/],
    ['steps: []', /^steps must be a list of steps/],
    ['steps: [5]', /^steps\[0\] must be an object/],
    ['steps: [{command: train}]', /^steps\[0\]\.name is missing/],
    ['steps: [{name: ../x, command: train}]', /^steps\[0\]\.name must be a word/],
    ['steps: [{name: a}]', /^steps\.a\.command is missing\. It is one of train, label/],
    ['steps: [{name: a, command: trian}]', /^steps\.a\.command: trian is not known\. Did you mean train\?/],
    ['steps: [{name: a, command: eval, dta: x}]', /^steps\.a\.dta is not known\. Did you mean data\?/],
    ['steps: [{name: a, command: eval, out: x}]', /^steps\.a\.out is not for a step to say\. out at the top/],
    ['steps: [{name: a, command: eval, json: true}]', /^steps\.a\.json is not .*an option of run$/],
    ['steps: [{name: a, command: eval}]', /^steps\.a: required option '--model <dir>' not specified$/],
    [
      'steps: [{name: a, command: train, model: tiny, train: train.tsv, batch-size: 0}]',
      /^steps\.a: option '--batch-size <n>' argument '0' is invalid\. It must be a whole number/,
    ],
    ['steps: [{name: a, command: train, model: tiny, train: tran}]', /^steps\.a\.train: tran is not known\./],
    ['steps: [{name: a, command: train, train: ./tran}]', /^steps\.a\.train: .*tran is not there/],
    [`steps: [{name: a, command: train, train: "${ref('tran')}"}]`, /^steps\.a\.train: tran is not known/],
    ['steps: [{name: a, command: distill, quick: 1}]', /^steps\.a\.quick must be true or false$/],
    ['steps: [{name: a, command: distill, T: {x: 1}}]', /^steps\.a\.T must be a text, a number, or a list/],
    [
      'steps: [{name: a, command: eval, model: b}, {name: b, command: train}]',
      /^steps\.a\.model: the step b comes later\. Put it before$/,
    ],
    [
      'steps: [{name: a, command: eval, model: model.json, data: dev.tsv}, {name: b, command: eval, model: a}]',
      /^steps\.b\.model: the step a makes nothing that another one could take$/,
    ],
    ['', /must hold one object|steps is missing/],
  ])('refuses %s, and starts nothing', async (text, message) => {
    const file = put('bad.yaml', text.includes('steps') ? text : `${text}\nsteps: [{name: a, command: eval}]`)
    const { code, out, err } = await run('run', text === '' ? put('bad.yaml', 'out: x') : file)
    expect([code, out]).toEqual([1, ''])
    const [line] = err.trim().split('\n')
    expect(line.replace(`tinystill: ${at('bad.yaml')}: `, '')).toMatch(message)
    expect(existsSync(at('bad'))).toBe(false)
  })
})

it('that is asked to stop saves its step, says how to go on, and goes on there', async () => {
  const step = { command: 'train', model: 'model.json', train: 'train.tsv', steps: 400 }
  const steps = ['first', 'second'].map((name) => ({ name, ...step }))
  const file = put('stopped.json', JSON.stringify({ steps: [steps[0], { ...steps[1], steps: 2 }] }))
  const first = at('stopped', 'first')
  const ended = await start(['run', file], {
    stop: { signal: 'SIGINT', when: join(first, 'metrics.jsonl') },
  })
  expect(ended.code, ended.err).toBe(130)
  expect(ended.err).toMatch(
    /stopped by SIGINT; step \d+ is saved\. Go on with: tinystill run .*stopped\.json/,
  )
  expect(json('stopped', 'first', 'run.json').status).toBe('interrupted')
  const { code, err } = await run('run', file)
  expect(code, err).toBe(0)
  expect(err).toMatch(/goes on|resum/i)
  expect(json('stopped', 'second', 'run.json').status).toBe('done')
})
