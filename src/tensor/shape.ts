// Shapes and strides: pure arithmetic on number arrays, no data. Strides count elements, not bytes.
import { got, ShapeError } from '../errors.js'

/** Sizes by dimension; [] of a single number. */
export type Shape = readonly number[]

export function numel(shape: Shape): number {
  let n = 1
  for (const d of shape) n *= d
  return n
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i])
}

/** Row-major strides: [2, 3, 4] -> [12, 4, 1]. */
export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length)
  let step = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step
    step *= shape[i]
  }
  return strides
}

/** Whether walking `shape` with `strides` visits memory in order without gaps. Dims of size 1 may have any stride. */
export function isContiguous(shape: Shape, strides: Shape): boolean {
  let step = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] === 0) return true
    if (shape[i] !== 1 && strides[i] !== step) return false
    step *= shape[i]
  }
  return true
}

/** Negative dims count from the end. Throws ShapeError naming the op when out of range. */
export function normalizeDim(op: string, dim: number, rank: number): number {
  if (!Number.isInteger(dim)) throw new ShapeError(op, `dim must be a whole number, got ${got(dim)}`)
  const d = dim < 0 ? dim + rank : dim
  if (d < 0 || d >= rank) {
    const range = rank === 0 ? 'a scalar has no dims' : `expected ${-rank} to ${rank - 1}`
    throw new ShapeError(op, `dim ${dim} is out of range for rank ${rank} (${range})`)
  }
  return d
}

/** `undefined` means all dims. The result is sorted; a dim named twice is refused. */
export function normalizeDims(
  op: string,
  dim: number | readonly number[] | undefined,
  rank: number,
): number[] {
  if (dim === undefined) return Array.from({ length: rank }, (_, i) => i)
  // Array.from, not map: a hole is no dim.
  const dims = Array.from(Array.isArray(dim) ? dim : [dim], (d) => normalizeDim(op, d, rank))
  dims.sort((a, b) => a - b)
  for (let i = 1; i < dims.length; i++) {
    if (dims[i] === dims[i - 1]) throw new ShapeError(op, `dim ${dims[i]} is named twice`)
  }
  return dims
}

/** NumPy broadcasting: align at the right, sizes must be equal or 1. */
export function broadcastShapes(op: string, a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length)
  const out = new Array<number>(rank)
  for (let i = 1; i <= rank; i++) {
    const x = a.length >= i ? a[a.length - i] : 1
    const y = b.length >= i ? b[b.length - i] : 1
    if (x !== y && x !== 1 && y !== 1) {
      throw new ShapeError(
        op,
        `cannot broadcast ${formatShape(a)} with ${formatShape(b)}: ${x} != ${y} at dim ${-i}`,
        'Sizes must be equal or 1, aligned at the right',
      )
    }
    out[rank - i] = x === 1 ? y : x
  }
  return out
}

/** Strides that make a tensor of `shape`/`strides` look like `target`: 0 where it repeats. Assumes they broadcast. */
export function broadcastStrides(shape: Shape, strides: Shape, target: Shape): number[] {
  const lead = target.length - shape.length
  return target.map((_, i) => (i < lead || shape[i - lead] === 1 ? 0 : strides[i - lead]))
}

/** The shape after reducing `dims` (sorted). */
export function reducedShape(shape: Shape, dims: readonly number[], keepdim: boolean): number[] {
  if (keepdim) return shape.map((d, i) => (dims.includes(i) ? 1 : d))
  return shape.filter((_, i) => !dims.includes(i))
}

/** Resolves one -1 in a requested shape. Throws ShapeError when the sizes do not agree. */
export function inferShape(op: string, from: Shape, wanted: Shape): number[] {
  const total = numel(from)
  if (!Array.isArray(wanted)) throw new ShapeError(op, `sizes must be whole numbers, got ${got(wanted)}`)
  const holes = wanted.filter((d) => d === -1).length
  if (holes > 1) throw new ShapeError(op, `only one size may be -1, got ${formatShape(wanted)}`)
  if (wanted.some((d) => d < -1 || !Number.isInteger(d))) {
    throw new ShapeError(op, `sizes must be whole numbers, got ${formatShape(wanted)}`)
  }
  const known = wanted.reduce((n, d) => (d === -1 ? n : n * d), 1)
  if (holes ? known === 0 || total % known !== 0 : known !== total) {
    throw new ShapeError(
      op,
      `${formatShape(from)} has ${total} elements, ${formatShape(wanted)} ${holes ? `needs a multiple of ${known}` : `has ${known}`}`,
    )
  }
  return wanted.map((d) => (d === -1 ? total / known : d))
}

/**
 * New strides that view `shape`/`strides` as `target` without copying, or null when a copy is needed.
 * Walks both shapes from the right and matches groups of dims with equal products.
 */
export function viewStrides(shape: Shape, strides: Shape, target: Shape): number[] | null {
  if (numel(shape) === 0 || isContiguous(shape, strides)) return contiguousStrides(target)
  const out = new Array<number>(target.length)
  let i = shape.length - 1
  let j = target.length - 1
  while (i >= 0) {
    // One run of memory-adjacent source dims, of `size` elements, the innermost `step` apart.
    const step = strides[i]
    let size = shape[i]
    while (i > 0 && (shape[i - 1] === 1 || strides[i - 1] === size * step)) size *= shape[--i]
    let used = 1
    while (j >= 0 && used * target[j] <= size) {
      if (used === size && target[j] !== 1) break
      out[j] = used * step
      used *= target[j--]
    }
    if (used !== size) return null
    i--
  }
  while (j >= 0) {
    if (target[j] !== 1) return null
    out[j--] = 1
  }
  return out
}
