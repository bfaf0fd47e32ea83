// Convolutions: tables for assembly/conv.ts, and how the work is cut for threads. None of that shows in the bits.
import { heap } from '../../heap.js'
import type { ConvArgs } from '../../kernel-args.js'
import type { Kernels } from '../../kernels.js'
import { at, type Scratch, shareOf, staged } from './memory.js'
import type { Exports } from './module.js'
import type { Pool } from './pool.js'

const TABLE = 128
/** Panels that lie in the second cache beside a block of the other matrix, and columns to be laid back into an image. */
const PANEL_BYTES = 192 << 10
const COLUMN_BYTES = 512 << 10
/** Rows of the output so that a panel of the weight's gradient has about so many places. */
const PLACES = 512
/** Multiply-adds a nanosecond on one thread, about. */
const RATE = 20

/** What a table adds to the arguments, and the bytes of one group of a padded image, 0 where none is made. */
function reading(a: ConvArgs): { ph: number; pw: number; whole: boolean; padded: number } {
  const ph = (a.oH - 1) * a.stride[0] + (a.kH - 1) * a.dilation[0] + 1
  const pw = (a.oW - 1) * a.stride[1] + (a.kW - 1) * a.dilation[1] + 1
  const whole = a.padding[0] === 0 && a.padding[1] === 0 && ph <= a.H && pw <= a.W
  return { ph, pw, whole, padded: (a.C / a.groups) * ph * pw * 4 }
}

function writeTable(room: number, a: ConvArgs, step: number, rows: number): void {
  const { ph, pw, whole } = reading(a)
  const numbers = [a.C / a.groups, a.H, a.W, a.O / a.groups, a.kH, a.kW, a.oH, a.oW]
  numbers.push(...a.stride, ...a.dilation, ...a.padding, a.groups, ph, pw, whole ? 1 : 0, step, rows)
  new Int32Array(heap!.buffer, room, TABLE / 4).set(numbers)
}

const isEmpty = (a: ConvArgs) =>
  a.N * a.C * a.O * a.kH * a.kW * a.oH * a.oW * a.H * a.W === 0 || a.C < a.groups

