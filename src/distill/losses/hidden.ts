// Hidden states: the student's, through a learned projection where it is narrower, come close to the teacher's.
// Jiao et al. 2020 (TinyBERT, arXiv 1909.10351), equations 8 and 9.

import { add } from '../../autograd/ops/elementwise/arithmetic.js'
import { detached } from '../../autograd/ops/elementwise/compare.js'
import { mse } from '../../autograd/ops/losses/losses.js'
import { undrawn } from '../../nn/init.js'
import { Linear } from '../../nn/layers.js'
import { Module } from '../../nn/module.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { LayerPair } from '../layer-map.js'
import { fitting, type Layers, paired, realRows } from './real.js'
import type { LossInputs, LossRecord } from './record.js'

/** Of Projection: how many there are, and how they begin. */
export interface ProjectionOptions {
  /**
   * 'shared': one for all states, as TinyBERT's code. 'embeddings-apart': one for the embeddings' output, one for all
   * layers, as its paper. 'each': one a state. Default 'shared'.
   */
  sharing?: 'shared' | 'embeddings-apart' | 'each'
  /** How many states there are, for 'each': the student's layers and 1. */
  states?: number
  /** TinyBERT's code: true. Its paper: false. Default true. */
  bias?: boolean
  /** Of the initial weights. Default 0.02, BERT's; the bias starts as 0. */
  std?: number
}

/** From the student's width to the teacher's: [..., from] -> [..., to]. It learns with the student and is thrown away. */
export class Projection extends Module {
  layers: Linear[]
  readonly sharing: 'shared' | 'embeddings-apart' | 'each'

  /** Throws RangeError for 'each' without `states`. */
  constructor(
    from: number,
    to: number,
    { sharing = 'shared', states, bias = true, std = 0.02 }: ProjectionOptions = {},
  ) {
    super()
    const count = { shared: 1, 'embeddings-apart': 2, each: states ?? 0 }[sharing]
    if (!(Number.isInteger(count) && count > 0))
      throw new RangeError(`Projection: '${sharing}' needs the number of states, got ${states}`)
    this.sharing = sharing
    this.layers = Array.from({ length: count }, () => new Linear(from, to, { bias, std }))
  }

  /** state: the place among the hidden states, 0 for the embeddings' output. Throws RangeError where there is none. */
  forward(x: Tensor, state = 0): Tensor {
    const at = { shared: 0, 'embeddings-apart': Math.min(state, 1), each: state }[this.sharing]
    if (this.layers[at] === undefined)
      throw new RangeError(`Projection: there are ${this.layers.length} states, not one at ${state}`)
    return this.layers[at].forward(x)
  }
}

/** Of hiddenLoss(). */
export interface HiddenOptions {
  /** For students of another width than the teacher's. */
  projection?: Projection | undefined
  /** Places in the lists, as layerMap().hidden. Default: each with each. */
  pairs?: readonly LayerPair[] | undefined
  /** int32 [B, T], the attention mask: the mean is over real positions. Default: over all, as TinyBERT's code. */
  mask?: Tensor | undefined
}

/**
 * Sum over pairs of the mean of (projection(student) - teacher)^2; states [B, T, C], one or a list. The mean is over
 * all B T C elements, or with a mask over those of real positions. Gradient: 2 (projected - teacher) / elements, on through
 * the projection; none reaches the teacher. Jiao et al. 2020, equation 8. Throws ShapeError where widths differ.
 */
export function hiddenLoss(student: Layers, teacher: Layers, options: HiddenOptions = {}): Tensor {
  const { projection, pairs, mask } = options
  return paired('hiddenLoss', student, teacher, pairs)
    .map(({ s, t, layer }) => {
      const x = realRows('hiddenLoss', s, mask)
      const fitted = projection === undefined ? x : projection.forward(x, layer)
      const wanted = realRows('hiddenLoss', detached(t), mask)
      fitting('hiddenLoss', fitted, wanted, 'A Projection brings the student to the width of the teacher')
      return mse(fitted, wanted)
    })
    .reduce(add)
}

/** hiddenLoss of the embeddings' output, hidden state 0, alone: [B, T, C] each. Jiao et al. 2020, equation 9. */
export function embeddingLoss(
  student: Tensor,
  teacher: Tensor,
  options: Pick<HiddenOptions, 'projection' | 'mask'> = {},
): Tensor {
  return hiddenLoss(student, teacher, options)
}

/** A projection with the weights of a case: weight0, bias0, weight1 ... */
function projectionOf(
  t: LossInputs,
  sharing: Projection['sharing'],
  states: number,
  bias: boolean,
): Projection {
  const [to, from] = t.weight0.shape
  const projection = undrawn(() => new Projection(from, to, { sharing, states, bias }))
  projection.layers.forEach((layer, i) => {
    layer.weight = t[`weight${i}`]
    layer.bias = bias ? t[`bias${i}`] : null
  })
  return projection
}

export const hidden: LossRecord = {
  name: 'hidden',
  doc: 'Squared error between projected hidden states of the student and those of the teacher.',
  math: '\\sum_l \\tfrac{1}{n} \\| H_s^l W^\\top + b - H_t^{g(l)} \\|^2;\\quad \\bar H_s = \\tfrac{2}{n} R W,\\ \\bar W = \\tfrac{2}{n} R^\\top H_s,\\ R = H_s W^\\top + b - H_t',
  source:
    'Jiao et al. 2020 (arXiv 1909.10351), equation 8; its code shares one projection with a bias and counts padding',
  needs: ['hiddenStates', 'attentionMask'],
  golden: {
    'hidden.shared': (t) =>
      hiddenLoss([t.student0, t.student1], [t.teacher0, t.teacher1, t.teacher2], {
        pairs: [
          [0, 0],
          [1, 2],
        ],
        projection: projectionOf(t, 'shared', 2, true),
      }),
    'hidden.each': (t) =>
      hiddenLoss([t.student0, t.student1], [t.teacher0, t.teacher1], {
        pairs: [
          [1, 0],
          [0, 1],
        ],
        projection: projectionOf(t, 'each', 2, false),
      }),
    'hidden.apart': (t) =>
      hiddenLoss([t.student0, t.student1, t.student2], [t.teacher0, t.teacher1, t.teacher2], {
        projection: projectionOf(t, 'embeddings-apart', 3, false),
      }),
    'hidden.masked': (t) =>
      hiddenLoss([t.student0, t.student1], [t.teacher0, t.teacher1], {
        projection: projectionOf(t, 'shared', 2, true),
        mask: t.mask,
      }),
    'hidden.plain': (t) => hiddenLoss(t.student, t.teacher),
  },
}

export const embedding: LossRecord = {
  name: 'embedding',
  doc: "Squared error between the embeddings' outputs, the student's projected.",
  math: '\\tfrac{1}{n} \\| E_s W^\\top - E_t \\|^2;\\quad \\bar E_s = \\tfrac{2}{n} (E_s W^\\top - E_t) W',
  source: 'Jiao et al. 2020 (arXiv 1909.10351), equation 9; in its code hidden state 0 of equation 8',
  needs: ['hiddenStates', 'attentionMask'],
  golden: {
    embedding: (t) =>
      embeddingLoss(t.student, t.teacher, { projection: projectionOf(t, 'shared', 1, false), mask: t.mask }),
  },
}
