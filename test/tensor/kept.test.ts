// What data gives stays as it was read; what live gives shows its own tensor and never another. set() writes.
import { describe, expect, it } from 'vitest'
import {
  full,
  memory,
  noGrad,
  ones,
  optim,
  randn,
  setBackend,
  type Tensor,
  tensor,
  tidy,
  zeros,
} from '../../src/index.js'
import { settled } from '../settled.js'

const grid = () =>
  tensor([
    [1, 2, 3],
    [4, 5, 6],
  ])

describe.each(['js', 'wasm'] as const)('an array from data, on %s', (backend) => {
  const on = (fn: () => void) => {
    setBackend(backend)
    try {
      fn()
    } finally {
      setBackend('auto')
    }
  }

  it('keeps its numbers when its tensor goes with tidy', () =>
    on(() => {
      const kept = tidy(() => ones([50]).mul(3).data)
      for (let i = 0; i < 20; i++) tidy(() => void ones([50]).mul(9))
      expect(kept.every((x) => x === 3)).toBe(true)
    }))

  it('writes into nobody, after tidy and before', () =>
    on(() => {
      const dead = tidy(() => full([100], 1).data)
      const living = full([100], 5)
      dead.fill(-99)
      living.data.fill(-98)
      expect(living.mean().item()).toBe(5)
    }))

  it('keeps its numbers when its tensor is disposed of and its block goes to another', () =>
    on(() => {
      const x = full([500], 1)
      const kept = x.data
      x.dispose()
      full([500], 2)
      expect(kept.every((v) => v === 1)).toBe(true)
    }))

  it('a gradient keeps its numbers through zeroGrad()', () =>
    on(() => {
      const p = full([4], 1, { requiresGrad: true })
      const optimizer = new optim.SGD([p], { lr: 0.1 })
      const log = [1, 2, 3].map((k) => {
        p.mul(k).sum().backward()
        const read = p.grad!.data
        optimizer.zeroGrad()
        return read
      })
      expect(log.map((read) => read[0])).toEqual([1, 2, 3])
    }))

  it('a row of an embedding gradient keeps its numbers when the table is cleared for the next step', () =>
    on(() => {
      const table = full([6, 4], 1, { requiresGrad: true })
      const kept = [1, 2].map((k) => {
        table
          .indexSelect(0, tensor([k], { dtype: 'int32' }))
          .mul(k)
          .sum()
          .backward()
        const read = table.grad!.data
        optim.zeroGrad([table])
        return read
      })
      expect(kept.map((read) => [...read].filter((x) => x !== 0))).toEqual([
        new Array(4).fill(1),
        new Array(4).fill(2),
      ])
    }))

  it('thousands of them from a training stay as they were, with tidy and without', async () => {
    for (const loop of [(fn: () => void) => tidy(fn), (fn: () => void) => fn()]) {
      setBackend(backend)
      const w = randn([8, 8], { requiresGrad: true })
      const optimizer = new optim.SGD([w], { lr: 1e-2 })
      const kept: { array: ArrayLike<number>; copy: number[] }[] = []
      const keep = (array: ArrayLike<number>) => kept.push({ array, copy: Array.from(array) })
      for (let step = 0; step < 400; step++) {
        loop(() => {
          const p = ones([5, 8])
            .mul((step % 7) - 3)
            .matmul(w)
            .softmax(-1)
          keep(p.data)
          p.mul(p).sum().backward()
          keep(w.grad!.data)
          optimizer.step()
          keep(w.data)
          optimizer.zeroGrad()
        })
        if (step % 100 === 0) await settled()
      }
      setBackend('auto')
      expect(kept.length).toBe(1200)
      expect(kept.filter(({ array, copy }) => copy.some((x, i) => !Object.is(x, array[i])))).toEqual([])
    }
  })
})

describe('data', () => {
  it('lies on a buffer of its own that is not shared, whatever the layout and dtype', async () => {
    for (const dtype of ['float32', 'float64', 'int32'] as const)
      for (const t of [
        zeros([2, 3], { dtype }),
        zeros([2, 3], { dtype }).t(),
        zeros([9], { dtype }).slice(0, 2, 5),
      ]) {
        expect(t.data.buffer).toBeInstanceOf(ArrayBuffer)
        expect(t.data.byteLength).toBe(t.data.buffer.byteLength)
        expect(t.data).not.toBe(t.data)
      }
    const { data } = tensor([1, 2])
    expect(await new Response(data as Float32Array<ArrayBuffer>).arrayBuffer()).toEqual(data.buffer)
    expect(new Blob([data as Float32Array<ArrayBuffer>]).size).toBe(8)
  })

  it('of a disposed tensor is an error', () => {
    const t = zeros([2])
    t.dispose()
    expect(() => t.data).toThrow('has been disposed')
    expect(() => t.live).toThrow('has been disposed')
  })
})

