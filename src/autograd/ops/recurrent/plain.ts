// A recurrent layer in plain ops: what the fused one is held to, and the gradient that can be differentiated again.
import type { Tensor } from '../../../tensor/tensor.js'
import { tensor, zeros } from '../../create.js'
import { add } from '../elementwise/arithmetic.js'
import { where } from '../elementwise/compare.js'
import { linear, matmul } from '../products/matmul.js'
import { sum } from '../reduce.js'
import { cat, stack } from '../shape/join.js'
import { slice } from '../shape/slice.js'
import { reshape, transpose } from '../shape/views.js'
import type { Cell } from './cells.js'
import { type SequenceAttrs, sizesOf, walkOf } from './fused.js'

/** x[t] of x [T, rows, width]. */
const at = (x: Tensor, t: number) => reshape(slice(x, 0, t, t + 1), x.shape.slice(1))

/** [rows, 1]: 1 where the row has a word at time t; null where all have. */
function activeAt({ lengths }: SequenceAttrs, t: number, like: Tensor): Tensor | null {
  if (lengths === null || lengths.every((length) => t < length)) return null
  return tensor(
    lengths.map((length) => [t < length ? 1 : 0]),
    { dtype: like.dtype },
  )
}

const choose = (active: Tensor | null, a: Tensor, b: Tensor | number) =>
  active === null ? a : where(active, a, b)

/** [states, T, rows, n] */
export function plainSequence(
  cell: Cell,
  [gx, weight, bias, ...initial]: readonly Tensor[],
  attrs: SequenceAttrs,
): Tensor {
  const { T } = sizesOf(gx, weight)
  const times = initial.map(() => new Array<Tensor>(T))
  let before = initial
  for (const t of walkOf(T, attrs.reverse)) {
    const active = activeAt(attrs, t, gx)
    const next = cell.plain(at(gx, t), linear(before[0], weight, bias), before)
    before = next.map((x, i) => choose(active, x, before[i]))
    before.forEach((x, i) => {
      times[i][t] = x
    })
  }
  return stack(times.map((list) => stack(list, 0)))
}

/** Gradients of gx, the weight, the bias and the initial states. */
export function plainSequenceGrad(
  cell: Cell,
  dy: Tensor,
  [gx, weight, bias, ...initial]: readonly Tensor[],
  y: Tensor,
  attrs: SequenceAttrs,
): Tensor[] {
  const { T, rows, n } = sizesOf(gx, weight)
  const [states, grads] = [y, dy].map((x) => initial.map((_, i) => at(x, i)))
  const [dGx, dGh, hPrev] = [new Array<Tensor>(T), new Array<Tensor>(T), new Array<Tensor>(T)]
  let carried = initial.map(() => zeros([rows, n], { dtype: y.dtype }))
  for (const t of walkOf(T, !attrs.reverse)) {
    const from = attrs.reverse ? t + 1 : t - 1
    const before = initial.map((x, i) => (from < 0 || from >= T ? x : at(states[i], from)))
    const now = states.map((x) => at(x, t))
    const d = grads.map((g, i) => add(at(g, t), carried[i]))
    const step = cell.plainGrad(d, at(gx, t), linear(before[0], weight, bias), before, now)
    const active = activeAt(attrs, t, gx)
    dGx[t] = choose(active, step.gx, 0)
    dGh[t] = choose(active, step.gh, 0)
    hPrev[t] = before[0]
    carried = step.before.map((past, i) => {
      const through = i === 0 ? matmul(dGh[t], weight) : null
      const back = past === null ? through! : through === null ? past : add(past, through)
      return choose(active, back, d[i])
    })
  }
  const gh = cat(dGh)
  return [stack(dGx), matmul(transpose(gh, 0, 1), cat(hPrev)), sum(gh, 0), ...carried]
}
