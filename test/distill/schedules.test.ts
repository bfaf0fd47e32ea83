// Values over training: ends, middles, and what is refused.
import { describe, expect, it } from 'vitest'
import { type ValueSchedule, valueAt } from '../../src/distill/plan/schedules.js'

describe('valueAt', () => {
  it.each<[ValueSchedule, number[]]>([
    [0.7, [0.7, 0.7, 0.7, 0.7, 0.7]],
    [{ kind: 'linear', from: 8, to: 1 }, [8, 6.25, 4.5, 2.75, 1]],
    [{ kind: 'linear', from: 0.1, to: 0.7 }, [0.1, 0.25, 0.4, 0.55, 0.7]],
    [{ kind: 'cosine', from: 4, to: 2 }, [4, 3 + Math.SQRT1_2, 3, 3 - Math.SQRT1_2, 2]],
    [{ kind: 'annealing' }, [1, 0.75, 0.5, 0.25, 0]],
  ])('%j', (schedule, wanted) => {
    wanted.forEach((value, i) => {
      expect(valueAt(schedule, i / 4)).toBeCloseTo(value, 14)
    })
    expect(valueAt(schedule, 0)).toBe(wanted[0])
    expect(valueAt(schedule, 1)).toBe(wanted[4])
    expect(valueAt(schedule, 1.5)).toBe(wanted[4])
  })

  it('refuses what means nothing', () => {
    expect(() => valueAt(1, -0.1)).toThrow('progress must be 0 or more, got -0.1')
    expect(() => valueAt(1, Number.NaN)).toThrow('progress must be 0 or more, got NaN')
    expect(() => valueAt(Number.NaN, 0)).toThrow('values must be finite, got NaN')
    expect(() => valueAt({ kind: 'linear', from: 1, to: Infinity }, 0)).toThrow('values must be finite')
    expect(() => valueAt({ kind: 'step' } as never, 0)).toThrow("there is no schedule 'step'")
  })
})
