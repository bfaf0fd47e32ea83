// Wrong arguments, refused by name; and right values where PyTorch 2.15 has some. test/properties calls everything.
import { describe, expect, it } from 'vitest'
import {
  ArgumentError,
  attention,
  cat,
  cosineSimilarity,
  crossEntropy,
  embedding,
  full,
  grad,
  klDiv,
  mse,
  nn,
  noGrad,
  optim,
  pad,
  type Tensor,
  tensor,
  tidy,
  where,
  zeros,
} from '../../src/index.js'

const none = undefined as never
const y = () =>
  tensor(
    Float32Array.from({ length: 80 }, (_, i) => i),
    { shape: [5, 16] },
  )
const ids = (...values: number[]) => tensor(values, { dtype: 'int32' })

describe('a wrong argument', () => {
  it.each<[string, () => unknown, string]>([
    ['slice: a fraction', () => y().slice(0, 2.5), 'slice: start must be a whole number, got 2.5'],
    [
      'slice: a fraction as the end',
      () => y().slice(0, 0, 2.5),
      'slice: end must be a whole number, got 2.5',
    ],
    ['slice: nothing', () => y().slice(0, none), 'slice: start must be a whole number, got undefined'],
    ['slice: NaN', () => y().slice(0, NaN), 'slice: start must be a whole number, got NaN'],
    ['slice: NaN as the end', () => y().slice(0, 0, NaN), 'slice: end must be a whole number, got NaN'],
    [
      'slice: null as the end',
      () => y().slice(0, 0, null as never),
      'slice: end must be a whole number, got null',
    ],
    [
      'slice: a step of 1.5',
      () => y().slice(0, 0, 3, 1.5),
      'slice: step must be a whole number from 1, got 1.5',
    ],
    ['pad: a fraction', () => pad(y(), 0, 0.5, 0), 'pad: sizes must be whole numbers from 0, got 0.5 and 0'],
    ['dim: a fraction', () => y().sum(0.5), 'sum: dim must be a whole number, got 0.5'],
    ['dim: text', () => y().sum('0' as never), "sum: dim must be a whole number, got '0'"],
    ['dim: nothing', () => y().softmax(none), 'softmax: dim must be a whole number, got undefined'],
    [
      'keepdim by place',
      () => y().sum(0, true as never),
      'sum: options must be an object with any of { keepdim }, got true',
    ],
    [
      'a Map for options',
      () => y().sum(0, new Map() as never),
      'sum: options must be an object with any of { keepdim }, got a Map',
    ],
    [
      'a misspelled option',
      () => y().sum(0, { keepDim: true } as object),
      'sum: there is no option keepDim. The options are keepdim',
    ],
    ['null for options', () => y().var(0, null as never), 'var: options must be an object'],
    [
      'an operand: nothing',
      () => y().add(none),
      'add: input 1 must be a tensor, got undefined. Make one with tensor()',
    ],
    ['an operand: text', () => y().mul('2' as never), "mul: input 1 must be a tensor, got '2'"],
    ['an operand: a list', () => y().maximum([1] as never), 'maximum: input 1 must be a tensor, got [1]'],
    ['matmul with nothing', () => y().matmul(none), 'matmul: input 1 must be a tensor, got undefined'],
    ['where with nothing', () => where(none, 1, 2), 'where: input 0 must be a tensor, got undefined'],
    [
      'cat of one tensor',
      () => cat(y() as never),
      'cat: tensors must be a list of tensors, got a tensor [5, 16]',
    ],
    ['cat with a hole', () => cat([y(), none]), 'cat: tensors[1] must be a tensor, got undefined'],
    ['to nothing', () => y().to(none), 'to: unknown dtype undefined. Use one of float32, float64, int32'],
    ['clamp without bounds', () => y().clamp(), 'clamp: both bounds are missing'],
    ['clamp by NaN', () => y().clamp(NaN), 'clamp: min must be a number, got NaN'],
    [
      'gelu: tangent',
      () => y().gelu({ approximate: 'tan' as 'tanh' }),
      "gelu: approximate must be one of none, tanh, got 'tan'",
    ],
    [
      'mse: avg',
      () => mse(y(), y(), { reduction: 'avg' as 'mean' }),
      "mse: reduction must be one of mean, sum, none, got 'avg'",
    ],
    [
      'crossEntropy: avg',
      () => crossEntropy(y(), ids(0, 1, 2, 3, 4), { reduction: 'avg' as 'mean' }),
      'crossEntropy: reduction must be one of',
    ],
    ['klDiv: avg', () => klDiv(y(), y(), { reduction: 'avg' as 'mean' }), 'klDiv: reduction must be one of'],
    [
      'crossEntropy: float labels',
      () => crossEntropy(y(), zeros(5)),
      "crossEntropy: labels must be int32, got float32. Convert them with .to('int32')",
    ],
    [
      'crossEntropy: smoothing 2',
      () => crossEntropy(y(), ids(0, 1, 2, 3, 4), { labelSmoothing: 2 }),
      'labelSmoothing must lie in [0, 1], got 2',
    ],
    [
      'embedding: a row that is none',
      () => embedding(y(), ids(0), { paddingIdx: 5 }),
      'embedding: paddingIdx must be a whole number from -5 to 4, got 5',
    ],
    [
      'Embedding: a row that is none',
      () => new nn.Embedding(4, 2, { paddingIdx: 10 }),
      'Embedding: paddingIdx must be a whole number from -4 to 3, got 10',
    ],
    [
      'Linear without sizes',
      () => new nn.Linear(none, 2),
      'Linear: inFeatures must be a whole number, got undefined',
    ],
    [
      'attention: dropout 1',
      () => attention(zeros(1, 1, 1, 1), zeros(1, 1, 1, 1), zeros(1, 1, 1, 1), { dropout: 1 }),
      'attention: dropout must be at least 0 and below 1, got 1',
    ],
    ['noGrad without a function', () => noGrad(3 as never), 'noGrad: the argument must be a function, got 3'],
    ['tidy without a function', () => tidy(none), 'tidy: the argument must be a function, got undefined'],
    ['grad of a number', () => grad(1 as never, []), 'grad: the result must be a tensor, got 1'],
    ['grad for one tensor', () => grad(y(), y() as never), 'grad: inputs must be a list of tensors'],
    [
      'an optimizer of one tensor',
      () => new optim.Adam(y() as never),
      'optimizer: params must be a list of tensors or groups',
    ],
    [
      'SGD without options',
      () => new optim.SGD([y()], none),
      'optimizer: lr must be 0 or more, got undefined',
    ],
  ])('%s', (_, call, text) => {
    expect(call).toThrow(text)
  })

  it('is an ArgumentError that names the op', () => {
    try {
      y().add(none)
      expect.unreachable()
    } catch (e) {
      expect(e).toBeInstanceOf(ArgumentError)
      expect((e as ArgumentError).op).toBe('add')
    }
  })
})

