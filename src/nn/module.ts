// Module: a tree of layers found by looking at properties, with its parameters, buffers and hooks.
import { noGrad, touch } from '../autograd/graph.js'
import { clone, to } from '../autograd/ops/elementwise/cast.js'
import { ArgumentError, CheckpointError, DTypeError, GradError, got } from '../errors.js'
import { functionArg } from '../tensor/check.js'
import { formatShape, sameShape } from '../tensor/shape.js'
import type { DType } from '../tensor/storage.js'
import { adopt, assign, isParameter, markParameter, Tensor } from '../tensor/tensor.js'
import { type GradientsHook, hookGradients } from './gradient-hooks.js'
import { hook, type PostHook, type PreHook } from './hooks.js'
import { describe } from './print.js'

const join = (prefix: string, name: string | number) => (prefix === '' ? `${name}` : `${prefix}.${name}`)

/** The longest list of names that an error prints whole. */
const SHOWN = 12

function listed(names: readonly string[]): string {
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : ''
  return names.slice(0, SHOWN).join(', ') + more
}

/** Entries of an array, a Map, a Set or a plain object; none of anything else. */
function entriesOf(value: object): Iterable<[unknown, unknown]> {
  if (Array.isArray(value) || value instanceof Map) return value.entries()
  if (value instanceof Set) return [...value].entries()
  const proto: unknown = Object.getPrototypeOf(value)
  return proto === Object.prototype || proto === null ? Object.entries(value) : []
}

/** What a value has under a key, its own. */
function heldAt(value: unknown, key: string): unknown {
  if (value instanceof Map) return value.get(value.has(key) ? key : Number(key))
  if (value instanceof Set) return [...value][Number(key)]
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? Reflect.get(value, key)
    : undefined
}

const isHeld = (x: unknown): x is Tensor | Module => x instanceof Tensor || x instanceof Module

/** Every tensor and module in a value, with its path: '0.up' in [{ up: layer }]. */
function* held(value: unknown, path: string, seen: Set<object>): Generator<[string, Tensor | Module]> {
  if (typeof value !== 'object' || value === null) return
  if (isHeld(value)) {
    yield [path, value]
    return
  }
  if (seen.has(value)) return
  seen.add(value)
  let place = 0
  for (const [key, child] of entriesOf(value)) {
    // A Map's key may be anything; one that is no name counts.
    const name = typeof key === 'string' || typeof key === 'number' ? key : place
    place++
    if (typeof child === 'object') yield* held(child, join(path, name), seen)
  }
}

/** Copies of tensors by name, which later training leaves as they are. */
const copies = (tensors: Iterable<[string, Tensor]>) =>
  new Map(Array.from(tensors, ([name, t]) => [name, noGrad(() => clone(t))]))

/**
 * Base of layers and models. Whatever a property holds is found: modules and parameters alone, in arrays, plain objects, Maps
 * and Sets, however deep. Names are paths of properties, keys and places: `encoder.0.attention.query.weight`.
 *
 * A parameter is a leaf tensor with requiresGrad, or one that had it before it was frozen. Other tensors are no parameters:
 * results that a layer keeps, tables of constants. registerBuffer() is for those that belong to the model's state.
 * A private field (#layer) is not seen: registerModule() and registerParameter() make its content known.
 */
export abstract class Module {
  /** Whether dropout drops. Changed for the whole tree by train() and eval(). */
  training = true
  /** By the property's name: whether it is saved. */
  readonly #buffers = new Map<string, boolean>()

  parameters(): Tensor[] {
    return Array.from(this.namedParameters(), ([, p]) => p)
  }

  /** All tensors and modules that this one holds itself, by name, with those that are no parameters. */
  *holdings(): Generator<[string, Tensor | Module]> {
    const seen = new Set<object>()
    for (const [name, value] of Object.entries(this)) yield* held(value, name, seen)
  }

