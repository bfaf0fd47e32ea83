// Other modules in the places of a tree's own.
import { type Layer, ModuleDict, ModuleList, Sequential } from '../containers.js'
import { Module } from '../module.js'

/** Puts `to` wherever a value has `from`: in lists, objects, Maps and Sets, however deep. Modules are not looked into. */
function replaceIn(holder: object, from: Module, to: Module): void {
  const seen = new Set<object>()
  const put = (value: unknown, set: () => void) => {
    if (value === from) set()
    else if (typeof value === 'object' && value !== null && !(value instanceof Module)) visit(value)
  }
  const visit = (x: object) => {
    if (seen.has(x)) return
    seen.add(x)
    if (x instanceof Map) for (const [key, value] of [...x]) put(value, () => x.set(key, to))
    else if (x instanceof Set) {
      // In order: names count the places.
      const all = [...x]
      x.clear()
      for (const value of all) {
        x.add(value === from ? to : value)
        put(value, () => {})
      }
    } else if (!ArrayBuffer.isView(x))
      for (const [key, value] of Object.entries(x)) put(value, () => Reflect.set(x, key, to))
  }
  visit(holder)
}

function replaceHeld(holder: Module, from: Module, to: Module): void {
  replaceIn(holder, from, to)
  if (holder instanceof Sequential || holder instanceof ModuleList) {
    for (let i = 0; i < holder.length; i++) if (holder.at(i) === from) holder.set(i, to as Layer)
  } else if (holder instanceof ModuleDict) {
    for (const [name, module] of [...holder.entries()]) if (module === from) holder.set(name, to)
  }
  for (const [path, held] of holder.holdings())
    if (held === from)
      throw new RangeError(
        `${holder.constructor.name} holds ${path} where nothing can be put in its place. Hold it in a property`,
      )
}

/** Asks `change` of every module of a tree, children before parents, and puts in its place what it gives. Gives the root's. */
export function replaceModules(root: Module, change: (module: Module) => Module): Module {
  const known = new Map<Module, Module>()
  const visit = (module: Module): Module => {
    const before = known.get(module)
    if (before !== undefined) return before
    // A tree that leads back to a module finds it as it was.
    known.set(module, module)
    for (const child of module.children()) {
      const now = visit(child)
      if (now !== child) replaceHeld(module, child, now)
    }
    const own = change(module)
    known.set(module, own)
    return own
  }
  return visit(root)
}
