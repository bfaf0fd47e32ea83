// trace(): what ran, with values and gradients, forward and back.
import { describe, expect, it } from 'vitest'
import {
  checkpoint,
  embedding,
  GradError,
  grad,
  graph,
  memory,
  nn,
  noGrad,
  optim,
  type Tensor,
  tensor,
  tidy,
  trace,
} from '../../src/index.js'

const leaf = (x: number | number[] | number[][]) => tensor(x, { requiresGrad: true })

/** L = (a b + c) f, and the tensors on the way. */
function walked() {
  const [a, b, c, f] = [leaf(2), leaf(-3), leaf(10), leaf(-2)]
  const it = trace(
    () => {
      const e = a.mul(b)
      const d = e.add(c)
      const L = d.mul(f)
      L.backward()
      return { e, d, L }
    },
    { names: { a, b, c, f } },
  )
  return { it, a, b, c, f }
}

describe('trace', () => {
  it('gives ops in their order, with values and all gradients', () => {
    const { it: tape } = walked()
    const told = tape.nodes.map((n) => [n.name ?? n.op, n.value[0], n.grad?.[0]])
    expect(told).toEqual([
      ['a', 2, 6],
      ['b', -3, -4],
      ['mul', -6, -2],
      ['c', 10, -2],
      ['add', 4, -2],
      ['f', -2, 4],
      ['mul', -8, 1],
    ])
    expect(tape.nodes.map((n) => n.id)).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(tape.back.map((n) => n.name ?? n.op)).toEqual(['mul', 'f', 'add', 'c', 'mul', 'a', 'b'])
  })

  it('is walked by a step, both ways', () => {
    const { it: tape, a } = walked()
    const L = tape.nodeOf(tape.result.L)!
    expect(L).toBe(tape.nodes.at(-1))
    const [d, f] = tape.inputsOf(L)
    expect([d.op, f.name]).toEqual(['add', 'f'])
    expect(tape.readersOf(tape.nodeOf(a)!).map((n) => n.op)).toEqual(['mul'])
    expect(tape.readersOf(L)).toEqual([])
    expect(tape.nodeOf(tensor(1))).toBe(null)
    expect(tape.toMermaid()).toContain('"a<br>[]"')
  })

  it('has the gradients that retainGrad keeps, bit for bit, and the nodes that graph() has', () => {
    const model = new nn.Sequential(new nn.Linear(3, 4), new nn.Tanh(), new nn.Linear(4, 2))
    const x = tensor([[0.1, -0.2, 0.3]])
    const made: Tensor[] = []
    const tape = trace(
      () => {
        const h = model.forward(x)
        h.retainGrad()
        const y = h.softmax(-1).log().sum()
        y.backward()
        made.push(h)
        return y
      },
      { names: model },
    )
    const [h] = made
    expect([...tape.nodeOf(h)!.grad!]).toEqual([...h.grad!.data])
    for (const [name, p] of model.namedParameters()) {
      expect(tape.nodeOf(p)!.name).toBe(name)
      expect([...tape.nodeOf(p)!.grad!]).toEqual([...p.grad!.data])
    }
    const ofGraph = graph(tape.result).nodes.filter((n) => n.op !== 'leaf')
    const ofTrace = tape.nodes.filter((n) => n.op !== 'leaf')
    expect(ofTrace.map((n) => [n.op, n.shape])).toEqual(ofGraph.map((n) => [n.op, n.shape]))
    expect(tape.nodes.every((n) => n.value.length === n.shape.reduce((a, b) => a * b, 1))).toBe(true)
  })

  it('keeps copies: what is disposed of or written in place later changes nothing', () => {
    const w = leaf([1, 2])
    const optimizer = new optim.SGD([w], { lr: 1 })
    const tape = trace(() => {
      tidy(() => {
        w.mul(w).sum().backward()
      })
      optimizer.step()
      optimizer.zeroGrad()
    })
    expect([...tape.nodeOf(w)!.value]).toEqual([1, 2])
    expect(tape.nodes.map((n) => [n.op, ...n.value])).toEqual([
      ['leaf', 1, 2],
      ['mul', 1, 4],
      ['sum', 5],
    ])
    // zeroGrad() took the leaf's, and the results' are there.
    expect(tape.nodes.map((n) => n.grad && [...n.grad])).toEqual([null, [1, 1], [1]])
    expect([...w.data]).toEqual([-1, -2])
  })

  it('adds up what several walks bring, and what two readers bring', () => {
    const x = leaf(3)
    const tape = trace(() => {
      const y = x.mul(x)
      y.add(y).backward(undefined, { retainGraph: true })
      y.backward()
    })
    const [, y] = tape.nodes
    expect(tape.inputsOf(y)).toEqual([tape.nodes[0], tape.nodes[0]])
    expect(tape.readersOf(tape.nodes[0])).toEqual([y])
    expect(y.grad![0]).toBe(3)
    expect(tape.nodes[0].grad![0]).toBe(18)
  })

  it('shows ops without a graph too, and none of the ops of a plain backward', () => {
    const x = leaf([[1, 2]])
    const quiet = trace(() => noGrad(() => x.exp().sum()))
    expect(quiet.nodes.map((n) => [n.op, n.requiresGrad])).toEqual([
      ['leaf', true],
      ['exp', false],
      ['sum', false],
    ])
    expect(quiet.back).toEqual([])
    const row = leaf([1, 1])
    const wide = trace(() => x.mul(row).sum().backward())
    expect(wide.nodes.map((n) => n.op)).toEqual(['leaf', 'leaf', 'mul', 'sum'])
    expect([...wide.nodes[1].grad!]).toEqual([1, 2])
    // A graph of its own is on the tape.
    const twice = trace(() => {
      const [g] = grad(x.mul(x).sum(), [x], { createGraph: true })
      g.sum().backward()
    })
    expect([...twice.nodeOf(x)!.grad!].map((g, i) => g - x.grad!.data[i])).toEqual([0, 0])
    expect(twice.nodes.length).toBeGreaterThan(3)
  })

  it('knows checkpoints as one node, and tables whose rows are added in place', () => {
    const x = leaf([1, 2])
    const tape = trace(() =>
      checkpoint((t) => t.exp().log(), x)
        .sum()
        .backward(),
    )
    expect(tape.nodes.map((n) => n.op)).toContain('checkpoint')
    const node = tape.nodes.find((n) => n.op === 'checkpoint')!
    expect([...node.grad!]).toEqual([1, 1])
    expect(tape.back.at(-1)).toBe(tape.nodeOf(x))
    const table = leaf([
      [1, 2],
      [3, 4],
    ])
    const ids = tensor([1, 1], { dtype: 'int32' })
    const rows = trace(() => embedding(table, ids).sum().backward())
    expect([...rows.nodeOf(table)!.grad!]).toEqual([0, 0, 2, 2])
    expect(rows.nodeOf(ids)!.grad).toBe(null)
  })

  it('leaves no buffer behind, and refuses promises and what is no function', () => {
    const x = leaf(1)
    x.exp().backward()
    const before = memory().buffers
    const tape = trace(() => tidy(() => x.exp().backward()))
    expect(memory().buffers).toBe(before)
    expect(tape.nodes.length).toBe(2)
    expect(() => trace(async () => 1)).toThrow(GradError)
    expect(() => trace(3 as never)).toThrow('trace: the function must be a function, got 3')
    expect(() => trace(() => 1, { names: 3 as never })).toThrow('trace: names must be a module')
  })
})
