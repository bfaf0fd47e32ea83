// Learning from what is known without a teacher: labels, numbers, masked words.
import { add, mul } from '../../autograd/ops/elementwise/arithmetic.js'
import { bceWithLogits } from '../../autograd/ops/losses/binary.js'
import { crossEntropy, mse } from '../../autograd/ops/losses/losses.js'
import { reshape } from '../../autograd/ops/shape/views.js'
import { ShapeError } from '../../errors.js'
import { formatShape, sameShape } from '../../tensor/shape.js'
import { ints, type Tensor } from '../../tensor/tensor.js'
import type { LossRecord } from './record.js'

const IGNORED = -100

/**
 * Cross entropy of logits [..., C] with int32 labels [...], mean over those that are not -100, gradient (p - e_y) / N; or
 * of one logit a row, [N, 1], with float numbers [N] the mean squared error, as for STS-B. Throws ShapeError, RangeError
 * for a label that is no class.
 */
export function hardTargetLoss(logits: Tensor, labels: Tensor): Tensor {
  if (labels.dtype === 'int32') return crossEntropy(logits, labels)
  if (!sameShape(logits.shape, [...labels.shape, 1])) {
    throw new ShapeError(
      'hardTargetLoss',
      `numbers ${formatShape(labels.shape)} need one logit each, got ${formatShape(logits.shape)}`,
    )
  }
  return mse(reshape(logits, labels.shape), labels)
}

/**
 * Binary cross entropy of logits [B, C] with the classes that texts are of, 1 and 0 in [B, C], mean over both: PyTorch's
 * BCEWithLogitsLoss. labelSmoothing draws the labels towards a half. Gradient (sigmoid(z) - y) / (B C). Throws ShapeError.
 */
export function hardSetLoss(logits: Tensor, labels: Tensor, labelSmoothing = 0): Tensor {
  const target = labelSmoothing === 0 ? labels : add(mul(labels, 1 - labelSmoothing), labelSmoothing / 2)
  return bceWithLogits(logits, target)
}

/**
 * Cross entropy of logits [..., V] with the words that were masked, int32 [...], -100 where none was: mean over those.
 * Gradient (p - e_y) / their number there, 0 elsewhere. Devlin et al. 2018, section 3.1; Sanh et al. 2019. Throws
 * RangeError where no word is to be guessed: the mean would be over nothing.
 */
export function maskedWordLoss(logits: Tensor, labels: Tensor): Tensor {
  if (ints(labels).every((label) => label === IGNORED))
    throw new RangeError('maskedWordLoss: no word is to be guessed, all labels are -100')
  return crossEntropy(logits, labels)
}

export const hardTarget: LossRecord = {
  name: 'hardTarget',
  doc: "The labels' own loss: cross entropy of classes, squared error of numbers.",
  math: '-\\tfrac{1}{N} \\sum_n \\ln p_{n y_n};\\quad \\bar z = \\tfrac{1}{N} (p - e_y)',
  source: 'Hinton, Vinyals and Dean 2015 (arXiv 1503.02531), section 2',
  needs: ['logits', 'labels'],
  golden: {
    'hard-target.classes': (t) => hardTargetLoss(t.student, t.labels),
    'hard-target.numbers': (t) => hardTargetLoss(t.student, t.targets),
  },
}

export const hardSets: LossRecord = {
  name: 'hardSets',
  doc: 'Binary cross entropy of the classes that a text is of.',
  math: '-\\tfrac{1}{N C} \\sum_{n,c} y_{nc} \\ln p_{nc} + (1 - y_{nc}) \\ln (1 - p_{nc}),\\ p = \\sigma(z);\\quad \\bar z = \\tfrac{1}{N C} (p - y)',
  source:
    "Nam et al. 2014 (arXiv 1312.5419), section 3; PyTorch's BCEWithLogitsLoss, as transformers trains multi_label_classification",
  needs: ['logits', 'labels'],
  golden: {
    'hard-sets': (t) => hardSetLoss(t.student, t.targets),
    'hard-sets.smoothed': (t) => hardSetLoss(t.student, t.targets, 0.1),
  },
}

export const maskedWords: LossRecord = {
  name: 'maskedWords',
  doc: 'Cross entropy of the masked words.',
  math: '-\\tfrac{1}{|M|} \\sum_{m \\in M} \\ln p_{m y_m};\\quad \\bar z_m = \\tfrac{1}{|M|} (p_m - e_{y_m})',
  source:
    'Devlin et al. 2018 (arXiv 1810.04805), section 3.1; Sanh et al. 2019 (arXiv 1910.01108), section 2',
  needs: ['logits', 'labels'],
  golden: { 'masked-words': (t) => maskedWordLoss(t.student, t.labels) },
}
