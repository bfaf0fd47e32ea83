// A line chart as one self-contained, accessible SVG: nice ticks, gaps where a value is not finite, names at the
// ends of the lines. User text only ever becomes text content, never an attribute, so escaping has one place.

export interface Series {
  name: string
  /** [x, y] in the order in which they are joined; a NaN or an infinity leaves a gap. */
  points: [number, number][]
}

export interface Chart {
  title: string
  xLabel: string
  yLabel: string
  series: Series[]
  /** Horizontal lines to compare with, such as the accuracy of the majority class. */
  reference?: { name: string; y: number }[]
}

/** Six line colours, then ink, soft ink, grid and paper. Okabe and Ito's hues, shifted to stand out by 3 : 1. */
export const COLORS = {
  light: [
    '#0072b2',
    '#c44f00',
    '#008a64',
    '#b0508c',
    '#5c4a00',
    '#4d4d4d',
    '#1b2127',
    '#56616b',
    '#dfe4e8',
    '#fff',
  ],
  dark: [
    '#56b4e9',
    '#ff8f45',
    '#2fc79b',
    '#e79fcb',
    '#f0d060',
    '#c9c9c9',
    '#e9edf0',
    '#a4afb8',
    '#343c44',
    '#14181c',
  ],
} as const
const LINES = 6
const DASHES = ['', '7 3', '2 3', '10 3 2 3']

/** CSS that sets --c0 ... --c5, --ink, --soft, --grid and --paper on a selector, for light and for dark screens. */
export function colorVariables(selector: string): string {
  const names = [...COLORS.light.slice(0, LINES).map((_, i) => `c${i}`), 'ink', 'soft', 'grid', 'paper']
  const rule = (colors: readonly string[]) =>
    `${selector}{${names.map((n, i) => `--${n}:${colors[i]}`).join(';')}}`
  return `${rule(COLORS.light)}@media screen and (prefers-color-scheme:dark){${rule(COLORS.dark)}}`
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text as HTML or SVG text content. What neither can hold (control characters, half a pair) becomes U+FFFD. */
export function escapeText(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]|\p{Cs}/gu, '\ufffd').replace(/[&<>"']/g, (c) => ENTITIES[c])
}

/** Ticks at multiples of 1, 2 or 5 times a power of ten that cover [lo, hi]; at most `target` + 2 of them. */
export function niceTicks(
  lo: number,
  hi: number,
  target: number,
  minStep = 0,
): { ticks: number[]; step: number } {
  if (hi - lo <= Math.max(1e-300, 1e-9 * Math.max(Math.abs(lo), Math.abs(hi)))) {
    const pad = Math.max(Math.abs(lo) * 0.1, minStep) || 1
    return niceTicks(lo - pad, hi + pad, target, minStep)
  }
  const raw = Math.max((hi - lo) / target, minStep)
  // Powers of ten through decimal text: exact, where 10 ** k and i * step are a digit off.
  const [digits, exponent] = raw.toExponential().split('e').map(Number)
  const unit = [1, 2, 5, 10].find((u) => u >= digits)!
  const step = Number(`${unit}e${exponent}`)
  const ticks: number[] = []
  for (let i = Math.floor(lo / step); ticks.length === 0 || ticks[ticks.length - 1] < hi; i++)
    ticks.push(Number(`${i * unit}e${exponent}`))
  return { ticks, step }
}

function tickLabel(value: number, step: number, largest: number): string {
  if (value === 0) return '0'
  const exponent = Number(step.toExponential().split('e')[1])
  const digits = Math.max(0, -exponent)
  const text =
    largest >= 1e7 || digits > 5
      ? value.toExponential().replace('e+', 'e')
      : value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
  return text.replaceAll('-', '\u2212')
}

const WIDTH = 520
const FONT = 15
const LINE = 19
const TOP = 62
const BOTTOM = 50
const MAX_NAME = 18

/** Width in columns, roughly: East Asian text and emoji count twice. */
const columns = (text: string) => [...text].reduce((n, c) => n + (c.codePointAt(0)! > 0x2e7f ? 2 : 1), 0)
const pixels = (text: string) => {
  const broad = text.match(/[mwMW@%]/g)?.length ?? 0
  return Math.ceil((columns(text) + 0.6 * broad) * FONT * 0.56)
}

function cut(text: string, max: number): string {
  if (columns(text) <= max) return text
  const kept = [...text]
  while (columns(kept.join('')) >= max) kept.pop()
  return `${kept.join('')}\u2026`
}

/** Moves positions apart to at least `gap`, inside [lo, hi], keeping their order. Needs (n - 1) * gap <= hi - lo. */
export function spread(wanted: number[], gap: number, lo: number, hi: number): number[] {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b] || a - b)
  // As high as can be and as low as can be: both keep the gap, so their mean does, and a crowd stays centred.
  const down = [...wanted]
  const up = [...wanted]
  order.forEach((i, k) => {
    down[i] = Math.max(wanted[i], k > 0 ? down[order[k - 1]] + gap : lo)
  })
  order.toReversed().forEach((i, k) => {
    const next = order[order.length - k]
    up[i] = Math.min(wanted[i], k > 0 ? up[next] - gap : hi)
  })
  return order.reduce(
    (placed, i, k) => {
      const least = lo + k * gap
      const most = hi - (order.length - 1 - k) * gap
      placed[i] = Math.min(most, Math.max(least, (down[i] + up[i]) / 2))
      return placed
    },
    [...wanted],
  )
}

