// Gradients of leaves of which a step touches few rows: they are accumulated in place, and cleared row by row, so that
// neither costs a pass over the whole table.
import { kernelsFor } from '../tensor/backend.js'
import { empty, type Tensor } from '../tensor/tensor.js'

/** Gradients that were cleared: all zeros, kept for the next step. */
const spares = new WeakMap<Tensor, Tensor>()

function zerosFor(leaf: Tensor): Tensor {
  const spare = spares.get(leaf)
  spares.delete(leaf)
  // A model's to() may have changed the leaf's dtype since.
  if (spare !== undefined && !spare.disposed && spare.dtype === leaf.dtype) return spare
  const zeros = empty(leaf.shape, leaf.dtype)
  kernelsFor(leaf.dtype).fill(zeros.raw, 0)
  // It lives as long as its leaf, not as the step's arena.
  zeros.storage.moveTo(leaf.storage.arena)
  return zeros
}

/** Adds to the leaf's gradient: `add` writes into it and says which rows. */
export function accumulateRows(leaf: Tensor, add: (into: Tensor) => Int32Array): void {
  const before = leaf.leafGrad
  if (before === null) {
    const tensor = zerosFor(leaf)
    try {
      leaf.leafGrad = { tensor, rows: add(tensor) }
    } catch (error) {
      // Nobody has it yet, and rows of it may be written.
      tensor.raw.fill(0)
      spares.set(leaf, tensor)
      throw error
    }
    return
  }
  if (!before.tensor.isContiguous) {
    // Someone's own gradient, whose elements may lie on one another: not to be written into.
    const { shape, strides, raw } = before.tensor
    const tensor = zerosFor(leaf)
    kernelsFor(leaf.dtype).copy(shape, tensor.raw, tensor.strides, raw, strides)
    add(tensor)
    leaf.leafGrad = { tensor, rows: null }
    return
  }
  const added = add(before.tensor)
  before.tensor.storage.version++
  if (before.rows === null) return
  const rows = new Int32Array(before.rows.length + added.length)
  rows.set(before.rows)
  rows.set(added, before.rows.length)
  before.rows = rows
}

/** The rows that may differ from zero, each once and in order, or null where that is not known. */
export function touchedRows(leaf: Tensor): Int32Array | null {
  const rows = leaf.leafGrad?.rows ?? null
  return rows === null ? null : Int32Array.from(new Set(rows)).sort()
}

/** Drops a leaf's gradient: its buffer goes back, or is cleared for the next step where few rows were touched. */
export function clearGrad(leaf: Tensor): void {
  const { leafGrad } = leaf
  leaf.leafGrad = null
  if (leafGrad === null) return
  const { tensor, rows } = leafGrad
  if (rows === null || tensor.disposed) {
    tensor.dispose()
    return
  }
  const width = tensor.strides[0]
  for (const row of rows) tensor.raw.fill(0, row * width, (row + 1) * width)
  tensor.storage.version++
  spares.set(leaf, tensor)
}

/** Gives back a leaf's gradient and what clearGrad kept of it. */
export function releaseGrad(leaf: Tensor): void {
  leaf.leafGrad?.tensor.dispose()
  leaf.leafGrad = null
  spares.get(leaf)?.dispose()
  spares.delete(leaf)
}
