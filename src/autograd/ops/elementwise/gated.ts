// Activations of two inputs or two halves: prelu and glu.
import { ShapeError } from '../../../errors.js'
import { formatShape, normalizeDim, type Shape } from '../../../tensor/shape.js'
import type { Tensor } from '../../../tensor/tensor.js'
import { defineOp } from '../../op.js'
import type { Domain, Spec } from '../../samples.js'
import { slice } from '../shape/slice.js'
import { reshape } from '../shape/views.js'
import { mul } from './arithmetic.js'
import { gt, where } from './compare.js'
import { sigmoid } from './pointwise.js'
import { type None, none } from './records.js'

const offZero: Domain = { lo: -2, hi: 2, avoid: [0], gap: 0.1 }

/** A weight for each channel (dim 1), shaped to broadcast over x. */
function overChannels(x: Shape, weight: Shape): number[] {
  const channels = x.length < 2 ? 1 : x[1]
  if (weight.length > 1 || (weight.length === 1 && weight[0] !== 1 && weight[0] !== channels)) {
    throw new ShapeError(
      'prelu',
      `the weight ${formatShape(weight)} fits no ${formatShape(x)}`,
      `Give it [1], or [${channels}]: one for each channel, dim 1`,
    )
  }
  const n = weight.length === 0 ? 1 : weight[0]
  return n === 1 || x.length < 2 ? [] : x.map((_, d) => (d === 1 ? n : 1))
}

const preluOp = defineOp<None>({
  name: 'prelu',
  doc: 'x above 0, a learnt multiple of it below: one weight, or one a channel (dim 1). He et al. 2015.',
  math: 'y = x ([x > 0] + w [x \\le 0]);\\quad \\bar x = \\bar y ([x > 0] + w [x \\le 0]),\\ \\bar w = \\textstyle\\sum \\bar y\\, x [x \\le 0]',
  takes: ['float'],
  shape: ([x, w]) => {
    overChannels(x, w)
    return x
  },
  composite: ([x, w]) => where(gt(x, 0), x, mul(x, reshape(w, overChannels(x.shape, w.shape)))),
  twice: true,
  samples: () =>
    (
      [
        [{ shape: [2, 3] }, [3]],
        [{ shape: [2, 3, 2], view: 'sliced' }, [3]],
        [{ shape: [3, 4], view: 'transposed' }, [1]],
        [{ shape: [4] }, [1]],
        [{ shape: [] }, [1]],
        [{ shape: [0, 2] }, [2]],
        [{ shape: [2, 2] }, []],
      ] as [Spec, Shape][]
    ).map(([x, w]) => ({ inputs: [{ ...x, domain: offZero }, { shape: w }], attrs: none })),
  errors: () => [
    {
      inputs: [{ shape: [2, 3] }, { shape: [2] }],
      attrs: none,
      error: ShapeError,
      text: 'prelu: the weight [2] fits no [2, 3]. Give it [1], or [3]: one for each channel, dim 1',
    },
  ],
  edge: () => [
    {
      inputs: [
        { shape: [4], values: [0, -2, 3, NaN] },
        { shape: [1], values: [0.25] },
      ],
      attrs: none,
      out: [0, -0.5, 3, NaN],
    },
  ],
})

/** x above 0, weight x below. weight: [1], or [channels] over dim 1. He et al. 2015. Throws ShapeError. */
export const prelu = (x: Tensor, weight: Tensor): Tensor => preluOp([x, weight], none)

function halves(x: Shape, dim: number): [dim: number, half: number] {
  const d = normalizeDim('glu', dim, x.length)
  if (x[d] % 2 !== 0)
    throw new ShapeError('glu', `dim ${d} of ${formatShape(x)} has no two halves`, 'Its size must be even')
  return [d, x[d] / 2]
}

const gluOp = defineOp<{ dim: number }>({
  name: 'glu',
  doc: 'The first half of a dim times the sigmoid of the second. Dauphin et al. 2016.',
  math: 'y = a\\, \\sigma(b),\\ x = [a, b]',
  takes: ['float'],
  shape: ([x], { dim }) => {
    const [d, half] = halves(x, dim)
    return x.map((n, i) => (i === d ? half : n))
  },
  composite: ([x], { dim }) => {
    const [d, half] = halves(x.shape, dim)
    return mul(slice(x, d, 0, half), sigmoid(slice(x, d, half)))
  },
  twice: true,
  samples: () =>
    (
      [
        [{ shape: [2, 4] }, -1],
        [{ shape: [4, 3] }, 0],
        [{ shape: [2] }, 0],
        [{ shape: [0, 2] }, 1],
        [{ shape: [3, 4], view: 'transposed' }, 1],
        [{ shape: [2, 2, 3], view: 'sliced' }, 1],
      ] as [Spec, number][]
    ).map(([x, dim]) => ({ inputs: [x], attrs: { dim } })),
  errors: () => [
    {
      inputs: [{ shape: [3] }],
      attrs: { dim: 0 },
      error: ShapeError,
      text: 'glu: dim 0 of [3] has no two halves. Its size must be even',
    },
  ],
  edge: () => [{ inputs: [{ shape: [4], values: [2, NaN, 0, 0] }], attrs: { dim: 0 }, out: [1, NaN] }],
})

/** a sigmoid(b) of the two halves of `dim`, the last unless given. Dauphin et al. 2016. Throws ShapeError. */
export const glu = (x: Tensor, dim = -1): Tensor => gluOp([x], { dim })
