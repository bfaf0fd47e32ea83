// Arithmetic on int32, in double: a result that int32 does not hold is refused, where the array would wrap it silently.

import type { IntegerName } from '../../kernel-args.js'
import type { Kernels } from '../../kernels.js'
import { floorDivide, pow, remainder } from '../../math.js'
import { eachRow } from './elementwise.js'

const table: Record<IntegerName, [sign: string, f: (a: number, b: number) => number]> = {
  add: ['+', (a, b) => a + b],
  sub: ['-', (a, b) => a - b],
  // Beyond 2^53 no longer exact, and far beyond int32 too.
  mul: ['*', (a, b) => a * b],
  pow: ['to the power', pow],
  fmod: ['%', (a, b) => a % b],
  remainder: ['%', remainder],
  floorDivide: ['divided by', floorDivide],
  maximum: ['and', (a, b) => (a > b ? a : b)],
  minimum: ['and', (a, b) => (a < b ? a : b)],
  eq: ['=', (a, b) => (a === b ? 1 : 0)],
  ne: ['!=', (a, b) => (a !== b ? 1 : 0)],
  gt: ['>', (a, b) => (a > b ? 1 : 0)],
  ge: ['>=', (a, b) => (a >= b ? 1 : 0)],
  lt: ['<', (a, b) => (a < b ? 1 : 0)],
  le: ['<=', (a, b) => (a <= b ? 1 : 0)],
}

/** Names an int32 result that does not exist. */
function refuse(op: string, what: string, result: number, place: number): never {
  const is = Number.isFinite(result) ? `${result}, beyond int32` : 'no number'
  throw new RangeError(`${op}: ${what} at place ${place} is ${is}. Convert with .to('float64')`)
}

export const integer: Kernels['integer'] = (fn, shape, out, a, aStrides, b, bStrides) => {
  const [sign, f] = table[fn]
  let o = 0
  eachRow(shape, [aStrides, bStrides], (n, [ai, bi], [da, db]) => {
    for (let i = 0; i < n; i++, o++) {
      const [x, y] = [a[ai + i * da], b[bi + i * db]]
      const result = f(x, y)
      // True for whole numbers from -2^31 to 2^31 - 1 alone.
      if (result !== (result | 0)) refuse(fn, `${x} ${sign} ${y}`, result, o)
      out[o] = result
    }
  })
}

type Fold = (x: Int32Array, start: number, n: number, step: number) => number

const folds: Record<Parameters<Kernels['integerReduce']>[0], Fold> = {
  sum: (x, start, n, step) => {
    let s = 0
    for (let i = 0; i < n; i++) s += x[start + i * step]
    return s
  },
  max: (x, start, n, step) => {
    let m = x[start]
    for (let i = 1; i < n; i++) if (x[start + i * step] > m) m = x[start + i * step]
    return m
  },
  min: (x, start, n, step) => {
    let m = x[start]
    for (let i = 1; i < n; i++) if (x[start + i * step] < m) m = x[start + i * step]
    return m
  },
  argmax: (x, start, n, step) => {
    let best = 0
    for (let i = 1; i < n; i++) if (x[start + i * step] > x[start + best * step]) best = i
    return best
  },
}

export const integerReduce: Kernels['integerReduce'] = (fn, out, x, outer, n, inner) => {
  const fold = folds[fn]
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const result = fold(x, o * n * inner + i, n, inner)
      if (result !== (result | 0)) refuse(fn, 'the sum', result, o * inner + i)
      out[o * inner + i] = result
    }
  }
}
