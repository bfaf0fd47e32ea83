// One row times a matrix [out, in] has a kernel of its own, and the bits that the row has among others.
import { afterAll, describe, expect, it } from 'vitest'
import '../../src/index.js'
import { noGrad } from '../../src/autograd/graph.js'
import { linear } from '../../src/autograd/ops/products/matmul.js'
import { randomScope } from '../../src/autograd/random.js'
import { normal } from '../../src/nn/init.js'
import { setBackend } from '../../src/tensor/backend.js'
import { keyOf } from '../../src/tensor/rng.js'
import { backends, choose } from '../backends.js'

afterAll(() => void setBackend('auto'))

describe.each(backends)('on %s', (backend) => {
  it.each([
    [1, 1],
    [1, 4],
    [3, 7],
    [3, 8],
    [7, 12],
    [8, 4],
    [17, 9],
    [17, 12],
    [31, 1],
    [40, 66],
    [129, 257],
  ])('%i outputs of %i inputs', (n, k) => {
    choose(backend)
    randomScope(keyOf(n, 'one row'), () => {
      const [x, w, b] = [normal([3, k], 1), normal([n, k], 1), normal([n], 1)]
      for (const bias of [b, null])
        noGrad(() => {
          const all = Array.from(linear(x, w, bias).data)
          for (const row of [0, 1, 2])
            expect(Array.from(linear(x.narrow(0, row, 1), w, bias).data)).toEqual(
              all.slice(row * n, row * n + n),
            )
        })
    })
  })
})
