// Builds of the kernels as patches of one another: what is made is what was meant, byte for byte.

import fc from 'fast-check'
import { expect, test } from 'vitest'
// @ts-expect-error: a script has no types
import { makePatch } from '../../scripts/wasm-patch.mjs'
import { int8Modules, modules } from '../../src/tensor/backends/wasm/generated.js'
import { relaxedAvailable } from '../../src/tensor/backends/wasm/module.js'
import { applyPatch, type Packed, unpack } from '../../src/tensor/backends/wasm/patch.js'

// Few different bytes, so that much is found again.
const bytes = fc.uint8Array({ max: 3, maxLength: 400 })

test('a patch gives the bytes it was made for', () => {
  fc.assert(
    fc.property(bytes, bytes, fc.nat(400), (base, other, cut) => {
      const to = Uint8Array.from([...base.subarray(cut), ...other, ...base.subarray(0, cut)])
      expect(applyPatch(base, makePatch(base, to))).toEqual(to)
    }),
  )
})

test('what is alike is pointed at, not repeated', () => {
  const base = Uint8Array.from({ length: 5000 }, (_, i) => (i * i) % 251)
  const to = Uint8Array.from([...base.subarray(0, 3000), 255, ...base.subarray(3000)])
  expect(makePatch(base, to).length).toBeLessThan(20)
})

test('each build is a module', () => {
  // Asked first: it turns relaxed SIMD on where that is behind a flag.
  const relaxed = relaxedAvailable()
  const valid = <Name extends string>(builds: Record<Name, Packed<Name>>) =>
    (Object.keys(builds) as Name[]).map((name) => [name, WebAssembly.validate(unpack(builds, name))] as const)
  for (const [name, is] of [...valid(modules), ...valid(int8Modules)])
    expect(is, name).toBe(/strict/i.test(name) || relaxed)
})
