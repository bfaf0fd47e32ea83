// Weights of which a mask leaves some, while scores learn which: forward computes with w m, and the gradient takes no notice of how
// the mask followed from the scores. Sanh et al. 2020, "Movement Pruning", section 4: dS = dW' w for all weights, masked ones too.
import { ShapeError } from '../../../errors.js'
import { tensorArg } from '../../../tensor/check.js'
import { formatShape, type Shape, sameShape } from '../../../tensor/shape.js'
import { empty, floats, type Tensor } from '../../../tensor/tensor.js'
import { dense } from '../../graph.js'
import { defineOp } from '../../op.js'
import type { Sample, Spec } from '../../samples.js'
import { add, mul, sub } from '../elementwise/arithmetic.js'
import { type None, none } from '../elementwise/records.js'

const maskByScoresOp = defineOp<None>({
  name: 'maskByScores',
  doc: 'Weights where the mask is 1, else 0; the scores behind the mask get the gradient of a product. Sanh et al. 2020.',
  math: 'y = w\\, m;\\quad \\bar w = \\bar y\\, m,\\ \\bar s = \\bar y\\, w',
  takes: ['float'],
  shape: ([w, ...others]) => {
    for (const [i, other] of others.entries())
      if (!sameShape(w, other))
        throw new ShapeError(
          'maskByScores',
          `the ${i === 0 ? 'mask' : 'scores'} ${formatShape(other)} must have the shape of the weights ${formatShape(w)}`,
        )
    return w
  },
  kernel: (_, out, [w, mask]) => {
    const [y, from, m] = [out, w, mask].map(floats)
    // Not a product: what is masked is 0, whatever stands there, and never -0.
    for (let i = 0; i < y.length; i++) y[i] = m[i] === 0 ? 0 : from[i]
  },
  save: ([w, mask]) => [w, mask],
  backward: ({ dy, saved: [w, mask], needs }) => [
    needs[0] ? mul(dy, mask) : null,
    null,
    needs[2] ? mul(dy, w) : null,
  ],
  fastBackward: ({ dy, saved: [w, mask], needs }) => {
    const [g, from, m] = [dy, w, mask].map((t) => floats(dense(t)))
    const [dw, ds] = [empty(w.shape, w.dtype), empty(w.shape, w.dtype)]
    const [intoW, intoS] = [dw, ds].map(floats)
    for (let i = 0; i < g.length; i++) {
      intoW[i] = g[i] * m[i]
      intoS[i] = g[i] * from[i]
    }
    return [needs[0] ? dw : null, null, needs[2] ? ds : null]
  },
  surrogate: ([w, mask, scores], _, [, , scores0]) => mul(w, add(mask, sub(scores, scores0))),
  twice: true,
  samples: () => {
    const s = (shape: Shape, more: Partial<Spec> = {}): Sample<None> => {
      const n = shape.reduce((a, b) => a * b, 1)
      const values = Array.from({ length: n }, (_, i) => (i % 3 === 1 ? 0 : 1))
      return {
        inputs: [
          { shape, ...more },
          { shape, values },
          { shape, ...more },
        ],
        held: [1],
        attrs: none,
      }
    }
    return [
      ...[s([2, 3]), s([]), s([1]), s([0, 3])],
      ...[s([4, 3], { view: 'transposed' }), s([3, 4], { view: 'sliced' }), s([3, 2], { view: 'expanded' })],
    ]
  },
  errors: () => [
    {
      inputs: [{ shape: [2, 3] }, { shape: [3] }, { shape: [2, 3] }],
      attrs: none,
      error: ShapeError,
      text: 'maskByScores: the mask [3] must have the shape of the weights [2, 3]',
    },
    {
      inputs: [{ shape: [2, 3] }, { shape: [2, 3] }, { shape: [2, 1] }],
      attrs: none,
      error: ShapeError,
      text: 'maskByScores: the scores [2, 1] must have the shape of the weights [2, 3]',
    },
  ],
  edge: () => [
    {
      inputs: [
        { shape: [5], values: [-3, -3, 0, Infinity, NaN] },
        { shape: [5], values: [1, 0, 1, 0, 1] },
        { shape: [5], values: [0, 0, 0, 0, 0] },
      ],
      held: [1],
      attrs: none,
      out: [-3, 0, 0, 0, NaN],
      grads: [[1, 0, 1, 0, 1], null, [-3, -3, 0, Infinity, NaN]],
    },
  ],
})

/**
 * w where the mask is not 0, else 0, of w's shape and dtype. w gets the gradient where it is left; scores, of the same shape, that of
 * the product w * scores everywhere: what a mask hides can come back. The mask gets none. Throws ShapeError.
 */
export function maskByScores(w: Tensor, mask: Tensor, scores: Tensor): Tensor {
  tensorArg('maskByScores', 'the weights', w)
  tensorArg('maskByScores', 'the mask', mask)
  return maskByScoresOp([w, mask, tensorArg('maskByScores', 'the scores', scores)], none)
}
