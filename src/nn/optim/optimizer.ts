// What all optimizers share: groups of parameters, the step count, clipping by the global norm, moments made up front.

import { zeros } from '../../autograd/create.js'
import { touch } from '../../autograd/graph.js'
import { clearGrad, releaseGrad, touchedRows } from '../../autograd/leafgrad.js'
import { ArgumentError, got, NonfiniteError } from '../../errors.js'
import { kernelsFor } from '../../tensor/backend.js'
import { tensorArg, tensorsFrom } from '../../tensor/check.js'
import { formatShape } from '../../tensor/shape.js'
import { empty, flat, Tensor } from '../../tensor/tensor.js'

export interface GroupOptions {
  lr: number
  weightDecay: number
}

/** Parameters with settings of their own; what is left out comes from the optimizer's options. */
export interface ParameterGroup extends Partial<GroupOptions> {
  params: Iterable<Tensor>
  /** Multiplies lr. Default 1. */
  lrScale?: number
}

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

interface Slot {
  param: Tensor
  group: GroupOptions
  /** Moments, of the parameter's shape. */
  state: Tensor[]
}

/** Of a parameter's gradient. */
function squares(p: Tensor): number {
  if (p.leafGrad === null) return 0
  const { tensor } = p.leafGrad
  const k = kernelsFor(p.dtype)
  const rows = touchedRows(p)
  // Zeros add nothing. A multiple of 4, so that the others are added in the order in which all rows are.
  if (rows === null || tensor.strides[0] % 4 !== 0) return k.sumSquares(flat(tensor))
  const touched = empty([rows.length, tensor.strides[0]], p.dtype)
  try {
    k.indexSelect(flat(touched), flat(tensor), rows, 1, p.shape[0], tensor.strides[0])
    return k.sumSquares(flat(touched))
  } finally {
    touched.dispose()
  }
}

/** The Euclidean norm of all gradients together. Parameters without one count as zeros. */
export function gradNorm(params: Iterable<Tensor>): number {
  let sum = 0
  for (const p of tensorsFrom('gradNorm', 'params', params)) sum += squares(p)
  return Math.sqrt(sum)
}

/** Drops all gradients. Their buffers go back at once; those of which few rows were touched are cleared and kept. */
export function zeroGrad(params: Iterable<Tensor>): void {
  for (const p of tensorsFrom('zeroGrad', 'params', params)) clearGrad(p)
}

function isGroup(x: Tensor | ParameterGroup): x is ParameterGroup {
  return 'params' in x
}

/** All parameters, or all groups. Throws ArgumentError on what is neither, and on a mixture. */
function parametersOf(params: unknown): (Tensor | ParameterGroup)[] {
  if (typeof params !== 'object' || params === null || !(Symbol.iterator in params)) {
    const hint = 'Write new SGD(model.parameters(), ...)'
    throw new ArgumentError(
      'optimizer',
      `params must be a list of tensors or of groups, got ${got(params)}`,
      hint,
    )
  }
  const items: (Tensor | ParameterGroup)[] = []
  for (const item of params as Iterable<Tensor | ParameterGroup>) {
    const group = !(item instanceof Tensor) && typeof item === 'object' && item !== null && isGroup(item)
    if (!group || items[0] instanceof Tensor) tensorArg('optimizer', `params[${items.length}]`, item)
    if (!group && items.length > 0 && !(items[0] instanceof Tensor))
      throw new ArgumentError('optimizer', `params[${items.length}] must be a group, as the first is`)
    items.push(item)
  }
  return items
}

export abstract class Optimizer {
  /** Steps taken. */
  steps = 0
  readonly slots: readonly Slot[]

  /** moments: how many tensors of a parameter's shape the update keeps. Frozen parameters take no part and have none. */
  constructor(params: Iterable<Tensor> | Iterable<ParameterGroup>, defaults: GroupOptions, moments: number) {
    if (!(defaults.lr >= 0)) throw new RangeError(`optimizer: lr must be 0 or more, got ${defaults.lr}`)
    const items = parametersOf(params)
    const groups: ParameterGroup[] = items.every(isGroup) ? items : [{ params: items as Tensor[] }]
    const seen = new Set<Tensor>()
    this.slots = groups.flatMap(({ params, lrScale = 1, ...own }) => {
      const group = { ...defaults, ...own }
      if (!(lrScale >= 0)) throw new RangeError(`optimizer: lrScale must be 0 or more, got ${lrScale}`)
      return tensorsFrom('optimizer', 'params', params).flatMap((param) => {
        if (seen.has(param))
          throw new RangeError(`optimizer: the parameter ${formatShape(param.shape)} came twice`)
        seen.add(param)
        if (!param.requiresGrad) return []
        const state = Array.from({ length: moments }, () => zeros(param.shape, { dtype: param.dtype }))
        return [{ param, group: { ...group, lr: group.lr * lrScale }, state }]
      })
    })
    if (this.slots.length === 0)
      throw new RangeError(`optimizer: there are no parameters${seen.size > 0 ? ' that are not frozen' : ''}`)
  }

  get params(): Tensor[] {
    return this.slots.map((s) => s.param)
  }

  /** One update in place of every parameter that has a gradient. Returns the gradients' norm before clipping. */
  step({ lrScale = 1, gradScale = 1, maxNorm = Infinity, clip = 'global' }: StepOptions = {}): number {
    const norm = gradNorm(this.params) * gradScale
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
    for (const { param, group, state } of this.slots) {
      if (param.leafGrad === null) continue
      const scale = clip === 'each' ? clipped(gradNorm([param]) * gradScale) : all
      this.update(param, param.leafGrad.tensor, state, { ...group, lr: group.lr * lrScale }, scale)
      touch(param)
    }
    return norm
  }

  zeroGrad(): void {
    zeroGrad(this.params)
  }

  /** Gives back the moments and the gradients: the end of a training. The parameters stay. */
  dispose(): void {
    for (const { param, state } of this.slots) {
      for (const t of state) t.dispose()
      releaseGrad(param)
    }
  }

  protected abstract update(
    param: Tensor,
    grad: Tensor,
    state: readonly Tensor[],
    group: GroupOptions,
    gradScale: number,
  ): void
}
