// Operations of ONNX that move numbers, and that make them out of shapes.
import { contiguousStrides, numel } from '../../../tensor/shape.js'
import {
  broadcast,
  type Call,
  dimOf,
  given,
  listOf,
  made,
  numberOf,
  type Operation,
  type RunValue,
  stepsTo,
  walk,
} from './value.js'

/** The same numbers under another shape. */
function reshaped(call: Call, x: RunValue, shape: readonly number[]): RunValue {
  if (shape.reduce((n, d) => n * d, 1) !== x.data.length)
    call.fail(`cannot make [${x.shape}] into [${shape}]`)
  return { ...x, shape }
}

const vector = (call: Call, values: readonly number[]): RunValue => {
  const out = made(call, 'int64', [values.length])
  out.data.set(values)
  return out
}

const reshape: Operation = (call) => {
  const x = given(call, 0)
  const wanted = Array.from(given(call, 1).data)
  const zeros = numberOf(call, 'allowzero', 0) !== 0
  const sizes = wanted.map((d, i) => (d === 0 && !zeros ? (x.shape[i] ?? 0) : d))
  const known = sizes.reduce((n, d) => (d === -1 ? n : n * d), 1)
  return reshaped(
    call,
    x,
    sizes.map((d) => (d === -1 ? x.data.length / known : d)),
  )
}

const transpose: Operation = (call) => {
  const x = given(call, 0)
  const rank = x.shape.length
  const perm = (listOf(call, 'perm') ?? x.shape.map((_, i) => rank - 1 - i)).map((d) => dimOf(call, d, rank))
  if (perm.length !== rank || new Set(perm).size !== rank) call.fail(`has perm [${perm}]`)
  const steps = contiguousStrides(x.shape)
  const out = made(
    call,
    x.type,
    perm.map((d) => x.shape[d]),
  )
  walk(
    out.shape,
    perm.map((d) => steps[d]),
    (at, from) => {
      out.data[at] = x.data[from]
    },
  )
  return out
}

const unsqueeze: Operation = (call) => {
  const x = given(call, 0)
  const axes = listOf(call, 'axes', 1) ?? []
  const rank = x.shape.length + axes.length
  const added = axes.map((d) => dimOf(call, d, rank))
  const rest = [...x.shape]
  const shape = Array.from({ length: rank }, (_, d) => (added.includes(d) ? 1 : (rest.shift() as number)))
  return reshaped(call, x, shape)
}

const squeeze: Operation = (call) => {
  const x = given(call, 0)
  const axes = listOf(call, 'axes', 1)?.map((d) => dimOf(call, d, x.shape.length))
  const gone = (size: number, d: number) => (axes === undefined ? size === 1 : axes.includes(d))
  return reshaped(
    call,
    x,
    x.shape.filter((size, d) => !gone(size, d)),
  )
}

const concat: Operation = (call) => {
  const parts = call.inputs.map((_, i) => given(call, i))
  const [first] = parts
  const axis = dimOf(call, numberOf(call, 'axis', 0), first.shape.length)
  const same = (shape: readonly number[]) =>
    shape.length === first.shape.length && shape.every((d, i) => i === axis || d === first.shape[i])
  if (!parts.every(({ shape }) => same(shape)))
    call.fail(`cannot join ${parts.map(({ shape }) => `[${shape}]`)}`)
  const total = parts.reduce((n, { shape }) => n + shape[axis], 0)
  const out = made(call, first.type, first.shape.with(axis, total))
  const outer = numel(first.shape.slice(0, axis))
  let at = 0
  for (let o = 0; o < outer; o++) {
    for (const { data } of parts) {
      const length = data.length / outer
      out.data.set(data.subarray(o * length, (o + 1) * length), at)
      at += length
    }
  }
  return out
}

const slice: Operation = (call) => {
  const x = given(call, 0)
  const rank = x.shape.length
  const [starts, ends] = [Array.from(given(call, 1).data), Array.from(given(call, 2).data)]
  const axes = (listOf(call, '', 3) ?? starts.map((_, i) => i)).map((d) => dimOf(call, d, rank))
  const by = listOf(call, '', 4) ?? starts.map(() => 1)
  if (by.some((step) => step !== 1)) call.fail('takes every so manieth element')
  const [from, shape] = [new Array<number>(rank).fill(0), [...x.shape]]
  axes.forEach((d, i) => {
    const place = (n: number) => Math.min(Math.max(n < 0 ? n + x.shape[d] : n, 0), x.shape[d])
    from[d] = place(starts[i])
    shape[d] = Math.max(0, place(ends[i]) - from[d])
  })
  const steps = contiguousStrides(x.shape)
  const start = from.reduce((n, f, d) => n + f * steps[d], 0)
  const out = made(call, x.type, shape)
  walk(shape, steps, (at, place) => {
    out.data[at] = x.data[start + place]
  })
  return out
}

function place(call: Call, index: number, size: number): number {
  const at = index < 0 ? index + size : index
  return Number.isInteger(at) && at >= 0 && at < size ? at : call.fail(`takes element ${index} of ${size}`)
}

