// What elementwise ops share: the records of an op of one tensor and of one of two broadcast tensors. Imports no op, so every family may use it.
import { ShapeError } from '../../../errors.js'
import { kernelsFor } from '../../../tensor/backend.js'
import type {
  BinaryName,
  IntegerName,
  MapName,
  PairName,
  UnaryGradName,
  UnaryName,
} from '../../../tensor/kernel-args.js'
import type { Kernels } from '../../../tensor/kernels.js'
import { broadcastShapes, type Shape } from '../../../tensor/shape.js'
import type { Floats } from '../../../tensor/storage.js'
import { empty, flat, floats, type Tensor } from '../../../tensor/tensor.js'
import { constant } from '../../create.js'
import { dense } from '../../graph.js'
import { defineOp, type Op } from '../../op.js'
import type { Backward, Takes } from '../../record.js'
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
  /** 'number' where it knows int32 too. */
  takes?: Takes
  domains?: readonly [Domain, Domain, ([Domain, Domain] | null)?]
  samples?: Sample<None>[]
  edge: EdgeCase<None>[]
}

/** What differs between the ops of two broadcast tensors. */
interface BinaryFields<Name extends string> extends Described {
  name: Name
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
    takes: [f.takes ?? 'float'],
    shape: ([a, b]: readonly Shape[]) => broadcastShapes(name, a, b),
    samples: () => [
      ...binarySpecs(...(f.domains ?? ([unit, unit] as const))).map((inputs) => ({ inputs, attrs: none })),
      ...(f.samples ?? []),
    ],
    errors: () => broadcastErrors(name),
    edge: () => f.edge,
  }
}

/** What the kernels of two strided operands take. */
type Operands<T> = [shape: Shape, out: T, a: T, aStrides: Shape, b: T, bStrides: Shape]

function operands<T>(out: Tensor, [a, b]: readonly Tensor[], raw: (t: Tensor) => T): Operands<T> {
  return [out.shape, raw(out), raw(a), a.stridesFor(out.shape), raw(b), b.stridesFor(out.shape)]
}

const whole = (t: Tensor) => t.raw as Int32Array

function twoTensors<Name extends string>(
  f: BinaryFields<Name>,
  float: (k: Kernels, args: Operands<Floats>) => void,
): Op<None> {
  return defineOp<None>({
    ...shared(f.name, f),
    strided: true,
    kernel: (k, out, inputs) => {
      if (inputs[0].dtype === 'int32')
        k.integer(f.name as unknown as IntegerName, ...operands(out, inputs, whole))
      else float(k, operands(out, inputs, floats))
    },
    save: f.save,
    backward: f.backward,
    twice: f.twice,
  })
}

/** An op of two tensors, elementwise with broadcasting, with a kernel. */
export function binaryOp(f: BinaryFields<BinaryName>): Op<None> {
  return twoTensors(f, (k, args) => k.binary(f.name, ...args))
}

/** The same of what only js computes. */
export function pairOp(f: BinaryFields<PairName>): Op<None> {
  return twoTensors(f, (k, args) => k.pair(f.name, ...args))
}

/** The same in plain ops. */
export function binaryComposite(
  f: Described & { name: string; composite: (a: Tensor, b: Tensor) => Tensor },
): Op<None> {
  return defineOp<None>({ ...shared(f.name, f), composite: ([a, b]) => f.composite(a, b), twice: true })
}

type UnaryEdge = [x: number[], y: number[], dx?: number[]]

interface UnaryFields<Name extends string> {
  name: Name
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
  edge: UnaryEdge
  /** A second one: where a NaN stands, all else must be exact. */
  also?: UnaryEdge
}

function oneTensor<Name extends string>(
  f: UnaryFields<Name>,
  kernel: (k: Kernels, out: Floats, x: Floats) => void,
): Op<None> {
  const { backward, fused } = f
  return defineOp<None>({
    name: f.name,
    doc: f.doc,
    math: f.math,
    takes: ['float'],
    shape: ([x]) => x,
    kernel: (k, out, [x]) => kernel(k, flat(out), flat(x)),
    save: ([x], y) => (f.saves === null ? [] : [f.saves === 'x' ? x : y]),
    backward: backward === null ? null : ({ dy, saved: [s] }) => [backward(dy, s)],
    ...(fused ? { fastBackward: fusedGrad(fused) } : {}),
    twice: true,
    samples: () => unarySpecs(f.domain ?? unit, f.large).map((spec) => ({ inputs: [spec], attrs: none })),
    errors: () => [],
    edge: () => [f.edge, ...(f.also ? [f.also] : [])].map((e) => unaryEdge(...e)),
  })
}

/** An op of one tensor, element by element. */
export function unaryOp(f: UnaryFields<UnaryName>): Op<None> {
  return oneTensor(f, (k, out, x) => k.unary(f.name, out, x))
}

/** The same of what only js computes. */
export function mapOp(f: UnaryFields<MapName>): Op<None> {
  return oneTensor(f, (k, out, x) => k.map(f.name, out, x))
}

interface CompositeFields<A> {
  name: string
  doc: string
  math: string
  takes?: Takes
  /** Settings to try; the edge case has the first. */
  tries: readonly A[]
  domain?: Domain | ((attrs: A) => Domain)
  large?: Domain | null
  composite: (x: Tensor, attrs: A) => Tensor
  /** Refuses settings that mean nothing. */
  check?: (attrs: A) => void
  refused?: readonly { attrs: A; text: string }[]
  edge: UnaryEdge
  also?: UnaryEdge
}

/** An op of one tensor in plain ops, element by element, with settings. */
export function unaryComposite<A>(f: CompositeFields<A>): Op<A> {
  const { domain = unit } = f
  return defineOp<A>({
    name: f.name,
    doc: f.doc,
    math: f.math,
    takes: [f.takes ?? 'float'],
    shape: ([x], attrs) => {
      f.check?.(attrs)
      return x
    },
    composite: ([x], attrs) => f.composite(x, attrs),
    twice: true,
    samples: () =>
      f.tries.flatMap((attrs) =>
        unarySpecs(typeof domain === 'function' ? domain(attrs) : domain, f.large).map((spec) => ({
          inputs: [spec],
          attrs,
        })),
      ),
    errors: () =>
      (f.refused ?? []).map(({ attrs, text }) => ({
        inputs: [{ shape: [2] }],
        attrs,
        error: RangeError,
        text,
      })),
    edge: () => [f.edge, ...(f.also ? [f.also] : [])].map((e) => ({ ...unaryEdge(...e), attrs: f.tries[0] })),
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

/** For ops that know int32 too. */
export const wholeSamples: Sample<None>[] = [
  {
    inputs: [
      { shape: [2, 3], below: 3 },
      { shape: [3], below: 3 },
    ],
    attrs: none,
    why: 'int32',
  },
  {
    inputs: [
      { shape: [2, 3], below: 50, view: 'sliced' },
      { shape: [2, 3], below: 5, view: 'transposed' },
    ],
    attrs: none,
    why: 'int32 views',
  },
]
