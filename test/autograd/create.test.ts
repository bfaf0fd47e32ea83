// New tensors: the values that PyTorch 2.15 gives, and refusals of what no tensor can hold.
import { describe, expect, it } from 'vitest'
import {
  ArgumentError,
  arange,
  BackendError,
  bernoulli,
  DTypeError,
  diag,
  eye,
  full,
  fullLike,
  linspace,
  manualSeed,
  multinomial,
  oneHot,
  ones,
  onesLike,
  rand,
  randint,
  randLike,
  randn,
  randnLike,
  randperm,
  ShapeError,
  type Tensor,
  tensor,
  tril,
  triu,
  zeros,
  zerosLike,
} from '../../src/index.js'
import { keyOf } from '../../src/tensor/rng.js'
import type { TensorData } from '../../src/tensor/values.js'

const wrong = (x: unknown) => x as TensorData
const key = keyOf(7)

describe('tensor', () => {
  it.each<[string, unknown, string]>([
    [
      'strings',
      '5.1,3.5'.split(','),
      "tensor: expected numbers and rows of numbers, got '5.1' at [0]. Convert text with Number(), as in values.map(Number)",
    ],
    ['a string among numbers', [[1, '2']], "got '2' at [0][1]"],
    ['a string', '5.1', "got '5.1'"],
    ['null', null, 'got null'],
    ['undefined', undefined, 'got undefined'],
    ['[null]', [null], 'got null at [0]'],
    ['a hole', [1].concat(new Array(1)), 'got undefined at [1]'],
    ['{}', {}, 'got an object'],
    ['a function', () => 1, 'got a function'],
    ['a DataView', new DataView(new ArrayBuffer(4)), 'got a DataView'],
    ['ragged rows', [[1], [2, 3]], 'rows differ in length at dim 1: 1 and 2 at [1]. Pad the shorter ones'],
    ['an empty row among others', [[1], []], 'rows differ in length at dim 1: 1 and 0 at [1]'],
    ['a row among numbers', [1, [2]], 'a row at [1] stands where a number was expected'],
    ['a number among rows', [[1], 2], 'a number at [1] stands where a row of 1 was expected'],
  ])('refuses %s', (_, data, text) => {
    expect(() => tensor(wrong(data))).toThrow(text)
  })

  it('refuses what does not end', () => {
    const loop: unknown[] = []
    loop.push(loop)
    expect(() => tensor(wrong(loop))).toThrow(
      'tensor: rows are nested deeper than 32. Does an array contain itself?',
    )
    const endless = {
      *[Symbol.iterator]() {
        for (;;) yield 1
      },
    }
    expect(() => tensor(endless)).toThrow('tensor: more than 4194304 values came out of an object')
  })

  it('refuses a tensor: its gradient would be lost', () => {
    expect(() => tensor(wrong(ones(2)))).toThrow('Use clone()')
    expect(() => tensor(wrong([ones(2)]))).toThrow('Join tensors with stack() or cat()')
  })

  it('takes rows of typed arrays, booleans, bigints and what can be iterated', () => {
    const given: [TensorData, unknown, string][] = [
      [
        [Float32Array.of(1, 2), Float32Array.of(3, 4)],
        [
          [1, 2],
          [3, 4],
        ],
        'float32',
      ],
      [[Float64Array.of(0.1)], [[0.1]], 'float64'],
      [[Int32Array.of(7)], [[7]], 'int32'],
      [[true, false], [1, 0], 'int32'],
      [[true, 0.5], [1, 0.5], 'float32'],
      [true, 1, 'int32'],
      [[1n, -2n], [1, -2], 'int32'],
      [BigInt64Array.of(5n), [5], 'int32'],
      [Uint8Array.of(255), [255], 'float32'],
      [Uint32Array.of(16777216), [16777216], 'float32'],
      [new Set([3, 1]), [3, 1], 'float32'],
      [new Map([[1, 2]]).values(), [2], 'float32'],
      [[], [], 'float32'],
      [[[], []], [[], []], 'float32'],
    ]
    for (const [data, values, dtype] of given) {
      const t = tensor(data)
      expect([t.toArray(), t.dtype]).toEqual([values, dtype])
    }
    expect(tensor([true], { dtype: 'float64' }).dtype).toBe('float64')
    expect(tensor([[], []]).shape).toEqual([2, 0])
    expect(tensor(new Float32Array(6), { shape: [-1, 3] }).shape).toEqual([2, 3])
  })

  it.each<[string, unknown, string]>([
    [
      '4294967296',
      [0, 4294967296],
      'tensor: int32 cannot hold 4294967296 at place 1. It holds whole numbers',
    ],
    ['3e9', [3e9], 'cannot hold 3000000000 at place 0'],
    ['NaN', [NaN], 'cannot hold NaN'],
    ['-Infinity', [[-Infinity]], 'cannot hold -Infinity'],
    ['1.5', [1.5], 'cannot hold 1.5 at place 0. Cut it off with Math.trunc(), or leave the dtype a float'],
    ['2^31', [2 ** 31], 'cannot hold 2147483648'],
    ['a Float32Array of fractions', Float32Array.of(1, 0.5), 'cannot hold 0.5 at place 1'],
    ['a Uint32Array beyond', Uint32Array.of(4294967295), 'cannot hold 4294967295'],
    ['a BigInt64Array beyond', BigInt64Array.of(2n ** 40n), 'cannot hold 1099511627776'],
  ])('never wraps round in int32: %s', (_, data, text) => {
    expect(() => tensor(wrong(data), { dtype: 'int32' })).toThrow(RangeError)
    expect(() => tensor(wrong(data), { dtype: 'int32' })).toThrow(text)
  })

  it('holds all of int32', () => {
    const ends = [-2147483648, 2147483647, -0]
    for (const data of [ends, Float64Array.from(ends), BigInt64Array.from(ends, BigInt)])
      expect(tensor(data, { dtype: 'int32' }).toArray()).toEqual([-2147483648, 2147483647, 0])
    expect(tensor(Int16Array.of(-3), { dtype: 'int32' }).toArray()).toEqual([-3])
  })

  it('rounds no whole number that a typed array holds exactly, unless told which dtype', () => {
    const odd = Uint32Array.of(16777217)
    expect(() => tensor(odd)).toThrow('float32 rounds 16777217 at place 0 to 16777216')
    expect(tensor(odd, { dtype: 'float64' }).item()).toBe(16777217)
    expect(tensor(odd, { dtype: 'float32' }).item()).toBe(16777216)
    expect(() => tensor(BigInt64Array.of(2n ** 40n))).toThrow('int32 cannot hold 1099511627776 at place 0')
  })

  it('knows its options', () => {
    expect(() => tensor([1], { Dtype: 'int32' } as object)).toThrow(
      'tensor: there is no option Dtype. The options are dtype, requiresGrad, shape',
    )
    expect(() => tensor([1], { dtype: 'int64' as 'int32' })).toThrow(DTypeError)
    expect(() => tensor([1], { requiresGrad: 1 as never })).toThrow(
      'requiresGrad must be true or false, got 1',
    )
    expect(() => tensor([1], null as never)).toThrow(ArgumentError)
  })
})

