// Hooks on the gradients of modules: what went in and came out of one call, whoever else uses the same tensors.
import { describe, expect, test } from 'vitest'
import { manualSeed, nn, noGrad, type Tensor, tensor } from '../../src/index.js'

/** y = 2 a + 3 b. */
class Mix extends nn.Module {
  forward(a: Tensor, b: Tensor): Tensor {
    return a.mul(2).add(b.mul(3))
  }
}

const leaf = (values: number[]) => tensor(values, { requiresGrad: true })
const numbers = (ts: readonly (Tensor | null)[]) => ts.map((t) => t?.toArray() ?? null)

function watched<M extends nn.Module>(module: M) {
  const calls: { ins: unknown[]; outs: unknown[] }[] = []
  const remove = module.registerFullBackwardHook((_, ins, outs) => {
    calls.push({ ins: numbers(ins), outs: numbers(outs) })
  })
  return { module, calls, remove }
}

describe('registerFullBackwardHook', () => {
  test('gives the gradients of this call alone, and of each', () => {
    const { module, calls } = watched(new Mix())
    const [a, b] = [leaf([1, 2]), leaf([3, 4])]
    module.forward(a, b).mul(a).add(a).sum().backward()
    expect(calls).toEqual([
      {
        ins: [
          [2, 4],
          [3, 6],
        ],
        outs: [[1, 2]],
      },
    ])
    // 2 a + 3 b + 2 a + 1: the leaf has all of it.
    expect(a.grad!.toArray()).toEqual([2 * 1 + 3 * 3 + 2 * 1 + 1, 2 * 2 + 3 * 4 + 2 * 2 + 1])
    module.forward(a, a).sum().backward()
    expect(calls[1].ins).toEqual([
      [2, 2],
      [3, 3],
    ])
  })

  test('null stands for what has no gradient; without any, results alone are told', () => {
    const { module, calls } = watched(new Mix())
    module
      .forward(tensor([1]), leaf([1]))
      .sum()
      .backward()
    expect(calls[0]).toEqual({ ins: [null, [3]], outs: [[1]] })
    manualSeed(1)
    const table = watched(new nn.Embedding(4, 2))
    table.module
      .forward(tensor([1, 1], { dtype: 'int32' }))
      .sum()
      .backward()
    expect(table.calls).toEqual([
      {
        ins: [null],
        outs: [
          [
            [1, 1],
            [1, 1],
          ],
        ],
      },
    ])
  })

  test('an argument that does not reach the result is not waited for', () => {
    class First extends nn.Module {
      forward(a: Tensor, _b: Tensor): Tensor {
        return a.mul(5)
      }
    }
    const { module, calls } = watched(new First())
    module.forward(leaf([1]), leaf([1])).backward()
    expect(calls).toEqual([{ ins: [[5], null], outs: [[1]] }])
  })

  test('several results, and one that is the argument: it has the gradient of that', () => {
    class Both extends nn.Module {
      forward(a: Tensor) {
        return { twice: a.mul(2), rest: [a] }
      }
    }
    const { module, calls } = watched(new Both())
    const { twice, rest } = module.forward(leaf([1]))
    twice.mul(rest[0]).backward()
    expect(calls).toEqual([{ ins: [[4]], outs: [[1], [4]] }])
  })

  test('what it returns takes the place of the only gradient, and is refused among several', () => {
    class Triple extends nn.Module {
      forward(a: Tensor): Tensor {
        return a.mul(3)
      }
    }
    for (const give of [(g: Tensor) => g, (g: Tensor) => [g]]) {
      const module = new Triple()
      module.registerFullBackwardHook((_, [g]) => give(g!.mul(10)))
      const x = leaf([1, 1])
      module.forward(x).sum().backward()
      expect(x.grad!.toArray()).toEqual([30, 30])
    }
    const module = new Mix()
    module.registerFullBackwardHook((_, [g]) => g!)
    expect(() => module.forward(leaf([1]), leaf([1])).backward()).toThrow(
      'registerFullBackwardHook: Mix has 2 inputs with gradients, of which the others have gone on',
    )
  })

  test('once for each backward of a kept graph; nothing without a graph; removed for later calls', () => {
    const { module, calls, remove } = watched(new Mix())
    const y = module.forward(leaf([1]), leaf([1]))
    y.backward(undefined, { retainGraph: true })
    y.backward()
    expect(calls.length).toBe(2)
    noGrad(() => module.forward(leaf([1]), leaf([1])))
    remove()
    module.forward(leaf([1]), leaf([1])).backward()
    expect(calls.length).toBe(2)
    expect(Object.hasOwn(module, 'forward')).toBe(false)
  })
})
