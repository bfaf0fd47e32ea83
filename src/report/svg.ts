// What every chart is drawn with: colours for light and dark, ticks, names that fit, and text that cannot become markup.

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
export const LINES = 6

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

export function tickLabel(value: number, step: number, largest: number): string {
  if (value === 0) return '0'
  const exponent = Number(step.toExponential().split('e')[1])
  const digits = Math.max(0, -exponent)
  const text =
    largest >= 1e7 || digits > 5
      ? value.toExponential().replace('e+', 'e')
      : value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
  return text.replaceAll('-', '\u2212')
}

export const FONT = 15
export const LINE = 19
export const MAX_NAME = 18

/** Width in columns, roughly: East Asian text and emoji count twice. */
const columns = (text: string) => [...text].reduce((n, c) => n + (c.codePointAt(0)! > 0x2e7f ? 2 : 1), 0)
export const pixels = (text: string) => {
  const broad = text.match(/[mwMW@%]/g)?.length ?? 0
  return Math.ceil((columns(text) + 0.6 * broad) * FONT * 0.56)
}

export function cut(text: string, max: number): string {
  if (columns(text) <= max) return text
  // A name may be a book: no character is narrower than a column.
  const kept = [...text.slice(0, 2 * max)]
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
export const drawable = ([x, y]: readonly [number, number]) => Math.abs(x) < 1e300 && Math.abs(y) < 1e300

export function extent(values: number[]): [number, number] {
  return values.reduce(([lo, hi], v) => [Math.min(lo, v), Math.max(hi, v)], [Infinity, -Infinity])
}

export const at = (v: number) => String(Number(v.toFixed(1)))
export const text = (x: number, y: number, what: string, attributes = '') =>
  `<text x="${at(x)}" y="${at(y)}"${attributes}>${escapeText(what)}</text>`

/** Of every chart, the same text: a page's policy names its hash. */
export const CHART_STYLE = [
  colorVariables('.chart'),
  `.chart{font:${FONT}px system-ui,sans-serif;fill:var(--ink)}`,
  '.chart polyline{fill:none;stroke-width:2.2;stroke-linejoin:round;stroke-linecap:butt}',
  '.chart .soft{fill:var(--soft)}.chart .grid{stroke:var(--grid)}.chart .mark{stroke:var(--soft)}',
].join('')
