// A float model as other engines' own quantization would let it answer, beside what was written.

import type { TextClassifierFolder } from '../../files/models/classifiers.js'
import { plainAgain, quantizeAware } from '../../nn/quantize-aware/prepare.js'
import type { EngineScheme } from '../../nn/quantize-aware/schemes.js'
import type { Figures } from '../../train/reports.js'
import { shownFigure } from '../shared/figures.js'
import { count, renderTable } from '../shared/table.js'
import type { Change } from './change.js'

export interface Beside {
  name: string
  figures: Figures
  /** Against the float model. */
  change: Change
}

type Model = TextClassifierFolder['model']
/** Logits of a model, with its progress under a name. */
export type Answer = (name: string, model: Model) => Promise<Float32Array>

/** The model answers once for each engine, and is as before afterwards. */
export async function besideEngines(
  model: Model,
  engines: readonly EngineScheme[],
  answer: Answer,
  judge: (logits: Float32Array) => Omit<Beside, 'name'>,
): Promise<Beside[]> {
  const all: Beside[] = []
  for (const name of engines) {
    quantizeAware(model, name)
    try {
      all.push({ name, ...judge(await answer(name, model)) })
    } finally {
      plainAgain(model)
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
