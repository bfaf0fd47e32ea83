// An ensemble's distribution is the geometric mean of its members'.
import { expect, it } from 'vitest'
import '../../src/index.js'
import { tensor } from '../../src/autograd/create.js'
import { Ensemble } from '../../src/distill/teachers/ensemble.js'
import { Module } from '../../src/nn/module.js'
import type { Tensor } from '../../src/tensor/tensor.js'
import { probabilities } from '../../src/train/metrics.js'

class Constant extends Module {
  constructor(readonly row: number[]) {
    super()
  }

  forward(x: Tensor): { logits: Tensor } {
    return { logits: tensor(Array.from({ length: x.shape[0] }, () => this.row)) }
  }
}

it('an ensemble gives the normalized geometric mean, whatever constant its members add to their logits', () => {
  const rows = [
    [2, 0, -1],
    [10, 13, 9],
  ]
  const { logits } = new Ensemble(rows.map((row) => new Constant(row))).forward(tensor([0, 0]))
  expect(logits.shape).toEqual([2, 3])
  const [p, q] = rows.map((row) => probabilities(Float32Array.from(row), 0, 3))
  const geometric = Array.from(p, (x, i) => Math.sqrt(x * q[i]))
  const total = geometric.reduce((a, b) => a + b)
  const got = probabilities(logits.data.slice(3) as Float32Array, 0, 3)
  geometric.forEach((x, i) => {
    expect(got[i]).toBeCloseTo(x / total, 6)
  })
})

it('an ensemble refuses to be empty', () => {
  expect(() => new Ensemble([])).toThrow('there are no members')
})
