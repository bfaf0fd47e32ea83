// jacobian, hessian, jvp and vjp, against closed forms and finite differences.
import { describe, expect, it } from 'vitest'
import {
  embedding,
  grad,
  gradcheck,
  hessian,
  jacobian,
  jvp,
  memory,
  randn,
  type Tensor,
  tensor,
  vjp,
} from '../../src/index.js'
import { keyOf } from '../../src/tensor/rng.js'

const f64 = { dtype: 'float64' } as const
const draw = (shape: number[], seed: number) => randn(shape, { ...f64, key: keyOf(seed) })
const fn = (a: Tensor, b: Tensor) => a.matmul(b).tanh().mul(b.sum())

describe('jacobian', () => {
  it('has the shape [...result, ...input] and the right entries', () => {
    const x = tensor([1, 2, 3], f64)
    expect(jacobian((t) => t.mul(t), x).toArray()).toEqual([
      [2, 0, 0],
      [0, 4, 0],
      [0, 0, 6],
    ])
    const [a, b] = [draw([2, 3], 1), draw([3, 2], 2)]
    const [ja, jb] = jacobian(fn, [a, b])
    expect([ja.shape, jb.shape]).toEqual([
      [2, 2, 2, 3],
      [2, 2, 3, 2],
    ])
    const h = 1e-5
    const step = tensor(
      [
        [0, 0],
        [0, h],
        [0, 0],
      ],
      f64,
    )
    const difference = fn(a, b.add(step))
      .sub(fn(a, b.sub(step)))
      .div(2 * h)
    const column = jb.toArray() as number[][][][]
    difference.toArray()
    for (const [i, row] of (difference.toArray() as number[][]).entries())
      for (const [j, d] of row.entries()) expect(column[i][j][1][1]).toBeCloseTo(d, 8)
  })

  it('gives zeros for what does not matter, and takes results without elements', () => {
    const [x, y] = [tensor([1, 2]), tensor([3])]
    expect(jacobian((a) => a.mul(2), [x, y])[1].toArray()).toEqual([[0], [0]])
    expect(jacobian(() => tensor([5]), x).toArray()).toEqual([[0, 0]])
    expect(jacobian((a) => a.slice(0, 0, 0), x).shape).toEqual([0, 2])
  })

  it('leaves the inputs and the memory alone', () => {
    const x = tensor([1, 2], { requiresGrad: true })
    const before = memory().buffers
    const j = jacobian((t) => t.mul(t).exp(), x)
    expect(memory().buffers).toBe(before + 1)
    expect([x.grad, j.requiresGrad]).toEqual([null, false])
  })

  it('with createGraph can be differentiated', () => {
    const x = draw([3], 4)
    gradcheck((t) => jacobian((u) => u.mul(u).mul(u), t, { createGraph: true }).sum(), [x])
  })
})

describe('hessian', () => {
  it('is right for one input and for several', () => {
    const x = tensor([1, 2], f64)
    expect(hessian((t) => t.pow(3).sum(), x).toArray()).toEqual([
      [6, 0],
      [0, 12],
    ])
    const table = hessian((a, b) => a.mul(b).sum().mul(a.sum()), [x, tensor([3, 5], f64)])
    // d2/da_i da_j of (a . b)(sum a) is b_i + b_j; d2/da_i db_j is a_j + [i = j] sum a.
    expect(table.map((row) => row.map((t) => t.toArray()))).toEqual([
      [
        [
          [6, 8],
          [8, 10],
        ],
        [
          [4, 2],
          [1, 5],
        ],
      ],
      [
        [
          [4, 1],
          [2, 5],
        ],
        [
          [0, 0],
          [0, 0],
        ],
      ],
    ])
  })

  it('refuses results that are no number, and goes through a table', () => {
    expect(() => hessian((t) => t.mul(2), tensor([1, 2]))).toThrow('must give one number, got [2]')
    const ids = tensor(Int32Array.of(0))
    expect(hessian((t) => embedding(t, ids).pow(2).sum(), tensor([[3]])).toArray()).toEqual([[[[2]]]])
  })
})

describe('jvp and vjp', () => {
  it('agree with the jacobian', () => {
    const [a, b, va, vb] = [draw([2, 3], 1), draw([3, 2], 2), draw([2, 3], 3), draw([3, 2], 4)]
    const [ja, jb] = jacobian(fn, [a, b])
    const [y, tangent] = jvp(fn, [a, b], [va, vb])
    const want = ja
      .reshape([4, 6])
      .matmul(va.reshape([6, 1]))
      .add(jb.reshape([4, 6]).matmul(vb.reshape([6, 1])))
    expect(y.toArray()).toEqual(fn(a, b).toArray())
    for (const [i, x] of tangent.reshape([4]).data.entries()) expect(x).toBeCloseTo(want.data[i], 12)
    const v = draw([2, 2], 5)
    const [, [ga, gb]] = vjp(fn, [a, b], v)
    const pulled = (j: Tensor) => v.reshape([1, 4]).matmul(j.reshape([4, 6])).data
    for (const [i, x] of ga.reshape([6]).data.entries()) expect(x).toBeCloseTo(pulled(ja)[i], 12)
    for (const [i, x] of gb.reshape([6]).data.entries()) expect(x).toBeCloseTo(pulled(jb)[i], 12)
  })

  it('take one tensor, and functions that do not depend on it', () => {
    const x = tensor([1, 2], f64)
    expect(vjp((t) => t.mul(t).sum(), x)[1].toArray()).toEqual([2, 4])
    expect(jvp((t) => t.mul(t).sum(), x, tensor([1, 1], f64))[1].item()).toBe(6)
    expect(jvp(() => tensor([1], f64), x, x)[1].toArray()).toEqual([0])
    expect(jvp((t) => t, x, x)[1].toArray()).toEqual([1, 2])
  })

  it('name what does not fit', () => {
    const x = tensor([1, 2])
    expect(() => vjp((t) => t.mul(2), x)).toThrow('vjp: the function gives [2]. Pass v')
    expect(() => vjp((t) => t.mul(2), x, tensor([1]))).toThrow('vjp: v is [1], must be [2]')
    expect(() => jvp((t) => t, x, tensor([1]))).toThrow('jvp: tangent 0 is [1], must be [2]')
    expect(() => jvp((t) => t, x, [x, x])).toThrow('got 1 inputs and 2 tangents')
    expect(() => jacobian((t) => t, tensor(Int32Array.of(1)))).toThrow('jacobian: input 0 is int32')
    expect(() => jacobian((t) => [t] as unknown as Tensor, x)).toThrow('must return one tensor, got an array')
  })
})

describe('grad', () => {
  it('is typed for what allowUnused gives', () => {
    const [a, b] = [tensor([1], { requiresGrad: true }), tensor([1], { requiresGrad: true })]
    const found: (Tensor | null)[] = grad(a.mul(2), [a, b], { allowUnused: true })
    // @ts-expect-error an entry may be null
    const [first]: Tensor[] = grad(a.mul(2), [a], { allowUnused: true })
    const [sure]: Tensor[] = grad(a.mul(2), [a])
    expect([found[1], first.item(), sure.item()]).toEqual([null, 2, 2])
  })
})
