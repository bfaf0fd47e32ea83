// What all optimizers share: groups of parameters, step counts, clipping by the norm, moments, and their state by name.
import { full } from '../../autograd/create.js'
import { dense, noGrad, touch } from '../../autograd/graph.js'
import { releaseGrad } from '../../autograd/leafgrad.js'
import { to } from '../../autograd/ops/elementwise/cast.js'
import { ArgumentError, DTypeError, GradError, got, NonfiniteError } from '../../errors.js'
import { kernelsFor } from '../../tensor/backend.js'
import { type Kinds, optionsArg } from '../../tensor/check.js'
import { formatShape } from '../../tensor/shape.js'
import { requireGradOf, Tensor } from '../../tensor/tensor.js'
import { gradNorm, zeroGrad } from './gradients.js'
import { checkSettings, isNumber, notNegative, type Rules } from './settings.js'
import { type OptimizerState, readState, writeState } from './state.js'

export interface GroupOptions {
  lr: number
  weightDecay: number
}

export const groupRules: Rules<GroupOptions> = { lr: notNegative, weightDecay: notNegative }

/** Alone, or each with its name: model.namedParameters(). */
export type Parameters = Iterable<Tensor> | Iterable<readonly [string, Tensor]>

/** Parameters with settings of their own; what is left out comes from the optimizer's options. */
export type ParameterGroup<S extends GroupOptions = GroupOptions> = Partial<S> & {
  params: Parameters
  /** Multiplies lr. Default 1. */
  lrScale?: number
}

/** A group as it trains. Its settings may be changed: optimizer.paramGroups[0].lr = 1e-4. */
export type Group<S extends GroupOptions = GroupOptions> = S & { readonly params: readonly Tensor[] }

/** Of step(): clipping. */
export interface StepOptions {
  /** Multiplies every group's lr: the schedule's factor. Default 1. */
  lrScale?: number
  /** Multiplies the gradients: 1 / n after n accumulated backward passes of as many rows each. Default 1. */
  gradScale?: number
  /** Scales the gradients down so that their norm over all parameters is at most this. */
  maxNorm?: number
  /** 'each': every parameter's gradient is clipped by its own norm, as BERT's first optimizer does. Default 'global'. */
  clip?: 'global' | 'each'
}

const stepKinds: Kinds<StepOptions> = { lrScale: 'any', gradScale: 'any', maxNorm: 'any', clip: 'any' }

/** A parameter, its group, and what its updates remember. */
export interface Slot<S extends GroupOptions = GroupOptions> {
  readonly param: Tensor
  readonly group: Group<S>
  /** Its name, or its place among all parameters. */
  readonly name: string
  /** Updates of this parameter: steps in which it had a gradient. */
  steps: number
  /** Moments, of the parameter's shape and dtype; none yet while it is frozen. */
  state: readonly Tensor[]
  /** Their names. */
  moments: readonly string[]
}

const none: readonly string[] = []

const isGroup = (x: unknown): x is ParameterGroup =>
  typeof x === 'object' && x !== null && !(x instanceof Tensor) && 'params' in x

type Item = Tensor | readonly [string, Tensor] | ParameterGroup

/**
 * Tensors, tensors with names, and groups out of any Iterable, each looked at as it comes: not all that gives ends. Throws
 * RangeError. `from`: the place of the first among all parameters.
 */
export function parametersArg(op: string, what: string, items: unknown, from = 0): Item[] {
  // A tensor is iterable too, over its first dim.
  const alone = items instanceof Tensor
  if (alone || typeof items !== 'object' || items === null || !(Symbol.iterator in items)) {
    const hint = alone ? '[tensor]' : 'model.parameters()'
    throw new RangeError(`${op}: ${what} must be a list of tensors or groups, as ${hint}`)
  }
  const list: Item[] = []
  for (const item of items as Iterable<unknown>) {
    const [name, param]: unknown[] = Array.isArray(item) ? item : [`${from + list.length}`, item]
    if (typeof name !== 'string')
      throw new RangeError(`${op}: the name of a parameter must be a string, got ${got(name)}`)
    if (!(param instanceof Tensor) && !isGroup(item))
      throw new RangeError(`${op}: parameter ${name} must be a tensor, got ${got(param)}`)
    list.push(item as Item)
  }
  return list
}