// Beyond 1e300 the difference of two values may overflow: as good as infinite.
const drawable = ([x, y]: readonly [number, number]) => Math.abs(x) < 1e300 && Math.abs(y) < 1e300

/** Splits points where a gap is; an isolated point is a run of one. */
function runs(points: [number, number][]): [number, number][][] {
  const out: [number, number][][] = [[]]
  for (const p of points) {
    if (drawable(p)) out[out.length - 1].push(p)
    else if (out[out.length - 1].length > 0) out.push([])
  }
  return out.filter((r) => r.length > 0)
}

function extent(values: number[]): [number, number] {
  return values.reduce(([lo, hi], v) => [Math.min(lo, v), Math.max(hi, v)], [Infinity, -Infinity])
}

const at = (v: number) => String(Number(v.toFixed(1)))
const text = (x: number, y: number, what: string, attributes = '') =>
  `<text x="${at(x)}" y="${at(y)}"${attributes}>${escapeText(what)}</text>`

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

const STYLE = [
  colorVariables('.chart'),
  `.chart{font:${FONT}px system-ui,sans-serif;fill:var(--ink)}`,
  '.chart polyline{fill:none;stroke-width:2.2;stroke-linejoin:round;stroke-linecap:butt}',
  '.chart .soft{fill:var(--soft)}.chart .grid{stroke:var(--grid)}.chart .mark{stroke:var(--soft)}',
].join('')

/** One SVG element with role img, a title and a description. Any text is safe in it. */
export function lineChart(chart: Chart): string {
  const drawn = chart.series.map((s) => ({ name: s.name, runs: runs(s.points) }))
  const marks = (chart.reference ?? []).filter((r) => drawable([0, r.y]))
  const points = drawn.flatMap((s) => s.runs.flat())
  const labels = drawn.filter((s) => s.runs.length > 0).length + marks.length
  const height = points.length === 0 ? 80 : Math.max(340, TOP + BOTTOM + labels * LINE)
  const head =
    `<svg class="chart" xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 ${WIDTH} ${height}">` +
    `<title>${escapeText(chart.title)}</title><desc>${escapeText(describe(chart))}</desc><style>${STYLE}</style>` +
    `<rect width="${WIDTH}" height="${height}" fill="var(--paper)"/>` +
    text(0, 18, cut(chart.title, 58), ' font-weight="600"')
  if (points.length === 0) return `${head}${text(0, 50, 'No data', ' class="soft"')}</svg>`

  const xs = points.map((p) => p[0])
  const x = extent(xs)
  const xGrid = niceTicks(x[0], x[1], 4, xs.every(Number.isInteger) ? 1 : 0)
  const inside = xGrid.ticks.filter((t) => t >= x[0] && t <= x[1])
  const y = extent([...points.map((p) => p[1]), ...marks.map((r) => r.y)])
  const yGrid = niceTicks(y[0], y[1], 5)
  const [yLow, yHigh] = extent(yGrid.ticks)
  const yLabels = yGrid.ticks.map((t) => tickLabel(t, yGrid.step, Math.max(Math.abs(yLow), Math.abs(yHigh))))

  const names = [...drawn.filter((s) => s.runs.length > 0), ...marks].map((s) => cut(s.name, MAX_NAME))
  const left = Math.max(...yLabels.map(pixels)) + 8
  const right = WIDTH - Math.max(...names.map(pixels)) - 32
  const bottom = height - BOTTOM
  const px = (v: number) =>
    x[1] > x[0] ? left + ((v - x[0]) / (x[1] - x[0])) * (right - left) : (left + right) / 2
  const py = (v: number) => bottom - ((v - yLow) / (yHigh - yLow)) * (bottom - TOP)

  const parts = [head, text(0, 42, cut(chart.yLabel, 58), ' class="soft"')]
  yGrid.ticks.forEach((t, i) => {
    parts.push(`<line class="grid" x1="${at(left)}" x2="${at(right)}" y1="${at(py(t))}" y2="${at(py(t))}"/>`)
    parts.push(text(left - 8, py(t) + 5, yLabels[i], ' class="soft" text-anchor="end"'))
  })
  const widest = Math.max(Math.abs(x[0]), Math.abs(x[1]))
  for (const t of inside)
    parts.push(
      text(px(t), bottom + 20, tickLabel(t, xGrid.step, widest), ' class="soft" text-anchor="middle"'),
    )
  parts.push(
    text((left + right) / 2, bottom + 42, cut(chart.xLabel, 40), ' class="soft" text-anchor="middle"'),
  )

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
  spread(ends, LINE, TOP, bottom - 4).forEach((level, i) => {
    // The stroke goes on from the line's end to its name, so that a name pushed aside still belongs to its line.
    const from = `${at(right + 3)},${at(ends[i])} ${at(right + 9)},${at(level)}`
    parts.push(`<polyline ${strokes[i]} points="${from} ${at(right + 26)},${at(level)}"/>`)
    parts.push(text(right + 31, level + 5, names[i]))
  })
  return `${parts.join('')}</svg>`
}
