// Elementwise kernels and copies. Strided operands go as walks; one that is not contiguous inside is copied first.

import type { BinaryName, UnaryGradName, UnaryName } from '../../kernel-args.js'
import type { Kernels } from '../../kernels.js'
import { contiguousStrides, numel } from '../../shape.js'
import { ASIDE, at, type Scratch, staged } from './memory.js'
import type { Exports } from './module.js'
import type { Pool } from './pool.js'
import { arrangeCopy, innermost, isRun, merge, writeWalk } from './walk.js'

// The numbers that assembly/elementwise.ts knows the functions by.
export const unaryCode: Record<UnaryName, number> = {
  neg: 0,
  abs: 1,
  sign: 2,
  sqrt: 3,
  exp: 4,
  log: 5,
  tanh: 6,
  sigmoid: 7,
  erf: 8,
  relu: 9,
  gelu: 10,
  geluTanh: 11,
}
const gradCode: Record<UnaryGradName, number> = { tanh: 0, sigmoid: 1, relu: 2, gelu: 3, geluTanh: 4 }
const binaryCode: Record<Exclude<BinaryName, 'pow'>, number> = {
  add: 0,
  sub: 1,
  mul: 2,
  div: 3,
  maximum: 4,
  minimum: 5,
  eq: 6,
  ne: 7,
  gt: 8,
  ge: 9,
  lt: 10,
  le: 11,
}

type Elementwise = Pick<Kernels, 'fill' | 'copy' | 'unary' | 'unaryGrad' | 'binary' | 'where'>

const word = new Int32Array(1)
const float = new Float32Array(word.buffer)

/** Nanoseconds an element of a function or its gradient, and of a sum: the cheap ones wait for memory, whoever asks. */
const EACH = 2
const PAIR = 0.4

export function elementwise(
  w: Exports,
  scratch: Scratch,
  pool: Pool,
  js: Kernels,
  self: () => Kernels,
): Elementwise {
  /** A kernel over n elements, the last argument; those in `moving` are addresses of them. ns: for one. */
  function flatRun(fn: keyof Exports, args: number[], moving: number[], ns: number, inPlace: boolean): void {
    const countAt = args.length - 1
    const n = args[countAt]
    const chunk = Math.ceil(n / pool.chunksFor(n * ns) / 64) * 64
    const steps = Object.fromEntries(moving.map((k) => [k, chunk * 4]))
    pool.run({ fn, args, steps, countAt, total: n, chunk, inPlace })
  }

  /** Copies to an address, contiguous. false: too many dims. */
  function gatherTo(to: number, shape: readonly number[], x: number, strides: readonly number[]): boolean {
    if (!merge(shape, [contiguousStrides(shape), strides])) return false
    arrangeCopy()
    w.copy(to, x, writeWalk(2))
    return true
  }

  /**
   * The operands of a walk over `shape`: addresses and strides whose innermost merged stride is 1 or 0, by a copy to
   * scratch where it is not. false: too many dims, or no room.
   */
  function prepare(shape: readonly number[], addresses: number[], strides: (readonly number[])[]): boolean {
    if (!merge(shape, strides)) return false
    const bad = addresses.map((_, k) => innermost(k) > 1)
    if (!bad.includes(true)) return true
    const bytes = numel(shape) * 4
    const room = scratch.reserve(bytes * addresses.length)
    if (room < 0) return false
    for (let k = 0; k < addresses.length; k++) {
      if (!bad[k]) continue
      const to = room + k * bytes
      if (!gatherTo(to, shape, addresses[k], strides[k])) return false
      addresses[k] = to
      strides[k] = contiguousStrides(shape)
    }
    return prepare(shape, addresses, strides)
  }

  return {
    fill(out, value) {
      const o = at(out)
      if (o < 0) return js.fill(out, value)
      if (out instanceof Int32Array) word[0] = value
      else float[0] = value
      w.fill(o, word[0], out.length)
    },

    copy(shape, dst, dstStrides, src, srcStrides) {
      const d = at(dst)
      const s = at(src)
      if (
        Math.min(d, s) < 0 ||
        dst.constructor !== src.constructor ||
        !merge(shape, [dstStrides, srcStrides])
      ) {
        // Not staged: a copy through a copy gains nothing.
        return js.copy(shape, dst, dstStrides, src, srcStrides)
      }
      if (shape.includes(0)) return
      arrangeCopy()
      w.copy(d, s, writeWalk(2))
    },

    unary(fn, out, x) {
      const o = at(out)
      const a = at(x)
      if (Math.min(o, a) < 0) return staged('unary', self(), js, [fn, out, x])
      flatRun('unary', [unaryCode[fn], o, a, out.length], [1, 2], EACH, o === a)
    },

    unaryGrad(fn, out, saved, dy) {
      const o = at(out)
      const s = at(saved)
      const d = at(dy)
      if (Math.min(o, s, d) < 0) return staged('unaryGrad', self(), js, [fn, out, saved, dy])
      flatRun('unaryGrad', [gradCode[fn], o, s, d, out.length], [1, 2, 3], EACH, o === s || o === d)
    },

    binary(fn, shape, out, a, aStrides, b, bStrides) {
      const o = at(out)
      const p = at(a)
      const q = at(b)
      if (Math.min(o, p, q) < 0)
        return staged('binary', self(), js, [fn, shape, out, a, aStrides, b, bStrides])
      if (fn === 'pow') {
        // The square is x * x, in every backend; other powers are rare enough for js.
        if (!isScalar(shape, bStrides) || b[0] !== 2)
          return js.binary(fn, shape, out, a, aStrides, b, bStrides)
        return self().binary('mul', shape, out, a, aStrides, a, aStrides)
      }
      if (shape.includes(0)) return
      const addresses = [p, q]
      if (!prepare(shape, addresses, [aStrides, bStrides]))
        return js.binary(fn, shape, out, a, aStrides, b, bStrides)
      const [x, y] = addresses
      if (isRun(2)) {
        flatRun(
          'binaryRun',
          [binaryCode[fn], o, x, 16, y, 16, out.length],
          [1, 2, 4],
          PAIR,
          o === x || o === y,
        )
      } else {
        w.binary(binaryCode[fn], o, x, y, writeWalk(2), ASIDE)
      }
    },

    where(shape, out, cond, cStrides, a, aStrides, b, bStrides) {
      const o = at(out)
      const addresses = [at(cond), at(a), at(b)]
      if (Math.min(o, ...addresses) < 0) {
        return staged('where', self(), js, [shape, out, cond, cStrides, a, aStrides, b, bStrides])
      }
      if (shape.includes(0)) return
      if (!prepare(shape, addresses, [cStrides, aStrides, bStrides])) {
        return js.where(shape, out, cond, cStrides, a, aStrides, b, bStrides)
      }
      const whole = cond instanceof Int32Array ? 1 : 0
      w.where(whole, o, addresses[0], addresses[1], addresses[2], writeWalk(3), ASIDE)
    },
  }
}

/** Whether an operand is one number for all of `shape`. */
function isScalar(shape: readonly number[], strides: readonly number[]): boolean {
  return strides.every((s, d) => s === 0 || shape[d] === 1)
}
