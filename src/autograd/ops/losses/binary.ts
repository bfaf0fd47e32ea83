// Binary cross entropy, from logits and from probabilities: two classes, or any number of independent labels.
import { type Kinds, optionsArg } from '../../../tensor/check.js'
import type { Tensor } from '../../../tensor/tensor.js'
import { flat } from '../../../tensor/tensor.js'
import { defineOp, type Op } from '../../op.js'
import { unarySpecs } from '../../samples.js'
import { add, div, mul, neg, sub } from '../elementwise/arithmetic.js'
import { lt, maximum, where } from '../elementwise/compare.js'
import { log, sigmoid } from '../elementwise/pointwise.js'
import { type None, none } from '../elementwise/records.js'
import { checkBeside, checkSame, type Reduced, reduced, reducedOptions } from './reduction.js'

const logisticOp: Op<None> = defineOp<None>({
  name: 'logisticLoss',
  doc: 'The cross entropy of a logit against yes, exact for confident ones too.',
  math: '\\ell = \\ln(1 + e^{-x});\\quad \\bar x = -\\bar\\ell\\,\\sigma(-x)',
  takes: ['float'],
  shape: ([x]) => x,
  kernel: (k, out, [x]) => k.logisticLoss(flat(out), flat(x)),
  save: ([x]) => [x],
  backward: ({ dy, saved: [x] }) => [neg(mul(dy, sigmoid(neg(x))))],
  twice: true,
  samples: () => unarySpecs({ lo: -4, hi: 4 }, { lo: 20, hi: 60 }).map((x) => ({ inputs: [x], attrs: none })),
  errors: () => [],
  edge: () => [
    {
      inputs: [{ shape: [3], values: [0, -1000, Infinity] }],
      attrs: none,
      out: [Math.LN2, 1000, 0],
      grads: [[-0.5, -1, 0]],
    },
    { inputs: [{ shape: [1], values: [NaN] }], attrs: none, out: [NaN], grads: [[NaN]] },
  ],
})

export interface BinaryOptions extends Reduced {
  /** Multiplies each element's loss; of a shape that broadcasts to the input's. */
  weight?: Tensor
}

export interface BinaryLogitsOptions extends BinaryOptions {
  /** How much a yes counts, for each label: [C] beside [..., C]. Above 1 for labels that are rare. */
  posWeight?: Tensor
}

const binaryOptions: Kinds<BinaryOptions> = { ...reducedOptions, weight: 'tensor' }
const logitsOptions: Kinds<BinaryLogitsOptions> = { ...binaryOptions, posWeight: 'tensor' }

/**
 * Binary cross entropy of logits against targets from 0 to 1, both of one float shape: -w (p y ln s(x) + (1 - y) ln(1 -
 * s(x))), s the sigmoid, p posWeight. For several labels at once too, soft ones included. Throws ShapeError, RangeError.
 */
export function bceWithLogits(input: Tensor, target: Tensor, options: BinaryLogitsOptions = {}): Tensor {
  const { weight, posWeight, reduction = 'mean' } = optionsArg('bceWithLogits', options, logitsOptions)
  checkSame('bceWithLogits', input, target)
  checkBeside('bceWithLogits', 'weight', weight, input)
  checkBeside('bceWithLogits', 'posWeight', posWeight, input)
  const yes = mul(target, logisticOp([input], none))
  const no = mul(sub(1, target), logisticOp([neg(input)], none))
  const loss = add(posWeight === undefined ? yes : mul(yes, posWeight), no)
  return reduced(weight === undefined ? loss : mul(loss, weight), reduction)
}

/** Where a logarithm is below -100 and counts as that. */
const LEAST = 3.720075976020836e-44

/** max(ln p, -100), without a slope there. */
function cutLog(p: Tensor): Tensor {
  const tiny = lt(p, LEAST)
  return where(tiny, -100, log(where(tiny, 1, p)))
}

const bceOp: Op<None> = defineOp<None>({
  name: 'bce',
  doc: 'The cross entropy of a probability against a target, its logarithms cut at -100.',
  math: '\\ell = -y \\ln p - (1 - y) \\ln(1 - p);\\quad \\bar p = \\bar\\ell\\,\\tfrac{p - y}{\\max(p (1 - p), 10^{-12})}',
  takes: ['float'],
  shape: ([p]) => p,
  kernel: (k, out, [p, y]) => {
    const wrong = flat(p).findIndex((v) => !(v >= 0 && v <= 1))
    if (wrong >= 0) {
      throw new RangeError(
        `bce: probabilities lie in [0, 1], got ${flat(p)[wrong]} at place ${wrong}. Use bceWithLogits() for logits`,
      )
    }
    k.bce(flat(out), flat(p), flat(y))
  },
  plain: ([p, y]) => neg(add(mul(y, cutLog(p)), mul(sub(1, y), cutLog(sub(1, p))))),
  save: ([p, y]) => [p, y],
  backward: ({ dy, saved: [p, y], needs }) => [
    needs[0] ? mul(dy, div(sub(p, y), maximum(mul(p, sub(1, p)), 1e-12))) : null,
    needs[1] ? mul(dy, sub(cutLog(sub(1, p)), cutLog(p))) : null,
  ],
  twice: true,
  k: 64,
  samples: () => {
    const inside = { lo: 0.3, hi: 0.7 }
    return unarySpecs(inside, null).map((x) => ({
      inputs: [x, { shape: x.shape, domain: inside }],
      attrs: none,
    }))
  },
  errors: () => [
    {
      inputs: [{ shape: [2], values: [0, 1.5] }, { shape: [2] }],
      attrs: none,
      error: RangeError,
      text: 'bce: probabilities lie in [0, 1], got 1.5 at place 1. Use bceWithLogits() for logits',
    },
  ],
  edge: () => [
    {
      inputs: [
        { shape: [3], values: [0, 1, 1] },
        { shape: [3], values: [0, 0, 1] },
      ],
      attrs: none,
      out: [0, 100, 0],
      grads: [[0, 1e12, 0], null],
    },
  ],
})

/**
 * Binary cross entropy of probabilities against targets from 0 to 1, both of one float shape. Logarithms below -100 count
 * as -100, as in PyTorch. bceWithLogits() is the exact way. Throws ShapeError, RangeError.
 */
export function bce(input: Tensor, target: Tensor, options: BinaryOptions = {}): Tensor {
  const { weight, reduction = 'mean' } = optionsArg('bce', options, binaryOptions)
  checkSame('bce', input, target)
  checkBeside('bce', 'weight', weight, input)
  const loss = bceOp([input, target], none)
  return reduced(weight === undefined ? loss : mul(loss, weight), reduction)
}
