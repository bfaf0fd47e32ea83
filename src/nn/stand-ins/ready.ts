// Models that are ready to be trained otherwise: how each was made so, what is saved of it, and how it is a plain one again.
import { noGrad, touch } from '../../autograd/graph.js'
import { clone } from '../../autograd/ops/elementwise/cast.js'
import { assign, type Tensor } from '../../tensor/tensor.js'
import { undrawn } from '../init.js'
import type { Module } from '../module.js'
import { replaceModules } from './replace.js'
import { isStandIn, type StandIn } from './stand-in.js'

/** How a model was made ready; `by` is the function that did it. */
export interface Readiness {
  readonly by: 'quantizeAware' | 'pruneAware'
  /** For people: 'by the scheme int8'. */
  readonly how: string
  readonly settings: object
}

const ready = new WeakMap<Module, Readiness>()

/** null: it is a plain model. */
export const readinessOf = (model: Module): Readiness | null => ready.get(model) ?? null

/** Throws RangeError for a model that is ready already. */
export function requirePlain(op: string, model: Module): void {
  const before = ready.get(model)
  if (before === undefined) return
  throw new RangeError(`${op}: the model is ready already, ${before.how}`)
}

/** Puts what `standIn` gives in the places of a model's layers. Gives the model. */
export function makeReady<M extends Module>(
  model: M,
  standIn: (module: Module) => Module,
  how: Readiness,
): M {
  const out = replaceModules(model, standIn) as M
  out.train(model.training)
  // What is added is made as float32.
  if (out.parameters().some(({ dtype }) => dtype === 'float64')) out.to('float64')
  ready.set(out, how)
  return out
}

const standInsIn = (model: Module): (Module & StandIn)[] =>
  Array.from(model.namedModules(), ([, module]) => module).filter(isStandIn)

/** Tensors that only the ready model has. */
export const addedTo = (model: Module): Tensor[] => standInsIn(model).flatMap((layer) => layer.addedTensors())

/**
 * Copies of the parameters that the plain model has, by its names, with the weights that are computed with in their places: what
 * the model was trained to compute. Of a plain model its own. They are the caller's to dispose of.
 */
export function computedState(model: Module): Map<string, Tensor> {
  const layers = new Map(
    standInsIn(model).flatMap((layer) =>
      'weight' in layer ? [[layer.weight as Tensor, layer] as const] : [],
    ),
  )
  const added = new Set(addedTo(model))
  const out = new Map<string, Tensor>()
  for (const [name, t] of model.stateDict())
    if (!added.has(t))
      out.set(
        name,
        noGrad(() => layers.get(t)?.computedWeight() ?? clone(t)),
      )
  return out
}

/** What is saved of a model: its own tensors, or of one that is ready the copies that it computes with. */
export const savedState = (model: Module): Map<string, Tensor> =>
  ready.has(model) ? computedState(model) : model.stateDict()

/** Puts plain layers back, with the weights that were computed with, in place. Gives the model; a plain one as it is. */
export function settle<M extends Module>(model: M): M {
  if (!ready.has(model)) return model
  for (const layer of standInsIn(model)) {
    const computed = noGrad(() => layer.computedWeight())
    if (computed === null) continue
    const { weight } = layer as Module & StandIn & { weight: Tensor }
    assign(weight, computed)
    touch(weight)
    computed.dispose()
  }
  return plainAgain(model)
}

/** Puts plain layers back, on the weights as they learned: not on grids, not masked. */
export function plainAgain<M extends Module>(model: M): M {
  const { training } = model
  for (const t of addedTo(model)) t.dispose()
  const out = replaceModules(model, (module) =>
    isStandIn(module) ? undrawn(() => module.plainLayer()) : module,
  ) as M
  out.train(training)
  ready.delete(model)
  return out
}
