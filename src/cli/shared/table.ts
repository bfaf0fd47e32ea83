// Tables and numbers for people at a terminal. Every locale gets the same text.
import { displayWidth, printable } from './plain.js'

export interface Column {
  title: string
  /** Default 'left'. */
  align?: 'left' | 'right'
}

/** Lines joined by a line feed, none at the end: the titles, a rule, the rows. Missing cells are empty. */
export function renderTable(columns: Column[], rows: string[][]): string {
  const cells = [columns.map((c) => c.title), ...rows].map((r) =>
    columns.map((_, i) => printable(r[i] ?? '')),
  )
  const widths = columns.map((_, i) => Math.max(...cells.map((r) => displayWidth(r[i]))))
  const lines = cells.map((row) =>
    row.map((cell, i) => {
      const space = ' '.repeat(widths[i] - displayWidth(cell))
      return columns[i].align === 'right' ? space + cell : cell + space
    }),
  )
  lines.splice(
    1,
    0,
    widths.map((w) => '-'.repeat(w)),
  )
  return lines.map((line) => line.join('  ').trimEnd()).join('\n')
}

const UNKNOWN = '-'

/** A share as '84.1%'. */
export function percent(x: number, digits = 1): string {
  return Number.isFinite(x) ? `${(x * 100).toFixed(digits)}%` : UNKNOWN
}

/** A number of things as '12,345', rounded. */
export function count(n: number): string {
  return Number.isFinite(n) ? (Math.round(n) + 0).toLocaleString('en-US') : UNKNOWN
}

/** A size in decimal units: '512 B', '1.5 kB', '438 MB'. */
export function bytes(n: number): string {
  if (!Number.isFinite(n)) return UNKNOWN
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let unit = 0
  while (n >= 999.5 && unit < units.length - 1) {
    n /= 1000
    unit++
  }
  return `${n.toFixed(unit === 0 || n >= 99.95 ? 0 : 1)} ${units[unit]}`
}

/** A time in seconds as '0.8 s', '42 s', '1 min 05 s', '2 h 03 min'. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return UNKNOWN
  if (seconds < 9.95) return `${Math.max(0, seconds).toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  const two = (n: number) => String(n).padStart(2, '0')
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`
  const minutes = Math.round(whole / 60)
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`
}
