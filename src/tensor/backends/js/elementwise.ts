// Elementwise kernels: unary, their gradients, binary with broadcasting, where, fill and the strided copy.
import type { BinaryName, Kernels, UnaryGradName, UnaryName } from '../../kernels.js'
import * as math from '../../math.js'
import { copyLoop } from '../../tensor.js'

const unaries: Record<UnaryName, (x: number) => number> = {
  neg: (x) => -x,
  abs: Math.abs,
  sign: Math.sign,
  sqrt: Math.sqrt,
  exp: math.exp,
  log: math.log,
  tanh: math.tanh,
  sigmoid: math.sigmoid,
  erf: math.erf,
  relu: (x) => (x > 0 || x !== x ? x : 0),
  gelu: math.gelu,
  geluTanh: math.geluTanh,
}

const unaryGrads: Record<UnaryGradName, (saved: number, dy: number) => number> = {
  tanh: (y, dy) => dy * (1 - y * y),
  sigmoid: (y, dy) => dy * (y * (1 - y)),
  relu: (x, dy) => (x > 0 ? dy : 0),
  gelu: (x, dy) => dy * math.geluGrad(x),
  geluTanh: (x, dy) => dy * math.geluTanhGrad(x),
}

const binaries: Record<BinaryName, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  pow: math.pow,
  maximum: Math.max,
  minimum: Math.min,
  eq: (a, b) => (a === b ? 1 : 0),
  ne: (a, b) => (a !== b ? 1 : 0),
  gt: (a, b) => (a > b ? 1 : 0),
  ge: (a, b) => (a >= b ? 1 : 0),
  lt: (a, b) => (a < b ? 1 : 0),
  le: (a, b) => (a <= b ? 1 : 0),
}

/**
 * Calls row(at, ...offsets) for each innermost row of `shape`: `at` counts elements, offsets are where the row starts
 * in each strided operand.
 */
function eachRow(shape: readonly number[], strides: readonly (readonly number[])[], row: (at: number, offsets: number[]) => void) {
  const inner = shape.length === 0 ? 1 : shape[shape.length - 1]
  let rows = 1
  for (let d = 0; d < shape.length - 1; d++) rows *= shape[d]
  const offsets = strides.map(() => 0)
  for (let r = 0; r < rows && inner > 0; r++) {
    offsets.fill(0)
    for (let d = shape.length - 2, left = r; d >= 0; d--) {
      const i = left % shape[d]
      left = (left - i) / shape[d]
      for (let s = 0; s < strides.length; s++) offsets[s] += i * strides[s][d]
    }
    row(r * inner, offsets)
  }
}

type Elementwise = Pick<Kernels, 'fill' | 'copy' | 'unary' | 'unaryGrad' | 'binary' | 'where'>

export const elementwise: Elementwise = {
  fill(out, value) {
    out.fill(value)
  },

  copy: copyLoop,

  unary(fn, out, x) {
    const f = unaries[fn]
    for (let i = 0; i < out.length; i++) out[i] = f(x[i])
  },

  unaryGrad(fn, out, saved, dy) {
    const f = unaryGrads[fn]
    for (let i = 0; i < out.length; i++) out[i] = f(saved[i], dy[i])
  },

  binary(fn, shape, out, a, aStrides, b, bStrides) {
    const f = binaries[fn]
    const last = shape.length - 1
    const [n, as, bs] = last < 0 ? [1, 0, 0] : [shape[last], aStrides[last], bStrides[last]]
    eachRow(shape, [aStrides, bStrides], (at, [ai, bi]) => {
      for (let i = 0; i < n; i++) out[at + i] = f(a[ai + i * as], b[bi + i * bs])
    })
  },

  where(shape, out, cond, cStrides, a, aStrides, b, bStrides) {
    const last = shape.length - 1
    const [n, cs, as, bs] = last < 0 ? [1, 0, 0, 0] : [shape[last], cStrides[last], aStrides[last], bStrides[last]]
    eachRow(shape, [cStrides, aStrides, bStrides], (at, [ci, ai, bi]) => {
      for (let i = 0; i < n; i++) out[at + i] = cond[ci + i * cs] !== 0 ? a[ai + i * as] : b[bi + i * bs]
    })
  },
}
