// What a distillation tells: the table over seeds, the verdicts, and its page.

import { judgeGains, mean, type SeedFigures, spread, type Verdict } from '../../distill/verdict.js'
import { verdictMethod, verdictText } from '../../distill/verdict-text.js'
import type { Report, ReportSection } from '../../report/report.js'
import type { Scatter } from '../../report/scatter.js'
import { lossChart, type TrainingRecord } from '../../report/training-report.js'
import { bytes, count, percent, renderTable } from '../shared/table.js'
import type { ModelFigures, ModelTable } from './judge.js'
import { unpackRows } from './right-rows.js'

type Figures = Omit<ModelFigures, 'right'>

export interface Summary extends Figures {
  /** Standard deviation of the accuracy over seeds; left out with one. */
  spread?: number
  seeds: Figures[]
}

/** Mean over the seeds, field by field. */
export function summarize(models: readonly ModelFigures[]): Summary {
  const figures: Figures[] = models.map(({ right: _, ...rest }) => rest)
  const keys = Object.keys(figures[0]) as (keyof Figures)[]
  const means = keys.map((k) => [k, mean(figures.map((f) => f[k] ?? Number.NaN))])
  const accuracies = figures.flatMap((f) => f.accuracy ?? [])
  return {
    ...(Object.fromEntries(means) as unknown as Figures),
    ...(accuracies.length > 1 && { spread: spread(accuracies) }),
    seeds: figures,
  }
}

/** The student against all that were trained with the same seeds, over the rows that all were judged on. */
export function verdictsOf(table: ModelTable, main: string): Record<string, Verdict & { text: string }> {
  const ours = table.get(main) ?? []
  const others = [...table].filter(
    ([name, own]) => name !== main && own[0].seconds > 0 && own.length === ours.length,
  )
  const all = [ours, ...others.map(([, own]) => own)]
  const rows = all.map(rowsOf)
  const sameRows = rows.flat().every((x) => x !== null && x.length === rows[0][0]?.length)
  const [first, ...rest] = sameRows ? (rows as SeedFigures[]) : all.map(accuraciesOf)
  if (first.length === 0) return {}
  const judged = judgeGains(first, Object.fromEntries(others.map(([name], i) => [name, rest[i]])))
  return Object.fromEntries(
    Object.entries(judged).map(([name, v]) => [name, { ...v, text: verdictText(main, name, v) }]),
  )
}

/** The lines that tell them. */
export function verdictLines(verdicts: Readonly<Record<string, Verdict & { text: string }>>): string[] {
  const all = Object.values(verdicts)
  return [all.map((v) => v.text), verdictMethod(all) ?? []].flat()
}

const accuraciesOf = (figures: readonly ModelFigures[]) => figures.flatMap((f) => f.accuracy ?? [])
const rowsOf = (figures: readonly ModelFigures[]) => figures.map((f) => unpackRows(f.right))

/** For run.json: what the verdicts were made of. */
export const rightOf = (table: ModelTable) =>
  Object.fromEntries(Array.from(table, ([name, figures]) => [name, figures.map((f) => f.right ?? null)]))

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
      ...(verdicts.length > 0 ? [{ title: 'More than chance?', text: verdicts.join('\n') }] : []),
      ...insights,
    ],
  }
}
