// Convolutions: for each pair of channels and each tap of the filter, once across the output.

import type { ConvArgs } from '../../kernel-args.js'
import type { Kernels } from '../../kernels.js'

/**
 * Calls visit(place in the output [oH, oW], place in the input [H, W]) for all that tap (y, x) joins; -1: the padding,
 * a zero like any other: times Infinity it is NaN.
 */
function eachPlace(a: ConvArgs, y: number, x: number, visit: (out: number, input: number) => void): void {
  const [top, left] = [y * a.dilation[0] - a.padding[0], x * a.dilation[1] - a.padding[1]]
  for (let i = 0, at = 0; i < a.oH; i++) {
    const row = i * a.stride[0] + top
    for (let j = 0; j < a.oW; j++, at++) {
      const col = j * a.stride[1] + left
      visit(at, row >= 0 && row < a.H && col >= 0 && col < a.W ? row * a.W + col : -1)
    }
  }
}

/** Calls visit(o, c, place of the tap in the weight, y, x) for each filter, each channel that it reads and each tap. */
function eachTap(
  a: ConvArgs,
  visit: (o: number, c: number, tap: number, y: number, x: number) => void,
): void {
  const [C, O] = [a.C / a.groups, a.O / a.groups]
  for (let o = 0, tap = 0; o < a.O; o++) {
    const first = Math.floor(o / O) * C
    for (let c = first; c < first + C; c++)
      for (let y = 0; y < a.kH; y++) for (let x = 0; x < a.kW; x++, tap++) visit(o, c, tap, y, x)
  }
}

export const conv: Kernels['conv'] = (out, x, w, bias, a) => {
  const [L, HW] = [a.oH * a.oW, a.H * a.W]
  const sums = new Float64Array(a.O * L)
  for (let n = 0; n < a.N; n++) {
    for (let o = 0; o < a.O; o++) sums.fill(bias === null ? 0 : bias[o], o * L, (o + 1) * L)
    eachTap(a, (o, c, tap, ky, kx) => {
      const [weight, to, from] = [w[tap], o * L, (n * a.C + c) * HW]
      eachPlace(a, ky, kx, (i, j) => {
        sums[to + i] += weight * (j < 0 ? 0 : x[from + j])
      })
    })
    out.set(sums, n * a.O * L)
  }
}

export const convInput: Kernels['convInput'] = (dx, dy, w, a) => {
  const [L, HW] = [a.oH * a.oW, a.H * a.W]
  const sums = new Float64Array(a.C * HW)
  for (let n = 0; n < a.N; n++) {
    sums.fill(0)
    eachTap(a, (o, c, tap, ky, kx) => {
      const [weight, from, to] = [w[tap], (n * a.O + o) * L, c * HW]
      eachPlace(a, ky, kx, (i, j) => {
        if (j >= 0) sums[to + j] += weight * dy[from + i]
      })
    })
    dx.set(sums, n * a.C * HW)
  }
}

export const convWeight: Kernels['convWeight'] = (dw, x, dy, a) => {
  const [L, HW] = [a.oH * a.oW, a.H * a.W]
  eachTap(a, (o, c, tap, ky, kx) => {
    let sum = 0
    for (let n = 0; n < a.N; n++) {
      const [at, from] = [(n * a.O + o) * L, (n * a.C + c) * HW]
      eachPlace(a, ky, kx, (i, j) => {
        sum += dy[at + i] * (j < 0 ? 0 : x[from + j])
      })
    }
    dw[tap] = sum
  })
}
