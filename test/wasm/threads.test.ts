// Threads: the same bits for any number of them, and a right result or a named error when one dies at a bad moment.
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { jsKernels } from '../../src/tensor/backends/js/index.js'
import { createWasmKernels } from '../../src/tensor/backends/wasm/index.js'
import { compile, instantiate } from '../../src/tensor/backends/wasm/module.js'
import { Pool, startThread, type Thread } from '../../src/tensor/backends/wasm/pool.js'
import { workerSource } from '../../src/tensor/backends/wasm/worker.js'
import type { AttentionArgs } from '../../src/tensor/kernel-args.js'
import type { Kernels } from '../../src/tensor/kernels.js'
import { integerAt, keyOf, normalAt } from '../../src/tensor/rng.js'
import { Storage } from '../../src/tensor/storage.js'
import { builds } from './builds.js'

const storages: Storage[] = []
afterAll(() => {
  for (const s of storages) s.dispose()
})

function floats(n: number): Float32Array {
  const storage = new Storage('float32', n)
  storages.push(storage)
  return storage.data as Float32Array
}

/** Labels below n, some of them ignored. */
function ints(n: number): Int32Array {
  const storage = new Storage('int32', n)
  storages.push(storage)
  return (storage.data as Int32Array).map((_, i) => (i % 7 === 0 ? -100 : (i * 13) % n))
}

/** A new array on the shared memory, a function of its size and seed. */
function drawn(n: number, seed: number): Float32Array {
  const x = floats(n)
  for (let i = 0; i < n; i++) x[i] = normalAt(keyOf(seed), i)
  return x
}

const matrix = (data: Float32Array, cols: number, offsets = [0], turned = false) => ({
  ...{ data, offsets },
  rowStride: turned ? 1 : cols,
  colStride: turned ? cols : 1,
})

const B = 3
const H = 4
const S = 50
const D = 24
const strides = [H * S * D, S * D, D]
const heads: AttentionArgs = {
  ...{ B, H, S, T: S, D, q: strides, k: strides, v: strides, out: strides },
  ...{ scale: 0.2, mask: null, starts: null, causal: false, p: 0.1, key: [1, 2] },
}
const n = B * H * S * D
/** The same rows as sequences of unlike lengths, one after the other. */
const segments: AttentionArgs = {
  ...heads,
  ...{ B: 6, S: 71, T: 71, starts: Int32Array.of(0, 71, 72, 72, 90, 140, 150) },
  ...{ q: [0, D, H * D], k: [0, D, H * D], v: [0, D, H * D], out: [0, D, H * D] },
}

