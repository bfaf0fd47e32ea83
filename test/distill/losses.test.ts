// Every loss of the table: PyTorch's values and gradients within 1e-12, its own gradient against finite differences.
import { afterAll, describe, expect, it } from 'vitest'
import { losses } from '../../src/distill/losses/table.js'
import { type CaseReport, cases, checkCase, goldenNames } from './losses.js'

const reports: CaseReport[] = []

describe('every loss', () => {
  it.each(cases)('$loss, $name', ({ name, run }) => {
    const report = checkCase(name, run)
    reports.push(report)
    expect(report.check).toBeLessThan(1e-8)
  })

  it('has a doc of one sentence, its math and source, what it needs, and golden values', () => {
    for (const { name, doc, math, source, needs, golden } of losses) {
      expect(doc, name).toMatch(/^[A-Z][^.]*\.$/)
      expect(math, name).toContain('\\quad')
      expect(source, name).toMatch(/\b20\d\d\b/)
      expect(needs.length, name).toBeGreaterThan(0)
      expect(Object.keys(golden).length, name).toBeGreaterThan(0)
    }
    expect(cases.map((c) => c.name).sort()).toEqual(goldenNames.sort())
    expect(new Set(losses.map((l) => l.name)).size).toBe(losses.length)
  })
})

afterAll(() => {
  const worst = (key: keyof CaseReport) => Math.max(...reports.map((r) => r[key])).toExponential(2)
  console.log(
    `${losses.length} losses, ${reports.length} cases: off PyTorch by ${worst('value')}, gradients by ${worst('gradient')}; finite differences ${worst('check')}`,
  )
})
