// The file of a sweep: options that all runs have, those that are varied, and seeds. Checked as a whole before the first run
// starts; a refusal names the file and the path in it.
import { defaultsOf, type Given, objectAt, withSettings } from '../../distill/plan/settings.js'
import { DataError } from '../../errors.js'
import { readSettings } from '../../files/settings-file.js'
import { distillCommand } from '../distill/distill.js'
import { isObject, pathsOf, type Step, seedsOf, setting, sources } from '../run/experiment.js'
import { camelCase, type Place, wordsOf } from '../run/words.js'

/** One way to distil, which is run with each seed. */
export interface Setting {
  /** Its own, or what is varied in it: 'lr=0.001 T=4'. */
  name: string
  /** All options as the file has them, by the names that the program has. */
  options: Given
  /** As they would be typed, but for --out and --seed. */
  words: string[]
}

export interface Grid {
  file: string
  seeds: readonly number[]
  settings: readonly Setting[]
  /** Which of them the others are compared with. */
  baseline: Setting
  /** Names of options in which they differ. */
  varied: readonly string[]
}

/** More are a mistake, or take years. */
const MOST = 10_000

const schema = {
  ...sources,
  distill: setting<Given>({}, 'options of tinystill distill by name', isObject),
  grid: setting<Readonly<Record<string, readonly unknown[]>>>(
    {},
    'lists of values by the names of options',
    (value) =>
      isObject(value) && Object.values(value).every((list) => Array.isArray(list) && list.length > 0),
  ),
  settings: setting<readonly unknown[]>(
    [],
    'a list of options by name',
    (value) => Array.isArray(value) && value.length > 0,
  ),
  baseline: setting<string | Given | null>(
    null,
    'the name of a setting, or the options that tell it from others',
    (value) => typeof value === 'string' || isObject(value),
  ),
}

/** A value as its name has it. */
export const valueText = (value: unknown): string =>
  Array.isArray(value) ? value.map(String).join(',') : String(value)

const nameOf = (own: Given): string =>
  Object.entries(own)
    .map(([option, value]) => `${option}=${valueText(value)}`)
    .join(' ')

const byOption = (given: Given): Given =>
  Object.fromEntries(Object.entries(given).map(([name, value]) => [camelCase(name), value]))

/** Each with each, the last varied fastest. */
function product(lists: readonly (readonly [string, readonly unknown[]])[]): Given[] {
  return lists.reduce<Given[]>(
    (all, [name, values]) => all.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
    [{}],
  )
}

/**
 * Reads and checks all but what commander has to say of the options. seeds: how many, in place of the file's; seed: the first.
 * Throws CheckpointError or DataError.
 */
export function readGrid(file: string, { seed, seeds }: { seed: number; seeds?: number | undefined }): Grid {
  const given = withSettings(schema, defaultsOf(schema), readSettings(file), { file })
  const { data, models } = pathsOf(file, given)
  const words = (options: Given, where: string): string[] => {
    const step: Step = { name: where, command: 'distill', options }
    const place: Place = { experiment: { file, data, models, steps: [] }, step, results: new Map(), where }
    return wordsOf(distillCommand as never, place)
  }
  const base = byOption(given.distill)
  words(base, 'distill')
  const lists = Object.entries(given.grid).map(([name, values]) => [camelCase(name), values] as const)
  for (const [name, values] of lists) for (const value of values) words({ [name]: value }, 'grid')
  const points = lists.length === 0 ? [] : product(lists).map((own) => ({ own, name: nameOf(own) }))
  const listed = given.settings.map((value, i) => {
    const { name, ...rest } = objectAt(file, `settings[${i}]`, value)
    const own = byOption(rest)
    words(own, `settings[${i}]`)
    if (name !== undefined && (typeof name !== 'string' || name.trim() === ''))
      throw new DataError(file, `settings[${i}].name must be a text`)
    return { own, name: name ?? (Object.keys(own).length === 0 ? 'as it is' : nameOf(own)) }
  })
  const all = [...points, ...listed]
  if (all.length === 0)
    throw new DataError(file, 'grid and settings are missing', 'One of them says what is to be compared')
  const settings = all.map(({ own, name }): Setting => {
    const options = { ...base, ...own }
    return { name, options, words: words(options, name) }
  })
  checkDifferent(file, settings)
  const found: Grid = {
    ...{ file, settings, seeds: seedsOf(seeds ?? given.seeds, seed) },
    baseline: baselineOf(file, given.baseline, settings),
    varied: variedIn(all.map(({ own }) => own)),
  }
  const runs = settings.length * found.seeds.length
  if (runs > MOST) throw new DataError(file, `makes ${runs} runs`, `A sweep takes ${MOST} at most`)
  return found
}

function checkDifferent(file: string, settings: readonly Setting[]): void {
  const [names, words] = [new Set<string>(), new Map<string, string>()]
  for (const one of settings) {
    if (names.has(one.name)) throw new DataError(file, `${one.name} is the name of two settings`)
    names.add(one.name)
    const same = words.get(one.words.join('\0'))
    if (same !== undefined) throw new DataError(file, `${one.name} is the same as ${same}`, 'Leave one out')
    words.set(one.words.join('\0'), one.name)
  }
}

const variedIn = (all: readonly Given[]): string[] =>
  [...new Set(all.flatMap((own) => Object.keys(own)))].filter(
    (name) => new Set(all.map((own) => (name in own ? valueText(own[name]) : null))).size > 1,
  )

/** By its name, or as the one that has all of these options; the first where the file names none. */
function baselineOf(file: string, asked: string | Given | null, settings: readonly Setting[]): Setting {
  if (asked === null) return settings[0]
  const wanted = typeof asked === 'string' ? {} : byOption(asked)
  const fit = settings.filter(({ name, options }) =>
    typeof asked === 'string'
      ? name === asked
      : Object.entries(wanted).every(([option, value]) => valueText(options[option]) === valueText(value)),
  )
  if (fit.length === 1) return fit[0]
  const said = typeof asked === 'string' ? asked : nameOf(wanted)
  throw new DataError(
    file,
    fit.length === 0
      ? `baseline: ${said} is none of the settings`
      : `baseline: ${fit.length} settings have ${said}`,
    `They are: ${settings
      .slice(0, 12)
      .map(({ name }) => name)
      .join('; ')}${settings.length > 12 ? '; ...' : ''}`,
  )
}
