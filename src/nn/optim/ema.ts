// A moving average of weights, for evaluation: Polyak and Juditsky 1992; in deep learning Tarvainen and Valpola 2017.
import { noGrad, touch } from '../../autograd/graph.js'
import { clone } from '../../autograd/ops/elementwise/cast.js'
import { ArgumentError, CheckpointError, got } from '../../errors.js'
import { type Kinds, optionsArg } from '../../tensor/check.js'
import { formatShape, sameShape } from '../../tensor/shape.js'
import { assign, Tensor } from '../../tensor/tensor.js'
import { parametersArg } from './optimizer.js'
import { isNumber } from './settings.js'

/** Of EMA. */
export interface EMAOptions {
  /** Share of the average that an update keeps. Default 0.999. */
  decay?: number
}

const emaKinds: Kinds<EMAOptions> = { decay: 'any' }

/** average = decay average + (1 - decay) weight, at each update(). Begins as the weights are when it is made. */
export class EMA {
  readonly decay: number
  /** Updates done. */
  updates = 0
  readonly #pairs: { name: string; param: Tensor; average: Tensor }[]
  #applied = false

  /** Of parameters, alone or with their names: model.namedParameters(). Throws RangeError for a decay outside [0, 1]. */
  constructor(params: Iterable<Tensor> | Iterable<readonly [string, Tensor]>, options: EMAOptions = {}) {
    const { decay = 0.999 } = optionsArg('EMA', options, emaKinds)
    if (!(isNumber(decay) && decay >= 0 && decay <= 1))
      throw new RangeError(`EMA: decay must lie in [0, 1], got ${got(decay)}`)
    this.decay = decay
    this.#pairs = parametersArg('EMA', 'params', params).map((item, i) => {
      const [name, param] = Array.isArray(item) ? item : [`${i}`, item]
      if (!(param instanceof Tensor)) throw new ArgumentError('EMA', `parameter ${name} must be a tensor`)
      const average = noGrad(() => clone(param))
      average.storage.moveTo(param.storage.arena)
      return { name, param, average }
    })
  }

  /** Takes the weights as they are into the average: after each optimizer step. */
  update(): void {
    if (this.#applied)
      throw new RangeError('EMA: update() while the average is applied would average it with itself')
    const rest = 1 - this.decay
    for (const { param, average } of this.#pairs) {
      const [a, p] = [average.elements, param.elements]
      for (let i = 0; i < a.length; i++) a[i] += rest * (p[i] - a[i])
      touch(average)
    }
    this.updates++
  }

  /** Runs `fn` while the parameters hold their averages; afterwards, or when its promise is done, they are what they were. */
  applied<T>(fn: () => T): T {
    if (this.#applied) throw new RangeError('EMA: the average is applied already')
    this.#applied = true
    const before = this.#pairs.map(({ param, average }) => {
      const kept = noGrad(() => clone(param))
      kept.storage.moveTo(param.storage.arena)
      assign(param, average)
      touch(param)
      return kept
    })
    const restore = () => {
      this.#pairs.forEach(({ param }, i) => {
        assign(param, before[i])
        touch(param)
        before[i].dispose()
      })
      this.#applied = false
    }
    let result: T
    try {
      result = fn()
    } catch (error) {
      restore()
      throw error
    }
    if (result instanceof Promise) return result.finally(restore) as T
    restore()
    return result
  }

  /** Copies of the averages, by the parameters' names or places. */
  stateDict(): { updates: number; averages: Record<string, Tensor> } {
    const copies = this.#pairs.map(({ name, average }) => [name, noGrad(() => clone(average))] as const)
    return { updates: this.updates, averages: Object.fromEntries(copies) }
  }

  /** Throws CheckpointError, which names the parameter, and then changes nothing. */
  loadStateDict(state: ReturnType<EMA['stateDict']>): void {
    const { updates, averages } = (state ?? {}) as Partial<typeof state>
    if (typeof averages !== 'object' || averages === null || !Number.isInteger(updates))
      throw new CheckpointError('EMA state', 'is not what stateDict() gives: { updates, averages }')
    for (const { name, average } of this.#pairs) {
      const t = Object.hasOwn(averages, name) ? averages[name] : undefined
      if (t instanceof Tensor && !t.disposed && sameShape(t.shape, average.shape)) continue
      const what = !(t instanceof Tensor)
        ? 'is missing'
        : t.disposed
          ? 'has been disposed'
          : `is ${formatShape(t.shape)}`
      throw new CheckpointError(
        'EMA state',
        `the average of the parameter ${name} ${what}, its shape is ${formatShape(average.shape)}`,
        'Nothing was loaded',
      )
    }
    for (const { name, average } of this.#pairs) {
      assign(average, averages[name])
      touch(average)
    }
    this.updates = updates as number
  }

  /** Gives the averages back. */
  dispose(): void {
    for (const { average } of this.#pairs) average.dispose()
  }
}