  /** This module and all below it, parents first, each once. */
  *namedModules(prefix = '', seen: Set<Module> = new Set()): Generator<[string, Module]> {
    if (seen.has(this)) return
    seen.add(this)
    yield [prefix, this]
    for (const [name, value] of this.holdings())
      if (value instanceof Module) yield* value.namedModules(join(prefix, name), seen)
  }

  /** The modules right below this one, each once. */
  *namedChildren(): Generator<[string, Module]> {
    const seen = new Set<Module>()
    for (const [name, value] of this.holdings()) {
      if (!(value instanceof Module) || seen.has(value)) continue
      seen.add(value)
      yield [name, value]
    }
  }

  children(): Module[] {
    return Array.from(this.namedChildren(), ([, module]) => module)
  }

  modules(): Module[] {
    return Array.from(this.namedModules(), ([, module]) => module)
  }

  /** All parameters with their names. One that two modules share comes once, under its first name. */
  *namedParameters(): Generator<[string, Tensor]> {
    const seen = new Set<Tensor>()
    for (const [prefix, module] of this.namedModules()) {
      for (const [name, value] of module.holdings()) {
        if (!(value instanceof Tensor) || seen.has(value)) continue
        if (!isParameter(value) || module.#buffers.has(name)) continue
        seen.add(value)
        yield [join(prefix, name), value]
      }
    }
  }

  buffers(): Tensor[] {
    return Array.from(this.namedBuffers(), ([, b]) => b)
  }

  /** All buffers with their names. persistent: only those that a state dict has. */
  *namedBuffers({ persistent = false } = {}): Generator<[string, Tensor]> {
    const seen = new Set<Tensor>()
    for (const [prefix, module] of this.namedModules()) {
      for (const [name, saved] of module.#buffers) {
        const value: unknown = Reflect.get(module, name)
        if (!(value instanceof Tensor) || seen.has(value) || (persistent && !saved)) continue
        seen.add(value)
        yield [join(prefix, name), value]
      }
    }
  }

  /**
   * Makes a tensor part of the model's state without being trained: running means, tables of positions. It stands as the
   * property `name` and may be replaced there. to() converts it where it holds floats; a state dict has it unless persistent
   * is false. Gives the tensor back. Throws GradError for the result of an op that a gradient may pass.
   */
  registerBuffer<T extends Tensor | null>(name: string, tensor: T, { persistent = true } = {}): T {
    this.#claim('registerBuffer', name, tensor, 'tensor')
    if (tensor?.node) {
      throw new GradError(
        `registerBuffer: ${name} is the result of ${tensor.node.name}`,
        'Call detach(), or compute it in noGrad()',
      )
    }
    this.#buffers.set(name, persistent)
    Reflect.set(this, name, tensor)
    return tensor
  }

  /** Makes a leaf a parameter, a frozen one too, as the property `name`. Gives it back. Throws GradError for a result. */
  registerParameter<T extends Tensor | null>(name: string, tensor: T): T {
    this.#claim('registerParameter', name, tensor, 'tensor')
    if (tensor?.node) {
      throw new GradError(
        `registerParameter: ${name} is the result of ${tensor.node.name}, and only a leaf can learn`,
        'Compute it in noGrad(), then set requiresGrad',
      )
    }
    this.#buffers.delete(name)
    if (tensor !== null) markParameter(tensor)
    Reflect.set(this, name, tensor)
    return tensor
  }

  /** Makes a module known that stands where none is found, as the property `name`: one in a private field. Gives it back. */
  registerModule<M extends Module>(name: string, module: M): M {
    this.#claim('registerModule', name, module, 'module')
    Reflect.set(this, name, module)
    return module
  }

  /**
   * Puts another module in the place of one that this module holds itself, under its name in namedChildren(). Throws
   * RangeError where there is none of that name.
   */
  replaceModule(name: string, module: Module): void {
    let holder: unknown = this
    const [last, ...path] = name.split('.').reverse()
    for (const key of path.reverse()) holder = heldAt(holder, key)
    if (!(heldAt(holder, last) instanceof Module))
      throw new RangeError(
        `replaceModule: a ${this.constructor.name} holds no module ${got(name)} in a place of its own`,
      )
    if (holder instanceof Map) holder.set(holder.has(last) ? last : Number(last), module)
    else if (holder instanceof Set) {
      // In order: names count the places.
      const all = [...holder]
      holder.clear()
      for (const [place, value] of all.entries()) holder.add(place === Number(last) ? module : value)
    } else Reflect.set(holder as object, last, module)
  }

  /** Refuses a name that stands for something else: a method, a setting. */
  #claim(who: string, name: string, held: unknown, is: 'module' | 'tensor'): void {
    if (typeof name !== 'string') throw new ArgumentError(who, `the name must be a string, got ${got(name)}`)
    const right = is === 'module' ? held instanceof Module : held === null || held instanceof Tensor
    if (!right)
      throw new ArgumentError(
        who,
        `${name} must be a ${is === 'module' ? is : 'tensor or null'}, got ${got(held)}`,
      )
    const own: unknown = Object.hasOwn(this, name) ? Reflect.get(this, name) : undefined
    const taken = own === undefined || own === null ? name in Object.getPrototypeOf(this) : !isHeld(own)
    if (name === '' || name.includes('.') || taken)
      throw new RangeError(`${who}: ${got(name)} is no free name of a ${this.constructor.name}`)
  }

