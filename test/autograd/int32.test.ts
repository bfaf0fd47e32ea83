// int32 counts, and never wraps: what it does not hold is refused by name, with the remedy.
import { describe, expect, it } from 'vitest'
import { searchsorted, stack, tensor, where } from '../../src/index.js'

const int = (data: number[], shape?: number[]) => tensor(Int32Array.from(data), shape ? { shape } : {})
const LARGEST = 2 ** 31 - 1

describe('int32', () => {
  it('keeps its dtype', () => {
    const [a, b] = [int([5, -3, 0]), int([2, 2, 7])]
    for (const y of [
      a.add(b),
      a.sub(1),
      a.mul(b),
      a.eq(b),
      a.maximum(0),
      a.neg(),
      a.abs(),
      a.sign(),
      a.sum(),
      a.clamp(0),
    ])
      expect(y.dtype).toBe('int32')
    expect(where(a.gt(0), a, b).dtype).toBe('int32')
    expect(a.logicalAnd(b).toArray()).toEqual([1, 1, 0])
    expect(a.clamp(-1).toArray()).toEqual([5, -1, 0])
    expect(a.clamp(undefined, 2).toArray()).toEqual([2, -3, 0])
    expect(stack([a, b]).dtype).toBe('int32')
    expect(a.floor().toArray()).toEqual([5, -3, 0])
  })

  it.each<[string, () => unknown, string]>([
    [
      'add',
      () => int([0, LARGEST]).add(1),
      "add: 2147483647 + 1 at place 1 is 2147483648, beyond int32. Convert with .to('float64')",
    ],
    [
      'mul',
      () => int([65536]).mul(int([65536])),
      "mul: 65536 * 65536 at place 0 is 4294967296, beyond int32. Convert with .to('float64')",
    ],
    [
      'neg',
      () => int([-LARGEST - 1]).neg(),
      "sub: 0 - -2147483648 at place 0 is 2147483648, beyond int32. Convert with .to('float64')",
    ],
    [
      'sum',
      () => int([LARGEST, 1]).sum(),
      "sum: the sum at place 0 is 2147483648, beyond int32. Convert with .to('float64')",
    ],
    [
      'pow',
      () => int([2]).pow(31),
      "pow: 2 to the power 31 at place 0 is 2147483648, beyond int32. Convert with .to('float64')",
    ],
    [
      'remainder',
      () => int([1, 2]).remainder(int([1, 0])),
      "remainder: 2 % 0 at place 1 is no number. Convert with .to('float64')",
    ],
    [
      'floorDivide',
      () => int([1]).floorDivide(0),
      "floorDivide: 1 divided by 0 at place 0 is no number. Convert with .to('float64')",
    ],
    [
      'a fraction',
      () => int([1]).mul(0.5),
      "int32 operand: 0.5 is no whole number that int32 holds. Convert the tensor with .to('float32')",
    ],
    [
      'mixed',
      () => int([1]).add(tensor([1])),
      "add: inputs are int32 and float32. Convert one with .to('float32')",
    ],
    [
      'div',
      () => int([4]).div(2),
      "div: input 0 must be float32 or float64, got int32. Convert it with .to('float32')",
    ],
  ])('refuses %s', (_, run, text) => {
    expect(run).toThrow(text)
  })

  it('is indexed, selected and sorted', () => {
    const a = int([3, 1, 2, 9, 8, 7], [2, 3])
    expect(a.at(1, '0:2').toArray()).toEqual([9, 8])
    expect(a.indexPut([0], 5).toArray()).toEqual([
      [5, 5, 5],
      [9, 8, 7],
    ])
    expect(a.sort(1).indices.toArray()).toEqual([
      [1, 2, 0],
      [2, 1, 0],
    ])
    expect(a.maskedSelect(a.gt(2)).toArray()).toEqual([3, 9, 8, 7])
  })
})

describe('an index that does not fit is refused', () => {
  const x = tensor([
    [1, 2, 3],
    [4, 5, 6],
  ])
  it.each<[() => unknown, string]>([
    [() => x.at(2), 'at: index 2 is outside dim 0 of [2, 3]'],
    [() => x.at(0, 0, 0), 'at: 3 indices for the 2 dims of [2, 3]'],
    [
      () => x.at('1:x'),
      "at: '1:x' is no slice. Write 'start:stop' or 'start:stop:step' with whole numbers and a step from 1",
    ],
    [
      () => x.at('::-1'),
      "at: '::-1' is no slice. Write 'start:stop' or 'start:stop:step' with whole numbers and a step from 1",
    ],
    [() => x.at(int([0, 5])), 'at: index 5 at place 1 is outside dim 0 of size 2'],
    [() => x.at(x.gt(2)), 'at: an index tensor must be int32, got float32. A mask goes to maskedSelect()'],
    [() => x.at('...', '...'), "at: '...' may stand only once"],
    [() => x.topk(4), 'topk: 4 of dim 1 of size 3'],
    [() => int([-1]).bincount(), 'bincount: -1 at place 0 is below 0'],
    [() => x.histc({ bins: 0 }), 'histc: bins must be a whole number from 1, got 0'],
    [() => x.split(0), 'split: the size of a part must be a whole number from 1, got 0'],
    [() => x.split([1, 2]), 'split: sizes [1, 2] do not add up to dim 0 of size 2'],
    [
      () => searchsorted(x, tensor([1])),
      'searchsorted: sorted [2, 3] and values [1] differ in their leading dims',
    ],
  ])('%#', (run, text) => {
    expect(run).toThrow(text)
  })

  it('and of two values at one place the last stays and has the gradient', () => {
    const v = tensor([10, 20], { requiresGrad: true })
    const y = tensor([1, 2]).indexPut([int([0, 0])], v)
    y.sum().backward()
    expect([y.toArray(), v.grad!.toArray()]).toEqual([
      [20, 2],
      [0, 1],
    ])
  })
})
