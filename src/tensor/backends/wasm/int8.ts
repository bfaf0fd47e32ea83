// Products of whole numbers: which build computes them, and how a product is cut for threads. None of that shows in the
// result's bits.
import { heap } from '../../heap.js'
import { INT8_PANEL, int8Layout, int8Most } from '../../int8.js'
import type { ProductActivation } from '../../kernel-args.js'
import type { Int8Kernels } from '../../kernels.js'
import { type Int8Build, type Int8Exports, int8Loader } from './int8-module.js'
import { at, type Scratch, shareOf, staged } from './memory.js'
import type { Build, CompiledModule } from './module.js'
import type { Pool } from './pool.js'
import { raceOf } from './race.js'

/** Products a nanosecond on one thread, about; nanoseconds for a number of A. */
const RATE = 60
const QUANTIZE = 0.6
const GATHER = 0.5
/** Rows for a thread from which they are shared out; else columns are. */
const SHARED_ROWS = 24

/** Numbers of activations in the module; none is -1. */
const activationCode: Record<ProductActivation, number> = { relu: 0, gelu: 1, geluTanh: 2 }

/**
 * What may run beside each build of the float kernels: no engine's flag is set for whole numbers alone. The strict one is
 * half as fast wherever the others run, and stands in only where they are wrong: on a busy machine a race might not tell.
 */
const candidates: Record<Build, readonly Int8Build[]> = {
  // Where the engine has relaxed SIMD without a flag, which strictness does not set.
  strict: ['int8Dot', 'int8Relaxed'],
  relaxed: ['int8Dot', 'int8Relaxed'],
  wide: ['int8WideDot', 'int8Wide', 'int8Relaxed'],
}

// A product that fits the first cache, [M, K] x [N, K].
const [M, K, N] = [49, 136, 64]
const LIMIT = 80
/** Milliseconds before which nobody has won: a build that the engine has not optimized yet may seem settled. */
const LEAST = 25

/** One build at its known product, in a block of memory. */
class Trial {
  readonly #w: Int8Exports
  /** Addresses: x, weights, scales, sums, the result, then scratch. */
  readonly #places: number[]
  static readonly sizes = [M * K * 4, N * K, N * 4, N * 4, M * N * 4, 2 ** 16].map(shareOf)
  static readonly bytes = Trial.sizes.reduce((a, b) => a + b, 0)

  constructor(
    readonly build: Int8Build,
    w: Int8Exports,
    block: number,
  ) {
    this.#w = w
    this.#places = Trial.sizes.map((_, i) => block + Trial.sizes.slice(0, i).reduce((a, b) => a + b, 0))
  }

  /** Both widths of weights, with their largest numbers side by side. */
  right(): boolean {
    const { buffer } = heap!
    const [x, w, scales, sums, c, scratch] = this.#places
    const a = new Float32Array(buffer, x, M * K)
    // The first of each row is 127 and none is negative: scale 1, zero point 0.
    for (let i = 0; i < a.length; i++) a[i] = i % K < 24 ? 127 : (i * 7919) % 128
    this.#w.int8Quantize(scratch + shareOf(M * 8), scratch, x, K * 4, M, K, 0, 0)
    new Float32Array(buffer, scales, N).fill(1)
    new Int32Array(buffer, sums, N).fill(0)
    const bytes = new Int8Array(buffer, w, N * K)
    const out = new Float32Array(buffer, c, M * N)
    const place = int8Layout(K)
    return ([7, 8] as const).every((bits) => {
      const most = int8Most[bits]
      const weight = (n: number, k: number) =>
        k < 24 ? (n % 2 ? most : -most) : ((n * 31 + k * 7919) % (2 * most + 1)) - most
      for (let n = 0; n < N; n++) for (let k = 0; k < K; k++) bytes[place(n, k)] = weight(n, k)
      this.run(bits === 8)
      return out.every((y, i) => {
        const [m, n] = [Math.floor(i / N), i % N]
        let sum = 0
        for (let k = 0; k < K; k++) sum += a[m * K + k] * weight(n, k)
        return y === sum
      })
    })
  }

