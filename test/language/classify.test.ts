// GPT-2 as a classifier of texts from the command line: trained from a model that writes, asked, and taught from and by.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import '../../src/index.js'
import { run } from '../cli/program.js'

const folder = join(import.meta.dirname, '../golden/generate')
const root = mkdtempSync(join(tmpdir(), 'tinystill-classify-'))
const at = (name: string) => join(root, name)
afterAll(() => rmSync(root, { recursive: true }))

const texts = [
  ['the dog barks', 'animal'],
  ['a small animal sleeps', 'animal'],
  ['the tall tree', 'plant'],
  ['one green leaf', 'plant'],
]
writeFileSync(
  at('train.tsv'),
  `text\tlabel\n${Array.from({ length: 40 }, (_, i) => `${texts[i % 4][0]} ${i % 3}\t${texts[i % 4][1]}\n`).join('')}`,
)

const done = async (line: string) => {
  const { code, out, err } = await run(...line.split(' '))
  expect(code, err).toBe(0)
  return JSON.parse(out)
}

it('trains, judges, answers, teaches and is taught', async () => {
  const short = `--train ${at('train.tsv')} --dev ${at('train.tsv')} --threads 1 --quiet --json --batch-size 8`
  const data = `--data ${at('train.tsv')} --json --quiet`
  await done(`train --model ${folder} --epochs 6 --lr 3e-3 ${short} --out ${at('teacher')}`)
  const config = JSON.parse(readFileSync(join(at('teacher'), 'config.json'), 'utf8'))
  const { pad_token_id, architectures } = config
  expect([architectures, Number.isInteger(pad_token_id)]).toEqual([['GPT2ForSequenceClassification'], true])
  const judged = await done(`eval --model ${at('teacher')} ${data}`)
  expect(judged.accuracy).toBe(1)
  const { out } = await run(
    ...['predict', '--model', at('teacher'), '--text', 'the dog barks 1', '--json', '--quiet'],
  )
  expect(out).toContain('"animal"')
  writeFileSync(
    at('new.json'),
    JSON.stringify({ model_type: 'gpt2', n_embd: 16, n_layer: 1, n_head: 2, n_positions: 32 }),
  )
  const rest = `--teacher ${at('teacher')} --epochs 5 --lr 3e-3 ${short}`
  await done(
    `distill --recipe hinton --student ${at('new.json')} --tokenizer ${at('teacher')} ${rest} --out ${at('student')}`,
  )
  const student = JSON.parse(readFileSync(join(at('student'), 'config.json'), 'utf8'))
  expect(student).toMatchObject({ architectures, n_layer: 1 })
  expect(student.pad_token_id).toBe(pad_token_id)
  await done(`eval --model ${at('student')} ${data}`)
  await done(`distill --recipe distilbert ${rest} --out ${at('half')}`)
  expect((await done(`eval --model ${at('half')} ${data}`)).accuracy).toBeGreaterThan(0.9)
  await done(`quantize --model ${at('teacher')} --json --out ${at('whole')}`)
  await done(`shrink --model ${at('teacher')} --vocabulary ${at('train.tsv')} --json --out ${at('fewer')}`)
  for (const name of ['whole', 'fewer'])
    expect((await done(`eval --model ${at(name)} ${data}`)).accuracy, name).toBe(1)
})
