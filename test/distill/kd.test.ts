// kdLoss against PyTorch's float64 values.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import '../../src/index.js'
import { tensor } from '../../src/autograd/create.js'
import { gradcheck } from '../../src/autograd/gradcheck.js'
import { kdLoss } from '../../src/distill/losses/kd.js'
import { softTargetLoss } from '../../src/distill/losses/soft-target.js'

type Value = { shape: number[]; values: number[] }
type Case = Record<'params' | 'student' | 'teacher' | 'labels' | 'kl_t2' | 'ce' | 'total' | 'grad', Value>

const cases: Case[] = JSON.parse(readFileSync(new URL('../golden/kd.json', import.meta.url), 'utf8'))
const f64 = ({ shape, values }: Value, requiresGrad = false) =>
  tensor(Float64Array.from(values), { shape, requiresGrad })

describe('kdLoss', () => {
  it.each(cases.map((c, i) => [i, c] as const))('equals PyTorch, case %i', (_, c) => {
    const [T, alpha] = c.params.values
    const student = f64(c.student, true)
    const labels = tensor(Int32Array.from(c.labels.values))
    const loss = kdLoss(student, f64(c.teacher), labels, { T, alpha })
    expect(Math.abs(loss.item() - c.total.values[0])).toBeLessThan(1e-12)
    expect(Math.abs(softTargetLoss(student, f64(c.teacher), { T }).item() - c.kl_t2.values[0])).toBeLessThan(
      1e-12,
    )
    loss.backward()
    const worst = Math.max(...Array.from(student.grad!.data, (g, i) => Math.abs(g - c.grad.values[i])))
    expect(worst).toBeLessThan(1e-12)
  })

  it('has the gradient that finite differences say', () => {
    const [c] = cases
    const labels = tensor(Int32Array.from(c.labels.values))
    expect(
      gradcheck((s) => kdLoss(s, f64(c.teacher), labels, { T: 4, alpha: 0.7 }), [f64(c.student)]).error,
    ).toBeLessThan(1e-8)
  })

  it('passes no gradient to the teacher, and names what does not fit', () => {
    const [c] = cases
    const teacher = f64(c.teacher, true)
    kdLoss(f64(c.student, true), teacher, null, { alpha: 1 }).backward()
    expect(teacher.grad).toBeNull()
    expect(() => kdLoss(f64(c.student), f64(cases[1].teacher), null, { alpha: 1 })).toThrow(
      'student logits are [4, 3], teacher logits [7, 10]',
    )
    expect(() => kdLoss(f64(c.student), teacher, null, { alpha: 0.5 })).toThrow('alpha 0.5 needs labels')
    expect(() => kdLoss(f64(c.student), teacher, null, { alpha: 1, T: 0 })).toThrow(
      'the temperature T must be above 0, got 0',
    )
  })
})
