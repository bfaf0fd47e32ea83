// What a distillation tells: the table over seeds, the verdicts, and its page.

import type { Recipe } from '../../distill/recipes/recipe.js'
import { judgeGains, mean, type SeedFigures, spread, type Verdict } from '../../distill/verdict.js'
import { verdictMethod, verdictText } from '../../distill/verdict-text.js'
import type { Report, ReportSection } from '../../report/report.js'
import type { Scatter } from '../../report/scatter.js'
import { lossChart, type TrainingRecord } from '../../report/training-report.js'
import { type Speed, shownSpeed } from '../shared/speed.js'
import { bytes, count, percent, renderTable } from '../shared/table.js'
import type { ModelFigures, ModelTable, TableTask } from './judge.js'
import { unpackRows } from './right-rows.js'

type Figures = Omit<ModelFigures, 'right'>

export interface Summary extends Figures {
  /** Standard deviation of the task's first figure over seeds; left out with one. */
  spread?: number
  seeds: Figures[]
}

type Figure = Exclude<keyof Figures, 'seconds' | 'tried' | 'fixed'>
/** rare: a column where a model has it. */
type Told = readonly [figure: Figure, title: string, as: 'percent' | 'number', rare?: 'rare']

/** How many of a teacher's nearest texts a model finds. */
const neighbours = ['recall@10', 'recall@1'] as const

const ofClasses = [
  ['accuracy', 'accuracy', 'percent'],
  ['f1', 'macro F1', 'percent'],
] as const

/** What tables tell of each task, the figure by which models are compared first. */
const told: Readonly<Record<TableTask, readonly [Told, ...Told[]]>> = {
  ...{ single_label_classification: ofClasses, tags: ofClasses },
  spans: [
    ['f1', 'F1', 'percent'],
    ['exactMatch', 'exact match', 'percent'],
  ],
  entities: [
    ['entityF1', 'entity F1', 'percent'],
    ['precision', 'precision', 'percent'],
    ['recall', 'recall', 'percent'],
    ['accuracy', 'words right', 'percent'],
  ],
  multi_label_classification: [
    ['macroF1', 'macro F1', 'percent'],
    ['microF1', 'micro F1', 'percent'],
    ['subsetAccuracy', 'all right', 'percent'],
  ],
  regression: [
    ['spearman', 'Spearman', 'percent'],
    ['pearson', 'Pearson', 'percent'],
    ['mse', 'squared error', 'number'],
  ],
  'scored pairs': [
    ['spearman', 'Spearman', 'percent'],
    ['pearson', 'Pearson', 'percent'],
    ...neighbours.map((name): Told => [name, name, 'percent', 'rare']),
  ],
  partners: [
    ['found', 'partner found', 'percent'],
    ['foundBack', 'found back', 'percent'],
    ...neighbours.map((name): Told => [name, name, 'percent', 'rare']),
  ],
  neighbours: [
    ['recall@10', 'recall@10', 'percent'],
    ['recall@1', 'recall@1', 'percent'],
  ],
}

/** What a table tells: all columns of its task, and of the rare ones those that some model has. */
function toldOf(table: ModelTable): readonly [Told, ...Told[]] {
  const [first, ...others] = told[table.task]
  const models = [...table.values()].flat()
  return [
    first,
    ...others.filter(([name, , , rare]) => rare === undefined || models.some((f) => f[name] !== undefined)),
  ]
}

const firstFigure = ({ task }: ModelTable, models: readonly ModelFigures[]): number[] => {
  const [[main]] = told[task]
  return models.flatMap((f) => f[main] ?? [])
}

/** Mean over the seeds of the figure by which models are compared; NaN of a model that is not there. */
export function leadingFigure(table: ModelTable, name: string): number {
  const [[main]] = told[table.task]
  const figures = (table.get(name) ?? []).map((f) => f[main] ?? Number.NaN)
  return figures.length === 0 ? Number.NaN : mean(figures)
}

/** Mean over the seeds, field by field. */
export function summarize(table: ModelTable, models: readonly ModelFigures[]): Summary {
  const figures: Figures[] = models.map(({ right: _, ...rest }) => rest)
  const keys = Object.entries(figures[0]).flatMap(([k, x]) => (typeof x === 'number' ? [k as Figure] : []))
  // Speeds are of the first seed alone.
  const means = keys.map((k) => [k, mean(figures.flatMap((f) => f[k] ?? []))])
  const firsts = firstFigure(table, figures)
  return {
    ...(Object.fromEntries(means) as unknown as Figures),
    ...(firsts.length > 1 && { spread: spread(firsts) }),
    seeds: figures,
  }
}

/**
 * The student against all that were trained with the same seeds, or would be the same with any, over the rows that all were
 * judged on.
 */
