// What the ops that round to a grid share: which element has which scale, rounding, and the check of shapes and bounds.
import { ShapeError } from '../../../errors.js'
import { broadcastShapes, formatShape, numel, type Shape, sameShape } from '../../../tensor/shape.js'
import type { Floats } from '../../../tensor/storage.js'
import { empty, floats, type Tensor } from '../../../tensor/tensor.js'

/** Whole numbers that the grid goes from and to. */
export interface Levels {
  low: number
  high: number
}

/** Refuses a scale that would widen x, and levels that are none. Gives x's shape. */
export function gridShape(op: string, [x, ...scales]: readonly Shape[], { low, high }: Levels): Shape {
  if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high) || low >= high)
    throw new RangeError(`${op}: low must be a whole number below high, got ${low} and ${high}`)
  for (const scale of scales) {
    if (!sameShape(broadcastShapes(op, x, scale), x))
      throw new ShapeError(
        op,
        `a scale of ${formatShape(scale)} is more than x ${formatShape(x)} has`,
        'Give one number, or a size for each of its dims: 1, or its own',
      )
  }
  return x
}

/** Added and taken away again it leaves the nearest whole number, halves to the even one, below 2^51. */
export const ROUND = 1.5 * 2 ** 52

/** A run of elements that lie one after the other, with the place and the step of the scale that goes with them. */
type Run = (from: number, to: number, at: number, step: number) => void

/** Calls `run` for all elements of a contiguous tensor of `shape`, in order. `scale`: one that broadcasts to it. */
export function eachRun(shape: Shape, scale: Tensor, run: Run): void {
  const n = numel(shape)
  if (n === 0) return
  if (scale.numel === 1) {
    run(0, n, 0, 0)
    return
  }
  const strides = scale.stridesFor(shape)
  const last = shape.length - 1
  const width = shape[last]
  for (let from = 0; from < n; from += width) {
    let at = 0
    for (let d = last - 1, row = from / width; d >= 0; d--) {
      at += (row % shape[d]) * strides[d]
      row = Math.floor(row / shape[d])
    }
    run(from, from + width, at, strides[last])
  }
}

/** Where a float lies is not where it began: the elements in order, and a new tensor of the same shape. */
export function like(x: Tensor): { from: Floats; out: Tensor; into: Floats } {
  const out = empty(x.shape, x.dtype)
  return { from: x.elements as Floats, out, into: floats(out) }
}
