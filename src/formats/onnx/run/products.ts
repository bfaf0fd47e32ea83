// Operations of ONNX that multiply matrices, and those that look at a row at a time. Sums are doubles.

import { exp } from '../../../tensor/math.js'
import { numel } from '../../../tensor/shape.js'
import type { ElementName } from '../elements.js'
import {
  broadcast,
  type Call,
  dimOf,
  given,
  made,
  numberOf,
  type Operation,
  type RunValue,
  stepsTo,
  walk,
} from './value.js'

/** a [.., m, k] times b [.., k, n], each less its zero point. */
function product(call: Call, a: RunValue, b: RunValue, type: ElementName, zeros = [0, 0]): RunValue {
  if (a.shape.length < 2 || b.shape.length < 2) call.fail('multiplies what is no matrix')
  const [m, k] = a.shape.slice(-2)
  const [k2, n] = b.shape.slice(-2)
  if (k !== k2) call.fail(`cannot multiply [${a.shape}] by [${b.shape}]`)
  const outer = broadcast(call, [a.shape.slice(0, -2), b.shape.slice(0, -2)])
  const out = made(call, type, [...outer, m, n])
  call.spend(numel(outer) * m * n * k)
  const places = (x: RunValue) => {
    const found: number[] = []
    walk(outer, stepsTo(x.shape.slice(0, -2), outer), (_, from) => found.push(from))
    return found
  }
  const [as, bs] = [places(a), places(b)]
  const row = new Float64Array(n)
  for (const [o, from] of as.entries()) {
    for (let i = 0; i < m; i++) {
      row.fill(0)
      for (let j = 0; j < k; j++) {
        const x = a.data[(from * m + i) * k + j] - zeros[0]
        const at = (bs[o] * k + j) * n
        for (let c = 0; c < n; c++) row[c] += x * (b.data[at + c] - zeros[1])
      }
      out.data.set(row, (o * m + i) * n)
    }
  }
  return out
}

const gemm: Operation = (call) => {
  const turned = (x: RunValue, name: string): RunValue => {
    if (numberOf(call, name, 0) === 0) return x
    const [rows, columns] = x.shape
    const out = made(call, x.type, [columns, rows])
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) out.data[c * rows + r] = x.data[r * columns + c]
    return out
  }
  const [alpha, beta] = [numberOf(call, 'alpha', 1), numberOf(call, 'beta', 1)]
  const y = product(call, turned(given(call, 0), 'transA'), turned(given(call, 1), 'transB'), 'float')
  const c = call.inputs[2]
  if (c !== undefined) broadcast(call, [y.shape, c.shape])
  walk(y.shape, stepsTo(c?.shape ?? [], y.shape), (at, from) => {
    y.data[at] = alpha * y.data[at] + (c === undefined ? 0 : beta * c.data[from])
  })
  return y
}

/** Rows along the last dim, one after the other. */
function* rowsOf(call: Call, x: RunValue): Generator<[number, number]> {
  const axis = numberOf(call, 'axis', -1)
  if (dimOf(call, axis, x.shape.length) !== x.shape.length - 1)
    call.fail('looks along another dim than the last')
  const width = x.shape.at(-1) ?? 1
  for (let at = 0; at < x.data.length; at += width) yield [at, at + width]
}

const softmax: Operation = (call) => {
  const x = given(call, 0)
  const out = made(call, x.type, x.shape)
  for (const [from, to] of rowsOf(call, x)) {
    const row = Array.from(x.data.subarray(from, to))
    const most = row.reduce((a, b) => Math.max(a, b), -Infinity)
    const powers = row.map((v) => exp(v - most))
    const sum = powers.reduce((a, b) => a + b, 0)
    powers.forEach((p, i) => {
      out.data[from + i] = p / sum
    })
  }
  return out
}

const layerNorm: Operation = (call) => {
  const [x, weight, bias] = [given(call, 0), given(call, 1), call.inputs[2]]
  const eps = numberOf(call, 'epsilon', 1e-5)
  const out = made(call, x.type, x.shape)
  for (const [from, to] of rowsOf(call, x)) {
    const row = Array.from(x.data.subarray(from, to))
    if (weight.data.length !== row.length)
      call.fail(`has ${weight.data.length} factors for rows of ${row.length}`)
    const mean = row.reduce((a, b) => a + b, 0) / row.length
    const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / row.length
    row.forEach((v, i) => {
      out.data[from + i] = ((v - mean) / Math.sqrt(variance + eps)) * weight.data[i] + (bias?.data[i] ?? 0)
    })
  }
  return out
}

export const products: Readonly<Record<string, Operation>> = {
  MatMul: (call) => product(call, given(call, 0), given(call, 1), given(call, 0).type),
  MatMulInteger: (call) => {
    const zeros = [2, 3].map((i) => call.inputs[i]?.data[0] ?? 0)
    return product(call, given(call, 0), given(call, 1), 'int32', zeros)
  },
  ...{ Gemm: gemm, Softmax: softmax, LayerNormalization: layerNorm },
}
