// What came of a sweep: each setting's figure over its seeds, beside the baseline's, and the runs that failed. The same runs give
// the same results to the byte, whoever did them and however often they were cut off.
import { judgePairs, mean, type SeedFigures, spread, type Verdict } from '../../distill/verdict.js'
import { verdictMethod, verdictText } from '../../distill/verdict-text.js'
import { DataError } from '../../errors.js'
import type { Figures } from '../../train/reports.js'
import { isShare, shownFigure } from '../shared/figures.js'
import type { Grid } from './grid.js'
import { endOf, placeOf, type Run, type RunEnd } from './runs.js'

interface RunResult {
  seed: number
  folder: string
  status: 'done' | 'failed'
  figures?: Figures
  reason?: string
}

export interface SettingResult {
  name: string
  options: Readonly<Record<string, unknown>>
  runs: RunResult[]
  /** Of the deciding figure over the runs that are done; null: there is none. */
  mean: number | null
  /** Standard deviation; null with fewer than 2. */
  spread: number | null
  /** Against the baseline, over the seeds that both have. */
  verdict: (Verdict & { text: string }) | null
}

export interface SweepResults {
  config: string
  seeds: readonly number[]
  baseline: string
  varied: readonly string[]
  /** What runs were judged on, and by what first; null: on nothing. */
  set: string | null
  figure: string | null
  settings: SettingResult[]
  /** How the verdicts were reached. */
  method: string | null
}

type Done = Extract<RunEnd, { status: 'done' }>

/** All runs have ended. Throws DataError where they were judged on different sets. */
export function resultsOf(grid: Grid, runs: readonly Run[]): SweepResults {
  const ends = new Map(runs.map((run) => [run, endOf(run) as RunEnd]))
  const done = [...ends.values()].filter((end): end is Done => end.status === 'done')
  const sets = [...new Set(done.map(({ set }) => set))]
  if (sets.length > 1)
    throw new DataError(
      grid.file,
      `runs are judged on ${sets.join(' and on ')}`,
      'Give all a test set, or none',
    )
  const figure = Object.keys(done[0]?.figures ?? {})[0] ?? null
  const ofSetting = (setting: Run['setting']) =>
    new Map(
      runs.flatMap((run): [number, Done][] => {
        const end = ends.get(run)
        return run.setting === setting && end?.status === 'done' ? [[run.seed, end]] : []
      }),
    )
  const base = ofSetting(grid.baseline)
  const pairs = grid.settings.flatMap((setting) => {
    if (setting === grid.baseline || figure === null) return []
    const own = ofSetting(setting)
    const seeds = grid.seeds.filter((seed) => own.has(seed) && base.has(seed))
    const [ours, theirs] = [own, base].map((of) => seeds.map((seed) => of.get(seed) as Done))
    return seeds.length === 0 ? [] : [[setting.name, figuresOf(ours, theirs, figure)] as const]
  })
  const verdicts = judgePairs(Object.fromEntries(pairs))
  return {
    ...{ config: grid.file, seeds: grid.seeds, baseline: grid.baseline.name, varied: grid.varied },
    ...{ set: figure === null ? null : sets[0], figure },
    settings: grid.settings.map((setting): SettingResult => {
      const own = runs.filter((run) => run.setting === setting)
      const values =
        figure === null ? [] : [...ofSetting(setting).values()].map((end) => figureOf(end, figure))
      const verdict = verdicts[setting.name]
      return {
        ...{ name: setting.name, options: setting.options },
        runs: own.map((run) => resultOf(run, ends.get(run) as RunEnd)),
        mean: values.length === 0 ? null : mean(values),
        spread: values.length < 2 ? null : spread(values),
        verdict:
          verdict === undefined
            ? null
            : { ...verdict, text: verdictText(setting.name, grid.baseline.name, verdict) },
      }
    }),
    method: verdictMethod(Object.values(verdicts)),
  }
}

/** JSON has null for what is not finite. */
const figureOf = ({ figures }: Done, figure: string): number => figures[figure] ?? Number.NaN

/** By rows where both have the same ones, so that the chance of the test rows counts too; else by seeds alone. */
function figuresOf(
  ours: readonly Done[],
  theirs: readonly Done[],
  figure: string,
): [SeedFigures, SeedFigures] {
  const rows = [...ours, ...theirs].map(({ right }) => right)
  const alike = rows.every((own) => own !== null && own.length === rows[0]?.length)
  const of = (all: readonly Done[]) =>
    all.map((end) => (alike ? (end.right as Float64Array) : figureOf(end, figure)))
  return [of(ours), of(theirs)]
}

function resultOf(run: Run, end: RunEnd): RunResult {
  const { status } = end
  return {
    ...{ seed: run.seed, folder: placeOf(run), status },
    ...(end.status === 'done' ? { figures: end.figures } : { reason: end.reason }),
  }
}

export const failedIn = ({ settings }: SweepResults): { name: string; reason: string }[] =>
  settings.flatMap(({ name, runs }) =>
    runs.flatMap(({ seed, reason }) =>
      reason === undefined ? [] : [{ name: `${name}, seed ${seed}`, reason }],
    ),
  )

export const columnsOf = ({ set, figure, baseline }: SweepResults): string[] => [
  ...['setting', figure === null ? 'figure' : `${set} ${figure}`, 'spread', 'runs'],
  ...[`against ${baseline}`, '95% interval', 'p', 'larger than chance'],
]

const signed = (x: number, unit: number) => `${x < 0 ? '' : '+'}${(x * unit).toFixed(2)}`

function cellsOf(verdict: Verdict | null, unit: number): string[] {
  if (verdict === null) return ['', '', '', '']
  const { gain, interval, p, largerThanSeedNoise: larger } = verdict
  return [
    signed(gain, unit),
    interval === null ? '' : interval.map((x) => signed(x, unit)).join(' to '),
    p === null ? '' : p < 0.001 ? '< 0.001' : p.toFixed(3),
    larger === null ? 'unknown' : larger ? 'yes' : 'not shown',
  ]
}

/** A row for each setting, and under it one for each of its runs that failed, with the reason. */
export function rowsOf({ settings, figure, baseline }: SweepResults): string[][] {
  const unit = figure !== null && isShare(figure) ? 100 : 1
  return settings.flatMap(({ name, runs, mean: middle, spread: scatter, verdict }) => {
    const done = runs.filter(({ status }) => status === 'done').length
    return [
      [
        name,
        middle === null || figure === null ? '-' : shownFigure(figure, middle),
        scatter === null ? '' : (scatter * unit).toFixed(2),
        `${done} of ${runs.length}`,
        ...(name === baseline ? ['', '', '', 'baseline'] : cellsOf(verdict, unit)),
      ],
      ...runs.flatMap(({ seed, reason }) =>
        reason === undefined ? [] : [[`${name}, seed ${seed}`, 'failed', '', '', '', '', '', reason]],
      ),
    ]
  })
}

/** The verdicts in words. */
export function linesOf({ settings, method }: SweepResults): string[] {
  return [...settings.flatMap(({ verdict }) => verdict?.text ?? []), ...(method === null ? [] : [method])]
}
