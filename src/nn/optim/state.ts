// What an optimizer remembers, as plain objects of numbers and tensors, and back: checked whole before anything is taken over.
import { noGrad } from '../../autograd/graph.js'
import { clone } from '../../autograd/ops/elementwise/cast.js'
import { CheckpointError } from '../../errors.js'
import { formatShape, sameShape } from '../../tensor/shape.js'
import { Tensor } from '../../tensor/tensor.js'

export interface ParameterState {
  /** Updates of this parameter. */
  steps: number
  /** By name: expAvg and expAvgSq of Adam. */
  moments: Record<string, Tensor>
}

/** A group's settings and its parameters' names or places. */
export interface GroupState {
  params: string[]
  [setting: string]: unknown
}

/** What an optimizer goes on from, as stateDict() gives it. */
export interface OptimizerState {
  /** Steps of the optimizer. */
  steps: number
  /** By the parameter's name, or its place among all. Those that never learnt have none. */
  state: Record<string, ParameterState>
  groups: GroupState[]
}

interface Kept {
  readonly name: string
  readonly param: Tensor
  readonly steps: number
  readonly state: readonly Tensor[]
  readonly moments: readonly string[]
  readonly group: object
}

export function writeState(
  steps: number,
  slots: readonly Kept[],
  groups: readonly { readonly params: readonly Tensor[] }[],
): OptimizerState {
  const learnt = slots.filter((s) => s.steps > 0)
  return {
    steps,
    // fromEntries makes own properties of any name.
    state: Object.fromEntries(
      learnt.map(({ name, steps, state, moments }) => [
        name,
        { steps, moments: Object.fromEntries(moments.map((m, i) => [m, noGrad(() => clone(state[i]))])) },
      ]),
    ),
    groups: groups
      .map(({ params: _, ...settings }) => ({ ...settings, params: [] }))
      .map((group, i) => ({
        ...group,
        params: slots.filter((s) => s.group === groups[i]).map((s) => s.name),
      })),
  }
}

function fail(message: string): never {
  throw new CheckpointError('optimizer state', message, 'Nothing was loaded')
}

const isCount = (x: unknown): x is number => Number.isSafeInteger(x) && (x as number) >= 0
const isObject = (x: unknown): x is Record<string, unknown> => typeof x === 'object' && x !== null

interface Read {
  steps: number
  groups: object[]
  /** null: the parameter had never learnt. */
  slots: { steps: number; moments: ReadonlyMap<string, Tensor> | null }[]
}

/** Throws CheckpointError for a state that is not of these parameters. Changes nothing. */
export function readState<K extends Kept>(
  saved: OptimizerState,
  slots: readonly K[],
  groups: readonly { readonly params: readonly Tensor[] }[],
  wanted: (slot: { readonly group: K['group'] }) => readonly string[],
  rules: { settings: readonly string[]; check: (settings: object, of: string) => void },
): Read {
  if (!isObject(saved) || !isCount(saved.steps) || !isObject(saved.state) || !Array.isArray(saved.groups))
    fail('is not what stateDict() gives: { steps, state, groups }')
  if (saved.groups.length !== groups.length)
    fail(`has ${saved.groups.length} groups, the optimizer ${groups.length}`)
  const settings = saved.groups.map((own, i) => {
    const names = slots.filter((s) => s.group === groups[i]).map((s) => s.name)
    if (!isObject(own) || !Array.isArray(own.params)) fail(`has no group ${i} of parameters`)
    const at = names.findIndex((name, n) => own.params[n] !== name)
    if (at >= 0) fail(`has ${own.params[at] ?? 'nothing'} where group ${i} has the parameter ${names[at]}`)
    if (own.params.length > names.length)
      fail(`has the parameter ${own.params[names.length]} in group ${i}, the optimizer has not`)
    const read = Object.fromEntries(rules.settings.map((name) => [name, own[name]]))
    rules.check(read, ` of group ${i} in the state`)
    return read
  })
  const own = new Map(slots.map((s) => [s.name, s]))
  const stranger = Object.keys(saved.state).find((name) => !own.has(name))
  if (stranger !== undefined) fail(`has the parameter ${stranger}, the optimizer has not`)
  const read = slots.map((slot) => {
    if (!Object.hasOwn(saved.state, slot.name)) return { steps: 0, moments: null }
    return readSlot(
      slot,
      saved.state[slot.name],
      wanted({ group: { ...slot.group, ...settings[groups.indexOf(slot.group as never)] } }),
    )
  })
  return { steps: saved.steps, groups: settings, slots: read }
}

function readSlot(
  { name, param }: Kept,
  saved: ParameterState,
  names: readonly string[],
): Read['slots'][number] {
  if (!isObject(saved) || !isCount(saved.steps) || !isObject(saved.moments))
    fail(`has no { steps, moments } of the parameter ${name}`)
  const moments = new Map<string, Tensor>()
  for (const moment of names) {
    const t: unknown = Object.hasOwn(saved.moments, moment) ? saved.moments[moment] : undefined
    if (!(t instanceof Tensor)) fail(`lacks ${moment} of the parameter ${name}`)
    if (t.disposed) fail(`${moment} of the parameter ${name} has been disposed`)
    if (!sameShape(t.shape, param.shape))
      fail(
        `${moment} of the parameter ${name} is ${formatShape(t.shape)}, the parameter ${formatShape(param.shape)}`,
      )
    moments.set(moment, t)
  }
  return { steps: saved.steps, moments }
}
