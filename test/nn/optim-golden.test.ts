// Optimizers and schedules against PyTorch's first 20 steps: test/golden/optim.py.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import '../../src/index.js'
import { tensor } from '../../src/autograd/create.js'
import * as optim from '../../src/nn/optim/index.js'
import type { DType } from '../../src/tensor/storage.js'
import type { Tensor } from '../../src/tensor/tensor.js'

interface Case {
  name: string
  options: object
  values: number[][]
}
interface Golden {
  start: number[][]
  gradients: number[][]
  optimizers: Case[]
  late: [number, number][]
  schedules: { name: string; options: object; values: number[] }[]
  figures: number[]
  plateaus: { options: object; values: number[] }[]
}

const golden: Golden = JSON.parse(readFileSync(new URL('../golden/optim.json', import.meta.url), 'utf8'))

type Make = new (params: Tensor[], options: object) => optim.Optimizer
const makers = {
  ...{ SGD: optim.SGD, Adam: optim.Adam, AdamW: optim.AdamW },
  ...{ RMSprop: optim.RMSprop, Adagrad: optim.Adagrad },
  ...{ Adadelta: optim.Adadelta, Lion: optim.Lion },
} as unknown as Record<string, Make>

const far = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (x, i) => Math.abs(x - b[i]) / Math.max(1, Math.abs(b[i]))))

describe.each<[DType, number]>([
  ['float64', 1e-12],
  ['float32', 1e-6],
])('PyTorch, %s', (dtype, bound) => {
  it.each(golden.optimizers)('$name $options', ({ name, options, values }) => {
    const p = tensor(golden.start, { dtype, requiresGrad: true })
    const optimizer = new makers[name]([p], options)
    golden.gradients.forEach((g, t) => {
      p.grad = tensor(g, { dtype }).reshape([2, 3])
      optimizer.step()
      // In float32 both round at every step, each where it pleases.
      expect(far(p.data, values[t]), `step ${t}`).toBeLessThan(bound)
    })
  })

  it("Adam's bias correction begins with a parameter's first gradient", () => {
    const [a, b] = [1, 1].map((x) => tensor([x], { dtype, requiresGrad: true }))
    const optimizer = new optim.Adam([a, b], { lr: 0.01 })
    golden.late.forEach((want, t) => {
      a.grad = tensor([1], { dtype })
      b.grad = t >= 5 ? tensor([1 + t], { dtype }) : null
      optimizer.step()
      expect(far([a.item(), b.item()], want), `step ${t}`).toBeLessThan(bound)
    })
  })
})

describe('schedules of PyTorch', () => {
  it.each(golden.schedules)('$name $options', ({ name, options, values }) => {
    const make = optim.schedules[name as keyof typeof optim.schedules] as (o: object) => optim.Schedule
    expect(
      far(
        values.map((_, i) => make(options)(i)),
        values,
      ),
    ).toBeLessThan(1e-12)
  })

  it.each(golden.plateaus)('Plateau $options', ({ options, values }) => {
    let plateau = new optim.Plateau(options)
    const factors = golden.figures.map((figure) => {
      // Saved and taken up again between any two.
      const next = new optim.Plateau(options)
      next.loadStateDict(JSON.parse(JSON.stringify(plateau.stateDict())))
      plateau = next
      return plateau.step(figure)
    })

    expect(far(factors, values)).toBeLessThan(1e-12)
  })
})
