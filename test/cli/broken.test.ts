// Folders that are broken in fifty ways: inspect, predict and eval end with 1 and one line, or, what inspect can tell, with 0.
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { saveTinyModel } from './model.js'
import { run } from './program.js'

const root = mkdtempSync(join(tmpdir(), 'tinystill-broken-'))
afterAll(() => rmSync(root, { recursive: true }))
const whole = join(root, 'whole')
const data = join(root, 'data.tsv')
beforeAll(() => {
  saveTinyModel(whole)
  writeFileSync(data, 'a large animal\tanimal\na fruit\tfood\n')
})

const FILES = ['config.json', 'tokenizer.json', 'model.safetensors'] as const
type Break = (path: string) => void
const put =
  (content: string | Uint8Array): Break =>
  (path) =>
    writeFileSync(path, content)
const swap =
  (from: RegExp, to: string): Break =>
  (path) =>
    writeFileSync(path, readFileSync(path, 'latin1').replace(from, to), 'latin1')

const any: Record<string, Break> = {
  'is not there': (path) => rmSync(path),
  'is empty': put(''),
  'is cut off': (path) => truncateSync(path, 100),
  'is a folder': (path) => {
    rmSync(path)
    mkdirSync(path)
  },
  'is a link to nothing': (path) => {
    rmSync(path)
    symlinkSync('nothing', path)
  },
  'is a link to itself': (path) => {
    rmSync(path)
    symlinkSync(path, path)
  },
  'is a web page': put('<!DOCTYPE html>\n<html>\u001b[31m</html>\n'),
  'is a pointer to a large file': put('version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 1\n'),
  'is NUL': put(new Uint8Array(1000)),
  'is UTF-16': put(Buffer.from('{"model_type": "bert"}', 'utf16le')),
  'is a list': put('[]'),
  'is null': put('null'),
  'nests deep': put(`{"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}`),
}
const config: Record<string, Break> = {
  'names twice': swap(/\{/, '{"norm":"pre",'),
  'has another kind': swap(/tinystill-text-classifier/, 'gpt\\u001b[2J'),
  'has __proto__ for a kind': swap(/"model_type": "[^"]*"/, '"__proto__": {"model_type": "bert"}'),
  'asks for all memory': swap(/"num_hidden_layers": 1/, '"num_hidden_layers": 1000'),
  'asks for long texts': swap(/"max_position_embeddings": 8/, '"max_position_embeddings": 16777216'),
  'has a width of text': swap(/"hidden_size": 4/, '"hidden_size": "4"'),
  'has labels in a list': swap(/"id2label": \{[^}]*\}/, '"id2label": ["a", "b"]'),
  'is BERT without weights of it': put(
    '{"model_type":"bert","architectures":["BertForSequenceClassification"]}',
  ),
}
const tokenizer: Record<string, Break> = {
  'has an id that is a list of lists': swap(/"\[PAD\]": 0/, `"[PAD]": ${'['.repeat(60)}${']'.repeat(60)}`),
  'has an id with toString': swap(/"\[PAD\]": 0/, '"[PAD]": {"toString": 1}'),
  'has an id twice': swap(/"\[UNK\]": 1/, '"[UNK]": 0'),
  'has another model': swap(/WordLevel/, 'BPE'),
}
const cases = [
  ...FILES.flatMap((file) => Object.keys(any).map((what) => [file, what, any[what]] as const)),
  ...Object.keys(config).map((what) => ['config.json', what, config[what]] as const),
  ...Object.keys(tokenizer).map((what) => ['tokenizer.json', what, tokenizer[what]] as const),
]

describe('a folder whose', () => {
  it('breaks are fifty', () => {
    expect(cases.length).toBeGreaterThanOrEqual(50)
  })

  it.each(cases)('%s %s', async (file, _, spoil) => {
    const folder = join(root, 'broken')
    rmSync(folder, { recursive: true, force: true })
    cpSync(whole, folder, { recursive: true })
    spoil(join(folder, file))
    const commands = [
      ['predict', '--model', folder, '--text', 'a red fruit'],
      ['eval', '--model', folder, '--data', data],
      ['inspect', folder],
    ]
    for (const command of commands) {
      const { code, err } = await run(...command)
      // inspect tells what is broken, where the folder is still one.
      if (command[0] === 'inspect' && code === 0) continue
      expect([command[0], code]).toEqual([command[0], 1])
      expect(err).toMatch(/^tinystill: [^\n]{1,900}\n$/)
      expect(err).not.toMatch(/\n\s+at |undefined is not|is not a function|Cannot read|[^\P{Cc}\n]/u)
    }
  })
})