  /** The number of elements in all parameters. */
  countParameters(): number {
    return this.parameters().reduce((n, p) => n + p.numel, 0)
  }

  /** The parameters and persistent buffers themselves by name: not copies. Throws RangeError for two of one name. */
  stateDict(): Map<string, Tensor> {
    const state = new Map<string, Tensor>()
    for (const tensors of [this.namedParameters(), this.namedBuffers({ persistent: true })]) {
      for (const [name, t] of tensors) {
        if (state.has(name))
          throw new RangeError(`${this.constructor.name}: two of its tensors are called ${name}`)
        state.set(name, t)
      }
    }
    return state
  }

  /** Copies of what stateDict() has, which later training leaves as they are. */
  snapshot(): Map<string, Tensor> {
    return copies(this.stateDict())
  }

  /**
   * Copies values in, by name. Throws one CheckpointError with all missing, unexpected and mis-shaped names, and then
   * changes nothing. `from` names the source in it.
   */
  loadStateDict(state: ReadonlyMap<string, Tensor>, { from = 'state dict' }: { from?: string } = {}): void {
    if (!(state instanceof Map))
      throw new ArgumentError('loadStateDict', `the state must be a Map, got ${got(state)}`)
    const wrong = [...state].find(([, t]) => !(t instanceof Tensor))
    if (wrong !== undefined)
      throw new ArgumentError('loadStateDict', `${String(wrong[0])} must be a tensor, got ${got(wrong[1])}`)
    const own = this.stateDict()
    const missing = [...own.keys()].filter((name) => !state.has(name))
    const unexpected = [...state.keys()].filter((name) => !own.has(name))
    const misshaped = [...own].flatMap(([name, p]) => {
      const t = state.get(name)
      if (t === undefined || sameShape(t.shape, p.shape)) return []
      return [`${name} is ${formatShape(t.shape)}, the model needs ${formatShape(p.shape)}`]
    })
    const disposed = [...state.keys()].filter((name) => own.has(name) && state.get(name)?.disposed)
    const faults = Object.entries({ missing, unexpected, 'of another shape': misshaped, disposed })
      .filter(([, names]) => names.length > 0)
      .map(([fault, names]) => `${names.length} ${fault}: ${listed(names)}`)
    if (faults.length > 0) {
      throw new CheckpointError(
        from,
        `does not fit the model: ${faults.join('; ')}`,
        'Nothing was loaded. Build the model from the config saved beside the weights',
      )
    }
    for (const [name, p] of own) {
      assign(p, state.get(name) as Tensor)
      touch(p)
    }
  }

