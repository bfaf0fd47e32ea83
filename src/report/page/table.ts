// A table of texts and numbers.
import { escapeText } from '../svg.js'

/** What table() writes. */
export interface ReportTable {
  columns: string[]
  /** Numbers are printed with thousands separators and four significant digits; strings as they are. */
  rows: (string | number)[][]
  /** Whether the first column holds texts to be read, not names. */
  texts?: boolean
}

/** Of a cell's text: a page is no place for a book. */
const MOST = 400

function cell(value: string | number): string {
  if (typeof value === 'string') return value.length > MOST ? `${value.slice(0, MOST)}\u2026` : value
  if (!Number.isFinite(value)) return '\u2013'
  return value.toLocaleString('en-US', Number.isInteger(value) ? {} : { maximumSignificantDigits: 4 })
}

const numeric = (value: string | number) =>
  typeof value === 'number' || /^([+\-\u2212]?\d|\u2013?$)/.test(value)

/**
 * An HTML table in a div.scroll. Columns of numbers have class n; a number that is not finite is a dash, and texts end after 400
 * characters. Any text is safe in it. PAGE_STYLE is its look.
 */
export function table({ columns, rows, texts = false }: ReportTable): string {
  const kind = columns.map((_, i) => (i > 0 && rows.every((r) => numeric(r[i] ?? '')) ? ' class="n"' : ''))
  const head = columns.map((c, i) => `<th scope="col"${kind[i]}>${escapeText(c)}</th>`)
  const body = rows.map((row) => {
    const cells = columns.map((_, i) => {
      const tag = i === 0 ? 'th' : 'td'
      const scope = i === 0 ? ' scope="row"' : ''
      return `<${tag}${scope}${kind[i]}>${escapeText(cell(row[i] ?? ''))}</${tag}>`
    })
    return `<tr>${cells.join('')}</tr>`
  })
  const filled = `<thead><tr>${head.join('')}</tr></thead><tbody>${body.join('\n')}</tbody>`
  return `<div class="scroll"><table${texts ? ' class="long"' : ''}>${filled}</table></div>`
}
