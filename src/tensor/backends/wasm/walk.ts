// Strided operands as the module walks them: dims of size 1 dropped, dims that run on into each other merged, at most 4.
import { heap } from '../../heap.js'
import { WALK } from './memory.js'

const RANK = 4
const MAX_OPERANDS = 3

/** Merged dims, innermost first, and each operand's strides; valid until the next merge. */
const dims = new Array<number>(RANK).fill(1)
const steps = Array.from({ length: MAX_OPERANDS }, () => new Array<number>(RANK).fill(0))
let rank = 0

const words = heap === null ? new Int32Array(64) : new Int32Array(heap.buffer, WALK, 64)

/** Merges `shape` for these strides. false: more than 4 dims are left. */
export function merge(shape: readonly number[], strides: readonly (readonly number[])[]): boolean {
  rank = 0
  for (let d = shape.length - 1; d >= 0; d--) {
    const size = shape[d]
    if (size === 1) continue
    let joins = rank > 0
    for (let k = 0; joins && k < strides.length; k++) {
      joins = strides[k][d] === steps[k][rank - 1] * dims[rank - 1]
    }
    if (joins) {
      dims[rank - 1] *= size
      continue
    }
    if (rank === RANK) return false
    dims[rank] = size
    for (let k = 0; k < strides.length; k++) steps[k][rank] = strides[k][d]
    rank++
  }
  return true
}

/** The stride of operand k in the innermost merged dim, 0 for a single element. */
export function innermost(k: number): number {
  return rank === 0 ? 0 : steps[k][0]
}

/** Whether all operands are one run of elements, side by side. */
export function isRun(operands: number): boolean {
  return rank === 1 && steps.slice(0, operands).every((s) => s[0] === 1)
}

/** Moves merged dim `from` to place `to`, counted from the innermost. */
function move(from: number, to: number, operands: number): void {
  dims.splice(to, 0, dims.splice(from, 1)[0])
  for (let k = 0; k < operands; k++) steps[k].splice(to, 0, steps[k].splice(from, 1)[0])
}

/** For copies, whose order is free: innermost what lies together in operand 0, then what does in operand 1. */
export function arrangeCopy(): void {
  const first = steps[0].findIndex((s, i) => i < rank && s === 1)
  if (first > 0) move(first, 0, 2)
  const second = steps[1].findIndex((s, i) => i < rank && s === 1)
  if (second > 1) move(second, 1, 2)
}

/** Writes what was merged to WALK: 4 dims, outermost first, then 4 byte strides for each operand. */
export function writeWalk(operands: number): number {
  for (let i = 0; i < RANK; i++) words[RANK - 1 - i] = i < rank ? dims[i] : 1
  for (let k = 0; k < operands; k++) {
    for (let i = 0; i < RANK; i++) words[(k + 2) * RANK - 1 - i] = i < rank ? steps[k][i] * 4 : 0
  }
  return WALK
}
