// What a distillation tells: the table over seeds, the verdicts, and its page.

import { judgeGain, mean, spread, type Verdict, verdictText } from '../../distill/verdict.js'
import type { Report, ReportSection } from '../../report/report.js'
import type { Scatter } from '../../report/scatter.js'
import { lossChart, type TrainingRecord } from '../../report/training-report.js'
import { bytes, count, percent, renderTable } from '../shared/table.js'
import type { ModelFigures, ModelTable } from './judge.js'

export interface Summary extends ModelFigures {
  /** Standard deviation of the accuracy over seeds; left out with one. */
  spread?: number
  seeds: ModelFigures[]
}

/** Mean over the seeds, field by field. */
export function summarize(figures: readonly ModelFigures[]): Summary {
  const keys = Object.keys(figures[0]) as (keyof ModelFigures)[]
  const means = keys.map((k) => [k, mean(figures.map((f) => f[k] ?? Number.NaN))])
  const accuracies = figures.flatMap((f) => f.accuracy ?? [])
  return {
    ...(Object.fromEntries(means) as unknown as ModelFigures),
    ...(accuracies.length > 1 && { spread: spread(accuracies) }),
    seeds: [...figures],
  }
}

/** The student against all that were trained with the same seeds. */
export function verdictsOf(table: ModelTable, main: string): Record<string, Verdict & { text: string }> {
  const ours = accuraciesOf(table, main)
  const others = [...table.keys()].filter((name) => name !== main && (table.get(name)?.[0].seconds ?? 0) > 0)
  const judged = others.flatMap((name) => {
    const theirs = accuraciesOf(table, name)
    if (ours.length === 0 || theirs.length !== ours.length) return []
    const verdict = judgeGain(ours, theirs)
    return [[name, { ...verdict, text: verdictText(main, name, verdict) }] as const]
  })
  return Object.fromEntries(judged)
}

const accuraciesOf = (table: ModelTable, name: string) =>
  (table.get(name) ?? []).flatMap((f) => f.accuracy ?? [])

export const tableColumns = [
  '',
  'accuracy',
  'spread',
  'macro F1',
  'parameters',
  'size',
  'ms a text',
  'training s',
]

function cells(name: string, figures: readonly ModelFigures[]): string[] {
  const s = summarize(figures)
  return [
    name,
    percent(s.accuracy ?? Number.NaN, 2),
    s.spread === undefined ? '' : (s.spread * 100).toFixed(2),
    percent(s.f1 ?? Number.NaN, 2),
    s.params === undefined ? '' : count(s.params),
    s.bytes === undefined ? '' : bytes(s.bytes),
    s.msPerExample?.toFixed(2) ?? '',
    s.seconds > 0 ? s.seconds.toFixed(1) : '',
  ]
}

export const tableRows = (table: ModelTable) => Array.from(table, ([name, figures]) => cells(name, figures))

export function modelTable(table: ModelTable): string {
  return renderTable(
    tableColumns.map((title, i) => ({ title, align: i === 0 ? 'left' : 'right' })),
    tableRows(table),
  )
}

/** A point for each model, over several seeds their mean and spread; of a cache the size and speed are not known. */
function against(table: ModelTable, what: 'bytes' | 'msPerExample', xLabel: string, unit: number): Scatter {
  const points = Array.from(table).flatMap(([name, figures]) => {
    const { accuracy = Number.NaN, spread, [what]: x } = summarize(figures)
    if (x === undefined) return []
    return [{ name, x: x / unit, y: accuracy * 100, ...(spread !== undefined && { spread: spread * 100 }) }]
  })
  return { title: `Accuracy against ${xLabel}`, xLabel, yLabel: 'accuracy, %', points }
}

export interface PageFacts {
  title: string
  intro: string
  /** The plan, as it was printed. */
  plan: string
  table: ModelTable
  verdicts: readonly string[]
  /** Losses of the first seed's stages. */
  stages: readonly { name: string; steps: TrainingRecord['steps'] }[]
  /** What teacher and student have in common, and what not. */
  insights: readonly ReportSection[]
}

export function distillPage(
  { title, intro, plan, table, verdicts, stages, insights }: PageFacts,
  facts: Report['facts'],
): Report {
  return {
    ...{ title, intro, facts },
    table: { columns: tableColumns, rows: tableRows(table) },
    charts: [
      ...stages.map(({ name, steps }) => ({ ...lossChart({ steps }), title: `${name}: loss and its terms` })),
      against(table, 'bytes', 'megabytes', 1e6),
      against(table, 'msPerExample', 'milliseconds a text', 1),
    ],
    sections: [
      { title: 'What was learnt from', text: plan },
      ...(verdicts.length > 0 ? [{ title: 'More than seed noise?', text: verdicts.join('\n') }] : []),
      ...insights,
    ],
  }
}
