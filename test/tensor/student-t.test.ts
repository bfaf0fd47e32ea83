// Student's t against SciPy's (test/golden/student_t.py), and what it refuses.
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { tCritical, tTail } from '../../src/tensor/student-t.js'

type Triple = [number, number, number]
const golden: { tails: Triple[]; critical: Triple[] } = JSON.parse(
  readFileSync(new URL('../golden/student_t.json', import.meta.url), 'utf8'),
)
const worst = (of: (a: number, df: number) => number, cases: Triple[]) =>
  Math.max(...cases.map(([a, df, want]) => Math.abs(of(a, df) / want - 1)))

it("Student's t is SciPy's", () => {
  expect(golden.tails.length + golden.critical.length).toBeGreaterThan(250)
  expect(worst(tTail, golden.tails)).toBeLessThan(1e-12)
  expect(worst(tCritical, golden.critical)).toBeLessThan(1e-12)
})

it('has ends', () => {
  expect([tTail(0, 3), tTail(-2, 5) - tTail(2, 5), tTail(Infinity, 3), tTail(Number.NaN, 3)]).toEqual([
    1,
    0,
    0,
    Number.NaN,
  ])
  expect(tCritical(1, 4)).toBe(0)
})

it.each([
  () => tTail(1, 0),
  () => tTail(1, 2.5),
  () => tCritical(0.05, Number.NaN),
  () => tCritical(0, 3),
  () => tCritical(1.5, 3),
])('refuses %s', (call) => {
  expect(call).toThrow(RangeError)
})
