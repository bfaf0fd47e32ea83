// Products of whole numbers: every build, any number of threads and the plain loops give the same bits.
import { describe, expect, it } from 'vitest'
import { unaryTable } from '../../src/tensor/backends/js/elementwise.js'
import { jsKernels } from '../../src/tensor/backends/js/index.js'
import { jsInt8Kernels } from '../../src/tensor/backends/js/int8.js'
import { singleActivations } from '../../src/tensor/backends/js/single.js'
import {
  chooseInt8,
  createInt8Kernels,
  createWasmKernels,
  type Int8Build,
  int8BuildBeside,
} from '../../src/tensor/backends/wasm/index.js'
import { type Int8Bits, int8Bytes, int8Input, int8Layout, int8Most, int8Row } from '../../src/tensor/int8.js'
import type { ProductActivation } from '../../src/tensor/kernel-args.js'
import type { Int8Kernels, Kernels } from '../../src/tensor/kernels.js'
import { keyOf, normalAt } from '../../src/tensor/rng.js'
import { type Floats, Storage } from '../../src/tensor/storage.js'
import { builds } from './builds.js'

const sure: Int8Build[] = builds.length > 1 ? ['int8Strict', 'int8Relaxed', 'int8Wide'] : ['int8Strict']
/** Wrong in the baseline compiler of some engines, and refused there. */
const dots = (['int8Dot', 'int8WideDot'] as const).filter((build) => builds.length > 1 && chooseInt8([build]))
const int8Builds = [...sure, ...dots]
function kernelsOf(int8: Int8Build, threads = 1): Kernels & Int8Kernels {
  const build = int8 === 'int8Strict' ? 'strict' : 'relaxed'
  const floats = createWasmKernels(jsKernels, { build, threads: () => threads }) as Kernels
  return { ...floats, ...(createInt8Kernels(jsInt8Kernels, floats, () => int8) as Int8Kernels) }
}

const storages: Storage[] = []
function shared<A extends Float32Array | Int32Array>(values: A): A {
  const storage = new Storage(values instanceof Int32Array ? 'int32' : 'float32', values.length)
  storages.push(storage)
  storage.data.set(values)
  return storage.data as A
}
const own = <A>(values: A): A => values

const draw = (n: number, seed: number, by = 1) =>
  Float32Array.from({ length: n }, (_, i) => normalAt(keyOf(seed), i) * by)

/** W [n, k] packed, with scales and sums. */
function packed(w: Float32Array, n: number, k: number, bits: Int8Bits) {
  const words = new Int32Array(int8Bytes(n, k) / 4)
  const bytes = new Int8Array(words.buffer)
  const place = int8Layout(k)
  const row = new Int8Array(k)
  const [scales, sums] = [new Float32Array(n), new Int32Array(n)]
  for (let c = 0; c < n; c++) {
    scales[c] = int8Row('test', w, c * k, k, int8Most[bits], row)
    for (const [j, q] of row.entries()) {
      bytes[place(c, j)] = q
      sums[c] += q
    }
  }
  return { words, scales, sums }
}

interface Case {
  m: number
  n: number
  k: number
  bits?: Int8Bits
  act?: ProductActivation | null
  bias?: boolean
  /** Numbers between rows of x. */
  gap?: number
  x?: Float32Array
  range?: readonly [number, number]
  w?: Float32Array
}

function run(kernels: Int8Kernels, place: typeof shared, c: Case): Int32Array {
  const { m, n, k, bits = 7, act = null, bias = true, gap = 0 } = c
  const x = c.x ?? draw(m * (k + gap), 1, 2)
  const { words, scales, sums } = packed(c.w ?? draw(n * k, 2), n, k, bits)
  const out = place(new Float32Array(m * n).fill(7))
  kernels.int8Linear(
    ...([out, place(x), k + gap, place(words), place(scales), place(sums)] as const),
    ...([m, n, k, bits, bias ? place(draw(n, 3)) : null, act] as const),
    c.range ? int8Input('test', ...c.range) : null,
  )
  // NaN is one value here: its bits are the machine's own.
  return new Int32Array(Float32Array.from(out, (y) => (Number.isNaN(y) ? Number.NaN : y)).buffer)
}