const overlaps = (t: Tensor) => t.strides.some((stride, dim) => stride === 0 && t.shape[dim] > 1)

/** Throws where a step could not change it, or nobody would see the change. */
function requireTrainable(param: unknown, label: string): asserts param is Tensor {
  if (!(param instanceof Tensor))
    throw new RangeError(`optimizer: ${label} must be a tensor, got ${got(param)}`)
  const what = `optimizer: ${label}, shape ${formatShape(param.shape)},`
  if (param.disposed)
    throw new GradError(`${what} has been disposed`, 'Make the optimizer of living parameters')
  if (param.node !== null) {
    throw new GradError(
      `${what} is the result of ${param.node.name}, and only a leaf can learn`,
      'Compute it in noGrad(), or detach() it, then set requiresGrad to true',
    )
  }
  if (param.dtype === 'int32') throw new DTypeError('optimizer', `${label} is int32, which has no gradient`)
  if (overlaps(param))
    throw new GradError(
      `${what} has elements that are one in memory, as expand() makes them`,
      'clone() it first',
    )
}

/** What all optimizers have in common: groups, step(), zeroGrad(), their state. */
export abstract class Optimizer<S extends GroupOptions = GroupOptions> {
  /** Steps taken. */
  steps = 0
  readonly #groups: Group<S>[] = []
  readonly #slots: Slot<S>[] = []
  readonly #defaults: S
  readonly #rules: Rules<S>
  #disposed = false

  /**
   * Frozen parameters stay as they are, and learn from when on they require a gradient. Throws GradError for results of ops and
   * disposed tensors, DTypeError for int32, RangeError for settings that mean nothing and where there is nothing to train.
   */
  constructor(params: Parameters | Iterable<ParameterGroup<S>>, defaults: S, rules: Rules<S>) {
    if (new.target === Optimizer)
      throw new ArgumentError('Optimizer', 'it is the base of all optimizers', 'Make one of AdamW, SGD, ...')
    this.#defaults = defaults
    this.#rules = rules
    const items = parametersArg('optimizer', 'params', params)
    const groups = items.length > 0 && items.every(isGroup)
    if (!groups) this.#add({ params: items } as unknown as ParameterGroup<S>, '')
    else for (const [i, group] of items.entries()) this.#add(group as ParameterGroup<S>, ` of group ${i}`)
    if (!this.#slots.some(({ param }) => param.requiresGrad)) {
      const frozen = this.#slots.length > 0 ? ' that are not frozen' : ''
      throw new RangeError(`optimizer: there are no parameters${frozen}`)
    }
  }

  /** Another group, of parameters that are in none yet. Throws as the constructor does, and then adds nothing. */
  addParamGroup(group: ParameterGroup<S>): void {
    if (!isGroup(group)) throw new RangeError('optimizer: a group is { params, ... }')
    this.#add(group, ` of group ${this.#groups.length}`)
  }

