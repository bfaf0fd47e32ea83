// What every program relies on and any careless merge of names from a file can change: the built-in prototypes.

const holders: readonly (readonly [name: string, holder: object])[] = [
  ...[Object, Array, String, Number, Boolean, Function, Symbol, BigInt, RegExp, Promise, Date].map(both),
  ...[Map, Set, WeakMap, WeakSet, ArrayBuffer, DataView, Error, TypeError, RangeError].map(both),
  ...[Uint8Array, Int32Array, Float32Array, Float64Array, Object.getPrototypeOf(Uint8Array)].map(both),
  [
    ['JSON', JSON],
    ['Math', Math],
    ['Reflect', Reflect],
  ] as const,
].flat()

type Constructor = { readonly name: string; readonly prototype: object }

function both(c: Constructor): readonly (readonly [string, object])[] {
  return [
    [c.name, c],
    [`${c.name}.prototype`, c.prototype],
  ]
}

export type Snapshot = ReadonlyMap<string, ReadonlyMap<string | symbol, PropertyDescriptor>>

export function snapshot(): Snapshot {
  return new Map(
    holders.map(([name, holder]) => [
      name,
      new Map(
        Reflect.ownKeys(holder).map((key) => [
          key,
          Reflect.getOwnPropertyDescriptor(holder, key) as PropertyDescriptor,
        ]),
      ),
    ]),
  )
}

/** What has come, gone or changed since: 'Object.prototype.x is new'. */
export function differences(before: Snapshot): string[] {
  const out: string[] = []
  for (const [name, holder] of holders) {
    const known = before.get(name)
    if (known === undefined) continue
    const keys = Reflect.ownKeys(holder)
    for (const key of keys) {
      const was = known.get(key)
      const is = Reflect.getOwnPropertyDescriptor(holder, key)
      const same = Object.is(was?.value, is?.value) && was?.get === is?.get && was?.set === is?.set
      if (was === undefined) out.push(`${name}.${String(key)} is new`)
      // Where the next exec of a pattern was told of: it changes with every use.
      else if (!same && !/^RegExp$/.test(name) && key !== 'stackTraceLimit')
        out.push(`${name}.${String(key)} is another`)
    }
    if (keys.length < known.size)
      for (const key of known.keys())
        if (!Object.hasOwn(holder, key)) out.push(`${name}.${String(key)} is gone`)
  }
  return out
}
