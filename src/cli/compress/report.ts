// What compress tells: a table of all models, and a page with pictures of those for which nothing is as small and as good.
import { join } from 'node:path'
import { renderReport } from '../../report/report.js'
import type { Figures } from '../../train/reports.js'
import { VERSION } from '../../version.js'
import { shownFigure } from '../shared/figures.js'
import { SPEED_METHOD, type Speed, shownSpeed } from '../shared/speed.js'
import { bytes, count } from '../shared/table.js'
import { type Choice, front, type Judged } from './choose.js'

export interface Told extends Judged {
  folder: string
  levers: readonly string[]
  weights: number
  dev: Figures
  test: Figures | null
  speed: Speed
}

export const columns = (metric: string, test: boolean) => [
  ...['model', 'done to it', 'weights', 'size', `dev ${metric}`],
  ...(test ? [`test ${metric}`] : []),
  ...['ms a text', 'times as fast', ''],
]

function rowOf({ name, levers, weights, bytes: size, dev, test, speed }: Told, metric: string, whole: Told) {
  return [
    ...[name, levers.join(', '), count(weights), bytes(size), shownFigure(metric, dev[metric])],
    ...(test ? [shownFigure(metric, test[metric])] : []),
    ...[shownSpeed(speed), (whole.speed.msPerExample / speed.msPerExample).toFixed(1)],
  ]
}

/** All, each with whether it was chosen, or nothing is as small and as good. */
export function rowsOf(all: readonly Told[], chosen: Told, metric: string): string[][] {
  const best = front(all)
  return all.map((told) => [
    ...rowOf(told, metric, all[0]),
    told === chosen ? 'chosen' : best.includes(told) ? 'front' : '',
  ])
}

/** report.html */
export function reportOf(
  all: readonly Told[],
  { chosen }: Choice<Told>,
  metric: string,
  { out, model, seed, command }: { out: string; model: string; seed: number; command: string },
): string {
  const best = front(all)
  const [whole] = all
  const points = (x: (told: Told) => number, spread?: (told: Told) => number) =>
    best.map((told) => ({
      name: told.name,
      x: x(told),
      y: told.dev[metric],
      ...(spread && { xSpread: spread(told) }),
    }))
  const yLabel = `${metric} on dev`
  return renderReport({
    title: out,
    intro: `${model} made small in ${all.length - 1} ways; ${chosen.name} is in ${join(out, 'model')}.`,
    table: {
      columns: columns(metric, whole.test !== null),
      rows: rowsOf(all, chosen, metric),
    },
    charts: [
      { title: 'What a size costs', xLabel: 'MB', yLabel, points: points((told) => told.bytes / 1e6) },
      {
        ...{ title: 'What a time costs', xLabel: 'ms a text', yLabel },
        points: points(
          (told) => told.speed.msPerExample,
          (told) => told.speed.msSpread,
        ),
      },
    ],
    sections: [
      {
        title: 'The front',
        text: `In the pictures: models for which there is none that is as small and as good. Milliseconds are ${SPEED_METHOD}.`,
      },
    ],
    facts: [
      ['command', command],
      ['seed', String(seed)],
      ['tinystill', VERSION],
    ],
  })
}
