// Other modules in the places of a tree's own.
import type { Module } from '../module.js'

function replaceHeld(holder: Module, from: Module, to: Module): void {
  for (const [name, held] of [...holder.holdings()]) if (held === from) holder.replaceModule(name, to)
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
