// Temperature scaling: the T that a plain search finds, and what it leaves as it is.
import { describe, expect, it } from 'vitest'
import { fitTemperature, temperedLoss } from '../../src/train/calibration.js'
import { calibration, calibrationError, classification } from '../../src/train/metrics.js'

const logits = [4, 1, -2, 0.5, 3, 1, 2, 2.5, -1, -1, 0, 5, 3, -2, 0.5, 1, 4, 2]
const labels = [0, 1, 0, 2, 1, 1]

describe('fitTemperature', () => {
  it('finds the least loss, to 0.1%', () => {
    // Python floats, ternary search.
    expect(Math.abs(fitTemperature(logits, labels, 3) / 2.3951367880323278 - 1)).toBeLessThan(1e-3)
  })

  it('goes with the scale of the logits', () => {
    const T = fitTemperature(logits, labels, 3)
    for (const factor of [0.25, 3]) {
      const scaled = logits.map((z) => z * factor)
      expect(Math.abs(fitTemperature(scaled, labels, 3) / (factor * T) - 1)).toBeLessThan(2e-3)
    }
  })

  it('makes an overconfident model honest without changing an answer', () => {
    // Right in 3 of 4 cases, and 99% sure.
    const z = Array.from({ length: 80 }, () => [Math.log(99), 0]).flat()
    const y = Array.from({ length: 80 }, (_, i) => (i % 4 === 0 ? 1 : 0))
    const T = fitTemperature(z, y, 2)
    expect(T).toBeCloseTo(Math.log(99) / Math.log(3), 2)
    const scaled = z.map((v) => v / T)
    expect(calibrationError(calibration(z, y, 2))).toBeCloseTo(0.24, 3)
    expect(calibrationError(calibration(scaled, y, 2))).toBeLessThan(1e-3)
    expect(classification(scaled, y, 2).accuracy).toBe(classification(z, y, 2).accuracy)
  })

  it('ends near its bounds where there is no best, and without rows', () => {
    expect(fitTemperature([9, 0], [0], 2)).toBeLessThan(0.3)
    expect(fitTemperature([9, 0, 0, 9], [1, 0], 2)).toBeGreaterThan(19)
    expect(fitTemperature([], [], 2)).toBeNaN()
  })
})

it('temperedLoss at T = 1 is the loss, also where probabilities vanish', () => {
  expect(temperedLoss(logits, labels, 3, 1)).toBeCloseTo(classification(logits, labels, 3).loss, 13)
  expect(temperedLoss([0, 2000], [0], 2, 1)).toBe(2000)
})
