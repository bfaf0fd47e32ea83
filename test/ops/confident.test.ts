// Softmax that is all but certain: its gradient is the small difference of large numbers, and must not be their rounding.
import { afterAll, expect, it } from 'vitest'
import '../../src/index.js'
import { tensor } from '../../src/autograd/create.js'
import { mul } from '../../src/autograd/ops/elementwise/arithmetic.js'
import { attention } from '../../src/autograd/ops/products/attention.js'
import { sum } from '../../src/autograd/ops/reduce.js'
import { softmax } from '../../src/autograd/ops/softmax.js'
import { type BackendName, setBackend } from '../../src/tensor/backend.js'
import { keyOf, normalAt } from '../../src/tensor/rng.js'
import type { Shape } from '../../src/tensor/shape.js'
import type { DType } from '../../src/tensor/storage.js'
import type { Tensor } from '../../src/tensor/tensor.js'

const [ROWS, N, D] = [40, 7, 5]

afterAll(() => setBackend('auto'))

/** The same numbers in float32 and float64. */
function drawn(shape: Shape, dtype: DType, seed: number, value: (x: number, i: number) => number): Tensor {
  const length = shape.reduce((a, b) => a * b, 1)
  const data = Float64Array.from({ length }, (_, i) => Math.fround(value(normalAt(keyOf(seed), i), i)))
  return tensor(dtype === 'float64' ? data : Float32Array.from(data), { shape, requiresGrad: true })
}

/** Each row prefers one of its elements by about 9; what comes back is 3 and little more or less. */
function softmaxGradient(dtype: DType): Tensor {
  const x = drawn([ROWS, N], dtype, 1, (z, i) => z + (i % N === 2 ? 9 : 0))
  const w = drawn([ROWS, N], dtype, 2, (z) => 3 + z / 100)
  sum(mul(softmax(x, -1), w)).backward()
  return x.grad!
}

function queryGradient(dtype: DType): Tensor {
  const q = drawn([1, 1, ROWS, D], dtype, 3, (z, i) => (i % D === 0 ? 9 : z / 10))
  const k = drawn([1, 1, N, D], dtype, 4, (z, i) => (i === 2 * D ? 1 : i % D === 0 ? 0 : z))
  const v = drawn([1, 1, N, D], dtype, 5, (z) => 3 + z / 100)
  sum(attention(q, k, v, { scale: 1 })).backward()
  return q.grad!
}

it.each<[BackendName, string, (dtype: DType) => Tensor]>([
  ['js', 'softmax', softmaxGradient],
  ['wasm', 'softmax', softmaxGradient],
  ['js', 'attention', queryGradient],
  ['wasm', 'attention', queryGradient],
])('on %s, %s', (backend, _, gradient) => {
  setBackend(backend)
  const [got, want] = [gradient('float32'), gradient('float64')]
  const largest = Math.max(...Array.from(want.data, Math.abs))
  const off = Math.max(...Array.from(got.data, (x, i) => Math.abs(x - want.data[i])))
  expect(off / largest).toBeLessThan(1e-4)
})