export function verdictsOf(table: ModelTable, main: string): Record<string, Verdict & { text: string }> {
  const ours = table.get(main) ?? []
  const others = [...table]
    .filter(([name, [first]]) => name !== main && (first.fixed === true || first.seconds > 0))
    .map(([name, own]) => [name, own[0].fixed ? ours.map(() => own[0]) : own] as const)
    .filter(([, own]) => own.length === ours.length)
  const all = [ours, ...others.map(([, own]) => own)]
  const rows = all.map(rowsOf)
  const sameRows = rows.flat().every((x) => x !== null && x.length === rows[0][0]?.length)
  const [first, ...rest] = sameRows ? (rows as SeedFigures[]) : all.map((own) => firstFigure(table, own))
  if (first.length === 0 || rest.some((theirs) => theirs.length !== first.length)) return {}
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

/** Of a pruning with a teacher and without: in plain words whether the teacher is worth it. */
export function teacherLines(
  { alone }: Readonly<Record<string, Pick<Verdict, 'gain' | 'largerThanSeedNoise'>>>,
  { sameAlone = false }: Pick<Recipe, 'sameAlone'>,
): string[] {
  if (!sameAlone || alone === undefined || !Number.isFinite(alone.gain)) return []
  const points = `${(100 * Math.abs(alone.gain)).toFixed(2)} points`
  const same = 'alone, the same pruning by labels,'
  if (alone.gain <= 0)
    return [`the teacher does not help here: ${same} is ${points} above; leave --teacher out`]
  return [
    alone.largerThanSeedNoise === true
      ? `the teacher helps: ${same} is ${points} below`
      : `that the teacher helps is not shown: ${same} is ${points} below, which may be chance`,
  ]
}

/** Which of its schedules the lone student has, and what the others gave; none where there was one. */
export function aloneLine(table: ModelTable): string[] {
  const seeds = (table.get('alone') ?? []).flatMap(({ tried }) => (tried ? [tried] : []))
  if (seeds.length === 0) return []
  const [[, title]] = told[table.task]
  const each = seeds[0].map(({ schedule, epochs, steps }, i) => {
    const own = seeds.map((tried) => tried[i])
    const with_ = own.filter(({ counts }) => counts).length
    const dev = percent(mean(own.map((one) => one.dev)), 2)
    return `${schedule} (${count(epochs)} ${epochs === 1 ? 'epoch' : 'epochs'}, ${count(steps)} steps, dev ${title} ${dev}) with ${with_}`
  })
  return [
    `alone is the better of two schedules by dev, of ${seeds.length} ${seeds.length === 1 ? 'seed' : 'seeds'}: ${each.join(', ')}`,
  ]
}

const rowsOf = (figures: readonly ModelFigures[]) => figures.map((f) => unpackRows(f.right))

/** For run.json: what the verdicts were made of. */
export const rightOf = (table: ModelTable) =>
  Object.fromEntries(Array.from(table, ([name, figures]) => [name, figures.map((f) => f.right ?? null)]))

export function tableColumns(table: ModelTable): string[] {
  const [[, main], ...others] = toldOf(table)
  const more = others.map(([, title]) => title)
  return ['', main, 'spread', ...more, 'parameters', 'size', 'ms a text', 'steps', 'training s']
}

function cells(table: ModelTable, name: string, figures: readonly ModelFigures[]): string[] {
  const s = summarize(table, figures)
  const [main, ...others] = toldOf(table).map(([figure, , as]) => {
    const value = s[figure] ?? Number.NaN
    return as === 'percent' ? percent(value, 2) : Number.isFinite(value) ? value.toPrecision(4) : '-'
  })
  return [
    name,
    main,
    s.spread === undefined ? '' : (s.spread * 100).toFixed(2),
    ...others,
    s.params === undefined ? '' : count(s.params),
    s.bytes === undefined ? '' : bytes(s.bytes),
    s.msPerExample === undefined ? '' : shownSpeed(s as Speed),
    s.steps === undefined ? '' : count(Math.round(s.steps)),
    s.seconds > 0 ? s.seconds.toFixed(1) : '',
  ]
}

export function tableRows(table: ModelTable): string[][] {
  return Array.from(table, ([name, figures]) => cells(table, name, figures))
}

export function modelTable(table: ModelTable): string {
  return renderTable(
    tableColumns(table).map((title, i) => ({ title, align: i === 0 ? 'left' : 'right' })),
    tableRows(table),
  )
}

/** A point for each model, over several seeds their mean and spread; of a cache the size and speed are not known. */
function against(table: ModelTable, what: 'bytes' | 'msPerExample', xLabel: string, unit: number): Scatter {
  const [[main, title]] = told[table.task]
  const points = Array.from(table).flatMap(([name, figures]) => {
    const { [main]: y = Number.NaN, spread, [what]: x, msSpread } = summarize(table, figures)
    if (x === undefined) return []
    return [
      {
        ...{ name, x: x / unit, y: y * 100, ...(spread !== undefined && { spread: spread * 100 }) },
        ...(what === 'msPerExample' && msSpread !== undefined && { xSpread: msSpread }),
      },
    ]
  })
  const heading = `${title[0].toUpperCase()}${title.slice(1)} against ${xLabel}`
  return { title: heading, xLabel, yLabel: `${title}, %`, points }
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
    table: { columns: tableColumns(table), rows: tableRows(table) },
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
