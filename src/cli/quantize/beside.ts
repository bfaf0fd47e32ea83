// A float model as other engines' own quantization would let it answer, beside what was written.
import { quantizeAware } from '../../nn/quantize-aware/prepare.js'
import type { EngineScheme } from '../../nn/quantize-aware/schemes.js'
import { plainAgain } from '../../nn/stand-ins/ready.js'
import type { Figures } from '../../train/reports.js'
import { type Change, changeOf } from '../shared/change.js'
import type { Context } from '../shared/command.js'
import { answersOf, type CompareRules, type Rows, type Side } from '../shared/compare.js'
import { shownFigure } from '../shared/figures.js'
import { count, renderTable } from '../shared/table.js'

export interface Beside {
  name: string
  figures: Figures
  /** Against the float model. */
  change: Change
}

/** The float model answers once for each engine, and is as before afterwards. before: its own logits. */
export async function besideEngines(
  float: Side,
  engines: readonly EngineScheme[],
  before: Float32Array,
  { set, rules, context }: { set: Rows; rules: CompareRules; context: Context },
): Promise<Beside[]> {
  const all: Beside[] = []
  for (const name of engines) {
    quantizeAware(float.model, name)
    try {
      const { logits, figures } = await answersOf({ ...float, name }, set, rules, context)
      all.push({ name, figures, change: changeOf(rules.problemType, before, logits, rules.classes.length) })
    } finally {
      plainAgain(float.model)
    }
  }
  return all
}

/** The deciding figure and what changed, a row each. */
export function besideTable(all: readonly Beside[], metric: string): string {
  const titles = ['quantized by', metric, 'answers changed', 'a logit, mean', 'at most']
  return renderTable(
    titles.map((title, i) => ({ title, align: i === 0 ? 'left' : 'right' })),
    all.map(({ name, figures, change: { changed, mean, largest } }) => [
      name,
      shownFigure(metric, figures[metric]),
      ...[changed === null ? '-' : count(changed), mean.toPrecision(3), largest.toPrecision(3)],
    ]),
  )
}