describe('right values', () => {
  it('of slices at whole places, up to the end', () => {
    expect(tensor([0, 1, 2, 3, 4]).slice(0, -2).toArray()).toEqual([3, 4])
    expect(tensor([0, 1, 2, 3, 4]).slice(0, 1, Infinity, 2).toArray()).toEqual([1, 3])
    expect(tensor([0, 1]).slice(0, -9, 9).toArray()).toEqual([0, 1])
  })

  it('of to int32', () => {
    expect(tensor([1.5, -1.5, -0]).to('int32').toArray()).toEqual([1, -1, 0])
    expect(() => tensor([NaN]).to('int32')).toThrow('to: int32 cannot hold NaN at place 0')
    expect(() =>
      tensor([[1, 3e9]])
        .t()
        .to('int32'),
    ).toThrow('to: int32 cannot hold 3000000000 at place 1')
  })

  it('of dropout with p 1', () => {
    const x = tensor([1, NaN], { requiresGrad: true })
    const out = new nn.Dropout(1).forward(x)
    out.sum().backward()
    expect([out.toArray(), x.grad?.toArray()]).toEqual([
      [0, 0],
      [0, 0],
    ])
  })

  it('of an embedding whose last row is padding', () => {
    const layer = new nn.Embedding(4, 2, { paddingIdx: -1 })
    expect(layer.weight.slice(0, 3).toArray()).toEqual([[0, 0]])
    layer.forward(ids(3, 0)).sum().backward()
    expect(layer.weight.grad?.toArray()).toEqual([
      [1, 1],
      [0, 0],
      [0, 0],
      [0, 0],
    ])
  })

  it('of class weights with strides', () => {
    const table = tensor([
      [1, 9],
      [2, 9],
      [3, 9],
    ])
    const logits = tensor([
      [1, 2, 3],
      [0, 1, 0],
    ])
    const loss = (weight: Tensor) => crossEntropy(logits, ids(1, 2), { weight }).item()
    expect(loss(table.slice(1, 0, 1).reshape(3))).toBeCloseTo(1.4939, 4)
    expect(loss(tensor([0.5]).expand(3))).toBeCloseTo(1.4795, 4)
  })

  it('of cosines by a tiny eps', () => {
    expect(cosineSimilarity(zeros(2), tensor([1, 0]), { eps: 1e-30 }).item()).toBe(0)
    expect(cosineSimilarity(zeros(2), zeros(2), { eps: 1e-30 }).item()).toBe(0)
    expect(cosineSimilarity(tensor([3, 4]), tensor([4, 3]), { eps: 1e-30 }).item()).toBeCloseTo(0.96, 6)
  })

  it('of gradients where all labels are ignored', () => {
    for (const createGraph of [false, true]) {
      const x = tensor([[1, 2]], { requiresGrad: true })
      const [g] = grad(crossEntropy(x, ids(-100)), [x], { createGraph })
      expect(g.toArray()).toEqual([[0, 0]])
    }
  })

  it('of gradients at the bounds of clamp', () => {
    const at = (min?: number, max?: number) => {
      const x = tensor([0, 1, 0.5], { requiresGrad: true })
      x.clamp(min, max).sum().backward()
      return x.grad?.toArray()
    }
    expect(at(0, 1)).toEqual([0, 0, 1])
    expect(at(0)).toEqual([0, 1, 1])
    expect(at(undefined, 1)).toEqual([1, 0, 1])
  })

  it('of gradients beside NaN and infinities', () => {
    const pair = [tensor([NaN, 1, 2], { requiresGrad: true }), tensor([1, NaN, 2], { requiresGrad: true })]
    for (const op of ['maximum', 'minimum'] as const) {
      const gs = grad(pair[0][op](pair[1]).sum(), pair)
      expect(gs.map((g) => g.toArray())).toEqual([
        [1, 1, 0.5],
        [1, 1, 0.5],
      ])
    }
    const of = (values: number[]) => {
      const x = tensor(values, { requiresGrad: true })
      return grad(x.logsumexp(), [x])[0].toArray()
    }
    expect(of([-Infinity, -Infinity])).toEqual([0, 0])
    expect(of([Infinity, 1])).toEqual([NaN, 0])
  })

  it('of tensors in a Set and a Map that leave tidy', () => {
    const set = tidy(() => new Set([full([2], 3)]))
    const map = tidy(() => new Map([[full([2], 4), 1]]))
    expect(Array.from(set, (t) => t.toArray())).toEqual([[3, 3]])
    expect(Array.from(map.keys(), (t) => t.toArray())).toEqual([[4, 4]])
  })
})
