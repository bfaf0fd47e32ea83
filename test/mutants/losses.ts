// Mistakes that people really make in losses, each in one case: a wrong mask, factor, divisor, pair or norm.
import { add, mul, neg, sub } from '../../src/autograd/ops/elementwise/arithmetic.js'
import { le, where } from '../../src/autograd/ops/elementwise/compare.js'
import { log } from '../../src/autograd/ops/elementwise/pointwise.js'
import { crossEntropy, klDiv, mse } from '../../src/autograd/ops/losses/losses.js'
import { mean, sum } from '../../src/autograd/ops/reduce.js'
import { slice } from '../../src/autograd/ops/shape/slice.js'
import { permute, reshape } from '../../src/autograd/ops/shape/views.js'
import { logSoftmax, softmax } from '../../src/autograd/ops/softmax.js'
import { attentionLoss, attentionProbsLoss } from '../../src/distill/losses/attention.js'
import { cosineLoss } from '../../src/distill/losses/cosine.js'
import { hardSetLoss, hardTargetLoss } from '../../src/distill/losses/hard-target.js'
import { hiddenLoss } from '../../src/distill/losses/hidden.js'
import { kdLoss } from '../../src/distill/losses/kd.js'
import { patientLoss } from '../../src/distill/losses/patient.js'
import type { LossInputs } from '../../src/distill/losses/record.js'
import { type RelationOptions, relationLoss } from '../../src/distill/losses/relation.js'
import { relationalAngleLoss, relationalDistanceLoss } from '../../src/distill/losses/relational.js'
import { softSetLoss } from '../../src/distill/losses/soft-sets.js'
import { softTargetLoss } from '../../src/distill/losses/soft-target.js'
import {
  marginMseLoss,
  matryoshkaLoss,
  multipleNegativesLoss,
  pairCosineLoss,
  similarityLoss,
  tripletLoss,
} from '../../src/distill/losses/vectors.js'
import type { Tensor } from '../../src/tensor/tensor.js'

export interface LossSlip {
  of: string
  what: string
  run: (t: LossInputs) => Tensor
}

const slip = (of: string, what: string, run: LossSlip['run']): LossSlip => ({ of, what, run })

const qkv = (t: LossInputs, who: string) => ({ q: t[`${who}Q`], k: t[`${who}K`], v: t[`${who}V`] })
const related = (t: LossInputs, options: RelationOptions) =>
  relationLoss(qkv(t, 'student'), qkv(t, 'teacher'), { heads: 4, mask: t.mask, ...options })
const valuesOnly = (v: Tensor) => ({ q: v, k: v, v })

/** TinyBERT's attention loss with another bound for what counts as masked. */
const bounded = (s: Tensor, t: Tensor, bound: number) =>
  mse(where(le(s, bound), 0, s), where(le(t, bound), 0, t))

const probs = (t: LossInputs): [Tensor, Tensor] => [softmax(t.student, -1), softmax(t.teacher, -1)]

const first2 = (t: LossInputs, who: string) => [t[`${who}0`], t[`${who}1`]]
const teachers3 = (t: LossInputs) => [t.teacher0, t.teacher1, t.teacher2]
const attentionPairs = [
  [0, 1],
  [1, 2],
] as const
const patientPairs = [
  [0, 2],
  [1, 1],
] as const

/** [B, T, C] with the words in reverse: the last for the first. */
const reversed = (x: Tensor) => x.slice(1, x.shape[1] - 1, x.shape[1])

