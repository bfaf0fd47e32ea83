// A line chart as one self-contained, accessible SVG: nice ticks, gaps where a value is not finite, names at the
// ends of the lines. User text only ever becomes text content, never an attribute, so escaping has one place.
import { emptyChart, type Labels, levelsOf, plane } from './plane.js'
import { at, cut, drawable, LINES, MAX_NAME, text } from './svg.js'

/** A line of a chart. */
export interface Series {
  name: string
  /** [x, y] in the order in which they are joined; a NaN or an infinity leaves a gap. */
  points: [number, number][]
}

/** What lineChart() draws. */
export interface Chart extends Labels {
  series: Series[]
  /** Horizontal lines to compare with, such as the accuracy of the majority class. */
  reference?: { name: string; y: number }[]
}

const DASHES = ['', '7 3', '2 3', '10 3 2 3']

/** Splits points where a gap is; an isolated point is a run of one. */
function runs(points: [number, number][]): [number, number][][] {
  const out: [number, number][][] = [[]]
  for (const p of points) {
    if (drawable(p)) out[out.length - 1].push(p)
    else if (out[out.length - 1].length > 0) out.push([])
  }
  return out.filter((r) => r.length > 0)
}

function describe(chart: Chart): string {
  const brief = (v: number) => String(Number(v.toPrecision(4)))
  const lines = chart.series.map(({ name, points }) => {
    const known = points.filter(drawable)
    if (known.length === 0) return `${name}: no data.`
    const [first, last] = [known[0], known[known.length - 1]]
    return `${name}: from ${brief(first[1])} at ${brief(first[0])} to ${brief(last[1])} at ${brief(last[0])}.`
  })
  const marks = (chart.reference ?? []).map(({ name, y }) => `${name}: ${brief(y)}.`)
  return [`${chart.yLabel} by ${chart.xLabel}.`, ...lines, ...marks].join(' ')
}

/**
 * One SVG element with role img, a title, a description and its own style, for light and for dark screens. Any text is safe in
 * it; without a point that can be drawn it says 'No data'.
 */
export function lineChart(chart: Chart): string {
  const drawn = chart.series.map((s) => ({ name: s.name, runs: runs(s.points) }))
  const marks = (chart.reference ?? []).filter((r) => drawable([0, r.y]))
  const points = drawn.flatMap((s) => s.runs.flat())
  if (points.length === 0) return emptyChart(chart, describe(chart))
  const names = [...drawn.filter((s) => s.runs.length > 0), ...marks].map((s) => cut(s.name, MAX_NAME))
  const ground = plane(chart, describe(chart), {
    xs: points.map((p) => p[0]),
    ys: [...points.map((p) => p[1]), ...marks.map((r) => r.y)],
    names,
  })
  const { parts, px, py, left, right } = ground

  const ends: number[] = []
  const strokes: string[] = []
  for (const r of marks) {
    const level = at(py(r.y))
    parts.push(
      `<line class="mark" stroke-dasharray="1 4" x1="${at(left)}" x2="${at(right)}" y1="${level}" y2="${level}"/>`,
    )
  }
  drawn.forEach((s, i) => {
    if (s.runs.length === 0) return
    const dash = DASHES[i % DASHES.length]
    const stroke = `stroke="var(--c${i % LINES})"${dash && ` stroke-dasharray="${dash}"`}`
    for (const run of s.runs) {
      const path = run.map(([a, b]) => `${at(px(a))},${at(py(b))}`)
      if (run.length > 1) parts.push(`<polyline ${stroke} points="${path.join(' ')}"/>`)
      else
        parts.push(
          `<circle fill="var(--c${i % LINES})" r="3" cx="${at(px(run[0][0]))}" cy="${at(py(run[0][1]))}"/>`,
        )
    }
    const last = s.runs[s.runs.length - 1]
    ends.push(py(last[last.length - 1][1]))
    strokes.push(stroke)
  })
  for (const r of marks) {
    ends.push(py(r.y))
    strokes.push('class="mark" stroke-dasharray="1 4"')
  }
  levelsOf(ends, ground).forEach((level, i) => {
    // The stroke goes on from the line's end to its name, so that a name pushed aside still belongs to its line.
    const from = `${at(right + 3)},${at(ends[i])} ${at(right + 9)},${at(level)}`
    parts.push(`<polyline ${strokes[i]} points="${from} ${at(right + 26)},${at(level)}"/>`)
    parts.push(text(right + 31, level + 5, names[i]))
  })
  return `${parts.join('')}</svg>`
}
