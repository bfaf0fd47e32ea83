// What elementwise ops share: the records of an op of one tensor and of one of two broadcast tensors. Imports no op, so every family may use it.
import { ShapeError } from '../../../errors.js'
import { kernelsFor } from '../../../tensor/backend.js'
import type { BinaryName, UnaryGradName, UnaryName } from '../../../tensor/kernels.js'
import { broadcastShapes, type Shape } from '../../../tensor/shape.js'
import { empty, flat, floats, type Tensor } from '../../../tensor/tensor.js'
import { constant } from '../../create.js'
import { dense } from '../../graph.js'
import { defineOp, type Op } from '../../op.js'
import type { Backward } from '../../record.js'
import {
  binarySpecs,
  type Domain,
  type EdgeCase,
  type ErrorCase,
  type Sample,
  unarySpecs,
  unit,
} from '../../samples.js'

export type None = Record<string, never>
export const none: None = {}

interface Described {
  doc: string
  math: string
  domains?: readonly [Domain, Domain, ([Domain, Domain] | null)?]
  samples?: Sample<None>[]
  edge: EdgeCase<None>[]
}

/** What differs between the ops of two broadcast tensors. */
interface BinaryFields extends Described {
  name: BinaryName
  save: (inputs: readonly Tensor[], output: Tensor) => Tensor[]
  backward: Backward<None> | null
  twice: boolean
}

/** What all ops of two broadcast tensors have in common. */
function shared(name: string, f: Described) {
  return {
    name,
    doc: f.doc,
    math: f.math,
    takes: ['float'] as const,
    shape: ([a, b]: readonly Shape[]) => broadcastShapes(name, a, b),
    samples: () => [
      ...binarySpecs(...(f.domains ?? ([unit, unit] as const))).map((inputs) => ({ inputs, attrs: none })),
      ...(f.samples ?? []),
    ],
    errors: () => broadcastErrors(name),
    edge: () => f.edge,
  }
}

/** An op of two tensors, elementwise with broadcasting, with a kernel. */
export function binaryOp(f: BinaryFields): Op<None> {
  return defineOp<None>({
    ...shared(f.name, f),
    strided: true,
    kernel: (k, out, [a, b]) =>
      k.binary(
        f.name,
        out.shape,
        floats(out),
        floats(a),
        a.stridesFor(out.shape),
        floats(b),
        b.stridesFor(out.shape),
      ),
    save: f.save,
    backward: f.backward,
    twice: f.twice,
  })
}

/** The same in plain ops. */
export function binaryComposite(
  f: Described & { name: string; composite: (a: Tensor, b: Tensor) => Tensor },
): Op<None> {
  return defineOp<None>({ ...shared(f.name, f), composite: ([a, b]) => f.composite(a, b), twice: true })
}

interface UnaryFields {
  name: UnaryName
  doc: string
  math: string
  /** The tensor that backward reads. */
  saves: 'x' | 'y' | null
  /** dx from dy and the saved tensor; null where the gradient is 0 everywhere. */
  backward: ((dy: Tensor, saved: Tensor) => Tensor) | null
  /** The fused kernel of the same. */
  fused?: UnaryGradName
  domain?: Domain
  large?: Domain | null
  edge: [x: number[], y: number[], dx?: number[]]
}

/** An op of one tensor, element by element. */
export function unaryOp(f: UnaryFields): Op<None> {
  const { backward, fused } = f
  return defineOp<None>({
    name: f.name,
    doc: f.doc,
    math: f.math,
    takes: ['float'],
    shape: ([x]) => x,
    kernel: (k, out, [x]) => k.unary(f.name, flat(out), flat(x)),
    save: ([x], y) => (f.saves === null ? [] : [f.saves === 'x' ? x : y]),
    backward: backward === null ? null : ({ dy, saved: [s] }) => [backward(dy, s)],
    ...(fused ? { fastBackward: fusedGrad(fused) } : {}),
    twice: true,
    samples: () => unarySpecs(f.domain ?? unit, f.large).map((spec) => ({ inputs: [spec], attrs: none })),
    errors: () => [],
    edge: () => [unaryEdge(...f.edge)],
  })
}

function fusedGrad(name: UnaryGradName): Backward<None> {
  return ({ dy, saved: [s] }) => {
    const dx = empty(s.shape, s.dtype)
    kernelsFor(s.dtype).unaryGrad(name, flat(dx), flat(dense(s)), flat(dense(dy)))
    return [dx]
  }
}

function unaryEdge(x: number[], y: number[], dx?: number[]): EdgeCase<None> {
  return { inputs: [{ shape: [x.length], values: x }], attrs: none, out: y, ...(dx ? { grads: [dx] } : {}) }
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
export function pairEdge(
  a: number[],
  b: number[],
  out: number[],
  grads?: [number[], number[]],
): EdgeCase<None> {
  const spec = (values: number[]) => ({ shape: [values.length], values })
  return { inputs: [spec(a), spec(b)], attrs: none, out, ...(grads ? { grads } : {}) }
}

/**
 * The operands as tensors: a number takes the dtype of the tensor beside it. Two numbers, and what is neither, go on as
 * they are: the op refuses them under its name.
 */
export function pairOf(a: Tensor | number, b: Tensor | number): [Tensor, Tensor] {
  return [constant(a, b as Tensor), constant(b, a as Tensor)]
}
