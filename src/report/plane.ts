// The ground of a chart: title, axes, ticks and grid, and where on it a value is.
import {
  at,
  CHART_STYLE,
  cut,
  escapeText,
  extent,
  LINE,
  niceTicks,
  pixels,
  spread,
  text,
  tickLabel,
} from './svg.js'

/** What is written on a chart. */
export interface Labels {
  title: string
  xLabel: string
  yLabel: string
}

interface Plane {
  parts: string[]
  px(x: number): number
  py(y: number): number
  left: number
  right: number
  bottom: number
}

const WIDTH = 520
const TOP = 62
const BOTTOM = 50

/** The start of the SVG element, with its title and description. */
function head({ title }: Labels, description: string, height: number): string {
  return (
    `<svg class="chart" xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 ${WIDTH} ${height}">` +
    `<title>${escapeText(title)}</title><desc>${escapeText(description)}</desc><style>${CHART_STYLE}</style>` +
    `<rect width="${WIDTH}" height="${height}" fill="var(--paper)"/>` +
    text(0, 18, cut(title, 58), ' font-weight="600"')
  )
}

export const emptyChart = (labels: Labels, description: string): string =>
  `${head(labels, description, 80)}${text(0, 50, 'No data', ' class="soft"')}</svg>`

export interface PlaneOptions {
  /** Values that must be on it, one or more of each. */
  xs: number[]
  ys: number[]
  /** What will stand at the right, one below the other. */
  names: string[]
  /** Whether the x axis goes from tick to tick, or from value to value. */
  margin?: boolean
}

export function plane(
  labels: Labels,
  description: string,
  { xs, ys, names, margin = false }: PlaneOptions,
): Plane {
  const height = Math.max(340, TOP + BOTTOM + names.length * LINE)
  const values = extent(xs)
  const xGrid = niceTicks(values[0], values[1], 4, xs.every(Number.isInteger) ? 1 : 0)
  const x = margin ? extent(xGrid.ticks) : values
  const yValues = extent(ys)
  const yGrid = niceTicks(yValues[0], yValues[1], 5)
  const [yLow, yHigh] = extent(yGrid.ticks)
  const yLabels = yGrid.ticks.map((t) => tickLabel(t, yGrid.step, Math.max(Math.abs(yLow), Math.abs(yHigh))))

  const left = Math.max(...yLabels.map(pixels)) + 8
  const right = WIDTH - Math.max(...names.map(pixels)) - 32
  const bottom = height - BOTTOM
  const px = (v: number) =>
    x[1] > x[0] ? left + ((v - x[0]) / (x[1] - x[0])) * (right - left) : (left + right) / 2
  const py = (v: number) => bottom - ((v - yLow) / (yHigh - yLow)) * (bottom - TOP)

  const parts = [head(labels, description, height), text(0, 42, cut(labels.yLabel, 58), ' class="soft"')]
  yGrid.ticks.forEach((t, i) => {
    parts.push(`<line class="grid" x1="${at(left)}" x2="${at(right)}" y1="${at(py(t))}" y2="${at(py(t))}"/>`)
    parts.push(text(left - 8, py(t) + 5, yLabels[i], ' class="soft" text-anchor="end"'))
  })
  const widest = Math.max(Math.abs(x[0]), Math.abs(x[1]))
  for (const t of xGrid.ticks.filter((t) => t >= x[0] && t <= x[1]))
    parts.push(
      text(px(t), bottom + 20, tickLabel(t, xGrid.step, widest), ' class="soft" text-anchor="middle"'),
    )
  parts.push(
    text((left + right) / 2, bottom + 42, cut(labels.xLabel, 40), ' class="soft" text-anchor="middle"'),
  )
  return { parts, px, py, left, right, bottom }
}

/** Names at the right, each as near to its level as the others allow. */
export const levelsOf = (wanted: number[], { bottom }: Plane): number[] =>
  spread(wanted, LINE, TOP, bottom - 4)
