// Self-attention relations: how queries, keys or values of one text resemble each other. They are T x T, so widths and
// numbers of heads may differ. Wang et al. 2020 (MiniLM) and 2021 (MiniLM v2).
import { tensor } from '../../autograd/create.js'
import { noGrad } from '../../autograd/graph.js'
import { add, mul, sub } from '../../autograd/ops/elementwise/arithmetic.js'
import { exp } from '../../autograd/ops/elementwise/pointwise.js'
import { matmul } from '../../autograd/ops/products/matmul.js'
import { sum } from '../../autograd/ops/reduce.js'
import { permute, reshape, transpose } from '../../autograd/ops/shape/views.js'
import { logSoftmax } from '../../autograd/ops/softmax.js'
import { ShapeError } from '../../errors.js'
import type { Qkv } from '../../nn/attention.js'
import { formatShape } from '../../tensor/shape.js'
import { ints, type Tensor } from '../../tensor/tensor.js'
import { type Average, realSquares, rowWeights } from './attention.js'
import { lengthsOf } from './real.js'
import type { LossInputs, LossRecord } from './record.js'

/** Of relationLoss(). */
export interface RelationOptions {
  /** Relation heads, which need not be the models' own. Default: the student's heads. MiniLM v2: 48 for base models. */
  heads?: number
  /** 'v' alone is MiniLM v1's. Default ['q', 'k', 'v'], MiniLM v2's. */
  relations?: readonly (keyof Qkv)[]
  /** Of each relation, in the same order. Default 1. */
  weights?: readonly number[]
  /** int32 [B, T], the attention mask: each text is cropped to its real positions. Default: all are real. */
  mask?: Tensor | undefined
  /** 'examples': each text divided by heads * its length, then the mean over texts. 'positions': over all rows. Default 'examples'. */
  average?: Average
}

/** [B, H, T, D] -> [B, A, T, H D / A]: heads side by side, cut anew. */
function resplit(x: Tensor, A: number, who: string): Tensor {
  if (x.rank !== 4)
    throw new ShapeError('relationLoss', `expected [batch, heads, T, width], got ${formatShape(x.shape)}`)
  const [B, H, T, D] = x.shape
  if (H === A) return x
  const width = (H * D) / A
  if (!Number.isInteger(width))
    throw new RangeError(`relationLoss: the ${who}'s width ${H * D} does not divide into ${A} relation heads`)
  const side = reshape(permute(x, [0, 2, 1, 3]), [B, T, A, width]) // [B, T, H, D] in memory
  return permute(side, [0, 2, 1, 3])
}

/** Far below every relation, yet finite: exp of it is 0, and 0 times it too. */
const UNSEEN = -1e9

/** [B, A, T, T]: log softmax of x x^T / sqrt(width) over real keys, where `keys` is 0; UNSEEN elsewhere. */
function logRelation(x: Tensor, keys: Tensor): Tensor {
  const scores = matmul(mul(x, 1 / Math.sqrt(x.shape[3])), transpose(x, -2, -1))
  return logSoftmax(add(scores, keys), -1)
}

/**
 * Weighted sum over relations of KL(teacher || student), where a relation is softmax(X X^T / sqrt(d)) by relation head,
 * for X the queries, keys or values [B, H, T, D] re-split into `heads` heads of width d = H D / heads. Each text is
 * cropped to its real positions, no padded rows or columns, and divided by heads * its length; then the mean over texts.
 * Gradient: with G = (p - q) / rows by row, (G + G^T) X / sqrt(d); none reaches the teacher. Wang et al. 2020 (MiniLM, arXiv
 * 2002.10957), section 3.2, for 'v'; 2021 (MiniLM v2, arXiv 2012.15828), section 3.1. Throws ShapeError where texts differ,
 * RangeError for a width that does not divide and a text without a real position.
 */
