// Whether a device computes right: products of every kind against float64, before it may compute anything else.
import { BackendError } from '../../../errors.js'
import { keyOf, uniformAt } from '../../rng.js'
import { matmul } from '../js/matmul.js'
import type { Device, Product } from './types.js'

/** k * 2^-24 * (|a| x |b|), the bound of float32 summation, with the bias as one more term. */
export const UNIT = 2 ** -24

type Trial = Pick<Product, 'batch' | 'm' | 'n' | 'k'> & { bias: boolean; turned: boolean }

/** Over 1,000 turns of a loop, over a million elements, batches, transposed operands, a bias. */
const trials: Trial[] = [
  { batch: 1, m: 3, n: 5, k: 4, bias: false, turned: false },
  { batch: 3, m: 17, n: 9, k: 33, bias: true, turned: true },
  { batch: 1, m: 1000, n: 3, k: 1100, bias: false, turned: false },
  { batch: 2, m: 20, n: 30, k: 64, bias: false, turned: true },
]

function numbers(n: number, seed: number): Float32Array {
  const key = keyOf(seed, 'gpu check')
  return Float32Array.from({ length: n }, (_, i) => 2 * uniformAt(key, i) - 1)
}

/** The worst error of a product, as a multiple of its bound. */
function trial(device: Device, t: Trial): number {
  const { batch, m, n, k } = t
  const data = { a: numbers(batch * m * k, 1), b: numbers(batch * k * n, 2) }
  const bias = t.bias ? numbers(n, 3) : null
  const layout = { a: t.turned ? [1, m] : [k, 1], b: t.turned ? [1, k] : [n, 1] }
  const side = (name: 'a' | 'b', id: number) => {
    const [row, col] = layout[name]
    return { id, offset: 0, step: data[name].length / batch, row, col }
  }
  const out = new Float32Array(batch * m * n)
  device.upload(1, data.a)
  device.upload(2, data.b)
  device.multiply({ id: 3, a: side('a', 1), b: side('b', 2), bias, batch, m, n, k }, out, false)
  for (const id of [1, 2, 3]) device.free(id)

  const oracle = (map: (x: number) => number) => {
    const matrices = (name: 'a' | 'b') => {
      const [rowStride, colStride] = layout[name]
      const step = data[name].length / batch
      return {
        ...{ data: Float64Array.from(data[name], map), rowStride, colStride },
        offsets: Array.from({ length: batch }, (_, i) => i * step),
      }
    }
    const want = new Float64Array(out.length)
    matmul(want, matrices('a'), matrices('b'), batch, m, n, k, bias && Float64Array.from(bias, map))
    return want
  }
  const want = oracle((x) => x)
  const size = oracle(Math.abs)
  return out.reduce((worst, x, i) => {
    const error = Math.abs(x - want[i]) / ((k + 1) * UNIT * size[i])
    return error <= worst ? worst : Number.isNaN(error) ? Infinity : error
  }, 0)
}

/** Throws BackendError with the measured error where a product lies outside the bound of float32 summation. */
export function checkDevice(device: Device): void {
  for (const t of trials) {
    const worst = trial(device, t)
    if (worst <= 1) continue
    const { mode, name } = device.driver
    throw new BackendError(
      `gpu: ${mode} (${name}) computes wrong: a product of [${t.m}, ${t.k}] x [${t.k}, ${t.n}] is off by ${worst.toPrecision(3)} times the bound of float32`,
      'Use another driver, or another mode',
    )
  }
}
