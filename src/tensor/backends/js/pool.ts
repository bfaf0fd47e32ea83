// Pools: windows over each image of a batch.

import type { Windows } from '../../kernel-args.js'
import type { Kernels } from '../../kernels.js'

export const maxPoolIndex: Kernels['maxPoolIndex'] = (out, x, planes, a) => {
  for (let p = 0, at = 0; p < planes; p++) {
    const image = p * a.H * a.W
    for (let i = 0; i < a.oH; i++) {
      const top = i * a.stride[0] - a.padding[0]
      for (let j = 0; j < a.oW; j++, at++) {
        const left = j * a.stride[1] - a.padding[1]
        let best = -1
        let most = -Infinity
        for (let y = 0, row = top; y < a.kH; y++, row += a.dilation[0]) {
          if (row < 0 || row >= a.H) continue
          for (let k = 0, col = left; k < a.kW; k++, col += a.dilation[1]) {
            if (col < 0 || col >= a.W) continue
            const value = x[image + row * a.W + col]
            // Nothing but another NaN wins against NaN, as in PyTorch.
            if (best >= 0 && !(value > most || Number.isNaN(value))) continue
            best = row * a.W + col
            most = value
          }
        }
        out[at] = best
      }
    }
  }
}

/** Calls visit(window, place) for each window of a plane and each place under it. */
function eachUnder(W: number, { rows, cols }: Windows, visit: (window: number, place: number) => void): void {
  const n = cols.starts.length
  for (let i = 0; i < rows.starts.length; i++) {
    for (let j = 0; j < n; j++) {
      for (let y = rows.starts[i]; y < rows.ends[i]; y++) {
        for (let x = cols.starts[j]; x < cols.ends[j]; x++) visit(i * n + j, y * W + x)
      }
    }
  }
}

export const windowMean: Kernels['windowMean'] = (out, x, planes, H, W, a) => {
  const count = a.divisors.length
  const sums = new Float64Array(count)
  for (let p = 0; p < planes; p++) {
    sums.fill(0)
    const image = p * H * W
    eachUnder(W, a, (window, place) => {
      sums[window] += x[image + place]
    })
    for (let i = 0; i < count; i++) out[p * count + i] = sums[i] / a.divisors[i]
  }
}

export const windowSpread: Kernels['windowSpread'] = (out, y, planes, H, W, a) => {
  const count = a.divisors.length
  const sums = new Float64Array(H * W)
  for (let p = 0; p < planes; p++) {
    sums.fill(0)
    eachUnder(W, a, (window, place) => {
      sums[place] += y[p * count + window] / a.divisors[window]
    })
    out.set(sums, p * H * W)
  }
}