describe('sizes', () => {
  it('are given one by one or in a list', () => {
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ])
    const pairs: [Tensor, Tensor][] = [
      [zeros(2, 3), zeros([2, 3])],
      [ones(2, 3), ones([2, 3])],
      [zeros(3), zeros([3])],
      [zeros(2, 3, { dtype: 'float64' }), zeros([2, 3], { dtype: 'float64' })],
      [randn(2, 3, { key }), randn([2, 3], { key })],
      [rand(2, 3, { key }), rand([2, 3], { key })],
      [x.reshape(3, -1), x.reshape([3, -1])],
      [x.permute(1, 0), x.permute([1, 0])],
      [x.expand(2, -1, -1), x.expand([2, -1, -1])],
    ]
    for (const [a, b] of pairs) {
      expect(a.shape).toEqual(b.shape)
      expect(a.dtype).toBe(b.dtype)
      expect(a.toArray()).toEqual(b.toArray())
    }
    expect(zeros(2, 0).shape).toEqual([2, 0])
    expect(zeros([]).item()).toBe(0)
  })

  it.each<[string, () => unknown, new (...args: never[]) => Error, string]>([
    ['none', () => zeros(), ArgumentError, 'zeros: sizes are missing. Write zeros(2, 3) or zeros([2, 3])'],
    ['negative', () => zeros(2, -1), ShapeError, 'zeros: sizes must be whole numbers, got [2, -1]'],
    ['NaN', () => ones(NaN), ShapeError, 'ones: sizes must be whole numbers, got [NaN]'],
    ['text', () => randn('3' as never), ArgumentError, "randn: sizes must be whole numbers, got '3'"],
    [
      'a number for full',
      () => full(3 as never, 1),
      ArgumentError,
      'full: the shape must be a list of sizes, got 3',
    ],
    [
      'no value for full',
      () => full([3], undefined as never),
      ArgumentError,
      'full: the value must be a number',
    ],
    [
      'beyond memory',
      () => zeros(2 ** 31, 2 ** 31),
      BackendError,
      'zeros: out of memory: a tensor [2147483648, 2147483648]',
    ],
    [
      'beyond memory, float64',
      () => zeros(2 ** 30, { dtype: 'float64' }),
      BackendError,
      'zeros: out of memory',
    ],
    [
      '33 dims',
      () => zeros(new Array(33).fill(1)),
      ShapeError,
      'zeros: a tensor has at most 32 dims, got 33',
    ],
    [
      'of a result beyond memory',
      () =>
        ones(1)
          .expand(2 ** 33)
          .add(1),
      BackendError,
      'add: out of memory',
    ],
    ['a new dim of -1', () => ones(2).expand(-1, 2), ShapeError, 'expand: -1 in [-1, 2] stands for a dim'],
    ['1.5 in int32', () => full([2], 1.5, { dtype: 'int32' }), RangeError, 'full: int32 cannot hold 1.5'],
  ])('%s: refused', (_, make, error, text) => {
    expect(make).toThrow(error)
    expect(make).toThrow(text)
  })
})