const shapes: Case[] = [
  ...[0, 1, 2, 3, 4, 5, 7, 47, 48, 49, 100].map((m) => ({ m, n: 19, k: 21 })),
  ...[0, 1, 2, 3, 8, 15, 16, 17, 31, 33, 64].map((n) => ({ m: 5, n, k: 13 })),
  ...[0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 19, 23, 24, 31, 33, 100].map((k) => ({ m: 4, n: 18, k })),
  ...(['relu', 'gelu', 'geluTanh'] as const).map((act) => ({ m: 7, n: 39, k: 30, act })),
  { m: 6, n: 20, k: 30, bias: false },
  { m: 6, n: 20, k: 30, bits: 8 },
  { m: 50, n: 40, k: 129, bits: 8, act: 'gelu' },
  { m: 9, n: 33, k: 11, gap: 5 },
  // Sums at the edge of what 16 bits hold.
  ...([7, 8] as const).flatMap((bits) =>
    [1, -1].map((sign) => ({
      ...{ m: 4, n: 17, k: 64, bits },
      x: new Float32Array(4 * 64).fill(1),
      w: new Float32Array(17 * 64).fill(sign),
    })),
  ),
  // Zeros, signed ones, the smallest and the largest numbers, and rows that are not finite.
  ...[0, -0, 1e-45, 1e-38, -3e38, 3e38, Infinity, -Infinity, Number.NaN].flatMap((value) =>
    (['gelu', null] as const).map((act) => ({
      ...{ m: 3, n: 17, k: 20, act },
      x: Float32Array.from({ length: 60 }, (_, i) => (i >= 20 && i < 40 ? (i % 3 ? value : 0) : i - 30)),
    })),
  ),
  { m: 2, n: 17, k: 20, w: new Float32Array(17 * 20) },
  // By a range that was known before, of which much lies outside.
  ...[1, 3, 4, 21, 40].flatMap((k) =>
    (
      [
        [-1, 1.5],
        [0, 0],
        [-3, -1],
        [0.5, 2],
        [-1e30, 1e30],
        [-1e-45, 0],
      ] as const
    ).map((range) => ({ m: 5, n: 18, k, range })),
  ),
  ...[3e38, Infinity, Number.NaN].map((value) => ({
    ...{ m: 3, n: 17, k: 20, range: [-2, 2] as const },
    x: Float32Array.from({ length: 60 }, (_, i) => (i === 30 ? value : (i - 30) / 10)),
  })),
]
const large: Case[] = [
  { m: 260, n: 200, k: 160, act: 'gelu' },
  { m: 17, n: 400, k: 312, act: 'gelu' },
  { m: 1, n: 3000, k: 384, bits: 8 },
]

describe.each(int8Builds)('%s', (build) => {
  const fast = kernelsOf(build)
  it.each([shared, own])('gives the bits of the plain loops', (place) => {
    for (const c of [...shapes, ...(place === shared ? large : [])])
      expect(run(fast, place as typeof shared, c), JSON.stringify(c)).toEqual(
        run(jsInt8Kernels, own as typeof shared, c),
      )
  })

  it.each([2, 4])('gives them on %i threads', (threads) => {
    const many = kernelsOf(build, threads)
    for (const c of large) expect(run(many, shared, c)).toEqual(run(fast, shared, c))
  })

  it('takes turns with products of floats on the same threads', () => {
    const many = kernelsOf(build, 3)
    const [m, n, k] = [300, 90, 200]
    const [a, b] = [shared(draw(m * k, 8)), shared(draw(n * k, 9))]
    const multiply = () => {
      const out = shared(new Float32Array(m * n))
      const plain = (data: Float32Array, rowStride: number, colStride: number) => ({
        ...{ data, offsets: [0], rowStride, colStride },
      })
      many.matmul(out, plain(a, k, 1) as never, plain(b, 1, k) as never, 1, m, n, k, null)
      return Array.from(out)
    }
    const before = multiply()
    const want = run(fast, shared, large[0])
    for (let i = 0; i < 3; i++) {
      expect(run(many, shared, large[0])).toEqual(want)
      expect(multiply()).toEqual(before)
    }
  })

  it('gathers rows of a table', () => {
    for (const width of [0, 1, 3, 4, 5, 8, 30]) {
      const table = Int32Array.from({ length: 9 * Math.ceil(width / 4) }, (_, i) => i * 0x9e3779b1)
      const ids = Int32Array.of(8, 0, 3, 3, 7)
      const gather = (kernels: Int8Kernels, place: typeof shared) => {
        const out = place(new Float32Array(ids.length * width))
        kernels.int8Gather(out, place(table), place(draw(9, 4)), place(ids), width)
        return Array.from(out)
      }
      const want = gather(jsInt8Kernels, own as typeof shared)
      expect(gather(fast, shared)).toEqual(want)
      expect(gather(fast, own as typeof shared)).toEqual(want)
    }
  })
})

