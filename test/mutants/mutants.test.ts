// The standard suite is itself tested: it must catch every planted mistake, and it passes the right ops (test/ops).
import { describe, expect, it } from 'vitest'
import '../../src/index.js'
import { allOps } from '../../src/autograd/op.js'
import { checkOp } from '../ops/check.js'
import { mistakes, plant, spoilable } from './mutants.js'

describe('the suite catches', () => {
  const ops = allOps().filter(spoilable)
  for (const mistake of mistakes) {
    it(`${mistake.name}, in each of ${ops.length} ops`, () => {
      const missed = ops.filter((op) => {
        try {
          checkOp(plant(op, mistake))
          return true
        } catch {
          return false
        }
      })
      expect(missed.map((op) => op.record.name)).toEqual([])
    })
  }
})
