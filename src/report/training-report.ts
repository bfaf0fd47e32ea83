// What report.html shows of one training: its figures, how loss and evaluation went, and where the model errs.

import type { CalibrationBin } from '../train/metrics.js'
import type { EvaluationReport, Figures, StepReport } from '../train/reports.js'
import type { Chart } from './chart.js'
import type { Report, ReportSection } from './report.js'

/** What trainingReport() draws. */
export interface TrainingRecord {
  title: string
  /** One or two sentences: what was trained on what. */
  intro: string
  steps: readonly Pick<StepReport, 'step' | 'loss' | 'terms' | 'lr'>[]
  evaluations: readonly EvaluationReport[]
  /** Of the model that was kept, by the set they were measured on: { dev: {...}, test: {...} }. */
  figures: Readonly<Record<string, Figures>>
  /** Rows [classes, classes] of actual and predicted classes. */
  confusion?: { classes: readonly string[]; table: ArrayLike<number> }
  calibration?: readonly CalibrationBin[]
  /** Name and value of what one needs to run it again. */
  facts: readonly [string, string][]
}

/** Points a curve has at most. */
const POINTS = 200
/** Steps of the running mean. */
const OVER = 50

/** The running mean of values by step, thinned to what a chart shows. */
export function smooth(points: readonly (readonly [number, number])[], over = OVER): [number, number][] {
  const every = Math.max(1, Math.floor(points.length / POINTS))
  const out: [number, number][] = []
  for (let i = every - 1; i < points.length; i += every) {
    const last = points.slice(Math.max(0, i + 1 - over), i + 1)
    out.push([points[i][0], last.reduce((sum, [, y]) => sum + y, 0) / last.length])
  }
  return out
}

/** The loss and its terms by batch. */
export function lossChart({ steps }: Pick<TrainingRecord, 'steps'>): Chart {
  const names = [...new Set(steps.flatMap((s) => Object.keys(s.terms)))]
  const of = (name: string, value: (s: TrainingRecord['steps'][number]) => number | undefined) => ({
    name,
    points: smooth(
      steps.flatMap((s) => {
        const y = value(s)
        return y === undefined ? [] : [[s.step, y] as const]
      }),
    ),
  })
  const series = [of('loss', (s) => s.loss), ...names.map((name) => of(name, (s) => s.terms[name]))]
  return { title: `Training loss, mean over ${OVER} batches`, xLabel: 'batch', yLabel: 'loss', series }
}

/** One chart a figure: they have scales of their own. */
function evaluationCharts({ evaluations }: TrainingRecord): Chart[] {
  const names = [...new Set(evaluations.flatMap((e) => Object.keys(e.figures)))]
  return names.map((name) => ({
    ...{ title: `Evaluation: ${name}`, xLabel: 'batch', yLabel: name },
    series: [
      { name, points: evaluations.map((e): [number, number] => [e.step, e.figures[name] ?? Number.NaN]) },
    ],
  }))
}

/** How often models are right by how sure they are. */
export function calibrationChart(
  models: readonly { name: string; bins: readonly CalibrationBin[] }[],
): Chart {
  const honest: [number, number][] = [
    [0, 0],
    [1, 1],
  ]
  return {
    ...{
      title: 'Can its probabilities be believed?',
      xLabel: 'probability it gives',
      yLabel: 'share it gets right',
    },
    series: [
      ...models.map(({ name, bins }) => ({
        name,
        points: bins.filter((b) => b.rows > 0).map((b): [number, number] => [b.confidence, b.accuracy]),
      })),
      { name: 'as it should be', points: honest },
    ],
  }
}

/** More classes than a page can show as a table. */
const WIDE = 12
const COMMONEST = 20

function confusionSection({ classes, table }: NonNullable<TrainingRecord['confusion']>): ReportSection {
  const n = classes.length
  if (n <= WIDE) {
    const rows = classes.map((name, i) => [name, ...classes.map((_, j) => table[i * n + j])])
    return {
      title: 'What it takes for what',
      text: 'Rows: the class it is. Columns: the class it was taken for.',
      table: { columns: ['', ...classes], rows },
    }
  }
  const errors = Array.from({ length: n * n }, (_, i) => i)
    .filter((i) => Math.floor(i / n) !== i % n && table[i] > 0)
    .sort((a, b) => table[b] - table[a] || a - b)
  return {
    title: 'What it takes for what',
    text: errors.length > COMMONEST ? `The ${COMMONEST} commonest of ${errors.length} kinds of errors.` : '',
    table: {
      columns: ['it is', 'taken for', 'rows'],
      rows: errors.slice(0, COMMONEST).map((i) => [classes[Math.floor(i / n)], classes[i % n], table[i]]),
    },
  }
}

/** For renderReport(). Texts may hold anything: it escapes them. */
export function trainingReport(record: TrainingRecord): Omit<Report, 'charts'> & { charts: Chart[] } {
  const { title, intro, figures, confusion, calibration, facts } = record
  const names = [...new Set(Object.values(figures).flatMap((f) => Object.keys(f)))]
  const sets = Object.entries(figures)
  return {
    ...{ title, intro },
    table: {
      columns: ['', ...sets.map(([set]) => set)],
      rows: names.map((name) => [name, ...sets.map(([, f]) => f[name] ?? Number.NaN)]),
    },
    charts: [
      lossChart(record),
      ...evaluationCharts(record),
      ...(calibration ? [calibrationChart([{ name: 'model', bins: calibration }])] : []),
    ],
    sections: confusion ? [confusionSection(confusion)] : [],
    facts: [...facts],
  }
}
