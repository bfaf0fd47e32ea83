// What console.log(), String() and JSON.stringify() show of a tensor, and its rows one after the other.
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { arange, ones, type Tensor, tensor, zeros } from '../../src/index.js'

function disposed(): Tensor {
  const x = zeros([2])
  x.dispose()
  return x
}

const printed: [string, () => Tensor, string][] = [
  ['a vector', () => tensor([1, -2.5, 3.25]), 'Tensor([3], float32) [ 1.0000, -2.5000,  3.2500]'],
  ['a scalar', () => tensor(0.5), 'Tensor([], float32) 0.5000'],
  ['whole numbers', () => tensor([1, -20]), 'Tensor([2], float32) [  1, -20]'],
  [
    'int32',
    () => tensor([1, -2_000_000_000], { dtype: 'int32' }),
    'Tensor([2], int32) [          1, -2000000000]',
  ],
  ['nothing', () => zeros([2, 0]), 'Tensor([2, 0], float32) []'],
  [
    'rows in columns',
    () =>
      tensor([
        [1, 10.5],
        [-0.25, 2],
      ]),
    'Tensor([2, 2], float32)\n[[ 1.0000, 10.5000],\n [-0.2500,  2.0000]]',
  ],
  [
    'blocks apart',
    () => arange(8).reshape([2, 2, 2]),
    'Tensor([2, 2, 2], float32)\n[[[0, 1],\n  [2, 3]],\n\n [[4, 5],\n  [6, 7]]]',
  ],
  [
    'sizes far apart',
    () => tensor([1e-6, 0.5, 0], { dtype: 'float64' }),
    'Tensor([3], float64) [1.0000e-6, 5.0000e-1,  0.0000e+0]'.replace('  0', ' 0'),
  ],
  [
    'what is no number',
    () => tensor([NaN, -Infinity, 0.5, -0]),
    'Tensor([4], float32) [      NaN, -Infinity,    0.5000,   -0.0000]',
  ],
  ['very large whole numbers', () => tensor([2 ** 30, 1]), 'Tensor([2], float32) [1.0737e+9, 1.0000e+0]'],
  ['a leaf', () => ones([1], { requiresGrad: true }), 'Tensor([1], float32, requiresGrad) [1]'],
  ['a result', () => ones([1], { requiresGrad: true }).mul(3), 'Tensor([1], float32, from mul) [3]'],
  ['a view', () => arange(6).reshape([2, 3]).t(), 'Tensor([3, 2], float32)\n[[0, 3],\n [1, 4],\n [2, 5]]'],
  [
    'more than 1,000',
    () => arange(1001),
    'Tensor([1001], float32) [   0,    1,    2, ...,  998,  999, 1000]',
  ],
  [
    'more than 1,000 in rows',
    () => arange(2100).reshape([7, 300]),
    `Tensor([7, 300], float32)
[[   0,    1,    2, ...,  297,  298,  299],
 [ 300,  301,  302, ...,  597,  598,  599],
 [ 600,  601,  602, ...,  897,  898,  899],
 ...,
 [1200, 1201, 1202, ..., 1497, 1498, 1499],
 [1500, 1501, 1502, ..., 1797, 1798, 1799],
 [1800, 1801, 1802, ..., 2097, 2098, 2099]]`,
  ],
  ['a disposed one', disposed, 'Tensor([2], float32, disposed)'],
]

describe('a tensor', () => {
  it.each(printed)('prints %s', (_, make, text) => {
    expect(String(make())).toBe(text)
    expect(inspect(make())).toBe(text)
  })

  it('of 100 numbers fits into 80 columns', () => {
    const lines = String(arange(100)).split('\n')
    expect(lines.length).toBe(6)
    expect(Math.max(...lines.slice(1).map((line) => line.length))).toBeLessThanOrEqual(80)
  })

  it('has its place in what holds it, also in Deno', () => {
    const x = ones([2, 1])
    expect(inspect({ x })).toBe('{\n  x: Tensor([2, 1], float32)\n  [[1],\n   [1]]\n}')
    expect(inspect({ a: { b: { c: { x } } } })).toContain('[Object]')
    expect(inspect({ a: { b: { x } } }, { depth: 1 })).not.toContain('storage')
    expect(inspect({ layer: { weight: ones([1, 2], { requiresGrad: true }) } })).toContain(
      'Tensor([1, 2], float32, requiresGrad)',
    )
    const deno = (x as unknown as Record<symbol, () => string>)[Symbol.for('Deno.customInspect')]
    expect(deno.call(x)).toBe(String(x))
  })

  it('is nested arrays in JSON', () => {
    expect(JSON.stringify({ x: arange(4).reshape([2, 2]), y: tensor(NaN) })).toBe(
      '{"x":[[0,1],[2,3]],"y":null}',
    )
  })

  it('is walked along by rows, which are views with a gradient', () => {
    const w = tensor(
      [
        [1, 2],
        [3, 4],
      ],
      { requiresGrad: true },
    )
    const [a, b] = w
    expect([a.toArray(), b.toArray()]).toEqual([
      [1, 2],
      [3, 4],
    ])
    expect(a.storage).toBe(w.storage)
    a.mul(5).sum().backward()
    expect(w.grad!.toArray()).toEqual([
      [5, 5],
      [0, 0],
    ])
    expect(Array.from(tensor([7, 8]), (x) => x.item())).toEqual([7, 8])
    expect([...zeros([0, 2])]).toEqual([])
    expect(() => [...tensor(1)]).toThrow(TypeError)
    expect(tensor([1, 2])).not.toBe(tensor([1, 2]))
  })
})
