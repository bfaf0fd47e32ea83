// What a group's settings may be. Checked when a group is made and, as they can be changed, once a step.
import { got } from '../../errors.js'
import { type Kinds, optionsArg } from '../../tensor/check.js'

/** Whether it may be, and the words for what it must be. */
export type Rule = readonly [holds: (x: unknown) => boolean, must: string]

/** One for each setting of an optimizer. */
export type Rules<S> = { readonly [K in keyof S]-?: Rule }

export const isNumber = (x: unknown): x is number => typeof x === 'number' && Number.isFinite(x)
const isShare = (x: unknown) => isNumber(x) && x >= 0 && x < 1

export const notNegative: Rule = [(x) => isNumber(x) && x >= 0, 'must be 0 or more']
export const share: Rule = [isShare, 'must lie in [0, 1)']
export const shares: Rule = [
  (x) => Array.isArray(x) && x.length === 2 && x.every(isShare),
  'must lie in [0, 1)',
]
export const flag: Rule = [(x) => typeof x === 'boolean', 'must be true or false']

/** Throws RangeError for the first setting that means nothing. `of` names the group: ' of group 1'. */
export function checkSettings<S extends object>(rules: Rules<S>, settings: S, of = ''): void {
  for (const name of Object.keys(rules) as (keyof S & string)[]) {
    const [holds, must] = rules[name]
    if (!holds(settings[name]))
      throw new RangeError(`optimizer: ${name}${of} ${must}, got ${got(settings[name])}`)
  }
}

/** What an optimizer was given, once every name in it is one of its settings. Their values are checked with the group's. */
export function settingsArg<S extends object>(op: string, given: S | undefined, rules: Rules<S>): Partial<S> {
  const kinds = Object.fromEntries(Object.keys(rules).map((name) => [name, 'any']))
  return optionsArg(op, given, kinds as unknown as Kinds<S>)
}
