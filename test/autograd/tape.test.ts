// The graph as data, DOT and Mermaid.
import { describe, expect, it } from 'vitest'
import { checkpoint, graph, nn, Tape, tensor } from '../../src/index.js'

describe('graph', () => {
  const make = () => {
    const x = tensor([[1, 2]], { requiresGrad: true })
    const w = tensor([[3], [4]], { requiresGrad: true })
    const h = x.matmul(w)
    return { x, w, y: h.mul(h).sum() }
  }

  it('gives nodes and edges, leaves first, the result last', () => {
    const { x, w, y } = make()
    const { nodes, edges } = graph(y, { names: { x, w } })
    expect(nodes.map((n) => [n.op, n.name, n.shape])).toEqual(
      expect.arrayContaining([
        ['leaf', 'x', [1, 2]],
        ['leaf', 'w', [2, 1]],
        ['matmul', undefined, [1, 1]],
        ['mul', undefined, [1, 1]],
        ['sum', undefined, []],
      ]),
    )
    expect(nodes.length).toBe(5)
    expect(nodes.map((n) => n.id)).toEqual([0, 1, 2, 3, 4])
    expect(nodes.every((n) => n.requiresGrad && n.dtype === 'float32')).toBe(true)
    const told = edges.map(
      ({ from, to, input }) => `${nodes[from].name ?? nodes[from].op} ${nodes[to].op} ${input}`,
    )
    expect(told.sort()).toEqual(['matmul mul 0', 'matmul mul 1', 'mul sum 0', 'w matmul 1', 'x matmul 0'])
  })

  it('is the same after backward', () => {
    const { x, w, y } = make()
    const before = graph(y, { names: { x, w } })
    y.backward()
    expect(graph(y, { names: { x, w } })).toEqual(before)
  })

  it('knows dtypes across a cast, checkpoints, and tensors without a graph', () => {
    const x = tensor([1], { requiresGrad: true })
    const y = x.to('float64').exp()
    expect(graph(y).nodes.map((n) => `${n.op} ${n.dtype}`)).toEqual([
      'leaf float32',
      'to float64',
      'exp float64',
    ])
    expect(graph(checkpoint((t) => t.exp().log(), x)).nodes.map((n) => n.op)).toEqual(['leaf', 'checkpoint'])
    expect(graph(tensor([[1, 2]])).nodes).toEqual([
      { id: 0, op: 'leaf', shape: [1, 2], dtype: 'float32', requiresGrad: false },
    ])
  })

  it('takes the names of a module, and draws', () => {
    const layer = new nn.Linear(2, 1)
    const tape = graph(layer.forward(tensor([[1, 2]])), { names: layer })
    expect(
      tape.nodes
        .filter((n) => n.op === 'leaf')
        .map((n) => n.name)
        .sort(),
    ).toEqual(['bias', 'weight'])
    const { x, y } = make()
    const drawn = graph(y, { names: new Map([['the "x"', x]]) })
    expect(drawn.toDot()).toMatch(/^digraph \{\n {2}n0 \[label=".*", shape=box\]\n/)
    expect(drawn.toDot()).toContain('label="the \\"x\\"\\n[1, 2]"')
    expect(drawn.toDot()).toContain('  n3 -> n4\n}\n')
    expect(drawn.toMermaid()).toMatch(/^flowchart TD\n/)
    expect(drawn.toMermaid()).toContain('["the #quot;x#quot;<br>[1, 2]"]')
    expect(drawn.toMermaid()).toContain('  n3 --> n4\n')
  })

  it('walks from a leaf that very many read', () => {
    const node = (id: number) => ({
      id,
      op: 'leaf',
      shape: [1],
      dtype: 'float32' as const,
      requiresGrad: true,
    })
    const n = 200_000
    const nodes = Array.from({ length: n + 1 }, (_, id) => node(id))
    const tape = new Tape(
      nodes,
      nodes.slice(1).map(({ id }) => ({ from: 0, to: id, input: 0 })),
    )
    expect(tape.readersOf(nodes[0]).length).toBe(n)
    expect(tape.inputsOf(nodes[n])).toEqual([nodes[0]])
  })
})
