// How large numbers are, as the scales of grids. No gradient passes.
import type { Floats } from '../../tensor/storage.js'
import { empty, floats, type Tensor } from '../../tensor/tensor.js'

const elementsOf = (x: Tensor) => x.elements as Floats

/** The largest |x|; 0 of nothing. NaN where one is NaN. */
export function largest(x: Tensor): number {
  const values = elementsOf(x)
  let most = 0
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i])
    // Not beyond it, and NaN is beyond nothing.
    if (!(size <= most)) most = size
    if (Number.isNaN(most)) return most
  }
  return most
}

/** The mean of |x|; 0 of nothing. */
export function meanSize(x: Tensor): number {
  const values = elementsOf(x)
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += Math.abs(values[i])
  return values.length === 0 ? 0 : sum / values.length
}

/** The least of x; 0 of nothing. */
export function least(x: Tensor): number {
  const values = elementsOf(x)
  let low = values.length === 0 ? 0 : values[0]
  for (let i = 1; i < values.length; i++) if (!(values[i] >= low)) low = values[i]
  return low
}

/** Of the shape of x's rows, its dims but the last, and a 1. */
const forRows = (x: Tensor) => empty([...x.shape.slice(0, -1), 1], x.dtype)

/** Each row's largest |x| over the levels; 1 where all are 0. */
export function largestOfRows(x: Tensor, levels: number): Tensor {
  const values = elementsOf(x)
  const scale = forRows(x)
  const into = floats(scale)
  const width = x.shape[x.rank - 1]
  for (let r = 0, i = 0; r < into.length; r++) {
    let most = 0
    for (const end = i + width; i < end; i++) {
      const size = Math.abs(values[i])
      if (!(size <= most)) most = size
    }
    into[r] = most === 0 ? 1 : most / levels
  }
  return scale
}

/** Of groups of `size` numbers, each group's least and largest number, or 0 where that is further out. */
function eachRange(
  values: Floats,
  size: number,
  take: (group: number, low: number, high: number) => void,
): void {
  for (let g = 0, i = 0; i < values.length; g++) {
    let low = 0
    let high = 0
    for (const end = i + size; i < end; i++) {
      const value = values[i]
      if (!(value >= low)) low = value
      if (!(value <= high)) high = value
    }
    take(g, low, high)
  }
}

/** A grid of levels 0 to `levels` from the least to the largest number, or 0 where that is further out: for each row, or for all. */
export function rangeOf(x: Tensor, levels: number, rows: boolean): { scale: Tensor; zeroPoint: Tensor } {
  const shape = rows ? [...x.shape.slice(0, -1), 1] : []
  const [scale, zeroPoint] = [empty(shape, x.dtype), empty(shape, x.dtype)]
  const [scales, zeros] = [floats(scale), floats(zeroPoint)]
  scales.fill(1)
  zeros.fill(0)
  eachRange(elementsOf(x), rows ? x.shape[x.rank - 1] : x.numel, (g, low, high) => {
    scales[g] = high === low ? 1 : (high - low) / levels
    zeros[g] = Math.round(-low / scales[g])
  })
  return { scale, zeroPoint }
}
