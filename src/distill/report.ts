// The report of a run as one HTML file: no script, nothing loaded, every text escaped. It must open from a disk,
// on a phone and on paper, and stay harmless when class names or texts come from hostile data.
import { type Chart, colorVariables, escapeText, lineChart } from './chart.js'

export interface ReportTable {
  columns: string[]
  /** Numbers are printed with thousands separators and four significant digits; strings as they are. */
  rows: (string | number)[][]
}

/** Probabilities side by side: one row an item (a class), one column a group (a temperature). Values in [0, 1]. */
export interface ReportBars {
  label: string
  items: { name: string; groups: { name: string; value: number }[] }[]
}

export interface ReportSection {
  title: string
  text?: string
  table?: ReportTable
  bars?: ReportBars
}

export interface Report {
  title: string
  intro: string
  table: ReportTable
  charts: Chart[]
  sections: ReportSection[]
  /** Name and value of what one needs to run it again: seed, versions, times. */
  facts: [string, string][]
}

const CSP = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

const STYLE = `${colorVariables(':root')}
:root{color-scheme:light dark;font:17px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
body{max-width:72rem;margin:0 auto;padding:1.5rem 1rem 3rem;overflow-wrap:anywhere}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .5rem}
h2{font-size:1.2rem;line-height:1.3;margin:2.5rem 0 .5rem}
p{max-width:44rem;margin:.5rem 0;white-space:pre-line}
.scroll{overflow-x:auto;margin:1rem 0}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;overflow-wrap:normal}
th,td{padding:.4rem 1.2rem .4rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--grid)}
thead th{color:var(--soft);font-weight:500;vertical-align:bottom}
tbody th{font-weight:600}
.n{text-align:right;white-space:nowrap}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,30rem),1fr));gap:2rem;margin:2rem 0}
figure{margin:0;max-width:40rem}
figure svg{display:block;width:100%;height:auto}
.bars{width:100%;max-width:44rem}
.bars caption{text-align:left;padding-bottom:.5rem;overflow-wrap:anywhere}
.bars tbody td{width:38%}
.bar{display:block;height:.6rem;margin-top:.2rem;border-radius:2px;background:var(--grid)}
.bar i{display:block;height:100%;border-radius:2px;print-color-adjust:exact;-webkit-print-color-adjust:exact}
dl{display:grid;grid-template-columns:minmax(6rem,max-content) 1fr;gap:.3rem 1.5rem;margin:1rem 0}
dt{color:var(--soft)}
dd{margin:0}
@media (max-width:30rem){th,td{padding-right:.8rem}}
@media print{:root{font-size:10pt}body{padding:0}.charts{grid-template-columns:1fr 1fr;gap:1rem}tr,figure,dl{break-inside:avoid}h2{break-after:avoid}}`

function cell(value: string | number): string {
  if (typeof value === 'string') return value
  if (!Number.isFinite(value)) return '\u2013'
  return value.toLocaleString('en-US', Number.isInteger(value) ? {} : { maximumSignificantDigits: 4 })
}

const numeric = (value: string | number) =>
  typeof value === 'number' || /^([+\-\u2212]?\d|\u2013$)/.test(value)

function table({ columns, rows }: ReportTable): string {
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
  return `<div class="scroll"><table>${filled}</table></div>`
}

function probability(value: number, color: number): string {
  if (!Number.isFinite(value)) return '<td>\u2013</td>'
  const share = Math.min(1, Math.max(0, value)) * 100
  const said = share > 0 && share < 0.1 ? '< 0.1%' : `${share.toFixed(1)}%`
  const bar = `<i style="width:${share.toFixed(2)}%;background:var(--c${color % 6})"></i>`
  return `<td>${escapeText(said)}<span class="bar">${bar}</span></td>`
}

function bars({ label, items }: ReportBars): string {
  const names = [...new Set(items.flatMap((item) => item.groups.map((g) => g.name)))]
  const head = names.map((n) => `<th scope="col">${escapeText(n)}</th>`)
  const body = items.map((item) => {
    const cells = names.map((n, i) =>
      probability(item.groups.find((g) => g.name === n)?.value ?? Number.NaN, i),
    )
    return `<tr><th scope="row">${escapeText(item.name)}</th>${cells.join('')}</tr>`
  })
  const caption = `<caption>${escapeText(label)}</caption>`
  const filled = `<thead><tr><td></td>${head.join('')}</tr></thead><tbody>${body.join('\n')}</tbody>`
  return `<div class="scroll"><table class="bars">${caption}${filled}</table></div>`
}

const paragraph = (text: string) => `<p>${escapeText(text)}</p>`

function section(s: ReportSection): string {
  const parts = [
    `<h2>${escapeText(s.title)}</h2>`,
    s.text === undefined ? '' : paragraph(s.text),
    s.table ? table(s.table) : '',
    s.bars ? bars(s.bars) : '',
  ]
  return `<section>${parts.join('\n')}</section>`
}

/** The whole document. Same report, same bytes. */
export function renderReport(r: Report): string {
  const facts = r.facts.map(([name, value]) => `<dt>${escapeText(name)}</dt><dd>${escapeText(value)}</dd>`)
  return [
    '<!DOCTYPE html>',
    '<html lang="en"><head><meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${CSP}">`,
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    `<title>${escapeText(r.title)}</title>`,
    `<style>${STYLE}</style></head><body><main>`,
    `<h1>${escapeText(r.title)}</h1>`,
    paragraph(r.intro),
    table(r.table),
    `<div class="charts">${r.charts.map((c) => `<figure>${lineChart(c)}</figure>`).join('\n')}</div>`,
    ...r.sections.map(section),
    `<section><h2>About this run</h2><dl>${facts.join('\n')}</dl></section>`,
    '</main></body></html>',
    '',
  ].join('\n')
}
