// Modules of modules: one after the other, in a list, by name. PyTorch's names; their parameters are called '0.weight', 'fc.weight'.
import { ArgumentError, got } from '../errors.js'
import { Tensor } from '../tensor/tensor.js'
import { Module } from './module.js'
import { describe } from './print.js'

/** A module that makes one tensor of another. */
export type Layer = Module & { forward(x: Tensor): Tensor }

function requireModule(who: string, name: string | number, module: unknown): void {
  if (module instanceof Module) return
  const what = typeof module === 'function' ? `the function ${module.name}` : got(module)
  throw new RangeError(`${who}: ${name} must be a module, got ${what}`)
}

/** A tensor is one too, over its first dim, but gives no modules. */
function isIterable(x: unknown): x is Iterable<unknown> {
  return typeof x === 'object' && x !== null && Symbol.iterator in x && !(x instanceof Tensor)
}

/** A plain object; its own keys are the names. */
function isRecord(x: unknown): x is Record<string, unknown> {
  if (typeof x !== 'object' || x === null) return false
  const proto: unknown = Object.getPrototypeOf(x)
  return proto === Object.prototype || proto === null
}

function requireName(who: string, name: string): void {
  if (typeof name !== 'string' || name === '' || name.includes('.'))
    throw new RangeError(`${who}: a name must be a word without dots, got ${got(name)}`)
}

/** The place i, which counts from the end where negative. Throws RangeError where there is none. */
function placeIn(who: string, i: number, length: number): number {
  if (!(Number.isInteger(i) && i >= -length && i < length))
    throw new RangeError(`${who}: there is no module ${got(i)}, there are ${length}`)
  return i < 0 ? i + length : i
}

/** Each layer gets what the one before it gave: new Sequential(new Linear(4, 8), new ReLU()), a list, or layers by name. */
export class Sequential extends Module {
  readonly #layers: [string, Layer][]

  /** Throws RangeError for what is no module. */
  constructor(...layers: readonly Layer[] | [readonly Layer[]] | [Readonly<Record<string, Layer>>]) {
    super()
    const [first] = layers
    const byName = layers.length === 1 && isRecord(first)
    const list: readonly unknown[] = layers.length === 1 && Array.isArray(first) ? first : layers
    // Array.from sees the holes of a list, which are no layers.
    const given = (byName ? Object.entries(first) : Array.from(list, (layer, i) => [`${i}`, layer])) as [
      string,
      Layer,
    ][]
    for (const [name, layer] of given) {
      requireName('Sequential', name)
      requireModule('Sequential', `layer ${name}`, layer)
    }
    this.#layers = given
  }

  override *holdings(): Generator<[string, Tensor | Module]> {
    yield* super.holdings()
    yield* this.#layers
  }

  get length(): number {
    return this.#layers.length
  }

  /** The layer at a place, counted from the end where negative. Throws RangeError. */
  at(i: number): Layer {
    return this.#layers[placeIn('Sequential', i, this.length)][1]
  }

  /** Puts another layer in a place, under the same name. Throws RangeError. */
  set(i: number, layer: Layer): this {
    requireModule('Sequential', i, layer)
    this.#layers[placeIn('Sequential', i, this.length)][1] = layer
    return this
  }

  /** Puts a layer at the end, under its number. */
  append(layer: Layer): this {
    requireModule('Sequential', `layer ${this.length}`, layer)
    this.#layers.push([`${this.length}`, layer])
    return this
  }

  *[Symbol.iterator](): Generator<Layer> {
    for (const [, layer] of this.#layers) yield layer
  }

  forward(x: Tensor): Tensor {
    let h = x
    for (const [name, layer] of this.#layers) {
      if (typeof layer.forward !== 'function')
        throw new RangeError(`Sequential: layer ${name}, a ${layer.constructor.name}, has no forward()`)
      h = layer.forward(h)
    }
    return h
  }
}

/** A list of modules that is one itself. A plain array does as well; this one prints, and has append() and at(-1). */
export class ModuleList<M extends Module = Module> extends Module {
  readonly #items: M[] = []

  /** Throws RangeError for what is no module. */
  constructor(modules: Iterable<M> = []) {
    super()
    this.extend(modules)
  }

  override *holdings(): Generator<[string, Tensor | Module]> {
    yield* super.holdings()
    for (const [i, module] of this.#items.entries()) yield [`${i}`, module]
  }

  get length(): number {
    return this.#items.length
  }

  /** The module at a place, counted from the end where negative. Throws RangeError. */
  at(i: number): M {
    return this.#items[placeIn('ModuleList', i, this.length)]
  }

  /** Puts another module in a place. Throws RangeError. */
  set(i: number, module: M): this {
    requireModule('ModuleList', i, module)
    this.#items[placeIn('ModuleList', i, this.length)] = module
    return this
  }

  append(module: M): this {
    requireModule('ModuleList', this.length, module)
    this.#items.push(module)
    return this
  }

  extend(modules: Iterable<M>): this {
    if (!isIterable(modules))
      throw new ArgumentError('ModuleList', `modules must be a list, got ${got(modules)}`)
    for (const module of modules) this.append(module)
    return this
  }

  *[Symbol.iterator](): Generator<M> {
    yield* this.#items
  }

  override toString(): string {
    return describe(this, true)
  }
}

/** Modules by name, in the order in which they came. */
export class ModuleDict<M extends Module = Module> extends Module {
  readonly #items = new Map<string, M>()

  /** Throws RangeError for what is no module, and names with dots. */
  constructor(modules: Readonly<Record<string, M>> | Iterable<readonly [string, M]> = {}) {
    super()
    const listed = isIterable(modules)
    if (!listed && !isRecord(modules))
      throw new ArgumentError(
        'ModuleDict',
        `modules must be an object or a list of [name, module], got ${got(modules)}`,
      )
    for (const entry of listed ? (modules as Iterable<unknown>) : Object.entries(modules)) {
      if (!Array.isArray(entry))
        throw new ArgumentError('ModuleDict', `each of a list must be [name, module], got ${got(entry)}`)
      this.set(entry[0], entry[1])
    }
  }

  override *holdings(): Generator<[string, Tensor | Module]> {
    yield* super.holdings()
    yield* this.#items
  }

  get size(): number {
    return this.#items.size
  }

  /** Throws RangeError where there is none of this name. */
  get(name: string): M {
    const module = this.#items.get(name)
    if (module !== undefined) return module
    throw new RangeError(
      `ModuleDict: there is no ${typeof name === 'string' ? name : got(name)}, there are ${[...this.keys()].join(', ') || 'none'}`,
    )
  }

  has(name: string): boolean {
    return this.#items.has(name)
  }

  set(name: string, module: M): this {
    requireName('ModuleDict', name)
    requireModule('ModuleDict', name, module)
    this.#items.set(name, module)
    return this
  }

  delete(name: string): boolean {
    return this.#items.delete(name)
  }

  keys(): Iterable<string> {
    return this.#items.keys()
  }

  values(): Iterable<M> {
    return this.#items.values()
  }

  entries(): Iterable<[string, M]> {
    return this.#items.entries()
  }

  [Symbol.iterator](): Iterator<[string, M]> {
    return this.#items.entries()
  }
}
