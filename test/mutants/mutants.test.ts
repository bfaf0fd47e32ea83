// The standard suite is itself tested: it must catch every planted mistake, and it passes the right ops (test/ops).
import { describe, expect, it } from 'vitest'
import '../../src/index.js'
import { allOps } from '../../src/autograd/op.js'
import { checkOp } from '../ops/check.js'
import { slip, slips } from './byhand.js'
import { mistakes, plant, spoilable } from './mutants.js'

function caught(run: () => unknown): string | null {
  try {
    run()
  } catch (e) {
    return (e as Error).message
  }
  return null
}

// Noticed as a difference, not by tripping over a shape.
const difference = /gradcheck: the|gradients differ|are not near/

describe('the suite catches', () => {
  it.each(slips)('$op: $what', (s) => {
    const op = allOps().find((o) => o.record.name === s.op)!
    expect(caught(() => checkOp(slip(op, s)))).toMatch(difference)
  })

  const ops = allOps().filter(spoilable)
  for (const mistake of mistakes) {
    it(`${mistake.name}, in each of ${ops.length} ops`, () => {
      const missed = ops.filter((op) => !difference.test(caught(() => checkOp(plant(op, mistake))) ?? ''))
      expect(missed.map((op) => op.record.name)).toEqual([])
    })
  }
})
