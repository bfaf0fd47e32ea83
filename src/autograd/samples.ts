// Sample inputs as data: a shape, a layout and a domain. A key fills them, so one sample serves any number of seeds.
import type { TinystillError } from '../errors.js'
import { fold, integerAt, type Key, permutation, uniformAt } from '../tensor/rng.js'
import { contiguousStrides, numel, type Shape } from '../tensor/shape.js'
import type { DType } from '../tensor/storage.js'
import { empty, type NestedArray, type Tensor } from '../tensor/tensor.js'

/** Where the values lie, and what they keep clear of: a gradient check must not step over a kink. */
export interface Domain {
  lo: number
  hi: number
  /** Values stay `gap` away from these points. */
  avoid?: readonly number[]
  gap?: number
  /** No two values within (hi - lo) / (2 n) of each other: for max and min. */
  distinct?: boolean
}

/** An input of a sample: its shape, how it lies in memory, and where its numbers come from. */
export interface Spec {
  shape: Shape
  /** transposed: the last two dims lie swapped in memory. sliced: a part of a larger tensor. expanded: dim 0 has stride 0. */
  view?: 'transposed' | 'sliced' | 'expanded'
  domain?: Domain
  /** Whole numbers in [0, below): an int32 input. */
  below?: number
  /** Exact values, in row-major order. */
  values?: readonly number[]
}

/** Inputs and attributes that an op is tried on. */
export interface Sample<A> {
  inputs: readonly Spec[]
  attrs: A
  /** Inputs that are not differentiated here: where the op has no gradient for them. */
  held?: readonly number[]
  /** What the sample is there for, where the specs do not say it. */
  why?: string
}

/** Inputs that an op must refuse, with its error and the whole text. */
export interface ErrorCase<A> extends Sample<A> {
  error: new (...args: never[]) => TinystillError | RangeError
  /** The whole message. */
  text: string
}

/** Inputs at the edge, with what comes out exactly. */
export interface EdgeCase<A> extends Sample<A> {
  out: NestedArray
  /** The gradient of sum(out) for each float input. */
  grads?: readonly (NestedArray | null)[]
}

export const unit: Domain = { lo: -1, hi: 1 }

function valueIn(domain: Domain, u: number): number {
  const { lo, hi, avoid = [], gap = 0.02 * Math.min(1, hi - lo) } = domain
  // The allowed pieces between the avoided points, walked by u.
  const points = [...avoid].sort((a, b) => a - b)
  const edges = [lo, ...points.flatMap((p) => [p - gap, p + gap]), hi]
  let room = 0
  for (let i = 0; i < edges.length; i += 2) room += Math.max(0, edges[i + 1] - edges[i])
  let left = u * room
  for (let i = 0; i < edges.length; i += 2) {
    const size = Math.max(0, edges[i + 1] - edges[i])
    if (left <= size) return edges[i] + left
    left -= size
  }
  return hi
}

function fillValues(spec: Spec, key: Key): number[] {
  const n = numel(spec.shape)
  if (spec.values !== undefined) return [...spec.values]
  if (spec.below !== undefined)
    return Array.from({ length: n }, (_, i) => integerAt(key, i, spec.below as number))
  const domain = spec.domain ?? unit
  if (domain.distinct) {
    const order = permutation(key, n)
    return Array.from(order, (rank, i) =>
      valueIn(domain, (rank + 0.25 + 0.5 * uniformAt(fold(key, 1), i)) / n),
    )
  }
  return Array.from({ length: n }, (_, i) => valueIn(domain, uniformAt(key, i)))
}

/** Values that float32 holds exactly, so that float32 and float64 runs start from the same numbers. */
export function specValues(spec: Spec, key: Key): Float32Array {
  return Float32Array.from(fillValues(spec, key))
}

/** A tensor of the spec's shape and layout. Same key, same values, whatever the dtype and layout. */
export function materialize(spec: Spec, key: Key, dtype: DType = 'float32'): Tensor {
  const values = specValues(spec, key)
  return layOut(spec, values, spec.below === undefined ? dtype : 'int32')
}

function layOut({ shape, view }: Spec, values: Float32Array, dtype: DType): Tensor {
  const rank = shape.length
  if (view === 'expanded') {
    const row = empty([1, ...shape.slice(1)], dtype)
    row.storage.data.set(values.subarray(0, row.numel))
    return row.viewAs(shape, [0, ...row.strides.slice(1)])
  }
  const dims = shape.map((_, i) => i)
  if (view === 'transposed') dims.push(dims.splice(rank - 2, 1)[0])
  // sliced: one more element at each end of each dim.
  const margin = view === 'sliced' ? 1 : 0
  const base = empty(
    dims.map((d) => shape[d] + 2 * margin),
    dtype,
  )
  // Around a slice lies NaN: a kernel that reads past its input shows it.
  base.storage.data.fill(dtype === 'int32' ? -1 : NaN)
  const strides = new Array<number>(rank)
  for (let i = 0; i < rank; i++) strides[dims[i]] = base.strides[i]
  const offset = strides.reduce((sum, s) => sum + s * margin, 0)
  const t = base.viewAs(shape, strides, offset)
  const logical = contiguousStrides(shape)
  for (let i = 0; i < values.length; i++) {
    let at = offset
    for (let d = 0; d < rank; d++) at += (Math.floor(i / logical[d]) % shape[d]) * strides[d]
    base.storage.data[at] = values[i]
  }
  return t
}

/** The layouts and sizes that every op of one tensor meets. */
export function unarySpecs(
  domain: Domain = unit,
  large: Domain | null = { lo: -1e4, hi: 1e4, ...avoiding(domain) },
): Spec[] {
  return [
    { shape: [2, 3], domain },
    { shape: [1], domain },
    { shape: [], domain },
    { shape: [0, 3], domain },
    { shape: [3, 4], view: 'transposed', domain },
    { shape: [2, 3, 2], view: 'sliced', domain },
    { shape: [3, 2], view: 'expanded', domain },
    ...(large === null ? [] : [{ shape: [2, 2], domain: large }]),
  ]
}

function avoiding(domain: Domain): Partial<Domain> {
  return {
    ...(domain.avoid ? { avoid: domain.avoid, gap: 0.1 } : {}),
    ...(domain.distinct ? { distinct: true } : {}),
  }
}

/** Two tensors: ordinary, broadcast both ways, size 1, zero-size, rank 0, views, large. */
export function binarySpecs(
  a: Domain = unit,
  b: Domain = unit,
  large: [Domain, Domain] | null = [
    { lo: -1e3, hi: 1e3 },
    { lo: -1e3, hi: 1e3 },
  ],
): [Spec, Spec][] {
  const pair = (x: Shape, y: Shape, xv?: Spec['view'], yv?: Spec['view']): [Spec, Spec] => [
    { shape: x, domain: a, ...(xv ? { view: xv } : {}) },
    { shape: y, domain: b, ...(yv ? { view: yv } : {}) },
  ]
  return [
    pair([2, 3], [2, 3]),
    pair([2, 3], [3]),
    pair([2, 1], [1, 3]),
    pair([3], [2, 2, 3]),
    pair([2, 3], []),
    pair([], []),
    pair([1], [1, 1]),
    pair([0, 3], [1, 3]),
    pair([3, 4], [3, 4], 'transposed', 'sliced'),
    pair([2, 3], [2, 3], 'expanded'),
    ...(large === null
      ? []
      : [
          [
            { shape: [2, 2], domain: large[0] },
            { shape: [2, 2], domain: large[1] },
          ] as [Spec, Spec],
        ]),
  ]
}
