// Everything that can be called from outside, read off the public entry: what is exported tomorrow is called tomorrow.
import * as tinystill from '../../src/index.js'

export interface Callable {
  name: string
  /** Of a method: it is called on a tensor. */
  method: boolean
  call: (self: unknown, args: unknown[]) => unknown
}

/** Not called, each for its reason. */
const left: Readonly<Record<string, string>> = {
  openGpu: 'looks for a device, which takes seconds',
  raceBackends: 'measures for seconds',
  closeGpu: 'takes nothing',
  Tensor: 'the constructor takes a Storage, which nobody outside has',
  viewAs: 'the floor below checks: a view as its caller computed it',
  stridesFor: 'the floor below checks: shapes that have been seen to broadcast',
  'nn.Module': 'abstract',
}

type AnyFunction = ((...args: unknown[]) => unknown) & { prototype?: unknown }
type AnyClass = new (...args: unknown[]) => unknown

const isClass = (f: AnyFunction) => /^class\b/.test(Function.prototype.toString.call(f))

function walk(prefix: string, from: object, found: Callable[]): void {
  for (const [key, value] of Object.entries(from)) {
    const name = `${prefix}${key}`
    if (name in left) continue
    if (typeof value === 'function') {
      const f = value as AnyFunction
      if (f.prototype instanceof Error) continue
      const call = isClass(f)
        ? (_: unknown, args: unknown[]) => new (f as unknown as AnyClass)(...args)
        : (_: unknown, args: unknown[]) => f(...args)
      found.push({ name, method: false, call })
    } else if (typeof value === 'object' && value !== null) walk(`${name}.`, value, found)
  }
}

export function callables(): Callable[] {
  const found: Callable[] = []
  walk('', tinystill, found)
  for (const name of Object.getOwnPropertyNames(tinystill.Tensor.prototype)) {
    const { value } = Object.getOwnPropertyDescriptor(tinystill.Tensor.prototype, name) as PropertyDescriptor
    if (typeof value !== 'function' || name === 'constructor' || name in left) continue
    const call = (self: unknown, args: unknown[]) => value.apply(self, args)
    found.push({ name: `Tensor.${name}`, method: true, call })
  }
  return found
}