export const lossSlips: LossSlip[] = [
  slip('soft-sets.kl', 'T^2 forgotten', (t) => softSetLoss(t.student, t.teacher, { T: 3, tSquared: false })),
  slip('soft-sets.kl', 'softmax over the classes', (t) => softTargetLoss(t.student, t.teacher, { T: 3 })),
  slip('soft-sets.ce', 'both halves of each class divided by', (t) =>
    softSetLoss(t.student, t.teacher, { T: 2, form: 'ce', reduction: 'mean-elements' }),
  ),
  slip('soft-sets.plain-T', 'T left out', (t) => softSetLoss(t.student, t.teacher, { T: 1, form: 'ce' })),
  slip('soft-sets.sum', 'the mean', (t) => softSetLoss(t.student, t.teacher, { T: 1.5 })),
  slip('hard-sets', 'summed over classes', (t) => mul(hardSetLoss(t.student, t.targets), t.student.shape[1])),
  slip('hard-sets.smoothed', 'sharp', (t) => hardSetLoss(t.student, t.targets)),
  slip('soft-target.kl', 'T^2 forgotten', (t) =>
    softTargetLoss(t.student, t.teacher, { T: 3, tSquared: false }),
  ),
  slip('soft-target.kl', 'T for T^2', (t) =>
    mul(softTargetLoss(t.student, t.teacher, { T: 3, tSquared: false }), 3),
  ),
  slip('soft-target.kl', 'only the student softened', (t) =>
    mul(klDiv(logSoftmax(t.student, -1, { T: 3 }), softmax(t.teacher, -1)), 9),
  ),
  slip('soft-target.kl', 'teacher and student swapped', (t) =>
    mul(klDiv(logSoftmax(t.teacher, -1, { T: 3 }), softmax(t.student, -1, { T: 3 })), 9),
  ),
  slip('soft-target.kl', 'divided by the classes too', (t) =>
    softTargetLoss(t.student, t.teacher, { T: 3, reduction: 'mean-elements' }),
  ),
  slip('soft-target.kl.plain-T', 'T^2 all the same', (t) => softTargetLoss(t.student, t.teacher, { T: 3 })),
  slip('soft-target.ce', 'the divergence', (t) => softTargetLoss(t.student, t.teacher, { T: 2 })),
  slip('soft-target.tinybert-code', 'the paper', (t) =>
    softTargetLoss(t.student, t.teacher, { T: 1, form: 'ce', tSquared: false }),
  ),
  slip('soft-target.sum-rows', 'the mean', (t) => softTargetLoss(t.student, t.teacher, { T: 1.5 })),
  slip('soft-target.masked', 'no mask', (t) => softTargetLoss(t.student, t.teacher, { T: 2 })),
  slip('standardized.paper', 'the sample for the population', (t) =>
    softTargetLoss(t.student, t.teacher, { T: 2, standardize: 'sample' }),
  ),
  slip('standardized.code', 'T forgotten', (t) =>
    softTargetLoss(t.student, t.teacher, { T: 1, standardize: 'sample' }),
  ),
  slip('standardized.code', 'not standardized', (t) => softTargetLoss(t.student, t.teacher, { T: 2 })),
  slip('kd', 'alpha on the labels', (t) => kdLoss(t.student, t.teacher, t.labels, { T: 4, alpha: 0.3 })),
  slip('kd', 'T in the labels too', (t) =>
    add(
      mul(softTargetLoss(t.student, t.teacher, { T: 4 }), 0.7),
      mul(crossEntropy(mul(t.student, 0.25), t.labels), 0.3),
    ),
  ),
  slip('kd.annealed', 'the divergence', (t) =>
    kdLoss(t.student, t.teacher, t.labels, { T: 1, alpha: 0.25, tSquared: false }),
  ),
  slip('seed-code', 'one softmax', (t) =>
    kdLoss(t.student, t.teacher, t.labels, { T: 3, alpha: 0.5, form: 'ce' }),
  ),
  slip('seed-code.soft', 'T in the second softmax too', (t) =>
    mul(
      neg(
        sum(
          mul(softmax(t.teacher, -1, { T: 3 }), logSoftmax(softmax(t.student, -1, { T: 3 }), -1, { T: 3 })),
        ),
      ),
      9 / 4,
    ),
  ),
  slip('seed-code.soft', 'twice of the teacher', (t) =>
    softTargetLoss(t.student, mul(softmax(t.teacher, -1, { T: 3 }), 3), { T: 3, form: 'ce-twice' }),
  ),
  slip('hard-target.classes', 'ignored rows in the divisor', (t) =>
    mul(hardTargetLoss(t.student, t.labels), 0.75),
  ),
  slip('hard-target.numbers', 'half of it', (t) => mul(hardTargetLoss(t.student, t.targets), 0.5)),
  slip('masked-words', 'the mean over all words', (t) =>
    mean(crossEntropy(t.student, t.labels, { reduction: 'none' })),
  ),
  slip('hidden.plain', 'the sum over the width', (t) =>
    mul(hiddenLoss(t.student, t.teacher), t.student.shape[2]),
  ),
  slip('hidden.plain', 'no gradient for half of it', (t) =>
    mean(mul(sub(t.student, t.teacher), sub(t.student, t.teacher).detach())),
  ),
  slip('attention.tinybert-code', "TextBrewer's bound", (t) =>
    add(bounded(t.student0, t.teacher1, -1e-3), bounded(t.student1, t.teacher2, -1e-3)),
  ),
  slip('attention.tinybert-code', 'masked keys left in', (t) =>
    add(mse(t.student0, t.teacher1.detach()), mse(t.student1, t.teacher2.detach())),
  ),
  slip('attention.tinybert-code', 'pairs not mapped', (t) =>
    attentionLoss(first2(t, 'student'), first2(t, 'teacher')),
  ),
  slip('attention.masked', 'padded queries left in', (t) =>
    attentionLoss(first2(t, 'student'), teachers3(t), { pairs: attentionPairs }),
  ),
  slip('attention-probs.positions', 'the mean over texts', (t) =>
    attentionProbsLoss(...probs(t), { mask: t.mask }),
  ),
  slip('attention-probs.examples', 'the mean over positions', (t) =>
    attentionProbsLoss(...probs(t), { mask: t.mask, average: 'positions' }),
  ),
  slip('attention-probs.unpadded', 'teacher and student swapped', (t) => {
    const [s, k] = probs(t)
    return klDiv(log(k.detach()), s)
  }),
  slip('attention-probs.unpadded', 'the sum over heads', (t) =>
    mul(attentionProbsLoss(...probs(t)), t.student.shape[1]),
  ),
  slip('cosine.masked', 'padding counted', (t) => cosineLoss(t.student, t.teacher)),
  slip('cosine.rows', 'the cosine itself', (t) => sub(cosineLoss(t.student, t.teacher), 1)),
  slip('relation.v2', 'the heads of the student', (t) => related(t, { heads: 2 })),
  slip('relation.v2', 'the mean over positions', (t) => related(t, { average: 'positions' })),
  slip('relation.v2', 'the heads not in the divisor', (t) => mul(related(t, {}), 4)),
  slip('relation.v2', 'keys forgotten', (t) => related(t, { relations: ['q', 'v'] })),
  slip('relation.v2', 'heads cut without their being side by side', (t) => {
    const mixed = (x: Tensor) =>
      reshape(permute(x, [0, 2, 3, 1]), [x.shape[0], x.shape[2], 4, -1]).permute([0, 2, 1, 3])
    const wrong = ({ q, k, v }: ReturnType<typeof qkv>) => ({ q: mixed(q), k: mixed(k), v: mixed(v) })
    return relationLoss(wrong(qkv(t, 'student')), wrong(qkv(t, 'teacher')), { mask: t.mask })
  }),
  slip('relation.weights', 'weights forgotten', (t) => related(t, { heads: 2, relations: ['q', 'v'] })),
  slip('relation.unpadded', 'queries for keys', (t) =>
    relationLoss({ ...qkv(t, 'student'), k: t.studentQ }, qkv(t, 'teacher'), { heads: 6 }),
  ),
  slip('value-relation.examples', 'the root of the width forgotten', (t) => {
    const long = (v: Tensor) => valuesOnly(mul(v, Math.sqrt(Math.sqrt(v.shape[3]))))
    return relationLoss(long(t.student), long(t.teacher), { relations: ['v'], mask: t.mask })
  }),
  slip('value-relation.positions', 'the mean over texts', (t) =>
    relationLoss(valuesOnly(t.student), valuesOnly(t.teacher), { relations: ['v'], mask: t.mask }),
  ),
  slip('patient.code', 'divided by the texts only', (t) =>
    patientLoss(first2(t, 'student'), teachers3(t), { pairs: patientPairs, reduction: 'batchmean' }),
  ),
  slip('patient.paper', 'the last word for the first', (t) =>
    patientLoss(first2(t, 'student').map(reversed), teachers3(t).map(reversed), {
      ...{ pairs: patientPairs, reduction: 'sum-rows' },
    }),
  ),
  slip('patient.batchmean', 'the whole sum', (t) =>
    patientLoss(first2(t, 'student'), teachers3(t), { pairs: patientPairs, reduction: 'sum-rows' }),
  ),
  slip('relational.distance', 'the diagonal not in the divisor', (t) =>
    mul(relationalDistanceLoss(t.student, t.teacher), 4 / 3),
  ),
  slip('relational.distance', 'angles', (t) => relationalAngleLoss(t.student, t.teacher)),
  slip('relational.angle', 'distances', (t) => relationalDistanceLoss(t.student, t.teacher)),
  slip('vectorDistance', 'the square for the root', (t) =>
    mul(mse(t.student, t.teacher), t.student.shape[1]),
  ),
  slip('similarity', 'lengths left in', (t) => similarityLoss(mul(t.student, t.student), t.teacher)),
  slip('multipleNegatives', 'another scale', (t) =>
    multipleNegativesLoss(t.student0, t.student1, { scale: 19 }),
  ),
  slip('multipleNegatives.more', 'the wrong ones left out', (t) =>
    multipleNegativesLoss(t.student0, slice(t.student1, 0, 0, 3), { scale: 5 }),
  ),
  slip('pairCosine', 'the two sides for one', (t) => pairCosineLoss(t.student0, t.student0, t.scores)),
  slip('marginMse', 'right and wrong in each other', (t) =>
    marginMseLoss(t.student0, t.student2, t.student1, t.teacherPositive, t.teacherNegative),
  ),
  slip('triplet', 'another margin', (t) => tripletLoss(t.student0, t.student1, t.student2, { margin: 5 })),
  slip('matryoshka', 'a size left out', (t) =>
    matryoshkaLoss([t.student0, t.student1], [6, 3], (a, b) => multipleNegativesLoss(a, b)),
  ),
]