describe('live', () => {
  it('shows what is written, and what is written to it is the tensor', () => {
    const x = grid()
    const { live } = x
    x.set([6, 5, 4, 3, 2, 1])
    expect([...live]).toEqual([6, 5, 4, 3, 2, 1])
    live[0] = 9
    expect(x.add(0).toArray()).toEqual([
      [9, 5, 4],
      [3, 2, 1],
    ])
    expect(x.reshape([6]).live.buffer).toBe(live.buffer)
    expect(x.storage.exposed).toBe(true)
  })

  it('is nobody else, after tidy, dispose and zeroGrad', () => {
    const p = full([64], 1, { requiresGrad: true })
    p.mul(2).sum().backward()
    const x = full([64], 3)
    const all = [tidy(() => full([64], 3).live), x.live, p.grad!.live]
    x.dispose()
    optim.zeroGrad([p])
    const others = Array.from({ length: 20 }, () => full([64], 7))
    expect(all.map((a) => a[0])).toEqual([3, 3, 2])
    for (const a of all) a.fill(-1)
    expect(others.every((t) => t.data.every((v) => v === 7))).toBe(true)
  })

  it('a tensor that was lent computes and learns as before', () => {
    const [w, same] = [randn([3, 3], { requiresGrad: true }), randn([3, 3], { requiresGrad: true })]
    same.set(w.data)
    w.live
    for (const p of [w, same]) {
      const optimizer = new optim.AdamW([p], { lr: 0.1 })
      for (let i = 0; i < 5; i++) {
        grid()
          .matmul(p)
          .softmax(-1)
          .mul(p.slice(0, 0, 2))
          .sum()
          .backward()
        optimizer.step()
        optimizer.zeroGrad()
      }
    }
    expect(w.data).toEqual(same.data)
  })

  it('of a view that is not contiguous is an error', () => {
    expect(() => grid().t().live).toThrow('is not contiguous. Read a copy with data, write with set()')
  })
})

describe('set', () => {
  it('writes any layout, and gives the tensor', () => {
    const x = grid()
    expect(x.t().set([10, 40, 20, 50, 30, 60]).toArray()).toEqual([
      [10, 40],
      [20, 50],
      [30, 60],
    ])
    x.slice(1, 1, 3).set(0)
    x.slice(0, 1, 2).set(tensor([7]))
    expect(x.toArray()).toEqual([
      [10, 0, 0],
      [7, 7, 7],
    ])
    x.set(x.t().reshape([2, 3]).add(1))
    const square = tensor([
      [1, 2],
      [3, 4],
    ])
    expect(square.set(square.t()).toArray()).toEqual([
      [1, 3],
      [2, 4],
    ])
    expect(zeros([0]).set([]).toArray()).toEqual([])
    expect(
      tensor([1.5, -2.5])
        .set(tensor([3, 4], { dtype: 'float64' }))
        .toArray(),
    ).toEqual([3, 4])
  })

  it('makes a graph that saved the old numbers refuse', () => {
    const x = tensor([1, 2], { requiresGrad: true })
    const y = x.mul(x).sum()
    x.set([3, 4])
    expect(() => y.backward()).toThrow('changed in place')
    x.mul(x).sum().backward()
    expect(x.grad!.toArray()).toEqual([6, 8])
  })

  it.each<[string, (x: Tensor) => unknown, string]>([
    ['too few', (x) => x.set([1, 2]), 'set: 2 numbers for the 6 elements of a tensor [2, 3]'],
    ['another shape', (x) => x.set(zeros([3, 2])), 'values of shape [3, 2] do not fit the tensor [2, 3]'],
    ['more dims', (x) => x.set(zeros([1, 2, 3])), 'values of shape [1, 2, 3] do not fit the tensor [2, 3]'],
    ['no numbers', (x) => x.set(['1', 2, 3, 4, 5, 6] as number[]), 'expected numbers, found string at 0'],
    [
      'a result',
      (x) =>
        x
          .detach()
          .reshape([6])
          .mul(ones([6], { requiresGrad: true }))
          .set(0),
      'is the result of mul',
    ],
    [
      'a view of a leaf',
      () => ones([4], { requiresGrad: true }).slice(0, 0, 2).set(0),
      'is the result of slice',
    ],
    ['repeated elements', () => ones([1]).expand([3]).set(0), 'are one number in memory. Call clone() first'],
    ['a gradient that would end', (x) => x.set(ones([3], { requiresGrad: true })), 'which would end here'],
    ['what int32 cannot hold', () => zeros([1], { dtype: 'int32' }).set([2 ** 31]), 'cannot hold 2147483648'],
    ['NaN in int32', () => zeros([1], { dtype: 'int32' }).set(tensor([NaN])), 'cannot hold NaN'],
  ])('refuses %s', (_, act, text) => {
    expect(() => act(grid())).toThrow(text)
  })

  it('takes parameters as values inside noGrad', () => {
    const [a, b] = [tensor([1, 2], { requiresGrad: true }), tensor([3, 4], { requiresGrad: true })]
    noGrad(() => a.set(b))
    expect(a.toArray()).toEqual([3, 4])
  })
})

describe('a loop without tidy', () => {
  it('leaves memory where it was, in one turn of the event loop', () => {
    const w = randn([64, 64], { requiresGrad: true })
    const step = () => {
      const h = randn([32, 64]).matmul(w).relu()
      const loss = h.matmul(w).softmax(-1).mul(h).sum()
      loss.backward()
      optim.zeroGrad([w])
      return { h, loss }
    }
    step()
    const before = memory().bytes
    for (let i = 0; i < 300; i++) step()
    // 300 steps made some 15 MB.
    expect(memory().bytes - before).toBeLessThan(1.5e6)
  })

  it('what is still held stays right, and can be used on', () => {
    const w = full([8, 8], 0.5, { requiresGrad: true })
    const kept = Array.from({ length: 50 }, (_, k) => {
      const h = full([4, 8], k).matmul(w)
      const y = h.mul(2)
      y.sum().backward()
      return { h, y }
    })
    kept.forEach(({ h, y }, k) => {
      expect(h.data.every((x) => x === 4 * k)).toBe(true)
      for (let i = 0; i < 20; i++) expect(y.sub(h).mean().item()).toBe(4 * k)
    })
  })

  it('results of which no graph is recorded do not pile up in the shared memory', () => {
    const a = full([500, 500], 1.5)
    const before = memory().bytes
    for (let i = 0; i < 300; i++) a.add(1)
    expect(memory().bytes - before).toBeLessThan(2 ** 26 + 2e6)
  })
})
