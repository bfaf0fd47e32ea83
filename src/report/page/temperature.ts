// Soft targets with a temperature to turn: drawn at T = 1, and anew by the page's script.
import { probabilities } from '../../train/metrics.js'
import { bars } from './bars.js'
import { dataIsland } from './island.js'

/** A text with the logits of a model. */
export interface TemperedText {
  text: string
  /** A bar is the share of one class or of several. */
  bars: { name: string; logits: number[] }[]
}

/** Shares of the bars at T = 1. */
function shares({ bars }: TemperedText): number[] {
  const logits = bars.flatMap((bar) => bar.logits)
  const p = probabilities(logits, 0, logits.length)
  let at = 0
  return bars.map((bar) => bar.logits.reduce((sum) => sum + p[at++], 0))
}

/** The probabilities of each text as bars, with a slider for T. Drawn at T = 1; PAGE_SCRIPT, once in the page, draws the others. */
export function temperatureSlider(texts: readonly TemperedText[]): string {
  const tables = texts.map((t) => {
    const p = shares(t)
    const items = t.bars.map(({ name }, i) => ({ name, groups: [{ name: 'softmax(z / T)', value: p[i] }] }))
    return bars({ label: t.text, items })
  })
  const slider =
    '<label>T <input type="range" min="0.5" max="10" step="0.1" value="1"> <output>1.0</output></label>'
  const data = dataIsland(texts.map((t) => t.bars.map((bar) => bar.logits)))
  return `<div class="soft-targets"><div class="controls">${slider}</div>${tables.join('\n')}${data}</div>`
}
