// How fast the models of a distillation's table are, measured when all of them are there.
import type { TextInput } from '../../nn/models/input.js'
import type { Classifier } from '../../train/predict.js'
import type { Context } from '../shared/command.js'
import { measureSpeeds, type Timed } from '../shared/speed.js'
import type { Reader } from './data.js'
import type { Job } from './job.js'
import type { ModelTable } from './judge.js'

/** A model that can be asked, and who reads texts for it. */
export interface Asked {
  model: Classifier<TextInput>
  reader: Reader
}

/**
 * Puts speeds into the figures of the first seed; models of later seeds are of the same size. Where a model is no longer there
 * (`alive` has it not), another of its size stands in for it: what the weights are does not change the time. Teachers of
 * which there is only a cache have no speed.
 */
export async function addSpeeds(
  table: ModelTable,
  alive: ReadonlyMap<string, Asked>,
  { sources: { student }, data: { reader }, training: { seeds } }: Job,
  context: Context,
): Promise<void> {
  // What is no network, as the linear model of words, is not timed: another would stand in for it.
  const names = Array.from(table)
    .filter(([, [{ params, fixed }]]) => params !== undefined && fixed !== true)
    .map(([name]) => name)
  const other = names.some((name) => !alive.has(name)) ? student.make(seeds[0], 0).model : null
  const timed = names.map((name): [string, Timed] => {
    const { model, reader: own } = alive.get(name) ?? { model: other as Classifier<TextInput>, reader }
    return [name, { model, few: own.few }]
  })
  const speeds = await measureSpeeds(new Map(timed), context)
  for (const p of other?.parameters() ?? []) p.dispose()
  for (const [name, speed] of speeds) {
    const [first, ...others] = table.get(name) ?? []
    table.set(name, [{ ...first, ...speed }, ...others])
  }
}
