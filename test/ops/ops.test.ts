// Walks all op records through the standard suite.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { allOps } from '../../src/autograd/op.js'
import '../../src/index.js'
import { setBackend, setDeterministic } from '../../src/tensor/backend.js'
import { checkOp, type OpReport } from './check.js'

const reports: OpReport[] = []

const others = {
  js: () => setBackend('js'),
  'wasm, strict': () => setDeterministic(true),
}

describe.each(Object.entries(others))('every op on %s', (_, choose) => {
  beforeAll(choose)
  afterAll(() => {
    setBackend('auto')
    setDeterministic(false)
  })
  it.each(allOps().map((op) => ({ name: op.record.name, op })))('$name', ({ op }) => {
    expect(checkOp(op, 1, { derivatives: false }).samples).toBeGreaterThan(0)
  })
})

describe('every op', () => {
  for (const op of allOps()) {
    it(op.record.name, () => {
      const report = checkOp(op)
      reports.push(report)
      expect(report.samples).toBeGreaterThan(0)
      expect(report.error).toBeLessThan(1e-8)
    })
  }
  it('has a one-sentence doc, its math and samples', () => {
    for (const { record } of allOps()) {
      expect(record.doc, record.name).toMatch(/\.$/)
      expect(record.math.length, record.name).toBeGreaterThan(0)
    }
  })
})

afterAll(() => {
  const samples = reports.reduce((n, r) => n + r.samples, 0)
  const worst = reports.reduce((a, b) => (b.error > a.error ? b : a), reports[0])
  console.log(
    `${reports.length} ops, ${samples} samples, worst float64 gradient error ${worst.error.toExponential(2)} (${worst.name})`,
  )
})
