// Module: a tree of layers found by looking at properties. A Tensor property is a parameter, a Module property a child.
import { noGrad, touch } from '../autograd/graph.js'
import { clone, to } from '../autograd/ops/elementwise/cast.js'
import { CheckpointError } from '../errors.js'
import { formatShape, sameShape } from '../tensor/shape.js'
import type { DType } from '../tensor/storage.js'
import { Tensor } from '../tensor/tensor.js'
import { parameter } from './init.js'

const join = (prefix: string, name: string | number) => (prefix === '' ? `${name}` : `${prefix}.${name}`)

/** The longest list of names that an error prints whole. */
const SHOWN = 12

function listed(names: readonly string[]): string {
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : ''
  return names.slice(0, SHOWN).join(', ') + more
}

/** Base of layers and models. Names are paths of properties: `encoder.0.attention.query.weight`. */
export abstract class Module {
  /** Whether dropout drops. Changed for the whole tree by train() and eval(). */
  training = true

  parameters(): Tensor[] {
    return Array.from(this.namedParameters(), ([, p]) => p)
  }

  /** This module and all below it, parents first. Entries of an array are named by their index. */
  *namedModules(prefix = ''): Generator<[string, Module]> {
    yield [prefix, this]
    for (const [name, value] of Object.entries(this)) {
      const children: [string, unknown][] = Array.isArray(value)
        ? value.map((child, i) => [join(name, i), child])
        : [[name, value]]
      for (const [at, child] of children) {
        if (child instanceof Module) yield* child.namedModules(join(prefix, at))
      }
    }
  }

  /** All parameters with their names. One that two modules share comes once, under its first name. */
  *namedParameters(): Generator<[string, Tensor]> {
    const seen = new Set<Tensor>()
    for (const [prefix, module] of this.namedModules()) {
      for (const [name, value] of Object.entries(module)) {
        if (!(value instanceof Tensor) || seen.has(value)) continue
        seen.add(value)
        yield [join(prefix, name), value]
      }
    }
  }

  /** The number of elements in all parameters. */
  countParameters(): number {
    return this.parameters().reduce((n, p) => n + p.numel, 0)
  }

  /** The parameters themselves by name: not copies. */
  stateDict(): Map<string, Tensor> {
    return new Map(this.namedParameters())
  }

  /** Copies of all parameters by name, which later training leaves as they are. */
  snapshot(): Map<string, Tensor> {
    return new Map(Array.from(this.namedParameters(), ([name, p]) => [name, noGrad(() => clone(p))]))
  }

  /**
   * Copies values in, by name. Throws one CheckpointError with all missing, unexpected and mis-shaped names, and then
   * changes nothing. `from` names the source in it.
   */
  loadStateDict(state: ReadonlyMap<string, Tensor>, { from = 'state dict' }: { from?: string } = {}): void {
    const own = this.stateDict()
    const missing = [...own.keys()].filter((name) => !state.has(name))
    const unexpected = [...state.keys()].filter((name) => !own.has(name))
    const misshaped = [...own].flatMap(([name, p]) => {
      const t = state.get(name)
      if (t === undefined || sameShape(t.shape, p.shape)) return []
      return [`${name} is ${formatShape(t.shape)}, the model needs ${formatShape(p.shape)}`]
    })
    const faults = Object.entries({ missing, unexpected, 'of another shape': misshaped })
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
      p.elements.set((state.get(name) as Tensor).elements)
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

  /** Converts all parameters, in place of the old ones: 'float64' to check gradients, 'float32' to train. */
  to(dtype: DType): this {
    const converted = new Map<Tensor, Tensor>()
    for (const [, module] of this.namedModules()) {
      for (const [name, value] of Object.entries(module)) {
        if (!(value instanceof Tensor) || value.dtype === dtype) continue
        const p = converted.get(value) ?? parameter(noGrad(() => to(value, dtype)))
        p.requiresGrad = value.requiresGrad
        converted.set(value, p)
        Object.assign(module, { [name]: p })
      }
    }
    return this
  }
}