describe('counting', () => {
  it('arange, as PyTorch', () => {
    expect(arange(3).toArray()).toEqual([0, 1, 2])
    expect(arange(2.5).toArray()).toEqual([0, 1, 2])
    expect(arange(5, 0, -2).toArray()).toEqual([5, 3, 1])
    expect(arange(3, 3).shape).toEqual([0])
    expect(arange(3, { dtype: 'int32' }).dtype).toBe('int32')
    expect(arange(1, 3, { dtype: 'int32' }).toArray()).toEqual([1, 2])
    expect(arange(0, 1, 0.1).shape).toEqual([10])
    // Rounding lets the end in.
    expect(arange(1, 1.3, 0.1, { dtype: 'float64' }).shape).toEqual([4])
    expect(arange(0, 1, 0.1, { dtype: 'float64' }).toArray()).toEqual(
      Array.from({ length: 10 }, (_, i) => i * 0.1),
    )
    expect(() => arange(5, 0)).toThrow('arange: a step of 1 leads from 5 away from 0. Turn its sign')
    expect(() => arange(0, 5, 0)).toThrow('arange: step must not be 0')
    expect(() => arange(NaN)).toThrow('arange: end must be a number, got NaN')
    expect(() => arange(Infinity)).toThrow('arange: end must be finite')
    expect(() => arange(0, 2, 0.5, { dtype: 'int32' })).toThrow('int32 cannot hold 0.5 at place 1')
    expect(() => arange(2 ** 40)).toThrow(BackendError)
  })

  it('linspace', () => {
    expect(linspace(-1, 1, 5).toArray()).toEqual([-1, -0.5, 0, 0.5, 1])
    expect(linspace(3, 9, 1).toArray()).toEqual([3])
    expect(linspace(0, 1, 0).shape).toEqual([0])
    expect(linspace(0, 1, 4, { dtype: 'float64' }).toArray()).toEqual([0, 1 / 3, 1 - 1 / 3, 1])
    expect(() => linspace(0, 1, -1)).toThrow(RangeError)
    expect(() => linspace(0, 1, undefined as never)).toThrow(
      'linspace: steps must be a whole number, got undefined',
    )
  })

  it('eye and the likes', () => {
    expect(eye(2, 3).toArray()).toEqual([
      [1, 0, 0],
      [0, 1, 0],
    ])
    expect(eye(2, { dtype: 'int32' }).toArray()).toEqual([
      [1, 0],
      [0, 1],
    ])
    const x = tensor(Float64Array.of(1, 2), { shape: [2, 1] })
    for (const [t, values] of [
      [zerosLike(x), [[0], [0]]],
      [onesLike(x), [[1], [1]]],
      [fullLike(x, 7), [[7], [7]]],
    ] as const) {
      expect(t.toArray()).toEqual(values)
      expect(t.dtype).toBe('float64')
    }
    expect(zerosLike(x, { dtype: 'int32' }).dtype).toBe('int32')
    expect(randLike(x, { key }).toArray()).toEqual(rand([2, 1], { key, dtype: 'float64' }).toArray())
    expect(randnLike(x, { key }).toArray()).toEqual(randn([2, 1], { key, dtype: 'float64' }).toArray())
    expect(() => zerosLike([1] as never)).toThrow('zerosLike: the input must be a tensor, got [1]')
    expect(() => randLike(ones(2).to('int32'))).toThrow(DTypeError)
  })

  it('tril, triu and diag, with gradients', () => {
    expect(tril(ones(2, 3), -1).toArray()).toEqual([
      [0, 0, 0],
      [1, 0, 0],
    ])
    expect(triu(ones(2, 3), 1).toArray()).toEqual([
      [0, 1, 1],
      [0, 0, 1],
    ])
    expect(diag(tensor([1, 2]), -1).toArray()).toEqual([
      [0, 0, 0],
      [1, 0, 0],
      [0, 2, 0],
    ])
    const x = tensor(
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      { requiresGrad: true },
    )
    x.diag(1)
      .mul(tensor([10, 100]))
      .sum()
      .backward()
    expect(x.diag(1).toArray()).toEqual([2, 6])
    expect(x.grad?.toArray()).toEqual([
      [0, 10, 0],
      [0, 0, 100],
    ])
    expect(() => diag(ones(1, 1, 1))).toThrow('diag: needs 1 or 2 dims, got [1, 1, 1]')
    expect(() => tril(ones(2, 2), 0.5)).toThrow('tril: diagonal must be a whole number, got 0.5')
  })

  it('oneHot', () => {
    const labels = tensor([[0, 2]], { dtype: 'int32' })
    expect(oneHot(labels).toArray()).toEqual([
      [
        [1, 0, 0],
        [0, 0, 1],
      ],
    ])
    expect(oneHot(labels, 4).shape).toEqual([1, 2, 4])
    expect(() => oneHot(labels, 2)).toThrow('oneHot: label 2 at place 1 is outside [0, 2)')
    expect(() => oneHot(ones(2))).toThrow('oneHot: labels must be int32, got float32')
    expect(() => oneHot(tensor([-1], { dtype: 'int32' }))).toThrow(RangeError)
  })
})

