// add, sub, mul, div: what every gradient is made of. Broadcasting as in NumPy.
import { ShapeError } from '../../errors.js'
import type { BinaryName } from '../../tensor/kernels.js'
import { broadcastShapes } from '../../tensor/shape.js'
import { floats, type Tensor } from '../../tensor/tensor.js'
import { constant } from '../create.js'
import { type Backward, defineOp, type KernelOp, type Op } from '../op.js'
import { binarySpecs, type Domain, type EdgeCase, type ErrorCase, type Sample, unit } from '../samples.js'
import { neg } from './pointwise.js'

export type None = Record<string, never>
export const none: None = {}

/** What differs between the ops of two broadcast tensors. */
interface BinaryFields {
  name: BinaryName
  doc: string
  math: string
  save: (inputs: readonly Tensor[], output: Tensor) => Tensor[]
  backward: Backward<None> | null
  twice: boolean
  domains?: readonly [Domain, Domain, ([Domain, Domain] | null)?]
  samples?: Sample<None>[]
  edge: EdgeCase<None>[]
}

/** An op of two tensors, elementwise with broadcasting. */
export function binaryOp(f: BinaryFields): Op<None> {
  const record: KernelOp<None> = {
    name: f.name,
    doc: f.doc,
    math: f.math,
    takes: ['float'],
    strided: true,
    shape: ([a, b]) => broadcastShapes(f.name, a, b),
    kernel: (k, out, [a, b]) =>
      k.binary(f.name, out.shape, floats(out), floats(a), a.stridesFor(out.shape), floats(b), b.stridesFor(out.shape)),
    save: f.save,
    backward: f.backward,
    twice: f.twice,
    samples: () => [...binarySpecs(...(f.domains ?? ([unit, unit] as const))).map((inputs) => ({ inputs, attrs: none })), ...(f.samples ?? [])],
    errors: () => broadcastErrors(f.name),
    edge: () => f.edge,
  }
  return defineOp(record)
}

function broadcastErrors(name: string): ErrorCase<None>[] {
  return [
    {
      inputs: [{ shape: [2, 3] }, { shape: [2, 4] }],
      attrs: none,
      error: ShapeError,
      text: `${name}: cannot broadcast [2, 3] with [2, 4]: 3 != 4 at dim -1. Sizes must be equal or 1, aligned at the right`,
    },
  ]
}

/** An edge case of two vectors of explicit values. */
export function pairEdge(a: number[], b: number[], out: number[], grads?: [number[], number[]]): EdgeCase<None> {
  const spec = (values: number[]) => ({ shape: [values.length], values })
  return { inputs: [spec(a), spec(b)], attrs: none, out, ...(grads ? { grads } : {}) }
}

const apart: Domain = { lo: -2, hi: 2, avoid: [0], gap: 0.5 }

const addOp = binaryOp({
  name: 'add',
  doc: 'The sum of two tensors.',
  math: 'y = a + b;\\quad \\bar a = \\bar y,\\ \\bar b = \\bar y',
  save: () => [],
  backward: ({ dy }) => [dy, dy],
  twice: true,
  edge: [pairEdge([Infinity, Infinity, -0, NaN], [1, -Infinity, -0, 1], [Infinity, NaN, -0, NaN])],
})

const subOp = binaryOp({
  name: 'sub',
  doc: 'The difference of two tensors.',
  math: 'y = a - b;\\quad \\bar a = \\bar y,\\ \\bar b = -\\bar y',
  save: () => [],
  backward: ({ dy, needs }) => [dy, needs[1] ? neg(dy) : null],
  twice: true,
  edge: [pairEdge([Infinity, 0, -0, NaN], [Infinity, 0, 0, 1], [NaN, 0, -0, NaN])],
})

const mulOp = binaryOp({
  name: 'mul',
  doc: 'The elementwise product of two tensors.',
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
  backward: ({ dy, saved: [b, y], needs }) => [needs[0] ? div(dy, b) : null, needs[1] ? neg(div(mul(dy, y), b)) : null],
  twice: true,
  domains: [{ lo: -1, hi: 1 }, apart, [{ lo: -1e3, hi: 1e3 }, { lo: 10, hi: 1e3 }]],
  edge: [pairEdge([1, -1, 0, 1, Infinity], [0, 0, 0, -0, Infinity], [Infinity, -Infinity, NaN, -Infinity, NaN])],
})

/** The operands as tensors: a number takes the dtype of the tensor beside it. */
export function pairOf(a: Tensor | number, b: Tensor | number): [Tensor, Tensor] {
  if (typeof a !== 'number') return [a, constant(b, a)]
  if (typeof b !== 'number') return [constant(a, b), b]
  throw new TypeError('two numbers: one operand must be a tensor')
}

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

/** a / b elementwise, broadcast. */
export function div(a: Tensor | number, b: Tensor | number): Tensor {
  return divOp(pairOf(a, b), none)
}

