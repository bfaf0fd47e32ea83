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

/** Each row's grid of levels 0 to `levels` from its least to its largest number, or 0 where that is further out. */
export function rangeOfRows(x: Tensor, levels: number): { scale: Tensor; zeroPoint: Tensor } {
  const values = elementsOf(x)
  const [scale, zeroPoint] = [forRows(x), forRows(x)]
  const [scales, zeros] = [floats(scale), floats(zeroPoint)]
  const width = x.shape[x.rank - 1]
  for (let r = 0, i = 0; r < scales.length; r++) {
    let low = 0
    let high = 0
    for (const end = i + width; i < end; i++) {
      const value = values[i]
      if (!(value >= low)) low = value
      if (!(value <= high)) high = value
    }
    scales[r] = high === low ? 1 : (high - low) / levels
    zeros[r] = Math.round(-low / scales[r])
  }
  return { scale, zeroPoint }
}