describe('random', () => {
  it('is a function of the key, and of the scope', () => {
    const draws = () => [
      randint(0, 10, [20]),
      randperm(20),
      bernoulli(full([20], 0.5)),
      multinomial(ones(20), 5),
      multinomial(ones(20), 5, { replacement: true }),
    ]
    manualSeed(3)
    const once = draws().map((t) => t.toArray())
    manualSeed(3)
    expect(draws().map((t) => t.toArray())).toEqual(once)
    expect(draws().map((t) => t.toArray())).not.toEqual(once)
    expect(randperm(9, { key }).toArray()).toEqual(randperm(9, { key }).toArray())
  })

  it('randint covers its range, evenly', () => {
    const counts = new Map<number, number>()
    const t = randint(-2, 3, [10000], { key })
    expect(t.dtype).toBe('int32')
    for (const x of t.data) counts.set(x, (counts.get(x) ?? 0) + 1)
    expect([...counts.keys()].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2])
    for (const n of counts.values()) expect(Math.abs(n - 2000)).toBeLessThan(200)
    expect(randint(1, [4]).toArray()).toEqual([0, 0, 0, 0])
    expect(() => randint(3, 3, [2])).toThrow('randint: low must be below high, got 3 and 3')
    expect(() => randint(0, 2 ** 32, [2])).toThrow('randint: int32 cannot hold 4294967295')
  })

  it('randperm is a permutation', () => {
    expect(Array.from(randperm(50, { key }).data).sort((a, b) => a - b)).toEqual([...Array(50).keys()])
    expect(randperm(0).shape).toEqual([0])
    expect(() => randperm(-1)).toThrow(RangeError)
  })

  it('bernoulli draws with the probability given', () => {
    const p = tensor([0, 1, 0.3]).expand(10000, 3)
    const share = bernoulli(p, { key }).mean(0).toArray() as number[]
    expect(share.slice(0, 2)).toEqual([0, 1])
    expect(Math.abs(share[2] - 0.3)).toBeLessThan(0.02)
    expect(() => bernoulli(tensor([1.1]))).toThrow('at place 0 is no probability')
  })

  it('multinomial draws by weight', () => {
    const weights = tensor([0, 3, 1])
    const many = Array.from(multinomial(weights, 10000, { replacement: true, key }).data)
    expect(new Set(many)).toEqual(new Set([1, 2]))
    expect(Math.abs(many.filter((x) => x === 1).length - 7500)).toBeLessThan(200)
    const firsts = Array.from({ length: 2000 }, (_, i) => multinomial(weights, 2, { key: keyOf(i) }).data)
    for (const pair of firsts) expect(Array.from(pair).sort()).toEqual([1, 2])
    expect(Math.abs(firsts.filter(([a]) => a === 1).length - 1500)).toBeLessThan(100)
    expect(multinomial(ones(2, 4), 3, { key }).shape).toEqual([2, 3])
    expect(() => multinomial(weights, 3)).toThrow('row 0 has 2 weights above 0, 3 are to be drawn')
    expect(() => multinomial(tensor([0, 0]), 1)).toThrow(RangeError)
    expect(() => multinomial(tensor([-1, 2]), 1)).toThrow('-1 in row 0 is no weight')
  })
})
