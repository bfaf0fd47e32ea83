// Labels that are sets of classes or several numbers, in every form that data has them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { reordered } from '../../src/files/data/reordered.js'
import { readTexts } from '../../src/files/data/texts.js'
import { labelFacts } from '../../src/train/outputs/label-facts.js'

const folder = mkdtempSync(join(tmpdir(), 'tinystill-sets-'))
afterAll(() => rmSync(folder, { recursive: true }))

let files = 0
function file(ending: string, content: string): string {
  const path = join(folder, `${files++}.${ending}`)
  writeFileSync(path, content)
  return path
}

const jsonl = (...labels: unknown[]) =>
  file('jsonl', labels.map((label) => JSON.stringify({ text: 'x', label })).join('\n'))
const csv = (...labels: string[]) =>
  file('csv', `text,label\n${labels.map((label) => `x,"${label.replaceAll('"', '""')}"`).join('\n')}`)
const tsv = (...labels: string[]) => file('tsv', `text\tlabel\n${labels.map((l) => `x\t${l}`).join('\n')}`)

const abc = ['a', 'b', 'c']

describe('sets of classes', () => {
  it.each<[string, string, string[] | undefined, string[], number[]]>([
    ['lists of names', jsonl(['b', 'a'], [], ['c']), undefined, abc, [1, 1, 0, 0, 0, 0, 0, 0, 1]],
    ['one name alone', jsonl('a', ['b']), undefined, ['a', 'b'], [1, 0, 0, 1]],
    ['lists of numbers that are classes', jsonl([27], [2, 27]), undefined, ['2', '27'], [0, 1, 1, 1]],
    ['numbers of known classes', jsonl([0, 2], [1], []), abc, abc, [1, 0, 1, 0, 1, 0, 0, 0, 0]],
    ['yes or no to each', jsonl([1, 0, 1], [0, 0, 0]), abc, abc, [1, 0, 1, 0, 0, 0]],
    ['yes or no to two', jsonl([0, 1], [1, 0]), ['a', 'b'], ['a', 'b'], [0, 1, 1, 0]],
    ['0 and 1 that are names', jsonl([0, 1], [1]), ['0', '1'], ['0', '1'], [1, 1, 0, 1]],
    ['names between commas', tsv('b, a', 'c'), undefined, abc, [1, 1, 0, 0, 0, 1]],
    ['names between bars and semicolons', csv('a|c', 'b;a'), undefined, abc, [1, 0, 1, 1, 1, 0]],
    ['an empty field', csv('a', ''), ['a', 'b'], ['a', 'b'], [1, 0, 0, 0]],
    ["Python's lists", csv("['a', 'b c']", '["a"]', '[]'), undefined, ['a', 'b c'], [1, 1, 1, 0, 0, 0]],
    ["NumPy's rows", csv('[1 0 1]', '[0 0 1]'), abc, abc, [1, 0, 1, 0, 0, 1]],
    ['a known name with a comma', tsv('a, b'), ['a, b', 'c'], ['a, b', 'c'], [1, 0]],
    [
      'names like what objects have',
      jsonl(['__proto__', 'constructor']),
      undefined,
      ['__proto__', 'constructor'],
      [1, 1],
    ],
    ['a yes or no to one class', jsonl(1, 0), ['x'], ['x'], [1, 0]],
    ['shares of one class', jsonl(0.25, 1), ['x'], ['x'], [0.25, 1]],
    ['the name of one class, or none', jsonl(['x'], []), ['x'], ['x'], [1, 0]],
  ])('%s', (_, path, labelNames, names, targets) => {
    const set = readTexts(path, { labels: 'sets', ...(labelNames && { labelNames }) })
    expect([set.labelNames, [...(set.targets ?? [])], set.labels]).toEqual([names, targets, null])
  })

  it.each<[string, string, string[] | undefined, RegExp]>([
    [
      'an unknown name',
      jsonl(['a'], ['a', 'z']),
      abc,
      /:2: label "z" is none of the 3 known: "a", "b", "c"$/,
    ],
    ['a number too large', jsonl([3]), abc, /:1: label "3" is none of the 3 known/],
    [
      'vectors without names',
      jsonl([1, 0, 1], [0, 0, 1]),
      undefined,
      /lists of 3 times 0 or 1.*--labels a,b,c/,
    ],
    [
      'a vector beside names',
      jsonl([1, 0, 1], ['a']),
      abc,
      /:1: labels name class 1 twice.*one for each of the 3/,
    ],
    ['a vector that is too short', jsonl([1, 1], [0, 1]), abc, /:1: labels name class 1 twice/],
    ['fractions', jsonl(['a'], [0.5]), undefined, /:2: label 0.5 is no whole number. To predict numbers/],
    ['no class at all', jsonl([], []), undefined, /no row has a class$/],
    ['no label at all', file('tsv', 'x\ny'), abc, /no row has a label$/],
    [
      'a row of JSON without one',
      file('jsonl', '{"text":"x","label":[]}\n{"text":"y"}'),
      abc,
      /:2: has no label: no column is one among "text"/,
    ],
    ['what is no name', jsonl([['a']]), abc, /:1: labels must be strings or numbers$/],
    ['an empty name', jsonl(['a', ' ']), abc, /:1: labels must be strings or numbers$/],
    ['true', jsonl([true]), abc, /:1: labels must be strings or numbers$/],
    ['an object', jsonl({ a: 1 }), abc, /:1: label must be a string or a number, or a list of them$/],
  ])('refuse %s', (_, path, labelNames, text) => {
    expect(() => readTexts(path, { labels: 'sets', ...(labelNames && { labelNames }) })).toThrow(text)
  })

  it('are asked for where lists come as single classes', () => {
    expect(() => readTexts(jsonl('a', ['b', 'c']))).toThrow(
      /:2: label .* is a list, one class a text is asked for.*--task multi-label.*--task regression/,
    )
  })
})

describe('numbers', () => {
  it.each<[string, string, string[] | undefined, string[], number[]]>([
    ['one', jsonl(1, -0.5), undefined, ['value'], [1, -0.5]],
    ['several', jsonl([1, 2], [3, 4]), undefined, ['value_0', 'value_1'], [1, 2, 3, 4]],
    ['several by name', jsonl([1, 2], ['3', '4e1']), ['v', 'w'], ['v', 'w'], [1, 2, 3, 40]],
    ['in brackets', csv('[0.5 -1]', '[2, 3.]'), undefined, ['value_0', 'value_1'], [0.5, -1, 2, 3]],
    ['between commas, where two are wanted', csv('1,2', '3;4'), ['v', 'w'], ['v', 'w'], [1, 2, 3, 4]],
  ])('%s', (_, path, labelNames, names, targets) => {
    const set = readTexts(path, { labels: 'numbers', ...(labelNames && { labelNames }) })
    expect([set.labelNames, [...(set.targets ?? [])]]).toEqual([names, targets])
  })

  it.each<[string, string, string[] | undefined, RegExp]>([
    ['another count', jsonl([1, 2], [3]), undefined, /:2: the label holds 1 number, the first row's 2$/],
    [
      "another than the model's",
      jsonl([1, 2]),
      ['v', 'w', 'x'],
      /:1: the label holds 2 numbers, the model gives 3$/,
    ],
    ['no number', jsonl([1, 'x']), ['v', 'w'], /:1: label "x" is no number$/],
    ['nothing', jsonl([]), undefined, /:1: the label holds 0 numbers/],
    ['a decimal comma', csv('0,5'), undefined, /:2: label "0,5" is no number$/],
    ['what float32 does not hold', jsonl(1e300), undefined, /:1: label "1e\+300" is no number$/],
  ])('refuse %s', (_, path, labelNames, text) => {
    expect(() => readTexts(path, { labels: 'numbers', ...(labelNames && { labelNames }) })).toThrow(text)
  })
})

describe('another order of the classes', () => {
  const [a, b] = [jsonl([1, 0, 0], [0, 1, 1]), jsonl(2, 0)]

  it('is put into that of the model', () => {
    const sets = readTexts(a, { labels: 'sets', labelNames: ['c', 'a', 'b'] })
    expect(sets.inTurn).toBe(true)
    expect([...(reordered(sets, abc, a).targets ?? [])]).toEqual([0, 0, 1, 1, 1, 0])
    const classes = readTexts(b, { labelNames: ['c', 'a', 'b'] })
    expect([...(reordered(classes, abc, b).labels ?? [])]).toEqual([1, 2])
    expect(reordered(classes, abc, b).labelNames).toEqual(abc)
  })

  it.each([[['c', 'a']], [['a', 'b', 'x']], [['a', 'b', 'c', 'd']]])('refuses %j', (labelNames) => {
    const set = readTexts(jsonl(0), { labelNames })
    expect(() => reordered(set, abc, 'f')).toThrow(/f: its labels are .*, the model's a, b, c. --labels/)
  })
})

describe('what is told of labels', () => {
  it('counts classes, and names those that cannot be learnt', () => {
    const set = readTexts(jsonl(['a'], ['a', 'b'], ['a']), { labels: 'sets', labelNames: abc })
    const data = { targets: set.targets as Float32Array, size: 3 }
    expect(labelFacts('sets', data, abc)).toEqual([
      '3 rows by class: a 3, b 1, c 0; 0 of none; 1.333 classes a row',
      'of these no row is, or all are, so that nothing tells them apart: a, c',
    ])
    expect(labelFacts('classes', data, abc)).toEqual([])
  })

  it('tells the range of numbers', () => {
    const data = { targets: Float32Array.of(1, 5, 2, 5), size: 2 }
    expect(labelFacts('numbers', data, ['v', 'w'])).toEqual([
      '2 rows of numbers: v 1 to 2, w 5 to 5',
      'these are the same in all rows, there is nothing to learn: w',
    ])
  })
})
