// Modules as places: whoever looks on while ops run learns in which module each stands, and what parameters are called.
import { activeTracer, within } from '../autograd/trace.js'
import { Module } from './module.js'

/**
 * Runs `fn` while every forward() of the model's tree names its module's path, with `owner` before it: "the teacher's ".
 * Only calls `fn` where nobody looks on.
 */
export function withModules<T>(model: Module, owner: string, fn: () => T): T {
  const tracer = activeTracer()
  if (tracer === null) return fn()
  // The first name counts: a model that names its parameters as its weight file does keeps that inside another.
  const naming = Array.from(model.namedModules(), ([, module]) => module).filter(
    (module) => module.namedParameters !== Module.prototype.namedParameters,
  )
  for (const module of [...naming, model])
    for (const [name, p] of module.namedParameters()) tracer.named(p, owner + name)
  const before = new Map<Module, PropertyDescriptor | undefined>()
  try {
    for (const [name, module] of model.namedModules()) {
      const forward: unknown = Reflect.get(module, 'forward')
      if (typeof forward !== 'function' || before.has(module)) continue
      before.set(module, Object.getOwnPropertyDescriptor(module, 'forward'))
      const at = name === '' ? `${owner || 'the '}model` : owner + name
      const value = (...args: unknown[]) => within(at, () => Reflect.apply(forward, module, args))
      Object.defineProperty(module, 'forward', { value, configurable: true })
    }
    return fn()
  } finally {
    for (const [module, own] of before) {
      Reflect.deleteProperty(module, 'forward')
      if (own !== undefined) Object.defineProperty(module, 'forward', own)
    }
  }
}
