// A recurrent layer on kernels: a product and a fused step for each time, and backward the same in reverse, with the
// weight's gradient as one product at the end. States of a text that is over pass through unchanged.
import { kernelsFor } from '../../../tensor/backend.js'
import type { MatrixBatch } from '../../../tensor/kernel-args.js'
import type { Kernels } from '../../../tensor/kernels.js'
import type { Floats } from '../../../tensor/storage.js'
import { empty, flat, type Tensor } from '../../../tensor/tensor.js'
import { dense } from '../../graph.js'
import type { Cell, FusedStep } from './cells.js'

export interface SequenceAttrs {
  /** From the last time to the first. */
  reverse: boolean
  /** How many times of each row there are, as the first ones; null: all. */
  lengths: readonly number[] | null
}

interface Sizes {
  T: number
  rows: number
  n: number
}

export function sizesOf(gx: Tensor, weight: Tensor): Sizes {
  return { T: gx.shape[0], rows: gx.shape[1], n: weight.shape[1] }
}

/** The times in the order in which the layer walks them. */
export function walkOf(T: number, reverse: boolean): number[] {
  return Array.from({ length: T }, (_, i) => (reverse ? T - 1 - i : i))
}

/** Rows whose text is over, or has not begun, at time t. */
function idleRows(lengths: readonly number[] | null, t: number): number[] {
  return lengths === null ? [] : lengths.flatMap((length, row) => (t < length ? [] : [row]))
}

function matrix(data: Floats, rowStride: number, colStride: number): MatrixBatch {
  return { data, offsets: [0], rowStride, colStride }
}

/** Part t of an array of parts of `size` numbers. */
const part = (x: Floats, t: number, size: number) => x.subarray(t * size, (t + 1) * size)

/** States now and before at time t out of y [states, T, rows, n]. */
function statesAt(y: Floats, initial: readonly Floats[], t: number, { reverse }: SequenceAttrs, s: Sizes) {
  const size = s.rows * s.n
  const from = reverse ? t + 1 : t - 1
  return {
    now: initial.map((_, i) => part(y, i * s.T + t, size)),
    before: initial.map((x, i) => (from < 0 || from >= s.T ? x : part(y, i * s.T + from, size))),
  }
}

/** out [states, T, rows, n]. Gives what backward needs where `keep`. */
export function forward(
  cell: Cell,
  k: Kernels,
  out: Tensor,
  inputs: readonly Tensor[],
  attrs: SequenceAttrs,
  keep: boolean,
): Tensor | null {
  const ready = inputs.map(dense)
  const [gx, weight, bias, ...initial] = ready.map(flat)
  const s = sizesOf(inputs[0], inputs[1])
  const { T, rows, n } = s
  const width = cell.gates * n
  const dtype = out.dtype
  const products = empty([rows, width], dtype)
  const kept = empty([keep ? T : 1, rows, cell.kept * n], dtype)
  const [gh, all, y] = [products, kept, out].map(flat)
  // Its columns along the rows once, and not at each step.
  const turned = empty([n, width], dtype)
  k.copy([n, width], flat(turned), [width, 1], weight, [1, n])
  for (const t of walkOf(T, attrs.reverse)) {
    const step: FusedStep = {
      ...statesAt(y, initial, t, attrs, s),
      ...{ rows, n, kept: part(all, keep ? t : 0, rows * cell.kept * n) },
    }
    const w = matrix(flat(turned), width, 1)
    k.matmul(gh, matrix(step.before[0], n, 1), w, 1, rows, width, n, bias, null, products.storage)
    cell.step(k, step, part(gx, t, rows * width), gh)
    for (const row of idleRows(attrs.lengths, t))
      for (const [i, x] of step.now.entries()) x.set(part(step.before[i], row, n), row * n)
  }
  turned.dispose()
  products.dispose()
  ready.forEach((t, i) => {
    if (t !== inputs[i]) t.dispose()
  })
  if (keep) return kept
  kept.dispose()
  return null
}

/** Gradients of gx, the weight, the bias and the initial states. */
export function fusedGrad(
  cell: Cell,
  dy: Tensor,
  [, weightIn, , ...initialIn]: readonly Tensor[],
  y: Tensor,
  kept: Tensor,
  attrs: SequenceAttrs,
  needs: readonly boolean[],
): (Tensor | null)[] {
  const [, T, rows, n] = y.shape
  const s = { T, rows, n }
  const { dtype } = y
  const k = kernelsFor(dtype)
  const width = cell.gates * n
  const size = rows * n
  const weight = flat(dense(weightIn))
  const initial = initialIn.map((t) => flat(dense(t)))
  const [states, all, grads] = [y, kept, dense(dy)].map(flat)
  const gx = empty([T, rows, width], dtype)
  const gh = cell.oneGradient ? gx : empty([T, rows, width], dtype)
  /** What comes from later times. */
  const carried = initial.map(() => empty([rows, n], dtype))
  const totals = initial.map(() => empty([rows, n], dtype))
  const hPrev = empty([T, rows, n], dtype)
  for (const t of carried) k.fill(flat(t), 0)
  const [dGx, dGh] = [flat(gx), flat(gh)]
  const [back, sum] = [carried.map(flat), totals.map(flat)]
  for (const t of walkOf(T, !attrs.reverse)) {
    const step = {
      ...statesAt(states, initial, t, attrs, s),
      ...{ rows, n, kept: part(all, t, rows * cell.kept * n) },
    }
    for (const [i, d] of sum.entries())
      k.binary('add', [size], d, part(grads, i * T + t, size), [1], back[i], [1])
    const idle = idleRows(attrs.lengths, t)
    const passed = sum.map((d) => idle.map((row) => part(d, row, n).slice()))
    const [x, h] = [dGx, dGh].map((d) => part(d, t, rows * width))
    cell.stepGrad(k, step, x, h, sum)
    for (const row of idle) for (const d of [x, h]) part(d, row, width).fill(0)
    k.matmul(
      back[0],
      matrix(h, width, 1),
      matrix(weight, n, 1),
      1,
      rows,
      n,
      width,
      null,
      null,
      carried[0].storage,
    )
    if (cell.carries) k.binary('add', [size], back[0], back[0], [1], sum[0], [1])
    if (back.length > 1) back[1].set(sum[1])
    for (const [i, list] of passed.entries()) for (const [j, d] of list.entries()) back[i].set(d, idle[j] * n)
    flat(hPrev).set(step.before[0], t * size)
  }
  let dWeight: Tensor | null = null
  if (needs[1]) {
    dWeight = empty([width, n], dtype)
    const [a, b] = [matrix(dGh, 1, width), matrix(flat(hPrev), n, 1)]
    k.matmul(flat(dWeight), a, b, 1, width, n, T * rows, null, null, dWeight.storage)
  }
  let dBias: Tensor | null = null
  if (needs[2]) {
    dBias = empty([width], dtype)
    k.reduce('sum', flat(dBias), dGh, 1, T * rows, width)
  }
  return [gx, dWeight, dBias, ...carried]
}
