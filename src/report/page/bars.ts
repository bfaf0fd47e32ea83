// Probabilities as bars in a table.
import { escapeText } from '../svg.js'

/** Probabilities side by side: one row an item (a class), one column a group (a temperature). Values in [0, 1]. */
export interface ReportBars {
  label: string
  items: { name: string; groups: { name: string; value: number }[] }[]
}

/** 0.3 is '30.0%'. The page's script says it in the same way. */
export const said = (share: number): string => (share > 0 && share < 0.1 ? '< 0.1%' : `${share.toFixed(1)}%`)

function probability(value: number, color: number): string {
  if (!Number.isFinite(value)) return '<td>\u2013</td>'
  const share = Math.min(1, Math.max(0, value)) * 100
  const bar = `<rect width="${share.toFixed(2)}" height="1" fill="var(--c${color % 6})"/>`
  return `<td><span>${escapeText(said(share))}</span><svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">${bar}</svg></td>`
}

/**
 * An HTML table with a bar and a percentage a cell, 0 to 100%; values beyond [0, 1] are drawn as the nearer end. Any text is safe in
 * it. PAGE_STYLE is its look.
 */
export function bars({ label, items }: ReportBars): string {
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
  const kind = names.length > 1 ? 'bars' : 'bars one'
  return `<div class="scroll"><table class="${kind}">${caption}${filled}</table></div>`
}
