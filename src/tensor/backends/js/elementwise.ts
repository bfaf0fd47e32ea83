// Kernels that treat every element alike: one table of scalar functions a kernel, one loop around it.
// Broadcasting needs no case of its own: a repeated dim has stride 0.

import type { BinaryName, MapName, PairName, UnaryGradName, UnaryName } from '../../kernel-args.js'
import type { Kernels } from '../../kernels.js'
import * as math from '../../math.js'
import { isContiguous, numel, type Shape } from '../../shape.js'
import * as trigonometry from '../../trigonometry.js'

export const unaryTable: Record<UnaryName, (x: number) => number> = {
  neg: (x) => -x,
  abs: Math.abs,
  sign: (x) => (x > 0 ? 1 : x < 0 ? -1 : x === 0 ? 0 : NaN), // Math.sign would keep -0
  sqrt: Math.sqrt,
  exp: math.exp,
  log: math.log,
  tanh: math.tanh,
  sigmoid: math.sigmoid,
  erf: math.erf,
  relu: (x) => Math.max(x, 0), // Math.max keeps NaN, `x > 0 ? x : 0` would not
  gelu: math.gelu,
  geluTanh: math.geluTanh,
}

const unaryGradTable: Record<UnaryGradName, (saved: number, dy: number) => number> = {
  tanh: (y, dy) => dy * (1 - y * y),
  sigmoid: (y, dy) => dy * y * (1 - y),
  relu: (x, dy) => (x > 0 ? dy : 0),
  gelu: (x, dy) => dy * math.geluGrad(x),
  geluTanh: (x, dy) => dy * math.geluTanhGrad(x),
}

const binaryTable: Record<BinaryName, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  pow: math.pow,
  maximum: (a, b) => Math.max(a, b),
  minimum: (a, b) => Math.min(a, b),
  eq: (a, b) => (a === b ? 1 : 0),
  ne: (a, b) => (a !== b ? 1 : 0),
  gt: (a, b) => (a > b ? 1 : 0),
  ge: (a, b) => (a >= b ? 1 : 0),
  lt: (a, b) => (a < b ? 1 : 0),
  le: (a, b) => (a <= b ? 1 : 0),
}

const mapTable: Record<MapName, (x: number) => number> = {
  floor: Math.floor,
  ceil: Math.ceil,
  round: math.roundHalfEven,
  trunc: Math.trunc,
  exp2: math.exp2,
  expm1: math.expm1,
  log1p: math.log1p,
  log2: math.log2,
  log10: math.log10,
  sin: trigonometry.sin,
  cos: trigonometry.cos,
  tan: trigonometry.tan,
  asin: trigonometry.asin,
  acos: trigonometry.acos,
  atan: trigonometry.atan,
  sinh: math.sinh,
  cosh: math.cosh,
  asinh: trigonometry.asinh,
  acosh: trigonometry.acosh,
  atanh: trigonometry.atanh,
}

const pairTable: Record<PairName, (a: number, b: number) => number> = {
  atan2: trigonometry.atan2,
  hypot: math.hypot,
  fmod: (a, b) => a % b,
  remainder: math.remainder,
  floorDivide: math.floorDivide,
}

/**
 * Visits `shape` one innermost row at a time: row(n, at, steps) with the row's first position and its step in each of
 * the strided operands. Operands that are all contiguous make one single row.
 */
export function eachRow(
  shape: Shape,
  strides: readonly Shape[],
  row: (n: number, at: readonly number[], steps: readonly number[]) => void,
): void {
  const total = numel(shape)
  if (total === 0) return
  const at = strides.map(() => 0)
  if (strides.every((s) => isContiguous(shape, s))) {
    row(
      total,
      at,
      strides.map(() => 1),
    )
    return
  }
  const last = shape.length - 1
  const steps = strides.map((s) => s[last])
  const index = new Array<number>(last).fill(0)
  for (let done = 0; done < total; done += shape[last]) {
    row(shape[last], at, steps)
    // Odometer over the outer dims.
    for (let dim = last - 1; dim >= 0; dim--) {
      const wraps = ++index[dim] === shape[dim]
      for (let k = 0; k < at.length; k++) at[k] += strides[k][dim] * (wraps ? 1 - shape[dim] : 1)
      if (!wraps) break
      index[dim] = 0
    }
  }
}

export const unary: Kernels['unary'] = (fn, out, x) => {
  const f = unaryTable[fn]
  for (let i = 0; i < out.length; i++) out[i] = f(x[i])
}

export const unaryGrad: Kernels['unaryGrad'] = (fn, out, saved, dy) => {
  const f = unaryGradTable[fn]
  for (let i = 0; i < out.length; i++) out[i] = f(saved[i], dy[i])
}

export const map: Kernels['map'] = (fn, out, x) => {
  const f = mapTable[fn]
  for (let i = 0; i < out.length; i++) out[i] = f(x[i])
}

export const binary: Kernels['binary'] = (fn, shape, out, a, aStrides, b, bStrides) => {
  const f = binaryTable[fn]
  let o = 0
  eachRow(shape, [aStrides, bStrides], (n, [ai, bi], [da, db]) => {
    for (let i = 0; i < n; i++) out[o++] = f(a[ai + i * da], b[bi + i * db])
  })
}

export const pair: Kernels['pair'] = (fn, shape, out, a, aStrides, b, bStrides) => {
  const f = pairTable[fn]
  let o = 0
  eachRow(shape, [aStrides, bStrides], (n, [ai, bi], [da, db]) => {
    for (let i = 0; i < n; i++) out[o++] = f(a[ai + i * da], b[bi + i * db])
  })
}

export const where: Kernels['where'] = (shape, out, cond, cStrides, a, aStrides, b, bStrides) => {
  let o = 0
  eachRow(shape, [cStrides, aStrides, bStrides], (n, [ci, ai, bi], [dc, da, db]) => {
    for (let i = 0; i < n; i++) out[o++] = cond[ci + i * dc] !== 0 ? a[ai + i * da] : b[bi + i * db]
  })
}