  /** Training mode for the whole tree: dropout drops. */
  train(on = true): this {
    for (const [, module] of this.namedModules()) module.training = on
    return this
  }

  eval(): this {
    return this.train(false)
  }

  /** Calls `fn` with every module of the tree, children before their parents, and gives this one. */
  apply(fn: (module: Module) => void): this {
    functionArg('Module.apply', 'the argument', fn)
    const seen = new Set<Module>()
    const visit = (module: Module) => {
      if (seen.has(module)) return
      seen.add(module)
      for (const child of module.children()) visit(child)
      fn(module)
    }
    visit(this)
    return this
  }

  /**
   * Converts all parameters, their gradients and the buffers of floats: 'float64' to check gradients, 'float32' to train. The
   * tensors stay the same, with other elements in them, so an optimizer made before goes on. Throws DTypeError for int32.
   */
  to(dtype: DType): this {
    if (dtype !== 'float32' && dtype !== 'float64')
      throw new DTypeError(
        'Module.to',
        `parameters are float32 or float64, got ${typeof dtype === 'string' ? dtype : got(dtype)}`,
      )
    const convert = (t: Tensor) => {
      if (t.dtype !== dtype && t.dtype !== 'int32')
        adopt(
          t,
          noGrad(() => to(t, dtype)),
        )
    }
    for (const p of this.parameters()) {
      const grad = p.leafGrad?.tensor
      convert(p)
      if (grad) convert(grad)
    }
    for (const b of this.buffers()) convert(b)
    return this
  }

  /**
   * Calls `fn` after each forward() of this module, with what went in and what came out; what it returns, unless undefined,
   * is the output instead. Gives a function that removes it. Throws RangeError where there is no forward().
   */
  registerForwardHook<Output = Tensor, Args extends unknown[] = Tensor[]>(
    fn: (module: this, args: Args, output: Output) => Output | undefined,
  ): () => void {
    return hook(this, { post: functionArg('registerForwardHook', 'the hook', fn) as PostHook })
  }

  /**
   * Calls `fn` before each forward() of this module; what it returns, unless undefined, goes in instead: all arguments in an
   * array, or one alone. Gives a function that removes it. Throws RangeError where there is no forward().
   */
  registerForwardPreHook<Args extends unknown[] = Tensor[]>(
    fn: (module: this, args: Args) => Args | Args[0] | undefined,
  ): () => void {
    return hook(this, { pre: functionArg('registerForwardPreHook', 'the hook', fn) as PreHook })
  }

  /**
   * Calls `fn` in each backward() through a forward() of this module made since, with the gradients of its arguments (null
   * for what has none) and of its results, when the last of them has come; without a gradient to an argument, as each
   * result's comes. What it returns, unless undefined, takes the place of the argument's gradient, where one argument
   * alone has one. torch's register_full_backward_hook. Gives a function that removes it: calls made before keep it.
   * Throws RangeError where there is no forward(); in backward, GradError for a replacement among several arguments.
   */
  registerFullBackwardHook(fn: GradientsHook<this>): () => void {
    return hookGradients(
      this,
      functionArg('registerFullBackwardHook', 'the hook', fn) as GradientsHook<object>,
    )
  }

  /** The settings that printing shows: 'p=0.5'. For layers to override. */
  extraRepr(): string {
    return ''
  }

  /** Every layer on its line, with its settings, as PyTorch prints a model. */
  toString(): string {
    return describe(this)
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }
}

export function moduleArg(op: string, name: string, value: unknown): Module {
  if (value instanceof Module) return value
  throw new ArgumentError(op, `${name} must be a module, got ${got(value)}`)
}
