// The recipe distilgpt2 loss by loss over 20 steps beside PyTorch (test/golden/generate.py), and all of it from the command line.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import '../../src/index.js'
import { distilbertOf } from '../../src/distill/from-layers.js'
import { describePlan, type StagePlan } from '../../src/distill/plan/plan.js'
import { runPlan, type Student } from '../../src/distill/plan/runner.js'
import { languageRecipes } from '../../src/distill/recipes/index.js'
import { loadPretrained } from '../../src/files/models/on-disk.js'
import { cut, type DataSet, inOrder } from '../../src/nn/data.js'
import type { TextInput } from '../../src/nn/models/input.js'
import { flatBatch } from '../../src/text/batches.js'
import { nextWordTexts } from '../../src/train/language/next-words.js'
import type { StepReport } from '../../src/train/reports.js'
import { run } from '../cli/program.js'

const golden = join(import.meta.dirname, '../golden')
const folder = join(golden, 'generate')
const given = JSON.parse(readFileSync(join(golden, 'generate.json'), 'utf8'))
const dir = mkdtempSync(join(tmpdir(), 'tinystill-lm-'))
afterAll(() => rmSync(dir, { recursive: true }))
const at = (name: string) => join(dir, name)

it('20 steps of the recipe', async () => {
  const teacher = loadPretrained(folder).model as unknown as Student
  for (const p of teacher.parameters()) p.requiresGrad = false
  const student = distilbertOf(teacher, [1], 'causal-lm', teacher.config.labels)
  student.config.dropout = 0
  for (const m of student.modules())
    for (const name of ['p', 'dropout']) if (name in m) Object.assign(m, { [name]: 0 })
  const texts = (given.lessons as number[][][]).flat().map((ids) => Int32Array.from(ids))
  const data: DataSet<TextInput> = {
    ...{ size: 6, labels: null, batches: (n) => cut(inOrder(6), n), tokens: (rows) => rows.length },
    input: (rows) => flatBatch(texts, rows),
  }
  const [recipe] = languageRecipes
  const occasion = { transfer: false, labelled: 0, transferRows: 6, pretrained: true, text: true }
  const [first] = recipe.plan({}, occasion, 'test').stages
  const stage: StagePlan = {
    ...first,
    fit: { ...first.fit, lr: 5e-3, epochs: 10, batchSize: 3, accumulate: 1 },
  }
  expect(describePlan({ stages: [stage] })).toContain(
    'words: loss = 5 2^2 KL(softmax(z_t/2) || softmax(z_s/2)) + 2 CE(next words, softmax(z_s))',
  )
  const steps: StepReport[] = []
  await runPlan(
    { stages: [stage] },
    {
      ...{ seed: 1, general: null, teacher, data: () => data, masked: () => nextWordTexts(data) },
      ...{ student: () => student, teacherLogits: () => new Float32Array(0) },
      watch: () => ({ onStep: (report) => void steps.push(report) }),
    },
  )
  expect(steps.length).toBe(20)
  for (const [i, terms] of (given.distil as Record<string, number>[]).entries())
    for (const [name, want] of Object.entries(terms))
      expect(Math.abs(steps[i].terms![name] / want - 1), `${name} ${i}`).toBeLessThan(1e-4)
})

const sentences = ['the dog barks', 'a small animal sleeps', 'one cat', 'the tall tree']
writeFileSync(
  at('plain.txt'),
  Array.from({ length: 40 }, (_, i) => `${sentences[i % 4]} ${i % 3}\n`).join(''),
)

