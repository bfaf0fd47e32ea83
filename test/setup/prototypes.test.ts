// The check that follows every test must see what it is there for.
import { describe, expect, it } from 'vitest'
import { differences, snapshot } from './prototypes.js'

/** Merges as careless programs do. */
function merge(into: Record<string, unknown>, from: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(from)) {
    const there = into[name]
    if (typeof value === 'object' && value !== null && typeof there === 'object')
      merge(there as Record<string, unknown>, value as Record<string, unknown>)
    else into[name] = value
  }
}

describe('a pollution', () => {
  it('that a file plants by __proto__ is seen', () => {
    const before = snapshot()
    expect(differences(before)).toEqual([])
    try {
      merge({}, JSON.parse('{"__proto__":{"polluted":true}}'))
      expect(differences(before)).toEqual(['Object.prototype.polluted is new'])
    } finally {
      Reflect.deleteProperty(Object.prototype, 'polluted')
    }
    expect(differences(before)).toEqual([])
  })

  it.each<[string, object, string]>([
    ['Array.prototype.map is another', Array.prototype, 'map'],
    ['Object.prototype.toString is another', Object.prototype, 'toString'],
    ['Map.prototype.clear is another', Map.prototype, 'clear'],
    ['Float32Array.from is new', Float32Array, 'from'],
    ['Function.prototype.call is another', Function.prototype, 'call'],
    ['Promise.prototype.then is another', Promise.prototype, 'then'],
    ['JSON.parse is another', JSON, 'parse'],
  ])('%s', (text, holder, key) => {
    const before = snapshot()
    const was = Reflect.getOwnPropertyDescriptor(holder, key)
    const planted = function (this: unknown) {
      return this
    }
    Reflect.defineProperty(holder, key, { value: planted, configurable: true, writable: true })
    let found: string[] = []
    try {
      found = differences(before)
    } finally {
      if (was) Reflect.defineProperty(holder, key, was)
      else Reflect.deleteProperty(holder, key)
    }
    expect(found).toEqual([text])
  })

  it('of what is taken away is seen', () => {
    const before = snapshot()
    const was = Reflect.getOwnPropertyDescriptor(Array.prototype, 'at') as PropertyDescriptor
    Reflect.deleteProperty(Array.prototype, 'at')
    const found = differences(before)
    Reflect.defineProperty(Array.prototype, 'at', was)
    expect(found).toEqual(['Array.prototype.at is gone'])
  })
})
