// Operations of ONNX on each element alone.
import { erf, exp, gelu, geluTanh, log1p, pow, roundHalfEven, sigmoid, tanh } from '../../../tensor/math.js'
import { contiguousStrides } from '../../../tensor/shape.js'
import { type ElementName, elementName } from '../elements.js'
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

const unary =
  (fn: (x: number) => number, type?: ElementName): Operation =>
  (call) => {
    const x = given(call, 0)
    const out = made(call, type ?? x.type, x.shape)
    for (let i = 0; i < out.data.length; i++) out.data[i] = fn(x.data[i])
    return out
  }

/** Of any number of inputs, from left to right. */
const together =
  (fn: (a: number, b: number, whole: boolean) => number, type?: ElementName): Operation =>
  (call) => {
    const inputs = call.inputs.map((_, i) => given(call, i))
    const first = given(call, 0)
    const shape = broadcast(
      call,
      inputs.map((x) => x.shape),
    )
    const out = made(call, type ?? first.type, shape)
    const whole = !FRACTIONS.includes(first.type)
    const values = new Float64Array(out.data.length)
    inputs.forEach(({ data, shape: own }, i) => {
      walk(shape, stepsTo(own, shape), (at, from) => {
        values[at] = i === 0 ? data[from] : fn(values[at], data[from], whole)
      })
    })
    out.data.set(values)
    return out
  }

const FRACTIONS: readonly ElementName[] = ['float', 'float16', 'double']

const where: Operation = (call) => {
  const [condition, yes, no] = [given(call, 0), given(call, 1), given(call, 2)]
  const shape = broadcast(call, [condition.shape, yes.shape, no.shape])
  const out = made(call, yes.type, shape)
  walk(shape, stepsTo(yes.shape, shape), (at, from) => {
    out.data[at] = yes.data[from]
  })
  const others = made(call, 'bool', shape)
  walk(shape, stepsTo(condition.shape, shape), (at, from) => {
    others.data[at] = condition.data[from]
  })
  walk(shape, stepsTo(no.shape, shape), (at, from) => {
    if (others.data[at] === 0) out.data[at] = no.data[from]
  })
  return out
}

const cast: Operation = (call) => {
  const x = given(call, 0)
  const type = elementName(numberOf(call, 'to', 0))
  if (type === undefined) return call.fail('casts to a type that is not read')
  const out = made(call, type, x.shape)
  const whole = !FRACTIONS.includes(type)
  for (let i = 0; i < out.data.length; i++)
    out.data[i] = type === 'bool' ? Number(x.data[i] !== 0) : whole ? Math.trunc(x.data[i]) : x.data[i]
  return out
}

const clip: Operation = (call) => {
  const [low, high] = [call.inputs[1]?.data[0] ?? -Infinity, call.inputs[2]?.data[0] ?? Infinity]
  return unary((x) => Math.min(Math.max(x, low), high))(call)
}

const clamp = (x: number, type: ElementName) =>
  type === 'int8' ? Math.min(127, Math.max(-128, x)) : Math.min(255, Math.max(0, x))

/** A scale and a zero point for all, or a list of them along a dim. */
function scaled(
  call: Call,
  fn: (x: number, scale: number, zero: number) => number,
  type: ElementName,
): RunValue {
  const [x, scale, zero] = [given(call, 0), given(call, 1), call.inputs[2]]
  const axis = numberOf(call, 'axis', 1)
  const out = made(call, type, x.shape)
  const dim = axis < 0 ? axis + x.shape.length : axis
  const inner = scale.data.length === 1 ? Infinity : x.shape.slice(dim + 1).reduce((n, d) => n * d, 1)
  if (inner !== Infinity && scale.data.length !== x.shape[dim]) call.fail(`has ${scale.data.length} scales`)
  for (let i = 0; i < out.data.length; i++) {
    const at = inner === Infinity ? 0 : Math.floor(i / inner) % scale.data.length
    out.data[i] = fn(x.data[i], scale.data[at], zero?.data[at] ?? 0)
  }
  return out
}

const quantizeLinear: Operation = (call) => {
  const type = call.inputs[2]?.type ?? 'uint8'
  return scaled(call, (x, scale, zero) => clamp(roundHalfEven(Math.fround(x / scale)) + zero, type), type)
}