export function relationLoss(student: Qkv, teacher: Qkv, options: RelationOptions = {}): Tensor {
  const { relations = ['q', 'k', 'v'], heads = student.q.shape[1], average = 'examples', mask } = options
  const weights = options.weights ?? relations.map(() => 1)
  if (relations.length === 0 || weights.length !== relations.length)
    throw new RangeError(`relationLoss: ${relations.length} relations do not fit ${weights.length} weights`)
  const [B, , T] = student[relations[0]].shape
  const real = mask ?? tensor(new Int32Array(B * T).fill(1), { shape: [B, T] })
  const weigh = rowWeights(lengthsOf('relationLoss', real, B, T), heads, average)
  const rows = realSquares(real, student[relations[0]], weigh) // [B, 1, T, T]
  const keys = tensor(
    Float64Array.from(ints(real), (on) => (on === 0 ? UNSEEN : 0)),
    { shape: [B, 1, 1, T], dtype: rows.dtype },
  )
  return relations
    .map((name, i) => {
      const [s, t] = [student[name], teacher[name]]
      if (s.shape[0] !== t.shape[0] || s.shape[2] !== t.shape[2]) {
        throw new ShapeError(
          'relationLoss',
          `the student's are ${formatShape(s.shape)}, the teacher's ${formatShape(t.shape)}`,
          'Both need the same texts, [batch, heads, T, width]',
        )
      }
      const logq = noGrad(() => logRelation(resplit(t, heads, 'teacher'), keys))
      const counted = noGrad(() => mul(rows, exp(logq)))
      const loss = sum(mul(counted, sub(logq, logRelation(resplit(s, heads, 'student'), keys))))
      return mul(loss, weights[i])
    })
    .reduce(add)
}

const qkv = (t: LossInputs, who: string): Qkv => ({
  ...{ q: t[`${who}Q`], k: t[`${who}K`], v: t[`${who}V`] },
})

export const relation: LossRecord = {
  name: 'relation',
  doc: "The divergence of the student's relations between queries, keys and values from the teacher's.",
  math: '\\tfrac{1}{B} \\sum_b \\tfrac{1}{A T_b} \\sum_{X, a, n} \\mathrm{KL}(R_t \\| R_s),\\ R = \\mathrm{softmax}(\\tfrac{X X^\\top}{\\sqrt d});\\quad \\bar X_s = \\tfrac{1}{\\sqrt d} (G + G^\\top) X_s,\\ G = \\tfrac{R_s - R_t}{B A T_b}',
  source: 'Wang et al. 2021 (arXiv 2012.15828), section 3.1; cropping as in bloomberg/minilmv2.bb',
  needs: ['qkv', 'attentionMask'],
  golden: {
    'relation.v2': (t) => relationLoss(qkv(t, 'student'), qkv(t, 'teacher'), { heads: 4, mask: t.mask }),
    'relation.weights': (t) =>
      relationLoss(qkv(t, 'student'), qkv(t, 'teacher'), {
        ...{ heads: 2, mask: t.mask, relations: ['q', 'v'], weights: [0.5, 2] },
      }),
    'relation.unpadded': (t) => relationLoss(qkv(t, 'student'), qkv(t, 'teacher'), { heads: 6 }),
  },
}

/** The queries and keys play no part. */
const values = (t: LossInputs, average: Average) => {
  const [student, teacher] = [t.student, t.teacher].map((v) => ({ q: v, k: v, v }))
  return relationLoss(student, teacher, { relations: ['v'], mask: t.mask, average })
}

export const valueRelation: LossRecord = {
  name: 'valueRelation',
  doc: "The divergence of the student's relations between values from the teacher's, head by head.",
  math: '\\tfrac{1}{B} \\sum_b \\tfrac{1}{H T_b} \\sum_{h, n} \\mathrm{KL}(\\mathrm{softmax}(\\tfrac{V_t V_t^\\top}{\\sqrt{d_t}}) \\| \\mathrm{softmax}(\\tfrac{V_s V_s^\\top}{\\sqrt{d_s}}));\\quad \\bar V_s = \\tfrac{1}{\\sqrt{d_s}} (G + G^\\top) V_s',
  source: 'Wang et al. 2020 (arXiv 2002.10957), section 3.2',
  needs: ['qkv', 'attentionMask'],
  golden: {
    'value-relation.examples': (t) => values(t, 'examples'),
    'value-relation.positions': (t) => values(t, 'positions'),
  },
}