it('trains, distils, judges and writes from the command line', async () => {
  const short = `--train ${at('plain.txt')} --dev ${at('plain.txt')} --threads 1 --quiet --json`
  const done = async (line: string) => {
    const { code, out, err } = await run(...line.split(' '))
    expect(code, err).toBe(0)
    return JSON.parse(out)
  }
  const before = await done(`eval --model ${folder} --data ${at('plain.txt')} --json --quiet`)
  const trained = await done(
    `train --task lm --model ${folder} --epochs 4 --lr 3e-3 --batch-size 4 --max-length 16 ${short} --out ${at('lm')}`,
  )
  expect(trained.perplexity).toBeLessThan(before.perplexity / 3)
  const after = await done(
    `eval --model ${at('lm')} --data ${at('plain.txt')} --max-length 16 --json --quiet`,
  )
  expect(after.perplexity).toBeCloseTo(trained.perplexity, 3)
  const distilled = await done(
    `distill --recipe distilgpt2 --teacher ${at('lm')} --epochs 2 --batch-size 4 --max-length 16 ${short} --out ${at('half')}`,
  )
  expect(distilled['dev, teacher'].perplexity).toBeCloseTo(trained.perplexity, 3)
  expect(JSON.parse(readFileSync(join(at('half'), 'config.json'), 'utf8'))).toMatchObject({
    ...{ architectures: ['GPT2LMHeadModel'], n_layer: 1 },
  })
  const config = { model_type: 'gpt2', n_embd: 16, n_layer: 1, n_head: 2, n_positions: 32 }
  writeFileSync(at('new.json'), JSON.stringify(config))
  const rest = `--steps 3 --batch-size 4 --max-length 16 ${short}`
  await done(`train --task lm --model ${at('new.json')} --tokenizer ${folder} ${rest} --out ${at('new')}`)
  await done(
    `distill --recipe distilgpt2 --teacher ${at('lm')} --student ${at('new')} ${rest} --out ${at('other')}`,
  )
  const { texts } = await done(`generate --model ${at('lm')} --prompt the --max-new-tokens 6 --json --quiet`)
  expect(texts[0]).toMatchObject({ prompt: 'the', ended: expect.stringMatching(/tokens|stop/) })
  // A config.json alone gets pieces of words, as BERT has them, and no types: GPT-2 would add words for them.
  await done(`train --task lm --model ${at('new.json')} ${rest} --out ${at('pieces')}`)
  const own = JSON.parse(readFileSync(join(at('pieces'), 'tokenizer_config.json'), 'utf8'))
  expect(own).toMatchObject({
    ...{ tokenizer_class: 'PreTrainedTokenizerFast', model_input_names: ['input_ids', 'attention_mask'] },
  })
  await done(`generate --model ${at('pieces')} --prompt the --max-new-tokens 2 --json --quiet`)
  const plain = await run(
    ...`generate --model ${at('lm')} --max-new-tokens 6 --quiet --prompt the`.split(' '),
  )
  expect(plain.out).toBe(`the${texts[0].text}\n`)
  const { text } = texts[0]
  const until = (stop: string) =>
    run('generate', '--model', at('lm'), '--prompt', 'the', '--quiet', '--stop', stop)
  const end = text.slice(1, 3)
  expect((await until(end)).out).toBe(`the${text.slice(0, text.indexOf(end))}\n`)
  expect((await until('')).err).toContain('--stop: an empty text ends nothing')
})

it.each<[string, string]>([
  [`generate --model ${join(golden, 'family/bert-mlm')} --prompt a`, 'which does not write texts'],
  [`generate --model ${folder} --prompt ${'dog-'.repeat(40)}`, 'the model takes 24 with what it writes'],
  [
    `distill --recipe distilgpt2 --teacher ${folder} --train ${at('plain.txt')} --answers ${at('kept')} --out ${at('no')}`,
    '--answers: the recipe distilgpt2 learns next words, which have none',
  ],
  [`generate --model ${folder} --prompt a --top-p 2`, 'It must be a number from'],
  [
    `train --task lm --model tiny --train ${at('plain.txt')} --out ${at('no')}`,
    'there is no causal-lm model of this family',
  ],
  [
    `distill --recipe distilgpt2 --teacher ${folder} --train ${at('plain.txt')} --alpha 0.5 --out ${at('no')}`,
    '--alpha: the recipe distilgpt2',
  ],
  [`export --model ${folder} --out ${at('onnx')}`, 'a GPT2LMHeadModel has no form here'],
])('%s is refused', async (line, message) => {
  const { code, err } = await run(...line.split(' '))
  expect(err).toContain(message)
  expect(code).toBeGreaterThan(0)
})
