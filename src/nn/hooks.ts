// Hooks on forward(): the first one puts a function of the same name on the module itself, before the class's own; the last
// one that goes takes it away. So modules without hooks pay nothing, and everybody calls layer.forward(x) as before.

/** Sees what forward() was given; what it returns is given in its place: all arguments in an array, or one alone. */
export type PreHook = (module: object, args: unknown[]) => unknown

/** Sees what forward() was given and what it made; what it returns is given in its place. */
export type PostHook = (module: object, args: unknown[], output: unknown) => unknown

interface Hooked {
  pre: Map<object, PreHook>
  post: Map<object, PostHook>
  /** What stands on the module while there are hooks, and what stood there before. */
  forward: (...args: unknown[]) => unknown
  before: PropertyDescriptor | undefined
}

const hooked = new WeakMap<object, Hooked>()

function begin(module: object): Hooked {
  const inner: unknown = Reflect.get(module, 'forward')
  if (typeof inner !== 'function')
    throw new RangeError(`${module.constructor.name}: there is no forward() to hook into`)
  const pre: Hooked['pre'] = new Map()
  const post: Hooked['post'] = new Map()
  const forward = (...given: unknown[]) => {
    let args = given
    for (const hook of [...pre.values()]) {
      const changed = hook(module, args)
      if (changed !== undefined) args = Array.isArray(changed) ? changed : [changed]
    }
    let output: unknown = Reflect.apply(inner, module, args)
    for (const hook of [...post.values()]) output = hook(module, args, output) ?? output
    return output
  }
  const own = { pre, post, forward, before: Object.getOwnPropertyDescriptor(module, 'forward') }
  Object.defineProperty(module, 'forward', { value: forward, configurable: true, writable: true })
  hooked.set(module, own)
  return own
}

function end(module: object, { pre, post, forward, before }: Hooked): void {
  if (pre.size + post.size > 0) return
  // Somebody else has wrapped it since: then it stays, and only calls on.
  if (Reflect.get(module, 'forward') !== forward) return
  Reflect.deleteProperty(module, 'forward')
  if (before !== undefined) Object.defineProperty(module, 'forward', before)
  hooked.delete(module)
}

/** Gives a function that removes the hook. Throws RangeError for a module without forward(). */
export function hook(module: object, on: { pre: PreHook } | { post: PostHook }): () => void {
  const own = hooked.get(module) ?? begin(module)
  const key = {}
  if ('pre' in on) own.pre.set(key, on.pre)
  else own.post.set(key, on.post)
  return () => {
    if (own.pre.delete(key) || own.post.delete(key)) end(module, own)
  }
}
