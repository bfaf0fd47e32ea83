// report.html of a sweep: the table, and the figure against each setting and against each option that is varied.
import { mean } from '../../distill/verdict.js'
import type { Chart } from '../../report/chart.js'
import { renderReport } from '../../report/report.js'
import type { Scatter } from '../../report/scatter.js'
import { log10 } from '../../tensor/math.js'
import { VERSION } from '../../version.js'
import { isShare } from '../shared/figures.js'
import { valueText } from './grid.js'
import { columnsOf, linesOf, rowsOf, type SettingResult, type SweepResults } from './results.js'

/** Lines of a chart; of more settings of the other options their mean is drawn. */
const MOST_LINES = 6
/** A range this wide is drawn by its logarithm: rates, temperatures. */
const WIDE = 30

interface Axis {
  /** 'accuracy on test, %' */
  yLabel: string
  y(value: number): number
}

function axisOf({ figure, set }: SweepResults): Axis {
  const share = figure !== null && isShare(figure)
  return {
    yLabel: `${figure} on ${set}${share ? ', %' : ''}`,
    y: (value) => (share ? 100 * value : value),
  }
}

type Judged = SettingResult & { mean: number }

/** Every setting by its place in the table. */
function allOf(judged: readonly Judged[], { yLabel, y }: Axis): Scatter {
  return {
    ...{ title: 'Every setting, and its spread over seeds', xLabel: 'place in the table', yLabel },
    points: judged.map(({ name, mean: middle, spread }, i) => ({
      ...{ name, x: i + 1, y: y(middle) },
      ...(spread !== null && { spread: y(spread) }),
    })),
  }
}

/** A line for each combination of the other options over the values of this one. */
function overNumbers(option: string, judged: readonly Judged[], results: SweepResults, axis: Axis): Chart {
  const others = results.varied.filter((name) => name !== option)
  const values = judged.map(({ options }) => Number(options[option]))
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const far = low > 0 && high / low >= WIDE
  const groups = new Map<string, Judged[]>()
  for (const own of judged) {
    const name = others.map((other) => `${other}=${valueText(own.options[other])}`).join(' ')
    groups.set(name, [...(groups.get(name) ?? []), own])
  }
  const x = (value: number) => (far ? log10(value) : value)
  const pointsOf = (own: readonly Judged[]) =>
    [...new Set(own.map(({ options }) => Number(options[option])))]
      .sort((a, b) => a - b)
      .map((value): [number, number] => {
        const there = own.filter(({ options }) => Number(options[option]) === value)
        return [x(value), axis.y(mean(there.map(({ mean: middle }) => middle)))]
      })
  return {
    ...{ title: `By ${option}`, xLabel: far ? `log10 of ${option}` : option, yLabel: axis.yLabel },
    series:
      groups.size > 1 && groups.size <= MOST_LINES
        ? [...groups].map(([name, own]) => ({ name, points: pointsOf(own) }))
        : [{ name: groups.size > 1 ? 'mean of all' : option, points: pointsOf(judged) }],
  }
}

/** A point for each value: the mean of the settings that have it. */
function overNames(option: string, judged: readonly Judged[], axis: Axis): Scatter {
  const said = ({ options }: Judged) => (option in options ? valueText(options[option]) : 'not given')
  const values = [...new Set(judged.map(said))]
  return {
    ...{ title: `By ${option}: mean over settings`, xLabel: option, yLabel: axis.yLabel },
    points: values.map((name, i) => {
      const own = judged.filter((one) => said(one) === name)
      return { name, x: i + 1, y: axis.y(mean(own.map(({ mean: middle }) => middle))) }
    }),
  }
}

/** Same results, same bytes. */
export function sweepPage(results: SweepResults, title: string): string {
  const { settings, varied, seeds, config, baseline, figure } = results
  const judged = settings.filter((own): own is Judged => own.mean !== null)
  const axis = axisOf(results)
  const numeric = (option: string) =>
    judged.every(({ options }) => typeof options[option] === 'number' && Number.isFinite(options[option]))
  const lines = linesOf(results)
  const done = settings.flatMap(({ runs }) => runs).filter(({ status }) => status === 'done').length
  return renderReport({
    title,
    intro: `${settings.length} settings of ${config} with ${seeds.length} ${seeds.length === 1 ? 'seed' : 'seeds'} each: ${done} of ${settings.length * seeds.length} runs are done.`,
    table: { columns: columnsOf(results), rows: rowsOf(results) },
    charts:
      figure === null || judged.length === 0
        ? []
        : [
            allOf(judged, axis),
            ...varied.map((option) =>
              numeric(option) ? overNumbers(option, judged, results, axis) : overNames(option, judged, axis),
            ),
          ],
    sections: [
      ...(lines.length > 0 ? [{ title: 'More than chance?', text: lines.join('\n') }] : []),
      {
        title: 'What the best one is worth',
        text: 'The best of many looks better than it is on the rows that it was the best on. Judge it on rows that decided nothing: tinystill eval.',
      },
    ],
    facts: [
      ['config', config],
      ['baseline', baseline],
      ['seeds', seeds.join(', ')],
      ['tinystill', VERSION],
    ],
  })
}