  /** A is quantized before, by right(). */
  run(eight = false): void {
    const [, w, scales, sums, c, scratch] = this.#places
    const rows = scratch + shareOf(M * 8)
    const aside = rows + (M + this.#w.int8TileRows() - 1) * this.#w.int8ARow(K)
    this.#w.int8Product(c, N * 4, rows, scratch, w, scales, sums, 0, -1, M, N, K, Number(eight), aside)
  }
}

/** Of those that compute the known product right, as it comes and once it is optimized, the fastest; null: none. */
export function chooseInt8(builds: readonly Int8Build[]): Int8Build | null {
  const instances = builds.flatMap((build) => {
    const w = int8Loader.instantiate(build)
    return w === null ? [] : [{ build, w }]
  })
  const block = heap === null ? -1 : heap.alloc(2 ** Math.ceil(Math.log2(Trial.bytes * builds.length)))
  if (block < 0) return null
  try {
    const trials = instances
      .map(({ build, w }, i) => new Trial(build, w, block + i * Trial.bytes))
      .filter((trial) => trial.right())
    if (trials.length < 2) return trials[0]?.build ?? null
    const times = raceOf(
      trials.map((trial) => () => {
        for (let i = 0; i < 4; i++) trial.run()
      }),
      LIMIT,
      LEAST,
    )
    const inTurn = [...trials.keys()].sort((a, b) => times[a] - times[b]).map((i) => trials[i])
    return inTurn.find((trial) => trial.right())?.build ?? null
  } finally {
    heap!.free(block)
  }
}

const chosen = new Map<Build, Int8Build | null>()

/** Which build multiplies whole numbers beside a build of the float kernels; null: the plain loops do. Raced once. */
export function int8BuildBeside(build: Build): Int8Build | null {
  let own = chosen.get(build)
  if (own === undefined) {
    own = chooseInt8(candidates[build]) ?? chooseInt8(['int8Strict'])
    chosen.set(build, own)
  }
  return own
}

/** which: the build, asked for at the first product. */
export function int8Kernels(
  which: () => Int8Build | null,
  scratch: Scratch,
  pool: Pool,
  js: Int8Kernels,
): Int8Kernels {
  let found: Int8Exports | null | undefined
  const ready = () => {
    if (found === undefined) {
      const build = which()
      found = build === null ? null : int8Loader.instantiate(build)
      if (build !== null && found !== null) pool.extend(found, int8Loader.compile(build) as CompiledModule)
    }
    return found
  }

  const kernels: Int8Kernels = {
    int8Linear(...args) {
      const [out, x, rowStride, weight, scales, sums, m, n, k, bits, bias, activation, input] = args
      const w = ready()
      if (w === null) return js.int8Linear(...args)
      const [c, a, b, s, t] = [out, x, weight, scales, sums].map(at)
      const biasAt = bias === null ? 0 : at(bias)
      if (Math.min(c, a, b, s, t, biasAt) < 0) return staged('int8Linear', kernels, js, args)
      if (m * n === 0) return
      const chunks = pool.chunksFor((m * n * k) / RATE)
      const threads = chunks > 1 ? pool.size() : 1
      const row = w.int8ARow(k)
      const tile = w.int8TileRows()
      const share = shareOf(w.int8Aside())
      const params = shareOf(m * 8)
      const room = scratch.reserve(params + shareOf((m + tile - 1) * row) + share * threads)
      if (room < 0) return js.int8Linear(...args)
      const rows = room + params
      const each = Math.ceil(m / pool.chunksFor(m * k * QUANTIZE))
      pool.run({
        fn: 'int8Quantize',
        args: [rows, room, a, rowStride * 4, m, k, input?.scale ?? 0, input?.zero ?? 0],
        steps: { 0: each * row, 1: each * 8, 2: each * rowStride * 4 },
        ...{ countAt: 4, total: m, chunk: each },
      })
      const aside = rows + shareOf((m + tile - 1) * row)
      const act = activation === null ? -1 : activationCode[activation]
      const product = {
        fn: 'int8Product',
        args: [c, n * 4, rows, room, b, s, t, biasAt, act, m, n, k, bits === 8 ? 1 : 0, aside],
        scratchAt: 13,
      } as const
      if (m >= SHARED_ROWS * threads) {
        const chunk = Math.ceil(m / chunks / tile) * tile
        const steps = { 0: chunk * n * 4, 2: chunk * row, 3: chunk * 8, 13: share }
        pool.run({ ...product, args: [...product.args], steps, countAt: 9, total: m, chunk })
      } else {
        const chunk = Math.ceil(n / chunks / INT8_PANEL) * INT8_PANEL
        const steps = {
          ...{ 0: chunk * 4, 4: chunk * Math.ceil(k / 8) * 8, 5: chunk * 4, 6: chunk * 4 },
          ...{ 7: biasAt === 0 ? 0 : chunk * 4, 13: share },
        }
        pool.run({ ...product, args: [...product.args], steps, countAt: 10, total: n, chunk })
      }
    },

    int8Gather(...args) {
      const [out, table, scales, index, width] = args
      const [o, t, s, i] = [out, table, scales, index].map(at)
      if (ready() === null) return js.int8Gather(...args)
      if (Math.min(o, t, s, i) < 0) return staged('int8Gather', kernels, js, args)
      const m = index.length
      if (m * width === 0) return
      const chunk = Math.ceil(m / pool.chunksFor(m * width * GATHER))
      pool.run({
        fn: 'int8Gather',
        args: [o, t, s, i, m, width, Math.ceil(width / 4) * 4],
        steps: { 0: chunk * width * 4, 3: chunk * 4 },
        ...{ countAt: 4, total: m, chunk },
      })
    },
  }
  return kernels
}
