// Whole numbers out of floats, and division that leaves whole quotients. Rounding is flat: no gradient passes.
import type { Tensor } from '../../../tensor/tensor.js'
import type { Op } from '../../op.js'
import type { Domain } from '../../samples.js'
import { add, div, mul, neg, sub } from './arithmetic.js'
import { mapOp, type None, none, pairEdge, pairOf, pairOp, unaryComposite, wholeSamples } from './records.js'

type Operand = Tensor | number
const offHalves: Domain = {
  lo: -3,
  hi: 3,
  avoid: [-3, -2.5, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3],
  gap: 0.05,
}

const places = [-2.5, -1.5, -0.5, 0.5, 1.5, -0, Infinity, NaN]

function rounding(
  name: 'floor' | 'ceil' | 'round' | 'trunc',
  doc: string,
  math: string,
  y: number[],
): Op<None> {
  return mapOp({
    name,
    doc,
    math: `y = ${math};\\quad \\bar x = 0`,
    saves: null,
    backward: null,
    domain: offHalves,
    large: null,
    edge: [places, y],
  })
}

const ops = {
  floor: rounding('floor', 'The largest whole number up to x. No gradient.', '\\lfloor x \\rfloor', [
    -3,
    -2,
    -1,
    0,
    1,
    -0,
    Infinity,
    NaN,
  ]),
  ceil: rounding('ceil', 'The smallest whole number from x on. No gradient.', '\\lceil x \\rceil', [
    -2,
    -1,
    -0,
    1,
    2,
    -0,
    Infinity,
    NaN,
  ]),
  round: rounding(
    'round',
    'The nearest whole number, halves to the even one. No gradient.',
    '\\mathrm{round}(x)',
    [-2, -2, -0, 0, 2, -0, Infinity, NaN],
  ),
  trunc: rounding(
    'trunc',
    'x without its fraction. No gradient.',
    '\\mathrm{sign}(x) \\lfloor |x| \\rfloor',
    [-2, -1, -0, 0, 1, -0, Infinity, NaN],
  ),
  frac: unaryComposite<None>({
    name: 'frac',
    doc: 'The fraction of x, with its sign.',
    math: 'y = x - \\mathrm{trunc}(x);\\quad \\bar x = \\bar y',
    tries: [none],
    domain: offHalves,
    large: null,
    composite: (x) => sub(x, trunc(x)),
    edge: [
      [1.5, -1.5, 2, NaN],
      [0.5, -0.5, 0, NaN],
      [1, 1, 1, 1],
    ],
  }),
}

// Clear of whole quotients, where the functions jump: a/b in 2.1 ... 2.6 and 10.02 ... 10.7.
const quotients: [Domain, Domain, [Domain, Domain]] = [
  { lo: 2.1, hi: 2.3 },
  { lo: 0.9, hi: 1 },
  [
    { lo: 1001, hi: 1040 },
    { lo: 98, hi: 99.9 },
  ],
]
// Not 0: int32 refuses that.
const wholes = [
  ...wholeSamples.map((s) => ({
    ...s,
    inputs: [s.inputs[0], { shape: [3], below: 9, values: [1, 2, 7] }],
  })),
  {
    inputs: [
      { shape: [2, 2], domain: { lo: -2.3, hi: -2.1 } },
      { shape: [2], domain: { lo: 0.9, hi: 1 } },
    ],
    attrs: none,
    why: 'signs differ',
  },
]

const floorDivideOp = pairOp({
  name: 'floorDivide',
  doc: 'The quotient rounded down; int32 stays int32. No gradient.',
  math: 'y = \\lfloor a / b \\rfloor',
  takes: 'number',
  save: () => [],
  backward: null,
  twice: true,
  domains: quotients,
  samples: wholes,
  edge: [
    pairEdge(
      [7, -7, 7, -7, 1, -1, 0, NaN],
      [2, 2, -2, -2, 0, 0, 0, 1],
      [3, -4, -4, 3, Infinity, -Infinity, NaN, NaN],
    ),
  ],
})

const remainderOp = pairOp({
  name: 'remainder',
  doc: "What floorDivide leaves over, with b's sign, as Python's %.",
  math: 'y = a - b \\lfloor a / b \\rfloor;\\quad \\bar a = \\bar y,\\ \\bar b = -\\bar y \\lfloor a / b \\rfloor',
  takes: 'number',
  save: ([a, b]) => [a, b],
  backward: ({ dy, saved: [a, b], needs }) => [
    dy,
    needs[1] ? neg(mul(dy, floorDivideOp([a, b], none))) : null,
  ],
  twice: true,
  domains: quotients,
  samples: wholes,
  edge: [
    pairEdge(
      [7, -7, 7, -7, 1, Infinity, -1],
      [2, 2, -2, -2, 0, 2, Infinity],
      [1, 1, -1, -1, NaN, NaN, Infinity],
    ),
    pairEdge(
      [7, -7],
      [2, 2],
      [1, 1],
      [
        [1, 1],
        [-3, 4],
      ],
    ),
  ],
})

const fmodOp = pairOp({
  name: 'fmod',
  doc: "What a division cut to a whole number leaves, with a's sign, as JavaScript's %.",
  math: 'y = a - b\\, \\mathrm{trunc}(a / b);\\quad \\bar a = \\bar y,\\ \\bar b = -\\bar y\\, \\mathrm{trunc}(a / b)',
  takes: 'number',
  save: ([a, b]) => [a, b],
  backward: ({ dy, saved: [a, b], needs }) => [
    dy,
    needs[1] ? neg(mul(dy, ops.trunc([div(a, b)], none))) : null,
  ],
  twice: true,
  domains: quotients,
  samples: wholes,
  edge: [
    pairEdge([7, -7, 7, -7, 1, Infinity], [2, 2, -2, -2, 0, 2], [1, -1, 1, -1, NaN, NaN]),
    pairEdge(
      [7, -7],
      [2, 2],
      [1, -1],
      [
        [1, 1],
        [-3, 3],
      ],
    ),
  ],
})

/** int32 is whole already. */
function unlessWhole(op: Op<None>): (x: Tensor) => Tensor {
  return (x) => (x.dtype === 'int32' ? add(x, 0) : op([x], none))
}

/** The largest whole number up to x. No gradient passes. */
export const floor = unlessWhole(ops.floor)
/** The smallest whole number from x on. No gradient passes. */
export const ceil = unlessWhole(ops.ceil)
/** The nearest whole number, halves to the even one. No gradient passes. */
export const round = unlessWhole(ops.round)
/** x without its fraction. No gradient passes. */
export const trunc = unlessWhole(ops.trunc)
/** x - trunc(x). */
export const frac = (x: Tensor): Tensor => ops.frac([x], none)

/** floor(a / b), broadcast; int32 stays int32, and there b = 0 throws RangeError. No gradient passes. */
export function floorDivide(a: Operand, b: Operand): Tensor {
  return floorDivideOp(pairOf(a, b), none)
}

/** a - b floor(a / b): has b's sign, as PyTorch's remainder and Python's %. On int32 b = 0 throws RangeError. */
export function remainder(a: Operand, b: Operand): Tensor {
  return remainderOp(pairOf(a, b), none)
}

/** a - b trunc(a / b): has a's sign, as JavaScript's %. On int32 b = 0 throws RangeError. */
export function fmod(a: Operand, b: Operand): Tensor {
  return fmodOp(pairOf(a, b), none)
}
