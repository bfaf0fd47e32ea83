// Planted gradient mistakes. Each takes a right op and spoils its backward; the standard suite must notice.

import { tensor } from '../../src/autograd/create.js'
import { noGrad } from '../../src/autograd/graph.js'
import { type AnyOp, makeOp } from '../../src/autograd/op.js'
import { add, mul } from '../../src/autograd/ops/elementwise/arithmetic.js'
import { sum } from '../../src/autograd/ops/reduce.js'
import { expand } from '../../src/autograd/ops/shape/views.js'
import type { Backward, KernelOp, ViewOp } from '../../src/autograd/record.js'
import type { Tensor } from '../../src/tensor/tensor.js'

type Gradients = (Tensor | null)[]

export interface Mistake {
  name: string
  spoil: (grads: Gradients, context: Parameters<Backward<unknown>>[0]) => Gradients
}

const each = (f: (g: Tensor) => Tensor) => (grads: Gradients) => grads.map((g) => (g === null ? null : f(g)))

function reversed(g: Tensor): Tensor {
  return noGrad(() => tensor(g.data.slice().reverse(), { shape: g.shape, dtype: g.dtype }))
}

/** The mean over dim 0, spread out again: what forgetting which row a gradient belongs to comes to. */
function blurred(g: Tensor): Tensor {
  if (g.rank === 0 || g.shape[0] < 2) return g
  return expand(mul(sum(g, 0, { keepdim: true }), 1 / g.shape[0]), g.shape)
}

export const mistakes: Mistake[] = [
  { name: 'wrong sign', spoil: each((g) => mul(g, -1)) },
  { name: 'lost factor', spoil: each((g) => mul(g, 0.5)) },
  { name: 'a constant known to five digits', spoil: each((g) => mul(g, 1.00001)) },
  { name: 'an added term', spoil: each((g) => add(g, 0.001)) },
  { name: 'elements in reverse', spoil: each(reversed) },
  { name: 'rows mixed up', spoil: each(blurred) },
  {
    name: 'multiplied by dy once more',
    spoil: (grads, { dy }) => grads.map((g) => g && mul(g, sum(dy).to(g.dtype))),
  },
  { name: 'no gradient for the last input', spoil: (grads) => lastLeftOut(grads) },
]

function lastLeftOut(grads: Gradients): Gradients {
  const last = grads.findLastIndex((g) => g !== null)
  return grads.map((g, i) => (i === last ? null : g))
}

/** The op with the mistake in both spellings of its backward, so that they still agree with each other. */
export function plant(op: AnyOp, { spoil }: Mistake): AnyOp {
  const record = op.record as KernelOp<unknown> | ViewOp<unknown>
  const wrong =
    (backward: Backward<unknown>): Backward<unknown> =>
    (context) =>
      spoil(backward(context), context)
  return makeOp({
    ...record,
    backward: wrong(record.backward!),
    ...('fastBackward' in record && record.fastBackward ? { fastBackward: wrong(record.fastBackward) } : {}),
  })
}

export function spoilable(op: AnyOp): boolean {
  return !('composite' in op.record) && op.record.backward !== null
}