/** Calls large enough for threads: each gives what it wrote. */
const calls: Record<string, (k: Kernels) => Float32Array[]> = {
  'a tall product with bias': (k) => {
    const out = floats(301 * 93)
    k.matmul(
      out,
      matrix(drawn(301 * 200, 1), 200),
      matrix(drawn(93 * 200, 2), 200, [0], true),
      1,
      301,
      93,
      200,
      drawn(93, 3),
    )
    return [out]
  },
  'a wide product': (k) => {
    const out = floats(93 * 301)
    k.matmul(
      out,
      matrix(drawn(93 * 200, 4), 93, [0], true),
      matrix(drawn(200 * 301, 5), 301),
      1,
      93,
      301,
      200,
      drawn(301, 6),
    )
    return [out]
  },
  'a batch of products': (k) => {
    const out = floats(7 * 60 * 60)
    const offsets = Array.from({ length: 7 }, (_, i) => i * 3600)
    k.matmul(
      out,
      matrix(drawn(7 * 3600, 7), 60, offsets),
      matrix(drawn(7 * 3600, 8), 60, offsets.toReversed()),
      7,
      60,
      60,
      60,
      null,
    )
    return [out]
  },
  'a product of few rows': (k) => {
    const out = floats(17 * 3001)
    k.matmul(
      out,
      matrix(drawn(17 * 300, 31), 300),
      matrix(drawn(3001 * 300, 32), 300, [0], true),
      1,
      17,
      3001,
      300,
      drawn(3001, 3),
    )
    return [out]
  },
  'a product of few rows with a wide B': (k) => {
    const out = floats(17 * 3001)
    k.matmul(
      out,
      matrix(drawn(17 * 300, 33), 300),
      matrix(drawn(300 * 3001, 34), 3001),
      1,
      17,
      3001,
      300,
      null,
    )
    return [out]
  },
  'a product whose B is packed in parts': (k) => {
    const out = floats(101 * 1037)
    k.matmul(
      out,
      matrix(drawn(101 * 2000, 35), 2000),
      matrix(drawn(1037 * 2000, 36), 2000, [0], true),
      1,
      101,
      1037,
      2000,
      drawn(1037, 3),
    )
    return [out]
  },
  'a sum of rows': (k) => {
    const out = floats(1201)
    k.reduce('sum', out, drawn(999 * 1201, 37), 1, 999, 1201)
    return [out]
  },
  'sums along rows': (k) => {
    const out = floats(999)
    k.reduce('sum', out, drawn(999 * 1201, 37), 999, 1201, 1)
    return [out]
  },
  'a sum of two': (k) => {
    const out = floats(1000001)
    k.binary('add', [1000001], out, drawn(1000001, 38), [1], drawn(1000001, 39), [1])
    return [out]
  },
  'cross entropy': (k) => {
    const out = floats(200)
    const labels = ints(200)
    k.crossEntropy(out, drawn(200 * 3001, 40), labels, 200, 3001, -100, 0.1)
    const dx = floats(200 * 3001)
    k.crossEntropyGrad(dx, drawn(200 * 3001, 40), labels, out, 200, 3001, -100, 0.1)
    return [out, dx]
  },
  attention: (k) => {
    const out = floats(n)
    k.attention(out, drawn(n, 9), drawn(n, 10), drawn(n, 11), heads)
    return [out]
  },
  attentionGrad: (k) => {
    const out = [floats(n), floats(n), floats(n)] as const
    k.attentionGrad(...out, drawn(n, 12), drawn(n, 9), drawn(n, 10), drawn(n, 11), heads)
    return [...out]
  },
  'attention by segments': (k) => {
    const out = floats(n)
    k.attention(out, drawn(n, 9), drawn(n, 10), drawn(n, 11), segments)
    return [out]
  },
  'attentionGrad by segments': (k) => {
    const out = [floats(n), floats(n), floats(n)] as const
    k.attentionGrad(...out, drawn(n, 12), drawn(n, 9), drawn(n, 10), drawn(n, 11), segments)
    return [...out]
  },
  layerNorm: (k) => {
    const out = floats(999 * 301)
    k.layerNorm(out, drawn(999 * 301, 13), drawn(301, 14), drawn(301, 15), 999, 301, 1e-5)
    return [out]
  },
  layerNormGrad: (k) => {
    const out = [floats(999 * 301), floats(301), floats(301)] as const
    k.layerNormGrad(...out, drawn(999 * 301, 13), drawn(301, 14), drawn(999 * 301, 16), 999, 301, 1e-5)
    return [...out]
  },
  softmax: (k) => {
    const out = floats(999 * 301)
    k.softmax(out, drawn(999 * 301, 13), 999, 301, 0.5)
    return [out]
  },
  dropout: (k) => {
    const out = floats(300001)
    k.dropout(out, drawn(300001, 17), 0.1, [3, 4], drawn(300001, 18))
    return [out]
  },
  gelu: (k) => {
    const out = floats(300001)
    k.unary('gelu', out, drawn(300001, 17))
    return [out]
  },
  'the gradient of gelu': (k) => {
    const out = floats(300001)
    k.unaryGrad('gelu', out, drawn(300001, 17), drawn(300001, 18))
    return [out]
  },
  adam: (k) => {
    const state = [drawn(300001, 19), drawn(300001, 20), drawn(300001, 21), drawn(300001, 22)] as const
    for (let i = 0; i < state[3].length; i++) state[3][i] = Math.abs(state[3][i])
    k.adam(...state, {
      ...{ lr: 1e-3, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.1, decoupled: true },
      ...{ correction1: 0.5, correction2: 0.5, gradScale: 0.7 },
    })
    return [...state]
  },
}