export function convKernels(
  w: Exports,
  scratch: Scratch,
  pool: Pool,
  js: Kernels,
  self: () => Kernels,
): Pick<Kernels, 'conv' | 'convInput' | 'convWeight'> {
  const rowsScratch = w.rowsScratch()
  const threadsFor = (chunks: number) => (chunks > 1 ? pool.size() : 1)
  const kOf = (a: ConvArgs) => (a.C / a.groups) * a.kH * a.kW
  const chunksFor = (a: ConvArgs) => pool.chunksFor((a.N * a.O * a.oH * a.oW * kOf(a)) / RATE)
  const clamp = (x: number, most: number) => Math.max(1, Math.min(most, Math.floor(x)))

  /** Forward, from addresses. `turned`: the weights are w turned, of the convolution whose input's gradient this is. */
  function forward(
    out: number,
    x: number,
    weight: number,
    bias: number,
    a: ConvArgs,
    turned: boolean,
  ): boolean {
    const panel = w.packedBytes(1, kOf(a))
    const step = clamp(PANEL_BYTES / panel, w.panelsOf(a.oH * a.oW))
    const { padded, whole } = reading(a)
    const share = shareOf(rowsScratch + 64 + step * panel + (whole ? 0 : padded))
    const chunks = Math.min(a.N, chunksFor(a))
    const aside = turned ? shareOf(a.O * kOf(a) * 4) : 0
    const room = scratch.reserve(TABLE + aside + share * threadsFor(chunks))
    if (room < 0) return false
    writeTable(room, a, step, 0)
    if (turned) {
      const [o, c] = [a.C / a.groups, a.O / a.groups]
      w.convTurn(room + TABLE, weight, a.groups, o, c, a.kH * a.kW)
    }
    const chunk = Math.ceil(a.N / chunks)
    pool.run({
      fn: 'conv',
      args: [out, x, turned ? room + TABLE : weight, bias, room, a.N, room + TABLE + aside],
      steps: { 0: chunk * a.O * a.oH * a.oW * 4, 1: chunk * a.C * a.H * a.W * 4, 6: share },
      ...{ countAt: 5, total: a.N, chunk, scratchAt: 6 },
    })
    return true
  }

  /** Columns of the product with the weight, added back to where they were read. */
  function columns(dx: number, dy: number, weight: number, a: ConvArgs): boolean {
    const rows = clamp(COLUMN_BYTES / (kOf(a) * a.oW * 4), a.oH)
    const places = rows * a.oW
    const share = shareOf(
      rowsScratch + w.packedBytes(places, a.O / a.groups) + kOf(a) * places * 4 + reading(a).padded,
    )
    const chunks = Math.min(a.N, chunksFor(a))
    const room = scratch.reserve(TABLE + share * threadsFor(chunks))
    if (room < 0) return false
    writeTable(room, a, 1, rows)
    const chunk = Math.ceil(a.N / chunks)
    pool.run({
      fn: 'convInput',
      args: [dx, dy, weight, room, a.N, room + TABLE],
      steps: { 0: chunk * a.C * a.H * a.W * 4, 1: chunk * a.O * a.oH * a.oW * 4, 5: share },
      ...{ countAt: 4, total: a.N, chunk, scratchAt: 5 },
    })
    return true
  }

  return {
    conv(out, x, weight, bias, a) {
      const [o, i, f] = [at(out), at(x), at(weight)]
      const b = bias === null ? 0 : at(bias)
      if (Math.min(o, i, f, b) < 0) return staged('conv', self(), js, [out, x, weight, bias, a])
      if (isEmpty(a) || !forward(o, i, f, b, a, false)) js.conv(out, x, weight, bias, a)
    },

    convInput(dx, dy, weight, a) {
      const [d, g, f] = [at(dx), at(dy), at(weight)]
      if (Math.min(d, g, f) < 0) return staged('convInput', self(), js, [dx, dy, weight, a])
      if (isEmpty(a)) return js.convInput(dx, dy, weight, a)
      const done =
        a.stride[0] === 1 && a.stride[1] === 1
          ? forward(d, g, f, 0, turnedArgs(a), true)
          : columns(d, g, f, a)
      if (!done) js.convInput(dx, dy, weight, a)
    },

    convWeight(dw, x, dy, a) {
      const [d, i, g] = [at(dw), at(x), at(dy)]
      if (Math.min(d, i, g) < 0) return staged('convWeight', self(), js, [dw, x, dy, a])
      if (isEmpty(a)) return js.convWeight(dw, x, dy, a)
      const rows = clamp(PLACES / a.oW, a.oH)
      const panel = w.packedBytes(1, rows * a.oW)
      const each = w.panelsOf(kOf(a))
      const total = a.groups * each
      const step = clamp(PANEL_BYTES / panel, each)
      const { padded, whole } = reading(a)
      const share = shareOf(
        rowsScratch + step * panel + (a.O / a.groups) * w.packedBytes(step * 16, 1) + (whole ? 0 : padded),
      )
      const chunks = Math.min(total, chunksFor(a))
      const room = scratch.reserve(TABLE + share * threadsFor(chunks))
      if (room < 0) return js.convWeight(dw, x, dy, a)
      writeTable(room, a, step, rows)
      const chunk = Math.ceil(total / chunks)
      pool.run({
        fn: 'convWeight',
        args: [d, i, g, room, a.N, 0, total, room + TABLE],
        steps: { 5: chunk, 7: share },
        ...{ countAt: 6, total, chunk, scratchAt: 7 },
      })
    },
  }
}

/** Steps of 1: the gradient of the input is a convolution too, of dy with the weights turned. */
function turnedArgs(a: ConvArgs): ConvArgs {
  return {
    ...{ N: a.N, C: a.O, H: a.oH, W: a.oW, O: a.C, kH: a.kH, kW: a.kW, oH: a.H, oW: a.W },
    ...{ stride: a.stride, dilation: a.dilation, groups: a.groups },
    padding: [a.dilation[0] * (a.kH - 1) - a.padding[0], a.dilation[1] * (a.kW - 1) - a.padding[1]],
  }
}
