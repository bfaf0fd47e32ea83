// Losses on embeddings, one vector a text: a student's to its teacher's, or pairs of texts to what people say of them. The squared
// error is hiddenLoss(), one minus the cosine cosineLoss(): of vectors [B, size] they are what sentence-transformers calls MSELoss
// and the cosine distance.
import { tensor } from '../../autograd/create.js'
import { add, mul, sub } from '../../autograd/ops/elementwise/arithmetic.js'
import { detached } from '../../autograd/ops/elementwise/compare.js'
import { cosineSimilarity } from '../../autograd/ops/losses/cosine.js'
import { tripletMargin } from '../../autograd/ops/losses/distance.js'
import { crossEntropy, mse } from '../../autograd/ops/losses/losses.js'
import { matmul } from '../../autograd/ops/products/matmul.js'
import { mean, sum } from '../../autograd/ops/reduce.js'
import { norm } from '../../autograd/ops/reductions/norm.js'
import { slice } from '../../autograd/ops/shape/slice.js'
import { transpose } from '../../autograd/ops/shape/views.js'
import { ShapeError } from '../../errors.js'
import { inOrder } from '../../nn/data.js'
import { unitLength } from '../../nn/models/unit-length.js'
import { formatShape } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import { fitting } from './real.js'
import type { LossRecord } from './record.js'

/**
 * Mean over rows of |student - teacher|, vectors [B, size]. Gradient: (s - t) / (B |s - t|), 0 where they are equal; none reaches
 * the teacher. Throws ShapeError where shapes differ: a Projection brings the student to the teacher's width.
 */
export function vectorDistanceLoss(student: Tensor, teacher: Tensor): Tensor {
  fitting(
    'vectorDistanceLoss',
    student,
    teacher,
    'A Projection brings the student to the width of the teacher',
  )
  return mean(norm(sub(student, detached(teacher)), 2, -1))
}

/** Cosines of all pairs: [A, size], [B, size] -> [A, B]. */
const cosines = (a: Tensor, b: Tensor) => matmul(unitLength(a), transpose(unitLength(b), 0, 1))

function rows(name: string, a: Tensor, b: Tensor, most: number): void {
  const fits = a.rank === 2 && b.rank === 2 && a.shape[0] <= most && a.shape[0] > 0
  if (!fits)
    throw new ShapeError(
      name,
      `expected twice [batch, size], got ${formatShape(a.shape)} and ${formatShape(b.shape)}`,
    )
}

/**
 * Mean of (cos(s_i, s_j) - cos(t_i, t_j))^2 over all pairs of a batch, [B, size] each; the sizes may differ, so that it teaches the
 * first few numbers of a vector to say what the whole does. Gradient by the chain rule; none reaches the teacher.
 */
export function similarityLoss(student: Tensor, teacher: Tensor): Tensor {
  rows('similarityLoss', student, teacher, teacher.shape[0] ?? 0)
  if (student.shape[0] !== teacher.shape[0])
    throw new ShapeError(
      'similarityLoss',
      `${student.shape[0]} rows of the student, ${teacher.shape[0]} of the teacher`,
    )
  const t = detached(teacher)
  return mse(cosines(student, student), cosines(t, t))
}

/**
 * Cross entropy of scale * cos(anchor_i, candidate_j), whose right answer is j = i: anchors [A, size], candidates [B, size], B at
 * least A; candidates beyond the A-th are wrong for all. Each anchor's positive is told from those of the others in its batch.
 * Henderson et al. 2017 (arXiv 1705.00652); the scale is sentence-transformers' MultipleNegativesRankingLoss', default 20.
 */
export function multipleNegativesLoss(
  anchors: Tensor,
  candidates: Tensor,
  { scale = 20 }: { scale?: number } = {},
): Tensor {
  rows('multipleNegativesLoss', anchors, candidates, candidates.shape[0] ?? 0)
  if (!(scale > 0)) throw new RangeError(`multipleNegativesLoss: scale must be above 0, got ${scale}`)
  return crossEntropy(mul(cosines(anchors, candidates), scale), tensor(inOrder(anchors.shape[0])))
}

/** Mean of (cos(a, b) - score)^2: a, b [B, size], scores [B]. Reimers and Gurevych 2019, section 3, the regression objective. */
export function pairCosineLoss(a: Tensor, b: Tensor, scores: Tensor): Tensor {
  fitting('pairCosineLoss', a, b)
  return mse(cosineSimilarity(a, b), scores)
}

/**
 * Mean of ((q p - q n) - (teacherPositive - teacherNegative))^2: vectors [B, size], the teacher's scores [B]. Hofstätter et al. 2020
 * (arXiv 2010.02666), equation 6: how much nearer the right passage lies than a wrong one, as a slower teacher has it.
 */
export function marginMseLoss(
  query: Tensor,
  positive: Tensor,
  negative: Tensor,
  teacherPositive: Tensor,
  teacherNegative: Tensor,
): Tensor {
  fitting('marginMseLoss', query, positive)
  fitting('marginMseLoss', query, negative)
  const score = (x: Tensor) => sum(mul(query, x), -1)
  return mse(sub(score(positive), score(negative)), sub(detached(teacherPositive), detached(teacherNegative)))
}

/**
 * Mean of max(0, |a - p| - |a - n| + margin), vectors [B, size]. Schroff et al. 2015 (arXiv 1503.03832) without squares, as
 * sentence-transformers' TripletLoss, whose margin is 5, the default.
 */