/** To whole numbers from 0 to 255 by the range of the tensor. */
const dynamicQuantizeLinear: Operation = (call) => {
  const x = given(call, 0)
  const values = Array.from(x.data)
  const high = values.reduce((a, b) => Math.max(a, b), 0)
  const low = values.reduce((a, b) => Math.min(a, b), 0)
  const scale = Math.fround((high - low) / 255) || 1
  const zero = clamp(roundHalfEven(-low / scale), 'uint8')
  const [y, s, z] = [made(call, 'uint8', x.shape), made(call, 'float', []), made(call, 'uint8', [])]
  values.forEach((value, i) => {
    y.data[i] = clamp(roundHalfEven(Math.fround(value / scale)) + zero, 'uint8')
  })
  s.data[0] = scale
  z.data[0] = zero
  return [y, s, z]
}

/** All numbers along dims brought together. */
const reduce =
  (
    start: number,
    fn: (a: number, b: number) => number,
    end: (x: number, n: number) => number = (x) => x,
  ): Operation =>
  (call) => {
    const x = given(call, 0)
    const rank = x.shape.length
    const listed = listOf(call, 'axes', 1)?.map((d) => (d < 0 ? d + rank : d))
    const taken = (d: number) => (listed ?? x.shape.map((_, i) => i)).includes(d)
    const kept = x.shape.map((d, i) => (taken(i) ? 1 : d))
    const out = made(call, x.type, kept)
    const values = new Float64Array(out.data.length).fill(start)
    walk(x.shape, stepsTo(kept, x.shape), (at, from) => {
      values[from] = fn(values[from], x.data[at])
    })
    const n = x.data.length / Math.max(1, values.length)
    values.forEach((value, i) => {
      out.data[i] = end(value, n)
    })
    const keep = numberOf(call, 'keepdims', 1) !== 0
    return { ...out, shape: keep ? kept : x.shape.filter((_, i) => !taken(i)) }
  }

/** Each number with all before it along a dim. */
const cumSum: Operation = (call) => {
  const x = given(call, 0)
  if (numberOf(call, 'exclusive', 0) !== 0 || numberOf(call, 'reverse', 0) !== 0)
    call.fail('sums in another way than from the first on')
  const dim = dimOf(call, given(call, 1).data[0], x.shape.length)
  const [step, length] = [contiguousStrides(x.shape)[dim], x.shape[dim]]
  const out = made(call, x.type, x.shape)
  for (let i = 0; i < out.data.length; i++)
    out.data[i] = x.data[i] + (Math.floor(i / step) % length === 0 ? 0 : out.data[i - step])
  return out
}

const not = (x: number) => Number(x === 0)

export const elementwise: Readonly<Record<string, Operation>> = {
  ...{ Erf: unary(erf), Tanh: unary(tanh), Sigmoid: unary(sigmoid), Relu: unary((x) => Math.max(x, 0)) },
  ...{ Softplus: unary((x) => Math.max(x, 0) + log1p(exp(-Math.abs(x)))), Sqrt: unary(Math.sqrt) },
  ...{ Neg: unary((x) => -x), Abs: unary(Math.abs), Identity: unary((x) => x), Not: unary(not, 'bool') },
  IsNaN: unary((x) => Number(Number.isNaN(x)), 'bool'),
  Gelu: (call) => unary(call.attributes.get('approximate') === 'tanh' ? geluTanh : gelu)(call),
  ...{ Add: together((a, b) => a + b), Sub: together((a, b) => a - b), Mul: together((a, b) => a * b) },
  Div: together((a, b, whole) => (whole ? Math.trunc(a / b) : a / b)),
  ...{ Pow: together(pow), Max: together((a, b) => Math.max(a, b)), Min: together((a, b) => Math.min(a, b)) },
  ...{ Equal: together((a, b) => Number(a === b), 'bool'), And: together((a, b) => a & b, 'bool') },
  ...{ Or: together((a, b) => a | b, 'bool'), Less: together((a, b) => Number(a < b), 'bool') },
  LessOrEqual: together((a, b) => Number(a <= b), 'bool'),
  Greater: together((a, b) => Number(a > b), 'bool'),
  GreaterOrEqual: together((a, b) => Number(a >= b), 'bool'),
  ...{ Where: where, Cast: cast, Clip: clip, CumSum: cumSum, QuantizeLinear: quantizeLinear },
  DequantizeLinear: (call) => scaled(call, (q, scale, zero) => (q - zero) * scale, 'float'),
  DynamicQuantizeLinear: dynamicQuantizeLinear,
  ...{ ReduceMax: reduce(-Infinity, Math.max), ReduceMin: reduce(Infinity, Math.min) },
  ReduceSum: reduce(0, (a, b) => a + b),
  ReduceMean: reduce(
    0,
    (a, b) => a + b,
    (x, n) => x / n,
  ),
}