describe.each(builds)('threads, %s build', (build) => {
  let threads = 1
  const kernels = createWasmKernels(jsKernels, { build, threads: () => threads })!

  beforeAll(() => {
    // Workers take their time to come up, and until then the caller does everything.
    threads = 8
    for (const until = performance.now() + 500; performance.now() < until; ) calls.gelu(kernels)
  })

  it.each(Object.keys(calls))('%s: the same bits with 1, 2, 4 and 8', (name) => {
    const bits = [1, 2, 4, 8].map((count) => {
      threads = count
      return calls[name](kernels).map((x) => new Int32Array(x.buffer, x.byteOffset, x.length))
    })
    for (const other of bits.slice(1)) {
      other.forEach((x, i) => {
        expect(x.every((word, j) => word === bits[0][i][j])).toBe(true)
      })
    }
    threads = 1
  })
})

/** A thread that ends itself between taking its chunk number `fuse` and finishing it. */
function startDoomed(data: object, gone: () => void, fuse: number): Thread {
  const taken = 'const own ='
  expect(workerSource).toContain(taken)
  const source = workerSource.replace(taken, `if (--fuse === 0) process.exit()\n${taken}`)
  const worker = new Worker(`let fuse = ${fuse}\n${source}`, { eval: true, workerData: data })
  worker.on('exit', gone)
  worker.unref()
  return worker
}

describe('a thread that dies', () => {
  const KILLS = Number(process.env.TINYSTILL_KILLS ?? 20)

  it(`${KILLS} times at a random moment: the right result or a named error, in time, and then all is well`, {
    timeout: 120000,
  }, async () => {
    const module = compile('strict')!
    const w = instantiate('strict')!
    let running: Thread[] = []
    let started = 0
    const pool = new Pool(
      w,
      module,
      () => 3,
      (data, gone) => {
        const fuse = 1 + integerAt(keyOf(2), started++, 400)
        const thread = started % 2 === 0 ? startThread(data, gone)! : startDoomed(data, gone, fuse)
        running.push(thread)
        return thread
      },
      300,
    )
    const [m, k] = [160, 200]
    const [a, b, out, want] = [drawn(m * k, 1), drawn(k * m, 2), floats(m * m), floats(m * m)]
    const room = new Storage('float32', 3 * 2 ** 18)
    storages.push(room)
    const share = 2 ** 20
    const product = (to: Float32Array, inPlace: boolean) => ({
      fn: 'gemmOne' as const,
      args: [
        ...[to.byteOffset, m * 4, a.byteOffset, k * 4, 4, b.byteOffset, m * 4, 4, m, m, k, 0],
        room.data.byteOffset,
      ],
      steps: { 0: 8 * m * 4, 2: 8 * k * 4, 12: share },
      ...{ countAt: 8, total: m, chunk: 8, scratchAt: 12, inPlace },
    })
    w.gemmOne(...product(want, false).args)
    const right = () => out.every((x, i) => x === want[i])
    let named = 0
    let lost = 0
    let longest = 0
    const attempt = (inPlace: boolean) => {
      out.fill(0)
      const began = performance.now()
      try {
        pool.run(product(out, inPlace))
        expect(right()).toBe(true)
      } catch (error) {
        expect((error as Error).message).toContain('gemmOne: a thread was lost')
        named++
      }
      const took = performance.now() - began
      if (took > 250) lost++
      longest = Math.max(longest, took)
    }
    for (let i = 0; i < KILLS; i++) {
      for (const until = performance.now() + 80; performance.now() < until; ) {
        attempt(i % 3 === 1)
      }
      const victims = running
      // Ends within the next call or two, at a moment nobody chooses.
      if (i % 2 === 0) for (const t of victims) void t.terminate()
      else void victims[0].terminate()
      for (let spin = integerAt(keyOf(1), i, 200000); spin > 0; spin--);
      for (let call = 0; call < 5; call++) {
        attempt(i % 3 === 0)
      }
      // Lets the news of their end arrive; half the time only after new ones were asked for.
      if (i % 4 < 2) await new Promise((resolve) => setTimeout(resolve, 5))
      pool.stop()
      running = []
    }
    // A call that waits for a lost thread would wait for ever; a busy machine only takes its time.
    expect(longest).toBeLessThan(30_000)
    if (process.env.TINYSTILL_KILLS)
      console.log(
        `${KILLS} kills, ${lost} in the middle of a call, ${named} named errors, longest call ${longest.toFixed(0)} ms`,
      )
  })
})
