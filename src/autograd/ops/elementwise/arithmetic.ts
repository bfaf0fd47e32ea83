// neg, add, sub, mul, div: what every gradient is made of. Broadcasting as in NumPy.
import type { Tensor } from '../../../tensor/tensor.js'
import type { Domain } from '../../samples.js'
import { binaryOp, none, pairEdge, pairOf, unaryOp, wholeSamples } from './records.js'

const apart: Domain = { lo: -2, hi: 2, avoid: [0], gap: 0.5 }

const negOp = unaryOp({
  name: 'neg',
  doc: 'The tensor with its signs turned.',
  math: 'y = -x;\\quad \\bar x = -\\bar y',
  saves: null,
  backward: (dy) => neg(dy),
  edge: [
    [0, -0, Infinity],
    [-0, 0, -Infinity],
    [-1, -1, -1],
  ],
})

const addOp = binaryOp({
  name: 'add',
  doc: 'The sum of two tensors.',
  takes: 'number',
  samples: wholeSamples,
  math: 'y = a + b;\\quad \\bar a = \\bar y,\\ \\bar b = \\bar y',
  save: () => [],
  backward: ({ dy }) => [dy, dy],
  twice: true,
  edge: [pairEdge([Infinity, Infinity, -0, NaN], [1, -Infinity, -0, 1], [Infinity, NaN, -0, NaN])],
})

const subOp = binaryOp({
  name: 'sub',
  doc: 'The difference of two tensors.',
  takes: 'number',
  samples: wholeSamples,
  math: 'y = a - b;\\quad \\bar a = \\bar y,\\ \\bar b = -\\bar y',
  save: () => [],
  backward: ({ dy, needs }) => [dy, needs[1] ? neg(dy) : null],
  twice: true,
  edge: [pairEdge([Infinity, 0, -0, NaN], [Infinity, 0, 0, 1], [NaN, 0, -0, NaN])],
})

const mulOp = binaryOp({
  name: 'mul',
  doc: 'The elementwise product of two tensors.',
  takes: 'number',
  samples: wholeSamples,
  math: 'y = a b;\\quad \\bar a = \\bar y b,\\ \\bar b = \\bar y a',
  save: ([a, b]) => [a, b],
  backward: ({ dy, saved: [a, b], needs }) => [needs[0] ? mul(dy, b) : null, needs[1] ? mul(dy, a) : null],
  twice: true,
  edge: [pairEdge([Infinity, 0, -0, NaN], [0, Infinity, 3, 0], [NaN, NaN, -0, NaN])],
})

const divOp = binaryOp({
  name: 'div',
  doc: 'The elementwise quotient of two tensors.',
  math: 'y = a / b;\\quad \\bar a = \\bar y / b,\\ \\bar b = -\\bar y\\, y / b',
  save: ([, b], y) => [b, y],
  // db = -dy * a / b^2 = -dy * y / b
  backward: ({ dy, saved: [b, y], needs }) => [
    needs[0] ? div(dy, b) : null,
    needs[1] ? neg(div(mul(dy, y), b)) : null,
  ],
  twice: true,
  domains: [
    { lo: -1, hi: 1 },
    apart,
    [
      { lo: -1e3, hi: 1e3 },
      { lo: 10, hi: 1e3 },
    ],
  ],
  edge: [
    pairEdge([1, -1, 0, 1, Infinity], [0, 0, 0, -0, Infinity], [Infinity, -Infinity, NaN, -Infinity, NaN]),
  ],
})

/** a + b, broadcast. */
export function add(a: Tensor | number, b: Tensor | number): Tensor {
  return addOp(pairOf(a, b), none)
}

/** a - b, broadcast. */
export function sub(a: Tensor | number, b: Tensor | number): Tensor {
  return subOp(pairOf(a, b), none)
}

/** a * b elementwise, broadcast. */
export function mul(a: Tensor | number, b: Tensor | number): Tensor {
  return mulOp(pairOf(a, b), none)
}

/** a / b elementwise, broadcast. Floats alone: of int32 there is floorDivide. */
export function div(a: Tensor | number, b: Tensor | number): Tensor {
  return divOp(pairOf(a, b), none)
}

/** -x. */
export function neg(x: Tensor): Tensor {
  return x.dtype === 'int32' ? sub(0, x) : negOp([x], none)
}
