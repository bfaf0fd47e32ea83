// A matrix of values in [0, 1] as a heat map with its numbers.
import { cut, escapeText, pixels } from '../svg.js'

/** What heatMap() draws. */
export interface HeatMap {
  label: string
  rows: readonly string[]
  columns: readonly string[]
  /** [rows, columns]; what is not finite is a dash. */
  values: readonly (readonly number[])[]
}

const CELL = 46
const LINE = 32
const MAX_NAME = 20
/** The numbers stay readable on the fullest colour, on light and dark paper. */
const FULLEST = 0.55

const text = (x: number, y: number, what: string, attributes: string) =>
  `<text x="${x}" y="${y}" ${attributes}>${escapeText(what)}</text>`

/** One SVG element with role img. Columns are named aslant. Any text is safe in it. */
export function heatMap({ label, rows, columns, values }: HeatMap): string {
  const [left, head] = [rows, columns].map(
    (names) => Math.max(...names.map((name) => pixels(cut(name, MAX_NAME)))) + 10,
  )
  const top = Math.ceil(head * 0.72) + 12
  // The last name leans over the edge.
  const width = left + columns.length * CELL + Math.ceil(head * 0.72)
  const height = top + rows.length * LINE
  const parts = columns.map((name, j) => {
    const [x, y] = [left + (j + 0.5) * CELL, top - 8]
    return text(x, y, cut(name, MAX_NAME), `class="soft" transform="rotate(-45 ${x} ${y})"`)
  })
  rows.forEach((name, i) => {
    const y = top + i * LINE
    parts.push(text(left - 8, y + 21, cut(name, MAX_NAME), 'class="soft" text-anchor="end"'))
    columns.forEach((_, j) => {
      const value = values[i][j]
      const x = left + j * CELL
      const known = Number.isFinite(value)
      const opacity = known ? Math.min(1, Math.max(0, value)) * FULLEST : 0
      parts.push(
        `<rect x="${x + 1}" y="${y + 1}" width="${CELL - 2}" height="${LINE - 2}" fill="var(--c0)" fill-opacity="${opacity.toFixed(3)}"/>`,
        text(x + CELL / 2, y + 21, known ? value.toFixed(2) : '\u2013', 'text-anchor="middle"'),
      )
    })
  })
  return (
    `<div class="scroll"><svg class="chart heat" xmlns="http://www.w3.org/2000/svg" role="img" width="${width}" viewBox="0 0 ${width} ${height}">` +
    `<title>${escapeText(label)}</title>${parts.join('')}</svg></div>`
  )
}
