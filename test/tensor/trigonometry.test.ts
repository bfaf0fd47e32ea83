// Our own functions against the engine's: a few units in the last place over many points, and exact where it must be.
import { describe, expect, it } from 'vitest'
import * as math from '../../src/tensor/math.js'
import { keyOf, uniformAt } from '../../src/tensor/rng.js'
import * as trigonometry from '../../src/tensor/trigonometry.js'

const bits = new BigInt64Array(1)
const double = new Float64Array(bits.buffer)

/** The doubles in order as whole numbers. */
function order(x: number): bigint {
  double[0] = x
  return bits[0] < 0n ? -(bits[0] & 0x7fffffffffffffffn) : bits[0]
}

const apart = (a: number, b: number) => (Object.is(a, b) ? 0 : Math.abs(Number(order(a) - order(b))))

type Fn = (x: number) => number
const near = (u: number) => 20 * (u - 0.5)
const turns = (u: number) => 2 ** 21 * (u - 0.5)
const any = (u: number) => 10 ** (600 * u - 300)
const inside = (u: number) => 2 * u - 1

const functions: [name: string, ours: Fn, engine: Fn, ulp: number, points: Fn[]][] = [
  ['sin', trigonometry.sin, Math.sin, 2, [near, turns, any]],
  ['cos', trigonometry.cos, Math.cos, 2, [near, turns, any]],
  ['tan', trigonometry.tan, Math.tan, 4, [near, turns]],
  ['atan', trigonometry.atan, Math.atan, 2, [near, any]],
  ['asin', trigonometry.asin, Math.asin, 3, [inside]],
  ['acos', trigonometry.acos, Math.acos, 3, [inside]],
  ['asinh', trigonometry.asinh, Math.asinh, 4, [near, any]],
  ['acosh', trigonometry.acosh, Math.acosh, 4, [(u) => 1 + 20 * u]],
  ['atanh', trigonometry.atanh, Math.atanh, 4, [inside]],
  ['sinh', math.sinh, Math.sinh, 3, [near, (u) => 1420 * (u - 0.5)]],
  ['cosh', math.cosh, Math.cosh, 3, [near, (u) => 1420 * (u - 0.5)]],
  ['expm1', math.expm1, Math.expm1, 3, [near, (u) => u - 0.5]],
  ['log1p', math.log1p, Math.log1p, 3, [(u) => u - 0.5, any]],
  ['log2', math.log2, Math.log2, 3, [any]],
  ['log10', math.log10, Math.log10, 3, [any]],
]

describe('close to the engine', () => {
  it.each(functions)('%s', (_, ours, engine, ulp, points) => {
    let worst = { off: 0, x: 0 }
    points.forEach((point, p) => {
      for (let i = 0; i < 30_000; i++) {
        const x = point(uniformAt(keyOf(p), i))
        const off = apart(ours(x), engine(x))
        if (off > worst.off) worst = { off, x }
      }
    })
    expect(worst.off, `at ${worst.x}`).toBeLessThanOrEqual(ulp)
  })
})

describe('exact', () => {
  it('for powers of two and ten, and halves', () => {
    for (let k = -1074; k < 1024; k++) expect(math.log2(2 ** k)).toBe(k)
    expect([1, 10, 100, 1000].map(math.log10)).toEqual([0, 1, 2, 3])
    expect([0.5, 1.5, 2.5, -0.5, -1.5, 0.49999999999999994].map(math.roundHalfEven)).toEqual([
      0, 2, 2, -0, -2, 0,
    ])
  })

  // The hardest double to reduce: 5 and a half digits of it are left after 62 zeros. Values by mpmath, 50 digits.
  it('next to a multiple of pi', () => {
    expect(apart(trigonometry.cos(6381956970095103 * 2 ** 797), -4.6871659242546277e-19)).toBeLessThanOrEqual(
      1,
    )
    expect(apart(trigonometry.sin(Math.PI), 1.2246467991473532e-16)).toBe(0)
  })
})
