// What convolutions and pools say alike: a number or one for each axis, paddings, and the size of what comes out.
import { got, ShapeError } from '../../../errors.js'
import { formatShape, type Shape } from '../../../tensor/shape.js'
import type { Tensor } from '../../../tensor/tensor.js'
import { reshape } from '../shape/views.js'

/** Down, then across. */
export type Two = readonly [number, number]
/** One number for both axes, or one for each. */
export type Pair = number | readonly number[]

/** Both numbers of a pair. Throws ShapeError below `least`, for fractions, or for another count. */
export function pairOf(op: string, what: string, value: Pair, least: number): Two {
  const list: readonly number[] =
    typeof value === 'number' ? [value, value] : Array.isArray(value) ? value : []
  const [a, b] = list
  if (list.length !== 2 || ![a, b].every((n) => Number.isInteger(n) && n >= least))
    throw new ShapeError(
      op,
      `${what} must be a whole number from ${least}, or two of them, got ${got(value)}`,
    )
  return [a, b]
}

/** The pair of an op over one axis, laid across: the one number, or the only one of a list. */
export function acrossOf(op: string, what: string, value: Pair, least: number, down: number): Two {
  const list: readonly number[] = typeof value === 'number' ? [value] : Array.isArray(value) ? value : []
  if (list.length !== 1 || !Number.isInteger(list[0]) || list[0] < least)
    throw new ShapeError(op, `${what} must be a whole number from ${least}, got ${got(value)}`)
  return [down, list[0]]
}

/** Places along one axis for a window of `kernel` taps: floor, or with `ceil` the last one may stick out. */
export function places(
  size: number,
  kernel: number,
  stride: number,
  dilation: number,
  pads: number,
  ceil = false,
  before = pads / 2,
): number {
  const room = size + pads - dilation * (kernel - 1) - 1
  if (!ceil) return Math.floor(room / stride) + 1
  const n = Math.ceil(room / stride) + 1
  // A window starts in the input or in the padding before it.
  return (n - 1) * stride >= size + before ? n - 1 : n
}

/** Runs `fn` on x with a batch, [N, ...]: where x has one dim less than `rank`, of a batch of one that is taken off again. */
export function batched(x: Tensor, rank: number, fn: (x: Tensor) => Tensor): Tensor {
  if (x.rank !== rank - 1) return fn(x)
  const y = fn(reshape(x, [1, ...x.shape]))
  return reshape(y, y.shape.slice(1))
}

/** [N, C, L] as [N, C, 1, L] through `fn`, and back: how ops over one axis use those over two. */
export function flatAxis(x: Tensor, fn: (x: Tensor) => Tensor): Tensor {
  const [n, c, l] = x.shape
  const y = fn(reshape(x, [n, c, 1, l]))
  return reshape(y, [y.shape[0], y.shape[1], y.shape[3]])
}

/** Throws ShapeError where x is no batch of images. */
export function requireImages(op: string, x: Shape): void {
  if (x.length !== 4)
    throw new ShapeError(op, `the input must be [N, C, H, W] or [C, H, W], got ${formatShape(x)}`)
}
