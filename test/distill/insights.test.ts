// What a page tells of teacher and student: which texts, which layers, which numbers.
import { describe, expect, it } from 'vitest'
import '../../src/autograd/methods.js'
import { randomScope } from '../../src/autograd/random.js'
import { bert } from '../../src/nn/models/family.js'
import { SequenceClassifier } from '../../src/nn/models/heads.js'
import { attentionMaps, pairedLayers } from '../../src/report/insights/attention-maps.js'
import { disagreements } from '../../src/report/insights/disagreements.js'
import type { Reading } from '../../src/report/insights/reading.js'
import { reliability } from '../../src/report/insights/reliability.js'
import { similarity } from '../../src/report/insights/similarity.js'
import { softTargets, telling } from '../../src/report/insights/soft-targets.js'
import { temperatureSlider } from '../../src/report/page/temperature.js'
import { scatterChart } from '../../src/report/scatter.js'
import { keyOf } from '../../src/tensor/rng.js'
import { textData } from '../../src/text/dataset.js'
import { trainWordPiece } from '../../src/text/wordpiece-train.js'
import { probabilities } from '../../src/train/metrics.js'
import { parse } from './hostile.js'

const classes = ['bad', 'good']

describe('disagreements', () => {
  const texts = ['a', 'b', 'c', 'd']
  const teacher = [2, 0, 0, 1, 5, 0, 0, 3]
  const section = disagreements({
    texts,
    labels: [0, 0, 1, 1],
    classes,
    teacher,
    student: [0, 1, 2, 0, 0, 9, 0, 1],
  })

  it('come by how sure the teacher is, with what each says', () => {
    expect(section.text).toBe('On 3 of 4 texts; the teacher is right on 1 of them, the student on 2.')
    expect(section.table?.rows).toEqual([
      ['c', 'good', 'bad', '99.3%', 'good', '100.0%'],
      ['a', 'bad', 'bad', '88.1%', 'good', '73.1%'],
      ['b', 'bad', 'good', '73.1%', 'bad', '88.1%'],
    ])
  })

  it('are 20 at most, counted in all', () => {
    const many = Array.from({ length: 50 }, (_, i) => String(i))
    const logits = (good: number) => many.flatMap(() => [0, good])
    const both = { teacher: logits(1), student: logits(-1) }
    const { text, table } = disagreements({ texts: many, labels: many.map(() => 0), classes, ...both })
    expect(text).toMatch(/^On 50 of 50 texts.* The 20 of which the teacher is surest:$/)
    expect(table?.rows.map(([name]) => name)).toEqual(many.slice(0, 20))
  })

  it('may be none', () => {
    expect(disagreements({ texts, labels: [0, 0, 1, 1], classes, teacher, student: teacher }).text).toBe(
      'On none of 4 texts.',
    )
  })
})

describe('reliability', () => {
  // Right in 3 of 4 cases, and 99% sure.
  const sure = (rows: number) => ({
    logits: Float32Array.from(Array.from({ length: rows }, () => [Math.log(99), 0]).flat()),
    labels: Array.from({ length: rows }, (_, i) => (i % 8 < 2 ? 1 : 0)),
  })
  const parts = {
    before: { name: 'alone', ...sure(80) },
    after: { name: 'distilled', ...sure(80) },
    classes: 2,
  }

  it('has the student before, after, and at the temperature of other rows', () => {
    const { table, charts } = reliability({ ...parts, fitting: sure(40) })
    expect(table?.rows.map((row) => row.slice(0, 3))).toEqual([
      ['alone', '1.00', '24.00%'],
      ['distilled', '1.00', '24.00%'],
      ['distilled', '4.18', expect.stringMatching(/^0\.0/)],
    ])
    expect(table?.rows.map((row) => row[4])).toEqual([80, 80, 80])
    expect(charts?.[0]).toMatchObject({
      series: [{ name: 'alone' }, { name: 'distilled' }, { name: 'T = 4.18' }, {}],
    })
  })

  it('judges on the half that the temperature was not fitted on, where there is one set', () => {
    const { table, text } = reliability({ ...parts, fitting: null })
    expect(table?.rows.map((row) => row[4])).toEqual([40, 40, 40])
    expect(text).toContain('on the other half of these rows')
  })
})

describe('soft targets', () => {
  const sample = (text: string, label: number, logits: number[]) => ({ text, label, logits })

  it('are told of doubtful right answers, each class once before any twice', () => {
    const samples = [
      sample('sure', 0, [9, 0]),
      sample('doubt', 0, [2.2, 0]),
      sample('more doubt', 0, [2, 0]),
      sample('wrong', 0, [0, 2.2]),
      sample('other', 1, [0, 5]),
      sample('x'.repeat(500), 1, [0, 2.2]),
    ]
    expect(telling(samples, 2, 3).map((s) => s.text)).toEqual(['doubt', 'other', 'more doubt'])
  })

  it('put the many small classes into one bar, and all bars make 100%', () => {
    const names = Array.from({ length: 12 }, (_, i) => `class ${i}`)
    const logits = names.map((_, i) => i / 3)
    const [{ bars }] = softTargets([{ text: 't', label: 0, logits }], names).temperature!
    expect(bars.map((b) => b.name)).toEqual([...names.slice(5).reverse(), '5 others'])
    const html = temperatureSlider([{ text: 't', bars }])
    const widths = Array.from(html.matchAll(/<rect width="([\d.]+)"/g), (m) => Number(m[1]))
    expect(widths[0]).toBeCloseTo(100 * probabilities(logits, 0, 12)[11], 1)
    expect(widths.reduce((a, b) => a + b, 0)).toBeCloseTo(100, 1)
  })
})

