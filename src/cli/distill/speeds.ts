// How fast the models of a distillation's table are, measured when all of them are there.
import type { Context } from '../shared/command.js'
import { measureSpeeds, type Speed, type Timed } from '../shared/speed.js'
import type { ModelTable } from './judge.js'

/**
 * Puts speeds into the figures of the first seed; models of later seeds are of the same size. Where a model is no longer there
 * (`alive` has it not), another of its size stands in for it: what the weights are does not change the time. Teachers of
 * which there is only a cache have no speed. Gives those that were measured, by name.
 */
export async function addSpeeds(
  table: ModelTable,
  alive: ReadonlyMap<string, Timed>,
  standIn: () => Timed,
  context: Context,
): Promise<ReadonlyMap<string, Speed>> {
  // What is no network, as the linear model of words, is not timed: another would stand in for it.
  const names = Array.from(table)
    .filter(([name, [{ params, fixed }]]) => alive.has(name) || (params !== undefined && fixed !== true))
    .map(([name]) => name)
  const other = names.some((name) => !alive.has(name)) ? standIn() : null
  const timed = names.map((name): [string, Timed] => [name, alive.get(name) ?? (other as Timed)])
  const speeds = await measureSpeeds(new Map(timed), context)
  for (const p of other?.model.parameters() ?? []) p.dispose()
  for (const [name, speed] of speeds) {
    const [first, ...others] = table.get(name) ?? []
    table.set(name, [{ ...first, ...speed }, ...others])
  }
  return speeds
}
