// The file of an experiment: short names for data and models, seeds, and steps that are commands. Checked as a whole before the
// first step runs; a refusal names the file and the path in it.
import { existsSync } from 'node:fs'
import { basename, dirname, extname, isAbsolute, join } from 'node:path'
import {
  checkKnown,
  defaultsOf,
  type Given,
  objectAt,
  type Setting,
  withSettings,
} from '../../distill/plan/settings.js'
import { DataError } from '../../errors.js'
import { readSettings } from '../../files/settings-file.js'
import { shown } from '../../formats/json.js'
import { presetOf } from '../../nn/models/presets.js'

/** Short names as words: they become folders, and stand in `${...}`. */
const NAME = /^[a-z0-9][\w-]{0,63}$/i

/** Names by what they stand for. */
export type Names = Readonly<Record<string, string>>

export interface Step {
  name: string
  command: string
  /** By the names of the command's options, as they stand in the file. */
  options: Given
}

export interface Experiment {
  file: string
  /** Results: a folder or file for each step, by its name; with several seeds a folder for each before. */
  out: string
  seeds: readonly number[]
  data: Names
  models: Names
  steps: readonly Step[]
}

export const isObject = (value: unknown): value is Given =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
const isSeed = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0
const mostSeeds = 100

export const setting = <V>(fallback: V, want: string, fits: (value: unknown) => boolean): Setting<V> => ({
  ...{ fallback, want },
  fits: (value): value is V => fits(value),
})

const names = setting<Names>(
  {},
  'paths by name',
  (value) => isObject(value) && Object.values(value).every(isText),
)

/** What every such file may name. */
export const sources = {
  seeds: setting<number | readonly number[]>(
    1,
    `a whole number from 1 to ${mostSeeds}, or a list of seeds, each once`,
    (value) =>
      Array.isArray(value)
        ? value.length > 0 && value.every(isSeed) && new Set(value).size === value.length
        : Number.isInteger(value) && Number(value) >= 1 && Number(value) <= mostSeeds,
  ),
  data: names,
  models: names,
}

const schema = {
  out: setting<string | null>(null, 'a path', isText),
  ...sources,
  steps: setting<readonly unknown[]>(
    [],
    'a list of steps',
    (value) => Array.isArray(value) && value.length > 0,
  ),
}

/** A path as the file means it: from its folder on. */
export const fromFile = (file: string, path: string): string =>
  isAbsolute(path) ? path : join(dirname(file), path)

/**
 * Reads and checks all but the options of the steps. `seed`: the first, where the file gives none or their number. Throws
 * CheckpointError or DataError.
 */
export function readExperiment(file: string, commands: readonly string[], seed: number): Experiment {
  const given = withSettings(schema, defaultsOf(schema), readSettings(file), { file })
  const { out, seeds } = given
  if (given.steps.length === 0) throw new DataError(file, 'steps is missing', 'It is a list of commands')
  const { data, models, take } = pathsOf(file, given)
  const steps = given.steps.map((value, i): Step => {
    const where = `steps[${i}]`
    const { name, command, ...options } = objectAt(file, where, value)
    if (!isText(name)) throw new DataError(file, `${where}.name is missing`, 'Each step has one')
    take(`${where}.name`, name)
    if (!isText(command))
      throw new DataError(file, `steps.${name}.command is missing`, `It is one of ${commands.join(', ')}`)
    checkKnown(file, `steps.${name}.command: `, command, commands)
    return { name, command, options }
  })
  return {
    ...{ file, data, models, steps },
    out: fromFile(file, out ?? basename(file, extname(file))),
    seeds: seedsOf(seeds, seed),
  }
}

/** Their number from the first on, or themselves. */
export const seedsOf = (seeds: number | readonly number[], first: number): readonly number[] =>
  typeof seeds === 'number' ? Array.from({ length: seeds }, (_, i) => first + i) : seeds

/** The paths of names, found from the file's folder on; take: one more name, which must be free. */
export function pathsOf(
  file: string,
  given: Readonly<Record<'data' | 'models', Names>>,
): { data: Names; models: Names; take(where: string, name: string): void } {
  const taken = new Set<string>()
  const take = (where: string, name: string) => {
    if (!NAME.test(name))
      throw new DataError(file, `${where} must be a word of letters, digits, - and _, it is ${shown(name)}`)
    if (taken.has(name)) throw new DataError(file, `${where}: ${name} is the name of something else already`)
    taken.add(name)
  }
  const paths = (section: 'data' | 'models') =>
    Object.fromEntries(
      Object.entries(given[section]).map(([name, path]) => {
        take(`${section}.${name}`, name)
        return [name, found(file, `${section}.${name}`, path, section === 'models')]
      }),
    )
  return { data: paths('data'), models: paths('models'), take }
}

/** A path that is there; for models also the name of a size. */
function found(file: string, where: string, path: string, sizes: boolean): string {
  const own = fromFile(file, path)
  if (existsSync(own)) return own
  if (sizes && presetOf(path) !== null) return path
  throw new DataError(file, `${where}: ${own} is not there`, 'Paths go from the folder of this file on')
}