describe('the plain loops', () => {
  // In float64 throughout: what the scheme says, and how far that is from the product it stands for.
  it.each([7, 8] as const)('multiply what they round, %i bits', (bits) => {
    const [m, n, k] = [5, 20, 200]
    const [x, w] = [draw(m * k, 5), draw(n * k, 6)]
    const { words, scales, sums } = packed(w, n, k, bits)
    const out: Floats = new Float32Array(m * n)
    jsInt8Kernels.int8Linear(out, x, k, words, scales, sums, m, n, k, bits, null, null, null)
    const round = (v: number) => {
      const low = Math.floor(v)
      return v - low < 0.5 || (v - low === 0.5 && low % 2 === 0) ? low : low + 1
    }
    let [far, size] = [0, 0]
    for (let r = 0; r < m; r++) {
      const row = x.subarray(r * k, (r + 1) * k)
      const [lo, hi] = [Math.min(0, ...row), Math.max(0, ...row)]
      const s = Math.fround(Math.fround(hi - lo) / 127)
      const z = round(Math.fround(-lo / s))
      const q = row.map((v) => Math.min(127, Math.max(0, round(Math.fround(v * Math.fround(1 / s))) + z)))
      for (let c = 0; c < n; c++) {
        const own = w.subarray(c * k, (c + 1) * k)
        const t = Math.fround(Math.max(...own.map(Math.abs)) / int8Most[bits])
        const p = own.map((v) => round(Math.fround(v / t)))
        let [sum, exact] = [0, 0]
        for (let j = 0; j < k; j++) {
          sum += (q[j] - z) * p[j]
          exact += row[j] * own[j]
        }
        expect(Math.abs(out[r * n + c] - sum * s * t)).toBeLessThan(1e-5 * Math.abs(sum * s * t) + 1e-9)
        far += (out[r * n + c] - exact) ** 2
        size += exact ** 2
      }
    }
    expect(Math.sqrt(far / size)).toBeLessThan(0.03)
  })

  it('refuse weights that are not finite', () => {
    for (const value of [Number.NaN, Infinity, -Infinity])
      expect(() => packed(Float32Array.of(1, value), 1, 2, 7)).toThrow(`test: a weight is ${value}. Quantize`)
  })
})

describe('activations', () => {
  it('lie within what float32 holds of them', () => {
    for (let i = -24000; i <= 24000; i++) {
      const x = Math.fround(i / 2000)
      for (const name of ['relu', 'gelu', 'geluTanh'] as const) {
        const far = Math.abs(singleActivations[name](x) - unaryTable[name](x))
        if (!(far <= 4e-7 * Math.max(1, Math.abs(x)))) throw new Error(`${name}(${x}) is off by ${far}`)
      }
    }
    for (const name of ['relu', 'gelu', 'geluTanh'] as const) {
      const act = singleActivations[name]
      const ends = [-Infinity, -(2 ** 100), -300, 0, 300, 2 ** 100, Infinity, Number.NaN]
      expect(ends.map((x) => act(x) + 0)).toEqual([0, 0, 0, 0, 300, 2 ** 100, Infinity, Number.NaN])
    }
  })
})

describe('the build', () => {
  it('adds into 32 bits where the engine does so rightly from the first call on', () => {
    const v8 = Number.parseInt(process.versions.v8, 10)
    if (v8 >= 12) expect(dots).toEqual(['int8Dot', 'int8WideDot'])
  })

  it('is one that computes the known product right', () => {
    for (const build of builds) expect(int8Builds).toContain(int8BuildBeside(build))
  })
})
