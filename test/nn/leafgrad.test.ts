// Gradients of embeddings: accumulated row by row, cleared row by row, and nobody can tell but the clock.
import { describe, expect, it } from 'vitest'
import { tensor } from '../../src/autograd/create.js'
import { manualSeed } from '../../src/autograd/random.js'
import { tidy } from '../../src/autograd/tidy.js'
import { Embedding, Linear } from '../../src/nn/layers.js'
import { AdamW } from '../../src/nn/optim/adam.js'
import { memory } from '../../src/tensor/storage.js'
import '../../src/autograd/methods.js'

const WORDS = 50
const WIDTH = 8

/** Weights after three steps of two backward passes each; `before` sees the table before each step. */
function train(before: (table: Embedding) => void, rows = WORDS): Float32Array[] {
  manualSeed(4)
  const table = new Embedding(rows, WIDTH, { paddingIdx: 0 })
  const head = new Linear(WIDTH, 3)
  const params = [...table.parameters(), ...head.parameters()]
  const optimizer = new AdamW(params, { lr: 0.1 })
  for (let step = 0; step < 3; step++) {
    for (let pass = 0; pass < 2; pass++) {
      tidy(() => {
        const ids = tensor(Int32Array.from([1, 7, 7, 0, 10 * step + pass]))
        const y = head.forward(table.forward(ids))
        y.mul(y).sum().backward()
      })
    }
    before(table)
    optimizer.step({ maxNorm: 0.5 })
    optimizer.zeroGrad()
  }
  optimizer.dispose()
  return params.map((p) => (p.data as Float32Array).slice())
}

describe('gradients of few rows', () => {
  it('train to the same bits as whole ones', () => {
    const rows = train(() => {})
    // Asking for grad gives the promise up: from there on the whole table counts.
    const whole = train((table) => void table.weight.grad)
    expect(rows).toEqual(whole)
  })

  it('show the rows of the batch in grad, zeros elsewhere, and what the user writes there counts', () => {
    manualSeed(4)
    const table = new Embedding(WORDS, WIDTH)
    table
      .forward(tensor(Int32Array.from([3, 3, 5])))
      .sum()
      .backward()
    const grad = table.weight.grad!
    const sums = Array.from({ length: WORDS }, (_, i) => grad.data.slice(i * WIDTH, (i + 1) * WIDTH))
    expect(sums.flatMap((row, i) => (row.some((x) => x !== 0) ? [i] : []))).toEqual([3, 5])
    expect(grad.data[3 * WIDTH]).toBe(2)
    const before = table.weight.data.slice()
    grad.live[40 * WIDTH] = 1
    const optimizer = new AdamW(table.parameters(), { lr: 0.1, weightDecay: 0 })
    expect(optimizer.step()).toBeCloseTo(Math.sqrt(8 * (4 + 1) + 1))
    expect(table.weight.data[40 * WIDTH]).not.toBe(before[40 * WIDTH])
    optimizer.zeroGrad()
    table
      .forward(tensor(Int32Array.from([1])))
      .sum()
      .backward()
    expect(Math.hypot(...table.weight.grad!.data)).toBeCloseTo(Math.sqrt(8))
  })

  it('a tied table gets both its gradients', () => {
    manualSeed(5)
    const ids = tensor(Int32Array.from([2, 4]))
    const tables = [0, 1].map(() => new Embedding(6, WIDTH))
    tables[1].weight.set(tables[0].weight.data)
    const use = (a: Embedding, b: Embedding) => {
      const y = a.forward(ids).matmul(b.weight.t())
      y.mul(y).sum().backward()
    }
    use(tables[0], tables[1])
    const [rows, whole] = tables.map((t) => t.weight.grad!.data.slice())
    const tied = new Embedding(6, WIDTH)
    tied.weight.set(tables[0].weight.data)
    use(tied, tied)
    tied.weight.grad!.data.forEach((x, i) => {
      expect(x).toBeCloseTo(rows[i] + whole[i], 4)
    })
  })

  it('leave no buffer behind', () => {
    train(() => {})
    const { buffers } = memory()
    tidy(() => train(() => {}))
    expect(memory().buffers).toBe(buffers)
  })
})