const gather: Operation = (call) => {
  const [x, indices] = [given(call, 0), given(call, 1)]
  const axis = dimOf(call, numberOf(call, 'axis', 0), x.shape.length)
  const [outer, size] = [numel(x.shape.slice(0, axis)), x.shape[axis]]
  const inner = numel(x.shape.slice(axis + 1))
  const out = made(call, x.type, [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)])
  let at = 0
  for (let o = 0; o < outer; o++) {
    for (const index of indices.data) {
      const from = (o * size + place(call, index, size)) * inner
      out.data.set(x.data.subarray(from, from + inner), at)
      at += inner
    }
  }
  return out
}

/** Of each row along a dim the places that the indices name. */
const gatherElements: Operation = (call) => {
  const [x, indices] = [given(call, 0), given(call, 1)]
  const axis = dimOf(call, numberOf(call, 'axis', 0), x.shape.length)
  const fits =
    indices.shape.length === x.shape.length && indices.shape.every((n, d) => d === axis || n <= x.shape[d])
  if (!fits) call.fail(`cannot take [${indices.shape}] out of [${x.shape}]`)
  const steps = contiguousStrides(x.shape)
  const out = made(call, x.type, indices.shape)
  walk(indices.shape, steps.with(axis, 0), (at, from) => {
    out.data[at] = x.data[from + place(call, indices.data[at], x.shape[axis]) * steps[axis]]
  })
  return out
}

/** Whole places by their last dim; without batch dims. */
const gatherND: Operation = (call) => {
  const [x, indices] = [given(call, 0), given(call, 1)]
  const depth = indices.shape.at(-1) ?? 0
  if (numberOf(call, 'batch_dims', 0) !== 0 || depth < 1 || depth > x.shape.length)
    call.fail('has batch_dims')
  const inner = numel(x.shape.slice(depth))
  const steps = contiguousStrides(x.shape)
  const out = made(call, x.type, [...indices.shape.slice(0, -1), ...x.shape.slice(depth)])
  for (let i = 0; i * depth < indices.data.length; i++) {
    let from = 0
    for (let d = 0; d < depth; d++) from += place(call, indices.data[i * depth + d], x.shape[d]) * steps[d]
    out.data.set(x.data.subarray(from, from + inner), i * inner)
  }
  return out
}

const expand: Operation = (call) => {
  const x = given(call, 0)
  const shape = broadcast(call, [x.shape, Array.from(given(call, 1).data)])
  const out = made(call, x.type, shape)
  walk(shape, stepsTo(x.shape, shape), (at, from) => {
    out.data[at] = x.data[from]
  })
  return out
}

const storedIn = (call: Call): RunValue | undefined => {
  const t = call.attributes.get('value')
  if (typeof t !== 'object' || !('numbers' in t)) return undefined
  return { type: t.type, shape: t.shape, data: t.numbers() }
}

const constant: Operation = (call) => {
  const own = storedIn(call)
  if (own !== undefined) return own
  const ints = listOf(call, 'value_ints')
  if (ints !== undefined) return vector(call, ints)
  const [int, float] = [call.attributes.get('value_int'), call.attributes.get('value_float')]
  if (int === undefined && float === undefined) return call.fail('has no value that is read')
  const out = made(call, int === undefined ? 'float' : 'int64', [])
  out.data[0] = numberOf(call, int === undefined ? 'value_float' : 'value_int', 0)
  return out
}

const constantOfShape: Operation = (call) => {
  const value = storedIn(call)
  const out = made(call, value?.type ?? 'float', Array.from(given(call, 0).data))
  out.data.fill(value?.data[0] ?? 0)
  return out
}

const range: Operation = (call) => {
  const first = given(call, 0)
  const [start, limit, step] = [0, 1, 2].map((i) => given(call, i).data[0])
  const out = made(call, first.type, [Math.max(0, Math.ceil((limit - start) / step))])
  for (let i = 0; i < out.data.length; i++) out.data[i] = start + i * step
  return out
}

const shape: Operation = (call) => {
  const sizes = given(call, 0).shape
  const [start, end] = [numberOf(call, 'start', 0), numberOf(call, 'end', sizes.length)]
  return vector(call, sizes.slice(start, end))
}

const flatten: Operation = (call) => {
  const x = given(call, 0)
  const axis = numberOf(call, 'axis', 1)
  return reshaped(call, x, [numel(x.shape.slice(0, axis)), numel(x.shape.slice(axis))])
}

export const shapes: Readonly<Record<string, Operation>> = {
  ...{ Reshape: reshape, Transpose: transpose, Unsqueeze: unsqueeze, Squeeze: squeeze, Concat: concat },
  ...{
    Slice: slice,
    Gather: gather,
    GatherND: gatherND,
    GatherElements: gatherElements,
    Expand: expand,
    Constant: constant,
  },
  ...{ ConstantOfShape: constantOfShape, Range: range, Shape: shape, Flatten: flatten },
}
