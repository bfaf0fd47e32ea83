// A step's options as words of a command line: names as the command has them, paths and names of earlier steps put in.
import { existsSync } from 'node:fs'
import { Command, CommanderError, type Option } from 'commander'
import { checkKnown } from '../../distill/plan/settings.js'
import { DataError } from '../../errors.js'
import { shown } from '../../formats/json.js'
import type { CommandSpec, CommonOptions } from '../shared/command.js'
import { addCommonOptions } from '../shared/options.js'
import { type Experiment, fromFile, type Step } from './experiment.js'

/** What `run` itself says. */
const RESERVED: Readonly<Record<string, string>> = {
  ...{
    out: 'out at the top, and the name of the step, say where results are',
    seed: 'seeds stand at the top',
  },
  resume: 'what was begun is gone on with',
  takeOver: 'a run that another machine has is gone on with two minutes after the last sign of it',
  ...Object.fromEntries(
    ['threads', 'backend', 'gpuMode', 'json', 'quiet', 'debug'].map((name) => [
      name,
      'it is an option of run',
    ]),
  ),
}

/** Options whose values are paths: the word in their flags says so. A `folder` is made where it is not there. */
const pathKind = ({ flags }: Option) => /<(dir|file|source|folder)(?:\.\.\.)?>/.exec(flags)?.[1] ?? null

const parserOf = (spec: CommandSpec<never>): Command =>
  addCommonOptions(spec.options(new Command(spec.name)))
    .exitOverride()
    .configureOutput({ writeErr: () => {}, writeOut: () => {} })

export interface Place {
  experiment: Pick<Experiment, 'file' | 'data' | 'models' | 'steps'>
  step: Step
  /** Where its options stand in the file. */
  where: string
  /** Results of the steps before this one. */
  results: ReadonlyMap<string, string>
}

/** The words of a step, without --out and --seed. Throws DataError that names the option in the file. */
export function wordsOf(spec: CommandSpec<never>, place: Place): string[] {
  const { experiment, step, where } = place
  const { file } = experiment
  const known = new Map(
    parserOf(spec)
      .options.filter((option) => !Object.hasOwn(RESERVED, option.attributeName()))
      .map((option) => [option.attributeName(), option]),
  )
  return Object.entries(step.options).flatMap(([given, value]) => {
    const name = camelCase(given)
    if (Object.hasOwn(RESERVED, name))
      throw new DataError(file, `${where}.${given} is not for a step to say`, RESERVED[name])
    checkKnown(file, `${where}.`, known.has(name) ? name : given, [...known.keys()])
    return wordsOfOption(known.get(name) as Option, value, place, `${where}.${given}`)
  })
}

/** 'batch-size' as the program calls it. */
export const camelCase = (name: string): string =>
  name.replace(/-([a-z])/g, (_, c: string) => c.toUpperCase())

const isPlain = (value: unknown): value is string | number =>
  (typeof value === 'string' && value !== '') || (typeof value === 'number' && Number.isFinite(value))

function wordsOfOption(option: Option, value: unknown, place: Place, where: string): string[] {
  const { file } = place.experiment
  const flag = option.long as string
  const whether = option.isBoolean()
  if (typeof value === 'boolean' && (whether || option.optional)) return value ? [flag] : []
  if (whether) throw new DataError(file, `${where} must be true or false`)
  const list: unknown[] = Array.isArray(value) ? value : [value]
  if (list.length === 0 || !list.every(isPlain))
    throw new DataError(file, `${where} must be a text, a number, or a list of those`)
  const words = list.map((own) => textOf(option, String(own), place, where))
  return option.variadic ? [flag, ...words] : [flag, words.join(',')]
}

/** A value with names in place: `${name}` anywhere, and in options of paths the plain name too. */
function textOf(option: Option, text: string, { experiment, step, results }: Place, where: string): string {
  const { file, data, models, steps } = experiment
  const names = new Map([...Object.entries(data), ...Object.entries(models), ...results])
  const kind = pathKind(option)
  const later = (name: string) => {
    const at = steps.findIndex((other) => other.name === name)
    if (at < 0 || results.has(name)) return
    if (at >= steps.indexOf(step))
      throw new DataError(file, `${where}: the step ${name} comes later`, 'Put it before')
    throw new DataError(file, `${where}: the step ${name} makes nothing that another one could take`)
  }
  const of = (name: string): string => {
    later(name)
    checkKnown(file, `${where}: `, name, [...names.keys()])
    return names.get(name) as string
  }
  if (text.includes('${')) return text.replace(/\$\{([^}]*)\}/g, (_, name: string) => of(name.trim()))
  if (kind === null) return text
  if (names.has(text)) return of(text)
  later(text)
  const path = fromFile(file, text)
  if (kind === 'folder' || existsSync(path)) return path
  // The name of a size, or of a list of words: the command knows them.
  if (kind === 'source' && /^[\w-]+$/.test(text)) return text
  if (/^[\w-]+$/.test(text)) checkKnown(file, `${where}: `, text, [...names.keys()])
  throw new DataError(file, `${where}: ${path} is not there`, 'Paths go from the folder of this file on')
}

/** A command line as its command reads it. Throws DataError with what commander says of it. */
export function parsed(
  spec: CommandSpec<never>,
  words: readonly string[],
  { experiment, where }: Pick<Place, 'experiment' | 'where'>,
): CommonOptions {
  const command = parserOf(spec)
  try {
    return command.parse(words, { from: 'user' }).opts<CommonOptions>()
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    const said = error.message.replace(/^error: /, '').replace(/\.$/, '')
    throw new DataError(experiment.file, `${where}: ${said || shown(words.join(' '))}`)
  }
}