const texts = Array.from(
  { length: 40 },
  (_, i) => `the ${['red', 'big'][i % 2]} dog saw a ${['cat', 'tree', 'man'][i % 3]}`,
)
const tokenizer = trainWordPiece(texts, { size: 60 })
const reading = (layers: number, seed: number, cased = tokenizer): Reading => ({
  name: `model ${layers}`,
  model: randomScope(
    keyOf(seed, 'init'),
    () =>
      new SequenceClassifier(bert, {
        ...{ vocabSize: cased.vocabSize, width: 8, layers, heads: 2, inner: 16, maxLength: 32 },
      }),
  ),
  data: textData(texts, null, cased, 32),
  tokenizer: cased,
})

describe('similarity', () => {
  it('is 1 on the diagonal of a model with itself, row for student and column for teacher', () => {
    const own = similarity(reading(2, 1), reading(2, 1)).heat!
    expect(own.rows).toEqual(['student embeddings', 'student 1', 'student 2'])
    for (const i of [0, 1, 2]) expect(own.values[i][i]).toBeCloseTo(1, 12)
    const { heat, text } = similarity(reading(1, 1), reading(3, 2))
    expect(heat?.values.map((row) => row.length)).toEqual([4, 4])
    expect(text).toMatch(/on \d+ words of 40 texts/)
    for (const v of heat!.values.flat()) expect(v > 0 && v < 1).toBe(true)
  })

  it('is the same with padding', () => {
    const padded = (r: Reading): Reading => ({
      ...r,
      data: textData(texts, null, r.tokenizer, 32, { padding: true }),
    })
    const [a, b] = [reading(1, 1), reading(2, 2)]
    const [got, want] = [similarity(padded(a), padded(b)), similarity(a, b)].map((s) => s.heat!.values.flat())
    got.forEach((v, i) => {
      expect(v).toBeCloseTo(want[i], 5)
    })
  })

  it('takes the mean states of texts where words differ', () => {
    const other = trainWordPiece(['zebra dogs in trees', ...texts], { size: 40 })
    expect(similarity(reading(1, 1), reading(1, 1, other)).text).toContain('on the mean states of 40 texts')
  })
})

describe('attention maps', () => {
  it('hold each probability in a byte, of both models', () => {
    const { attention } = attentionMaps(reading(1, 1), reading(2, 2), texts)!
    const { student, teacher, pairs } = attention!
    expect([student.heads, teacher.heads, pairs]).toEqual([[2], [2, 2], [1]])
    expect(attention!.texts).toEqual(texts.slice(0, 3))
    for (const side of [student, teacher]) {
      expect(side.texts).toHaveLength(3)
      const [{ words, maps }] = side.texts
      expect([words[0], words.at(-1)]).toEqual(['[CLS]', '[SEP]'])
      const bytes = Buffer.from(maps, 'base64')
      const T = words.length
      expect(bytes.length).toBe(side.heads.length * 2 * T * T)
      // Rows of softmax, each value rounded by half a 255th at most.
      for (let at = 0; at < bytes.length; at += T)
        expect(Math.abs(bytes.subarray(at, at + T).reduce((a, b) => a + b, 0) - 255)).toBeLessThanOrEqual(
          T / 2,
        )
    }
  })

  it('are left out where no text is short enough', () => {
    const long = { ...reading(1, 1), data: textData(['dog '.repeat(28)], null, tokenizer, 32) }
    expect(attentionMaps(long, long, [''])).toBeNull()
  })

  it.each([
    [4, 12, [2, 5, 8, 11]],
    [3, 3, [0, 1, 2]],
    [4, 6, [1, 2, 4, 5]],
    [4, 1, [0, 0, 0, 0]],
  ])('%i layers stand beside those of %i', (student, teacher, pairs) => {
    expect(pairedLayers(student, teacher)).toEqual(pairs)
  })
})

describe('scatterChart', () => {
  const labels = { title: 't', xLabel: 'x', yLabel: 'y' }
  const points = [
    { name: 'a', x: 1, y: 10, spread: 2 },
    { name: 'b', x: 2, y: 30 },
    { name: 'gone', x: Number.NaN, y: 1 },
  ]
  const svg = scatterChart({ ...labels, points })
  const circles = parse(svg).elements.filter((e) => e.name === 'circle')

  it('puts a point for each model and a whisker where there is a spread', () => {
    const [a, b] = circles.map(({ attributes }) => [Number(attributes.cx), Number(attributes.cy)])
    expect(circles).toHaveLength(2)
    expect([a[0] < b[0], a[1] > b[1]]).toEqual([true, true])
    const lines = parse(svg).elements.filter((e) => e.name === 'polyline')
    expect(lines).toHaveLength(2 + 3)
    expect(svg).toContain('y by x. a: 10 \u00b1 2 at 1. b: 30 at 2. gone: no data.')
    expect(svg).not.toContain('NaN')
  })

  it('says so where there is none', () => {
    expect(scatterChart({ ...labels, points: [points[2]] })).toContain('No data')
  })
})
