// The suite of losses is itself tested: it must catch planted mistakes in every case, and by a difference in numbers.
import { describe, expect, it } from 'vitest'
import { tensor } from '../../src/autograd/create.js'
import { mul } from '../../src/autograd/ops/elementwise/arithmetic.js'
import type { LossInputs } from '../../src/distill/losses/record.js'
import type { Tensor } from '../../src/tensor/tensor.js'
import { cases, checkCase, inputsOf } from '../distill/losses.js'
import { lossSlips } from './losses.js'

const difference = /the loss is |the gradient is off|a gradient reaches|gradcheck/

function caught(name: string, run: (t: LossInputs) => Tensor): string {
  try {
    checkCase(name, run)
  } catch (e) {
    return (e as Error).message
  }
  return ''
}

function masked(mask: Tensor, change: (on: Int32Array, T: number) => void): Tensor {
  const on = Int32Array.from(mask.data)
  change(on, mask.shape[1])
  return tensor(on, { shape: mask.shape })
}

const wrongMasks: [string, (mask: Tensor) => Tensor][] = [
  ['all real', (m) => masked(m, (on) => on.fill(1))],
  ['one word too many', (m) => masked(m, (on) => on.fill(1, on.indexOf(0), on.indexOf(0) + 1))],
  ['one word too few', (m) => masked(m, (on) => on.fill(0, on.indexOf(0) - 1, on.indexOf(0)))],
  ['counted from the right', (m) => masked(m, (on, T) => void on.subarray(T, 2 * T).reverse())],
]

describe('the suite of losses catches', () => {
  const withMask = cases.filter(({ name }) => inputsOf(name).mask !== undefined)
  it.each(withMask)('wrong masks in $name', ({ name, run }) => {
    for (const [what, wrong] of wrongMasks)
      expect(
        caught(name, (t) => run({ ...t, mask: wrong(t.mask) })),
        what,
      ).toMatch(difference)
  })

  it.each(cases)('a divisor off by one, and a sixth digit, in $name', ({ name, run }) => {
    const rows = inputsOf(name).student?.shape[0] ?? 3
    for (const factor of [rows / (rows + 1), rows / (rows - 1), 1.000001])
      expect(caught(name, (t) => mul(run(t), factor))).toMatch(difference)
  })

  it.each(lossSlips)('$what for $of', ({ of, run }) => {
    expect(caught(of, run)).toMatch(difference)
  })

  it('mistakes in cases of every loss', () => {
    const slipped = new Set(lossSlips.map((s) => s.of))
    const missed = [...new Set(cases.map((c) => c.loss))].filter(
      (loss) => !cases.some((c) => c.loss === loss && (slipped.has(c.name) || inputsOf(c.name).mask)),
    )
    expect(missed).toEqual([])
  })
})
