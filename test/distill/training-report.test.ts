// The report of a training: what it shows, and that hostile names stay text.
import { describe, expect, it } from 'vitest'
import { renderReport } from '../../src/report/report.js'
import { smooth, type TrainingRecord, trainingReport } from '../../src/report/training-report.js'
import { HOSTILE, parse } from './hostile.js'

function record(say: (place: string) => string, classes = 3): TrainingRecord {
  const names = Array.from({ length: classes }, (_, i) => say(`class ${i}`))
  return {
    ...{ title: say('title'), intro: say('intro') },
    steps: Array.from({ length: 500 }, (_, i) => ({
      ...{ step: i + 1, loss: 3 / (i + 1), lr: 1e-3, terms: { [say('soft')]: 2 / (i + 1) } },
    })),
    evaluations: [1, 2].map((epoch) => ({
      ...{ epoch, step: epoch * 250, score: epoch / 3, best: true },
      figures: { [say('accuracy')]: epoch / 3, loss: Number.NaN },
    })),
    figures: { [say('dev')]: { accuracy: 0.75 }, test: { accuracy: 0.5, f1: 0.4 } },
    confusion: { classes: names, table: Array.from({ length: classes * classes }, (_, i) => i % 5) },
    calibration: [
      { rows: 0, confidence: Number.NaN, accuracy: Number.NaN },
      { rows: 3, confidence: 0.8, accuracy: 2 / 3 },
    ],
    facts: [[say('fact'), say('value')]],
  }
}

describe('trainingReport', () => {
  const report = trainingReport(record(String))

  it('has a chart of the loss and its terms, one a figure, and one of calibration', () => {
    expect(report.charts.map((c) => [c.title, c.series.map((s) => s.name)])).toEqual([
      ['Training loss, mean over 50 batches', ['loss', 'soft']],
      ['Evaluation: accuracy', ['accuracy']],
      ['Evaluation: loss', ['loss']],
      ['Can its probabilities be believed?', ['model', 'as it should be']],
    ])
    expect(report.charts[0].series[0].points.length).toBeLessThanOrEqual(250)
    expect(report.charts[0].series[0].points.at(-1)?.[0]).toBe(500)
    expect(report.charts[1].series[0].points).toEqual([
      [250, 1 / 3],
      [500, 2 / 3],
    ])
    expect(report.charts[3].series[0].points).toEqual([[0.8, 2 / 3]])
  })

  it('has a table of figures by set, and of classes', () => {
    expect(report.table.columns).toEqual(['', 'dev', 'test'])
    expect(report.table.rows).toEqual([
      ['accuracy', 0.75, 0.5],
      ['f1', Number.NaN, 0.4],
    ])
    expect(report.sections[0].table?.rows[1]).toEqual(['class 1', 3, 4, 0])
  })

  it('names the commonest errors where the classes are many', () => {
    const [section] = trainingReport(record(String, 20)).sections
    expect(section.table?.columns).toEqual(['it is', 'taken for', 'rows'])
    expect(section.table?.rows.length).toBe(20)
    expect(section.table?.rows[0]).toEqual(['class 0', 'class 4', 4])
    expect(section.text).toBe('The 20 commonest of 304 kinds of errors.')
  })

  it('renders without a step or an evaluation', () => {
    const empty = { ...record(String), steps: [], evaluations: [], figures: {} }
    expect(parse(renderReport(trainingReport(empty))).unbalanced).toEqual([])
  })

  it.each(HOSTILE.map((text) => [JSON.stringify(text), text]))('%s stays text', (_, text) => {
    const kinds = (say: (place: string) => string) =>
      new Set(parse(renderReport(trainingReport(record(say)))).elements.map((e) => e.name))
    expect(kinds(() => text)).toEqual(kinds(String))
  })
})

it('smooth is the running mean', () => {
  expect(
    smooth(
      [
        [1, 1],
        [2, 3],
        [3, 5],
      ],
      2,
    ),
  ).toEqual([
    [1, 1],
    [2, 2],
    [3, 4],
  ])
})
