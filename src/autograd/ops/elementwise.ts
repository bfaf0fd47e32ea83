// What elementwise ops share: the record of an op of two broadcast tensors. Imports no op, so every family may use it.
import { ShapeError } from '../../errors.js'
import type { BinaryName } from '../../tensor/kernels.js'
import { broadcastShapes } from '../../tensor/shape.js'
import { floats, type Tensor } from '../../tensor/tensor.js'
import { constant } from '../create.js'
import { type Backward, defineOp, type KernelOp, type Op } from '../op.js'
import { binarySpecs, type Domain, type EdgeCase, type ErrorCase, type Sample, unit } from '../samples.js'

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

/** The operands as tensors: a number takes the dtype of the tensor beside it. */
export function pairOf(a: Tensor | number, b: Tensor | number): [Tensor, Tensor] {
  if (typeof a !== 'number') return [a, constant(b, a)]
  if (typeof b !== 'number') return [constant(a, b), b]
  throw new TypeError('two numbers: one operand must be a tensor')
}
