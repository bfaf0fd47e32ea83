// Points with names: what one figure costs in another, such as accuracy against size. Whiskers are spreads: upright those over
// seeds, level those of what was measured several times.
import { emptyChart, type Labels, levelsOf, plane } from './plane.js'
import { at, cut, drawable, LINES, MAX_NAME, text } from './svg.js'

/** What scatterChart() draws. */
export interface Scatter extends Labels {
  points: {
    name: string
    x: number
    y: number
    /** Standard deviation of y; left out where there is none. */
    spread?: number
    /** Spread of x; left out where there is none. */
    xSpread?: number
  }[]
}

type Point = Scatter['points'][number]

const brief = (v: number) => String(Number(v.toPrecision(4)))
const shownSpread = (spread = 0) => (spread > 0 && spread < 1e300 ? spread : 0)
const scatter = ({ spread }: Point) => shownSpread(spread)
const scatterX = ({ xSpread }: Point) => shownSpread(xSpread)
const told = (value: number, spread: number) =>
  `${brief(value)}${spread > 0 ? ` \u00b1 ${brief(spread)}` : ''}`

function describe({ xLabel, yLabel, points }: Scatter): string {
  const each = points.map((p) => {
    const { name, x, y } = p
    if (!drawable([x, y])) return `${name}: no data.`
    return `${name}: ${told(y, scatter(p))} at ${told(x, scatterX(p))}.`
  })
  return [`${yLabel} by ${xLabel}.`, ...each].join(' ')
}

/** One SVG element as lineChart() gives it: a point each with its name, and whiskers where spreads are given. */
export function scatterChart(chart: Scatter): string {
  const points = chart.points.filter(({ x, y }) => drawable([x, y]))
  if (points.length === 0) return emptyChart(chart, describe(chart))
  const ground = plane(chart, describe(chart), {
    xs: points.flatMap((p) => [p.x - scatterX(p), p.x + scatterX(p)]),
    ys: points.flatMap((p) => [p.y - scatter(p), p.y + scatter(p)]),
    names: points.map((p) => cut(p.name, MAX_NAME)),
    margin: true,
  })
  const { parts, px, py, right } = ground
  const levels = levelsOf(
    points.map((p) => py(p.y)),
    ground,
  )
  points.forEach((p, i) => {
    const [x, y, level] = [px(p.x), py(p.y), levels[i]]
    const color = `var(--c${i % LINES})`
    parts.push(
      `<polyline stroke="${color}" stroke-opacity="0.45" stroke-dasharray="1 3" points="${at(x)},${at(y)} ${at(right + 9)},${at(level)} ${at(right + 26)},${at(level)}"/>`,
    )
    const bar = (from: string, to: string) =>
      parts.push(`<polyline stroke="${color}" points="${from} ${to}"/>`)
    if (scatterX(p) > 0) {
      const [low, high] = [px(p.x - scatterX(p)), px(p.x + scatterX(p))].map(at)
      bar(`${low},${at(y)}`, `${high},${at(y)}`)
      for (const end of [low, high]) bar(`${end},${at(y - 5)}`, `${end},${at(y + 5)}`)
    }
    if (scatter(p) > 0) {
      const [low, high] = [py(p.y - scatter(p)), py(p.y + scatter(p))].map(at)
      bar(`${at(x)},${low}`, `${at(x)},${high}`)
      for (const end of [low, high]) bar(`${at(x - 5)},${end}`, `${at(x + 5)},${end}`)
    }
    parts.push(`<circle fill="${color}" r="5" cx="${at(x)}" cy="${at(y)}"/>`)
    parts.push(text(right + 31, level + 5, cut(p.name, MAX_NAME)))
  })
  return `${parts.join('')}</svg>`
}
