// tinystill augment as a user runs it: a data file of any format with new rows, gone on with after kills to the same bytes.
import { spawn } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { randomScope } from '../../src/autograd/random.js'
import { readTexts, streamTexts } from '../../src/files/data/texts.js'
import { loadTokenizer, writePretrained } from '../../src/files/models/on-disk.js'
import {
  BertForMaskedLM,
  DistilBertForSequenceClassification,
  RobertaForMaskedLM,
} from '../../src/nn/models/bert.js'
import { keyOf } from '../../src/tensor/rng.js'
import type { Tensor } from '../../src/tensor/tensor.js'
import { WordPieceTokenizer } from '../../src/text/wordpiece.js'
import { saveTinyModel } from './model.js'
import { reviews, run } from './program.js'

const folder = mkdtempSync(join(tmpdir(), 'tinystill-augment-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)
const text = (name: string) => readFileSync(at(name), 'utf8')

const words = 'fine great lovely warm dull awful cold weak film story cast plot scene with'.split(' ')
const tokenizer = WordPieceTokenizer.fromVocabulary([
  ...['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'a', '##s', ','],
  ...words,
])
const sizes = { vocabSize: tokenizer.vocabSize, width: 8, layers: 1, heads: 2, inner: 8, maxLength: 24 }
const model = randomScope(keyOf(1), () => new BertForMaskedLM(sizes))
// Far above what the rest of the model says: everywhere the likeliest words are plot, then scene, then story.
const likely = ['plot', 'scene', 'story']
likely.forEach((word, i) => {
  const { elements } = model.decoder.bias as Tensor
  elements[tokenizer.vocabulary.indexOf(word)] = 30 - 10 * i
})
writePretrained(at('mlm'), { model, tokenizer })
writePretrained(at('classifier'), { model: new DistilBertForSequenceClassification(sizes), tokenizer })
saveTinyModel(at('own'))

const rows = reviews(200)
const head = 'text\tlabel\n'
writeFileSync(at('data.tsv'), rows.map((row) => `${row.join('\t')}\n`).join(''))
writeFileSync(
  at('v.txt'),
  'films 1 0\nmovies 1 .1\nscenes 1 .2\nreels 1 .3\nthe 1 0\nstories -1 .5\ndogs -1 -.5\n',
)

const augment = (data: string, out: string, ...more: string[]) =>
  run('augment', '--model', at('mlm'), '--data', at(data), '--out', at(out), '--seed', '7', ...more)

describe('tinystill augment', () => {
  it('writes each row and its new ones behind it, and says how fast', async () => {
    const { code, out, err } = await augment('data.tsv', 'out.tsv', '--top-k', '2', '--n', '4', '--json')
    expect(code, err).toBe(0)
    const set = readTexts(at('out.tsv'))
    expect(text('out.tsv').startsWith(head)).toBe(true)
    const result = JSON.parse(out)
    expect(result).toMatchObject({ rows: 200, resumed: 0, seed: 7, out: at('out.tsv') })
    expect(set.texts.length).toBe(200 + result.samples)
    expect(err).toMatch(/out.tsv: [\d,]+ rows, [\d,]+ of them new, \d\.\d a row; [\d.]+ rows\/s/)
    // Taken apart again at the original rows, whose label their samples have.
    let [row, since] = [-1, new Set<string>()]
    set.texts.forEach((sample, i) => {
      const next = rows[row + 1]
      if (next !== undefined && sample === next[0] && since.size <= 4) {
        row++
        since = new Set()
      } else {
        expect(since.has(sample)).toBe(false)
        since.add(sample)
        const before = rows[row][0].split(' ')
        expect(sample.split(' ').every((w, j) => w === before[j] || likely.includes(w))).toBe(true)
      }
      expect(set.labelNames[(set.labels as Int32Array)[i]]).toBe(rows[row][1])
    })
    expect(row).toBe(199)
    expect(
      readdirSync(folder)
        .filter((name) => name.startsWith('out.tsv'))
        .sort(),
    ).toEqual(['out.tsv', 'out.tsv.run.json'])
    expect(JSON.parse(text('out.tsv.run.json')).settings).toMatchObject({ topK: 2, p: 0.4, n: 4, seed: 7 })
  })

  it('says of how many rows the model does not read all', async () => {
    writeFileSync(at('long.txt'), `${'a fine film '.repeat(9)}\na film\n`)
    const { err } = await augment('long.txt', 'longer.txt', '--n', '1')
    expect(err).toContain(
      '1 of 2 rows are longer than the 24 tokens that the model reads; their words behind',
    )
  })

  it('keeps each format, its pairs and labels, and takes vectors and stop words', async () => {
    writeFileSync(at('pairs.csv'), 'text,text_b,label\n"Films, a",film,1.5\n"a ""cast""",films,2\n')
    const more = ['--vectors', at('v.txt'), '--p', '1', '--n', '30', '--top-k', '1', '--quiet']
    expect((await augment('pairs.csv', 'new.csv', ...more)).err).toBe('')
    expect(text('new.csv')).toBe(
      `text,text_b,label\n"Films, a",film,1.5\n"Movies, a",film,1.5\n"Films, a",plot,1.5\n"a ""cast""",films,2\n"a ""plot""",films,2\n"a ""cast""",movies,2\n`,
    )
    writeFileSync(at('some.jsonl'), '{"text":"film\\t"}\n{"text":"cast","text_b":"a","label":3}\n')
    expect((await augment('some.jsonl', 'new.jsonl', ...more)).err).toBe('')
    expect(text('new.jsonl').split('\n')).toEqual([
      ...['{"text":"film\\t"}', '{"text":"plot\\t"}', '{"text":"cast","text_b":"a","label":3}'],
      ...['{"text":"plot","text_b":"a","label":3}', ''],
    ])
    writeFileSync(at('plain.txt'), 'film cast\n')
    writeFileSync(at('stop.txt'), 'Film\n')
    await augment('plain.txt', 'new.txt', ...more, '--stop-words', at('stop.txt'))
    expect(text('new.txt')).toBe('film cast\nfilm plot\n')
    writeFileSync(at('pairs.tsv'), 'text\ttext_b\tid\nfilm\tcast\t9\n')
    await augment('pairs.tsv', 'new.tsv', ...more)
    expect([...streamTexts(at('new.tsv'))].map(({ text, textB }) => [text, textB])).toEqual([
      ...[
        ['film', 'cast'],
        ['plot', 'cast'],
        ['film', 'plot'],
      ],
    ])
  })

  it.each<[string, string[], RegExp]>([
    [
      'a classifier',
      ['--model', at('classifier')],
      /classifier: holds a sequence-classification model, .*--task mlm/,
    ],
    [
      'a model of whole words',
      ['--model', at('own')],
      /own: holds a classifier of whole words, .*--task mlm/,
    ],
    ['no model', ['--model', at('none')], /none: cannot be read/],
    ['another format', ['--out', at('refused.csv')], /refused.csv: must be of .*data.tsv's format. .*\.tsv/],
    ['no data', ['--data', at('none.tsv')], /none.tsv: cannot be read/],
    ['no vectors', ['--vectors', at('data.tsv')], /data.tsv:1: /],
    ['a file that is there', ['--out', at('data.tsv')], /data.tsv: is there already/],
  ])('refuses %s in one line', async (_, more, message) => {
    const { code, err } = await augment('data.tsv', 'refused.tsv', ...more)
    expect([code, err]).toEqual([expect.toBeOneOf([1, 2]), expect.stringMatching(message)])
    expect(err.trim().split('\n').length).toBe(1)
    expect(readdirSync(folder).filter((name) => name.startsWith('refused'))).toEqual([])
    expect((await augment('data.tsv', 'refused.tsv', '--p', '1.1')).code).toBe(2)
  })

  it('goes on only with the same model, data and settings, and the log whole', async () => {
    const again = async (...more: string[]) =>
      (await augment('data.tsv', 'out.tsv', '--top-k', '2', ...more)).err
    expect(await again()).toMatch(/out.tsv.run.json: belongs to a run already. Go on with it by --resume/)
    expect(await again('--resume')).toMatch(/settings.n is 4 there and 20 now/)
    const same = ['--resume', '--n', '4']
    expect(await again(...same, '--seed', '8')).toMatch(/settings.seed is 7 there and 8 now/)
    expect(await again(...same, '--vectors', at('v.txt'))).toMatch(/vectors.sha256 is null there/)
    expect(await again(...same, '--stop-words', 'none')).toMatch(/settings.stopWords is/)
    const bytes = text('out.tsv')
    const done = await augment('data.tsv', 'out.tsv', '--top-k', '2', ...same, '--json')
    expect([done.err, JSON.parse(done.out).resumed]).toEqual([expect.stringMatching(/is whole already/), 200])
    expect(text('out.tsv')).toBe(bytes)
    appendFileSync(at('data.tsv'), 'more\tgood\n')
    expect(await again(...same)).toMatch(/data.sha256 is "[0-9a-f]{64}" there and "[0-9a-f]{64}" now/)
    writeFileSync(at('data.tsv'), rows.map((row) => `${row.join('\t')}\n`).join(''))
    rmSync(at('out.tsv'))
    writeFileSync(at('out.tsv.partial.jsonl'), '{"samples":[["a"]]}\n{"samples":[1]}\n')
    expect(await again(...same)).toMatch(/partial.jsonl:2: is damaged. Remove the file/)
    // Half a line is no damage: it is what a kill leaves.
    writeFileSync(at('out.tsv.partial.jsonl'), '{"samples":[["a')
    await again(...same, '--batch-size', '3')
    expect(text('out.tsv')).toBe(bytes)
  })
  it('takes a model with byte pairs, whose words have their space in the token', async () => {
    const bytes = loadTokenizer(join(import.meta.dirname, '../golden/byte_bpe'))
    const own = { ...sizes, vocabSize: bytes.vocabSize, padId: bytes.padId }
    const roberta = randomScope(keyOf(1), () => new RobertaForMaskedLM(own))
    const bias = roberta.decoder.bias as Tensor
    for (const [i, word] of ['seven', 'dog'].entries())
      bias.elements[bytes.vocabulary.indexOf(`Ġ${word}`)] = 30 - 10 * i
    // Likelier still, and parts of words: nobody may draw them.
    for (const part of ['sev', 'es', 'e']) bias.elements[bytes.vocabulary.indexOf(part)] = 90
    writePretrained(at('bytes'), { model: roberta, tokenizer: bytes })
    writeFileSync(at('numbers.tsv'), 'text\tlabel\nSo three, and (eight) of nine\tx\n')
    const args = ['--data', at('numbers.tsv'), '--out', at('bytes.tsv'), '--top-k', '1', '--p', '1']
    const { code, err } = await run('augment', '--model', at('bytes'), ...args, '--stop-words', 'none')
    expect(code, err).toBe(0)
    expect(readTexts(at('bytes.tsv')).texts[1]).toMatch(/^[A-Z]\w+ seven, seven \(\w+\) seven seven$/)
  }, 60_000)
})

describe('the program', () => {
  const bin = join(import.meta.dirname, '../../dist/cli/bin.js')
  const args = (out: string) => [
    ...['augment', '--model', at('mlm'), '--data', at('data.tsv'), '--out', at(out), '--n', '40', '--resume'],
    ...['--batch-size', '8', '--quiet', '--threads', '1'],
  ]

  /** Its exit code, or null where it was killed when the log had `size` bytes. */
  async function program(out: string, size: number): Promise<number | null> {
    const child = spawn(process.execPath, [bin, ...args(out)], { stdio: 'ignore' })
    const watch = setInterval(() => {
      const log = statSync(`${at(out)}.partial.jsonl`, { throwIfNoEntry: false })
      if (log !== undefined && log.size >= size) child.kill('SIGKILL')
    }, 1)
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
    clearInterval(watch)
    return code
  }

  it('killed at any moment goes on to the same bytes', async () => {
    expect(await program('whole.tsv', Infinity)).toBe(0)
    const codes = []
    for (const size of [1, 100_000]) codes.push(await program('killed.tsv', size))
    expect(codes).toContain(null)
    expect(existsSync(at('killed.tsv'))).toBe(codes.includes(0))
    expect(await program('killed.tsv', Infinity)).toBe(0)
    expect(text('killed.tsv')).toBe(text('whole.tsv'))
    expect(text('killed.tsv.run.json')).toBe(text('whole.tsv.run.json'))
  })
})