export function tripletLoss(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  { margin = 5 }: { margin?: number } = {},
): Tensor {
  return tripletMargin(anchor, positive, negative, { margin })
}

/**
 * The sum over `dims` of loss(first k numbers of each vector): vectors of which the first numbers are enough. Kusupati et al. 2022
 * (arXiv 2205.13147), equation 1, all weights 1. `vectors` [B, size] each; loss takes them cut. Throws RangeError for a k above size.
 */
export function matryoshkaLoss(
  vectors: readonly Tensor[],
  dims: readonly number[],
  loss: (...cut: Tensor[]) => Tensor,
): Tensor {
  const size = Math.min(...vectors.map((x) => x.shape[x.rank - 1]))
  const wrong = dims.find((k) => !(Number.isInteger(k) && k >= 1 && k <= size))
  if (dims.length === 0 || wrong !== undefined)
    throw new RangeError(
      `matryoshkaLoss: dims must be whole numbers from 1 to ${size}, got ${dims.join(', ')}`,
    )
  return dims
    .map((k) => loss(...vectors.map((x) => (k === x.shape[x.rank - 1] ? x : slice(x, -1, 0, k)))))
    .reduce(add)
}

export const vectorLosses: readonly LossRecord[] = [
  {
    name: 'vectorDistance',
    doc: "The distance between an embedding and its teacher's.",
    math: '\\tfrac{1}{B} \\sum_i |s_i - t_i|;\\quad \\bar s_i = \\tfrac{1}{B} (s_i - t_i) / |s_i - t_i|',
    source: 'the 2-norm, beside the squared error of Reimers and Gurevych 2020 (arXiv 2004.09813)',
    needs: ['logits'],
    golden: { vectorDistance: (t) => vectorDistanceLoss(t.student, t.teacher) },
  },
  {
    name: 'similarity',
    doc: "Squared error between the cosines of a batch's embeddings and those of the teacher's, whatever their sizes.",
    math: '\\tfrac{1}{B^2} \\sum_{ij} (c^s_{ij} - c^t_{ij})^2,\\ c_{ij} = \\cos(x_i, x_j);\\quad \\bar c^s_{ij} = \\tfrac{2}{B^2} (c^s_{ij} - c^t_{ij})',
    source: 'Tung and Mori 2019 (arXiv 1907.09682), equation 4, with cosines',
    needs: ['logits'],
    golden: { similarity: (t) => similarityLoss(t.student, t.teacher) },
  },
  {
    name: 'multipleNegatives',
    doc: "Each text's partner is told from the partners of the others in its batch.",
    math: '-\\tfrac{1}{B} \\sum_i \\log \\mathrm{softmax}_j (\\lambda \\cos(a_i, b_j))_i;\\quad \\bar c_{ij} = \\tfrac{\\lambda}{B} (p_{ij} - [i = j])',
    source: 'Henderson et al. 2017 (arXiv 1705.00652), section 4.4; scale 20 as sentence-transformers',
    needs: ['logits'],
    golden: {
      multipleNegatives: (t) => multipleNegativesLoss(t.student0, t.student1),
      'multipleNegatives.more': (t) => multipleNegativesLoss(t.student0, t.student1, { scale: 5 }),
    },
  },
  {
    name: 'pairCosine',
    doc: 'Squared error between the cosine of two embeddings and the score of their texts.',
    math: '\\tfrac{1}{B} \\sum_i (\\cos(a_i, b_i) - y_i)^2;\\quad \\bar c_i = \\tfrac{2}{B} (c_i - y_i)',
    source: 'Reimers and Gurevych 2019 (arXiv 1908.10084), section 3',
    needs: ['logits', 'labels'],
    golden: { pairCosine: (t) => pairCosineLoss(t.student0, t.student1, t.scores) },
  },
  {
    name: 'marginMse',
    doc: 'Squared error between how much nearer a right passage is than a wrong one, and what the teacher says of that.',
    math: '\\tfrac{1}{B} \\sum_i (q p - q n - \\Delta^t_i)^2;\\quad \\bar p_i = \\tfrac{2}{B} (\\Delta^s_i - \\Delta^t_i) q_i',
    source: 'Hofstätter et al. 2020 (arXiv 2010.02666), equation 6',
    needs: ['logits'],
    golden: {
      marginMse: (t) =>
        marginMseLoss(t.student0, t.student1, t.student2, t.teacherPositive, t.teacherNegative),
    },
  },
  {
    name: 'triplet',
    doc: 'A right text must lie nearer than a wrong one by a margin.',
    math: '\\tfrac{1}{B} \\sum_i \\max(0, |a - p| - |a - n| + m);\\quad \\bar p = \\tfrac{1}{B} (p - a) / |p - a|',
    source: 'Schroff et al. 2015 (arXiv 1503.03832), equation 3, without squares as sentence-transformers',
    needs: ['logits'],
    golden: { triplet: (t) => tripletLoss(t.student0, t.student1, t.student2, { margin: 2 }) },
  },
  {
    name: 'matryoshka',
    doc: 'A loss on the first numbers of the embeddings too, so that those are enough.',
    math: '\\sum_k L(x_{1..k});\\quad \\bar x_i = \\sum_{k \\ge i} \\partial L(x_{1..k}) / \\partial x_i',
    source: 'Kusupati et al. 2022 (arXiv 2205.13147), equation 1',
    needs: ['logits'],
    golden: {
      matryoshka: (t) =>
        matryoshkaLoss([t.student0, t.student1], [6, 3, 2], (a, b) => multipleNegativesLoss(a, b)),
    },
  },
]
