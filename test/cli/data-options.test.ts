// What users bring, through the commands: columns by name, what is told before a training, and an answer for each line.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { main } from '../../src/cli/main.js'
import { saveTinyModel } from './model.js'

const folder = mkdtempSync(join(tmpdir(), 'tinystill-data-options-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)
saveTinyModel(at('model'))

async function run(args: string[], input: readonly string[] = []) {
  const [out, err]: [string[], string[]] = [[], []]
  const code = await main(args, {
    stdout: { write: (s) => void out.push(s), drained: async () => {} },
    stderr: { write: (s) => void err.push(s) },
    lines: async function* () {
      yield* input
    },
    now: () => performance.now(),
  })
  return { code, out: out.join(''), err: err.join('') }
}

describe('predict', () => {
  const predict = (input: readonly string[], ...more: string[]) =>
    run(['predict', '--model', at('model'), ...more], input)
  const items = (out: string) =>
    out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))

  it('answers line for line, empty lines too', async () => {
    const input = ['', 'a large grey animal', '  ', 'a small red fruit']
    const { code, out, err } = await predict(input)
    expect(code).toBe(0)
    const lines = out.split('\n')
    expect(lines.map((line) => line.split('  |  ')[1] ?? '')).toEqual(['', input[1], '', input[3], ''])
    expect(err).toBe('2 empty lines have an empty answer\n')
    const json = items((await predict(input, '--jsonl')).out)
    expect(json.map(({ text, label }) => [text, label === null])).toEqual(
      input.map((text) => [text, text.trim() === '']),
    )
    expect((await predict(['', ' '])).err).toContain('no text to classify')
  })

  it('reads JSON lines by the names of their fields', async () => {
    const input = ['{"id":1,"review":"a large\\ngrey animal"}', '{"review":"a small red fruit"}']
    const plain = items((await predict(['a large grey animal', 'a small red fruit'], '--jsonl')).out)
    const { out } = await predict(input, '--jsonl')
    expect(items(out).map(({ label, probabilities }) => [label, probabilities])).toEqual(
      plain.map(({ label, probabilities }) => [label, probabilities]),
    )
    const broken = [...input, '{"review":"a large\\r\\ngrey animal"}']
    const shown = (await predict(broken)).out.split('\n').map((line) => line.split('  |  ')[1])
    expect(shown).toEqual(['a large grey animal', 'a small red fruit', 'a large grey animal', undefined])
    expect((await predict(['{"x":"a","y":"b"}'], '--text-column', 'y', '--jsonl')).out).toContain(
      '"text":"b"',
    )
    expect(items((await predict(['{a brace}', '{"text": 1'], '--jsonl')).out)).toHaveLength(2)
    expect((await predict([input[0], 'no object'])).err).toContain('standard input:2: is not JSON')
  })

  it.each([
    [['a\tb', 'c'], 'standard input:2: 1 field, --pairs reads two texts with a TAB between'],
    [
      ['a\tb\tyes'],
      'standard input:1: 3 fields, --pairs reads two texts with a TAB between. Leave labels out',
    ],
  ])('with --pairs refuses %j', async (input, text) => {
    const { code, err } = await predict(input, '--pairs')
    expect([code, err]).toEqual([1, expect.stringContaining(text)])
  })

  it('says that a TAB is part of a text', async () => {
    const { err } = await predict(['a\tb', 'c\td'])
    expect(err).toBe(
      'note: lines hold TABs, which are read as part of the text: --pairs takes two texts a line\n',
    )
    expect((await predict(['a|b'], '--pairs', '--delimiter', '|')).code).toBe(0)
  })
})

describe('train', () => {
  it('tells rows, classes, lengths and what it left out before it begins', async () => {
    const words = ['a film', `a ${'very '.repeat(20)}dull film`, 'fine', '\u200b \u200b!']
    const lines = Array.from(
      { length: 40 },
      (_, i) => `${i},${words[i % 4]},${i % 4 === 1 ? 'bad' : 'good'},0.5`,
    )
    writeFileSync(at('train.csv.gz'), gzipSync(`id,comment,label,score\n${lines.join('\n')}\n`))
    const more = ['--out', at('run'), '--epochs', '1', '--max-length', '16']
    const { code, err } = await run(['train', '--model', 'tiny', '--train', at('train.csv.gz'), ...more])
    expect(code, err).toBe(0)
    expect(err).toContain('note: ')
    expect(err).toContain('the label is taken from "label", not "score"')
    expect(err).toContain(`${at('train.csv.gz')}: 40 rows; 2 classes: bad 10, good 30`)
    expect(err).toMatch(/\d+ to 16 tokens a row, half of them up to \d+; 10 cut at 16/)
  })

  it.each([
    [
      'tweet.tsv',
      'foo\tstance\nx y z\tpositive\ny z\tnegative\nz x\tpositive\nz y\tnegative\n',
      /:1: is it a header\? "stance"/,
    ],
    [
      'front.tsv',
      '1\tthe film is good\n2\ta bad film\n3\ta great film\n',
      /:1: the second field of a line reads like a text/,
    ],
    [
      'case.tsv',
      'a\tPositive\nb\tpositive\nc\tnegative\nd\tnegative',
      /:2: labels "Positive" and "positive" differ/,
    ],
    [
      'cr.tsv',
      'the film is good\t1\ra bad film\t0\r',
      /:1: the lines end in CR alone, as old Macs wrote them/,
    ],
    ['stance.csv', 'text,stance\nx,1\n', /:1: has no label: no column is one among "text", "stance"/],
  ])('refuses %s', async (name, content, text) => {
    writeFileSync(at(name), content)
    const { code, err } = await run(['train', '--model', 'tiny', '--train', at(name), '--out', at('none')])
    expect([code, err]).toEqual([1, expect.stringMatching(text)])
  })
})

describe('eval and label', () => {
  it('take columns by name and fields by any delimiter', async () => {
    writeFileSync(at('odd.csv'), 'words;kind;n\na large grey animal;animal;1\na small red fruit;food;2\n')
    const columns = ['--text-column', 'words', '--label-column', 'kind', '--delimiter', 'semicolon']
    const found = await run(['eval', '--model', at('model'), '--data', at('odd.csv'), ...columns, '--json'])
    expect(found.code, found.err).toBe(0)
    expect((await run(['eval', '--model', at('model'), '--data', at('odd.csv')])).err).toContain(
      'odd.csv:1: the header names no text',
    )
    expect((await run(['eval', '--model', at('model'), '--data', 'x', '--delimiter', 'ab'])).code).toBe(2)
  })

  it('label says what it passes over', async () => {
    writeFileSync(at('two.tsv'), 'large animal\tgrey\nred fruit\tsmall\n')
    const args = ['label', '--teacher', at('model'), '--data', at('two.tsv')]
    expect((await run([...args, '--out', at('c1')])).err).toContain(
      'taken for a label and passed over; for pairs: --text-column 1',
    )
    const both = await run([...args, '--out', at('c2'), '--text-column', '1', '--text-pair-column', '2'])
    expect(both.err).not.toContain('passed over')
    expect(both.code, both.err).toBe(0)
  })
})