  #add({ params, lrScale, ...own }: ParameterGroup<S>, of: string): void {
    const unknown = Object.keys(own).find((name) => !(name in this.#rules))
    if (unknown !== undefined) {
      const known = Object.keys(this.#rules).join(', ')
      throw new RangeError(`optimizer: there is no setting ${unknown}${of}, only ${known} and lrScale`)
    }
    const settings: S = { ...this.#defaults, ...(own as unknown as Partial<S>) }
    this.check(settings, of)
    const scale = lrScale ?? 1
    if (!(isNumber(scale) && scale >= 0))
      throw new RangeError(`optimizer: lrScale${of} must be 0 or more, got ${got(scale)}`)
    const items: readonly unknown[] = parametersArg('optimizer', `params${of}`, params, this.#slots.length)
    const seen = new Set(this.params)
    const members: Tensor[] = []
    const group: Group<S> = { ...settings, lr: settings.lr * scale, params: members }
    const slots = items.map((item, i): Slot<S> => {
      const [name, param] = Array.isArray(item) ? item : [`${this.#slots.length + i}`, item]
      requireTrainable(param, `parameter ${name}`)
      if (seen.has(param))
        throw new RangeError(`optimizer: the parameter ${formatShape(param.shape)} came twice`)
      seen.add(param)
      members.push(param)
      return { param, group, name, steps: 0, state: [], moments: none }
    })
    const names = new Set(this.#slots.map((s) => s.name))
    for (const { name } of slots) {
      if (names.has(name)) throw new RangeError(`optimizer: two parameters are called ${name}`)
      names.add(name)
    }
    this.#groups.push(group)
    this.#slots.push(...slots)
    for (const slot of slots) if (slot.param.requiresGrad) this.prepare(slot)
  }

  /** Throws RangeError for settings that mean nothing, alone or together. */
  protected check(settings: S, of: string): void {
    checkSettings(this.#rules, settings, of)
  }

  /** The groups, their settings to be read and changed. */
  get paramGroups(): readonly Group<S>[] {
    return this.#groups
  }

  get slots(): readonly Slot<S>[] {
    return this.#slots
  }

  get params(): Tensor[] {
    return this.#slots.map((s) => s.param)
  }

  /** Makes the moments of a parameter where they are not there, or not of its dtype any more. They live as long as it does. */
  prepare(slot: Slot<S>): void {
    const names = this.moments(slot.group)
    const { param } = slot
    if (slot.moments === names && (names.length === 0 || slot.state[0].dtype === param.dtype)) return
    slot.state = names.map((name) => {
      const old = slot.moments.indexOf(name)
      const { shape, dtype } = param
      const moment =
        old < 0
          ? full(shape, this.initial(name, slot.group), { dtype })
          : noGrad(() => to(slot.state[old], dtype))
      moment.storage.moveTo(param.storage.arena)
      return moment
    })
    slot.moments = names
  }

  /**
   * One update in place of every parameter that has a gradient and is not frozen. Returns the gradients' norm before clipping.
   * Throws, and changes nothing: RangeError for numbers that mean nothing, NonfiniteError for gradients that are not finite,
   * GradError where no parameter has a gradient, where one was disposed, or its gradient is of another shape.
   */
  step(options: StepOptions = {}): number {
    const given = optionsArg('optimizer.step', options, stepKinds)
    const { lrScale = 1, gradScale = 1, maxNorm = Infinity, clip = 'global' } = given
    this.#checkStep({ lrScale, gradScale, maxNorm, clip })
    const learning = this.#learning()
    const norm = gradNorm(learning.map((s) => s.param)) * gradScale
    if (!Number.isFinite(norm)) {
      throw new NonfiniteError(
        `optimizer: the gradient norm is ${norm}, no parameter was changed`,
        'Lower the learning rate, or look for broken values in the data',
      )
    }
    // As PyTorch's clip_grad_norm_, 1e-6 included.
    const clipped = (own: number) => gradScale * Math.min(1, maxNorm / (own + 1e-6))
    const all = clipped(norm)
    this.steps++
    const settings = new Map(this.#groups.map((group) => [group, { ...group, lr: group.lr * lrScale }]))
    for (const slot of learning) {
      const { param, group } = slot
      const scale = clip === 'each' ? clipped(gradNorm([param]) * gradScale) : all
      this.prepare(slot)
      slot.steps++
      const target = dense(param)
      this.update(
        target,
        (param.leafGrad as { tensor: Tensor }).tensor,
        slot,
        settings.get(group) as S,
        scale,
      )
      if (target !== param) {
        kernelsFor(param.dtype).copy(param.shape, param.raw, param.strides, target.raw, target.strides)
        target.dispose()
      }
      touch(param)
    }
    return norm
  }

  #checkStep(options: Required<StepOptions>): void {
    if (this.#disposed) throw new GradError('optimizer: it has been disposed', 'Make a new one')
    for (const name of ['lrScale', 'gradScale', 'maxNorm'] as const) {
      const x: unknown = options[name]
      if (!(typeof x === 'number' && x >= 0 && (x < Infinity || name === 'maxNorm')))
        throw new RangeError(`optimizer: ${name} must be 0 or more, got ${got(x)}`)
    }
    if (options.clip !== 'global' && options.clip !== 'each')
      throw new RangeError(`optimizer: clip must be 'global' or 'each', got ${got(options.clip)}`)
    this.#groups.forEach((group, i) => {
      this.check(group, ` of group ${i}`)
    })
  }

  /** Those with a gradient that are not frozen. */
  #learning(): Slot<S>[] {
    const learning = this.#slots.filter(({ param }) => param.leafGrad !== null && param.requiresGrad)
    for (const { param, name } of learning) {
      if (param.disposed)
        throw new GradError(
          `optimizer: parameter ${name}, shape ${formatShape(param.shape)}, has been disposed`,
        )
      const { tensor } = param.leafGrad as { tensor: Tensor }
      if (tensor.disposed)
        throw new GradError(
          `optimizer: the gradient of parameter ${name} has been disposed`,
          'Call backward() again',
        )
      requireGradOf(param, tensor)
    }
    if (learning.length > 0) return learning
    if (this.#slots.every(({ param }) => !param.requiresGrad))
      throw new GradError(
        'optimizer: a step of nothing: all parameters are frozen',
        'Set requiresGrad of some to true',
      )
    throw new GradError(
      'optimizer: a step of nothing: no parameter has a gradient',
      'Call backward() before it, on a loss computed from the very tensors that the optimizer was given',
    )
  }

  zeroGrad(): void {
    zeroGrad(this.params)
  }

  /**
   * Copies of all that its updates remember, by the parameters' names or places, and its settings. Names are there where the
   * parameters came with them: new AdamW(model.namedParameters()).
   */
  stateDict(): OptimizerState {
    return writeState(this.steps, this.#slots, this.#groups)
  }

  /**
   * Goes on where the optimizer that gave `state` was, over as many groups of the same parameters. Throws CheckpointError, which
   * names the parameter, and then changes nothing.
   */
  loadStateDict(state: OptimizerState): void {
    const read = readState(state, this.#slots, this.#groups, (slot) => this.moments(slot.group), {
      settings: Object.keys(this.#rules),
      check: (settings, of) => this.check(settings as S, of),
    })
    read.groups.forEach((settings, i) => {
      Object.assign(this.#groups[i], settings)
    })
    this.#slots.forEach((slot, i) => {
      const { steps, moments } = read.slots[i]
      slot.steps = steps
      for (const t of slot.state) t.dispose()
      Object.assign(slot, { state: [], moments: none })
      if (moments === null && !slot.param.requiresGrad) return
      this.prepare(slot)
      slot.moments.forEach((name, m) => {
        const from = moments?.get(name)
        if (from) slot.state[m].elements.set(from.elements)
      })
    })
    this.steps = read.steps
  }

  /** Gives back the moments and the gradients: the end of a training. The parameters stay. */
  dispose(): void {
    this.#disposed = true
    for (const { param, state } of this.#slots) {
      for (const t of state) t.dispose()
      releaseGrad(param)
    }
  }

  /** Names of the moments, the same array for the same settings. */
  protected abstract moments(group: S): readonly string[]

  /** What a moment begins as. */
  protected initial(_name: string, _group: S): number {
    return 0
  }

  /** In place on `param`, which is contiguous, and the slot's state. slot.steps counts this update. */
  protected abstract update(param: Tensor, grad: Tensor, slot: Slot<S>, settings: S, gradScale: number): void
}
