// Losses of plans that look inside both models, word by word: hidden states, attention, relations.

import { mul } from '../../autograd/ops/elementwise/arithmetic.js'
import type { ModelOutput } from '../../nn/models/pretrained.js'
import type { LayerMap } from '../layer-map.js'
import { type Average, attentionLoss, attentionProbsLoss } from '../losses/attention.js'
import { cosineLoss } from '../losses/cosine.js'
import { featureMapLoss } from '../losses/features.js'
import { hiddenLoss, Projection } from '../losses/hidden.js'
import { patientLoss } from '../losses/patient.js'
import { relationLoss } from '../losses/relation.js'
import { type RowReduction, rowReductions } from '../losses/soft-target.js'
import { type LossContext, planLoss } from './loss.js'
import { flag, numberFrom, oneOf, wholeOrNone } from './settings.js'

/** What both gave, by layer. */
function both<K extends 'hiddenStates' | 'attentionScores' | 'attentionProbs' | 'qkv'>(
  { student, teacher }: LossContext,
  name: K,
): { s: NonNullable<ModelOutput[K]>; t: NonNullable<ModelOutput[K]> } {
  return {
    s: student[name] as NonNullable<ModelOutput[K]>,
    t: teacher?.[name] as NonNullable<ModelOutput[K]>,
  }
}

const pairsOf = ({ layers }: LossContext) => layers as LayerMap

/** Of padded texts, where padding is not to count. */
const maskOf = ({ input }: LossContext, padding: boolean) =>
  !padding && 'attentionMask' in input ? input.attentionMask : undefined

/** Whether padding counts, where texts are padded: TinyBERT's code counts it. */
const padding = flag(false)

export const hidden = planLoss({
  needs: { teacher: true, layerMap: true, atWords: true, outputs: { hiddenStates: true } },
  settings: {
    projection: oneOf(['shared', 'embeddings-apart', 'each', 'none'], 'shared'),
    bias: flag(true),
    std: numberFrom(0, 10, 0.02),
    padding,
  },
  formula: ({ projection, bias }) =>
    projection === 'none'
      ? 'sum over layers MSE(h_s, h_t)'
      : `sum over layers MSE(h_s W${bias ? ' + b' : ''}, h_t), W ${{ shared: 'shared', 'embeddings-apart': 'shared but for the embeddings', each: 'one a layer' }[projection]}`,
  learnt: (student, teacher, { projection, bias, std }) =>
    projection === 'none'
      ? null
      : new Projection(student.width, teacher?.width ?? student.width, {
          ...{ sharing: projection, states: student.layers + 1, bias, std },
        }),
  compute: (context, options, learnt) => {
    const { s, t } = both(context, 'hiddenStates')
    const projection = (learnt as Projection | null) ?? undefined
    return hiddenLoss(s, t, {
      ...{ projection, pairs: pairsOf(context).hidden, mask: maskOf(context, options.padding) },
    })
  },
})

export const attention = planLoss({
  needs: {
    ...{ teacher: true, layerMap: true, padded: true, same: ['heads'] },
    outputs: { attentionScores: true },
  },
  settings: { padding },
  formula: () => 'sum over layers MSE(A_s, A_t), A = Q K^T/sqrt(d)',
  compute: (context, options) => {
    const { s, t } = both(context, 'attentionScores')
    return attentionLoss(s, t, {
      ...{ pairs: pairsOf(context).attention, mask: maskOf(context, options.padding) },
    })
  },
})

const average = oneOf<Average>(['examples', 'positions'], 'examples')

/** MiniLM looks at one layer of each: the student's last, and the teacher's last or the one named. */
const teacherLayer = wholeOrNone(0, 1000)
const place = (layer: number | null) => (layer === null ? '' : ` ${layer}`)

/** A pair of places in both lists. Throws RangeError where the teacher has no such layer. */
function lastPair(s: readonly unknown[], t: readonly unknown[], layer: number | null): [number, number] {
  if (layer !== null && layer >= t.length)
    throw new RangeError(`teacherLayer: there is no layer ${layer}, the teacher has 0 to ${t.length - 1}`)
  return [s.length - 1, layer ?? t.length - 1]
}

export const attentionProbs = planLoss({
  needs: { teacher: true, padded: true, same: ['heads'], outputs: { attentionProbs: true } },
  settings: { average, teacherLayer },
  formula: ({ teacherLayer }) => `KL(softmax(A_t${place(teacherLayer)}) || softmax(A_s)) of the last layer`,
  compute: (context, { average, teacherLayer }) => {
    const { s, t } = both(context, 'attentionProbs')
    const pairs = [lastPair(s, t, teacherLayer)]
    return attentionProbsLoss(s, t, { pairs, mask: maskOf(context, false), average })
  },
})

export const attentionMaps = planLoss({
  needs: {
    ...{ teacher: true, layerMap: true, padded: true, same: ['heads'] },
    outputs: { attentionProbs: true },
  },
  settings: { average },
  formula: () => 'mean over layers KL(softmax(A_t) || softmax(A_s))',
  compute: (context, { average }) => {
    const { s, t } = both(context, 'attentionProbs')
    const { attention: pairs } = pairsOf(context)
    return mul(attentionProbsLoss(s, t, { pairs, mask: maskOf(context, false), average }), 1 / pairs.length)
  },
})

export const features = planLoss({
  needs: { teacher: true, layerMap: true, atWords: true, same: ['width'], outputs: { hiddenStates: true } },
  settings: { mean: numberFrom(0, 1e9, 50), variance: numberFrom(0, 1e9, 0.05) },
  formula: ({ mean, variance }) =>
    `mean over layers (MSE(LN h_s, LN h_t) + ${mean} (m_s - m_t)^2 + ${variance} |v_s - v_t|), m and v over the width`,
  compute: (context, options) => {
    const { s, t } = both(context, 'hiddenStates')
    // Of layers, not of the embeddings.
    const pairs = pairsOf(context).hidden.filter(([own]) => own > 0)
    return featureMapLoss(s, t, { ...options, pairs, mask: maskOf(context, false) })
  },
})

const kinds = { v: ['v'], qkv: ['q', 'k', 'v'] } as const

export const relation = planLoss({
  needs: { teacher: true, padded: true, outputs: { qkv: true } },
  settings: {
    of: oneOf(['v', 'qkv'], 'qkv'),
    /** Left out: the student's own. */
    heads: wholeOrNone(1, 4096),
    ...{ average, teacherLayer },
  },
  formula: ({ of, heads, teacherLayer }) =>
    `sum over X in ${kinds[of].join(', ')} KL(R_t${place(teacherLayer)} || R_s), R = softmax(X X^T/sqrt(d))${heads === null ? '' : ` in ${heads} heads`}`,
  compute: (context, { of, heads, average, teacherLayer }) => {
    const { s, t } = both(context, 'qkv')
    const [i, j] = lastPair(s, t, teacherLayer)
    return relationLoss(s[i], t[j], {
      ...{ relations: kinds[of], mask: maskOf(context, false), average, ...(heads !== null && { heads }) },
    })
  },
})

export const cosine = planLoss({
  needs: { teacher: true, atWords: true, same: ['width'], outputs: { hiddenStates: true } },
  settings: {},
  formula: () => 'mean over words (1 - cos(h_s, h_t)) of the last layer',
  compute: (context) => {
    const { s, t } = both(context, 'hiddenStates')
    return cosineLoss(s[s.length - 1], t[t.length - 1], { mask: maskOf(context, false) })
  },
})

export const patient = planLoss({
  needs: {
    ...{ teacher: true, layerMap: true, padded: true, atWords: true, firstToken: true, same: ['width'] },
    outputs: { hiddenStates: true },
  },
  settings: { reduction: oneOf<RowReduction>(rowReductions, 'mean-elements') },
  formula: () => 'sum over layers |s/|s| - t/|t||^2 of first tokens',
  compute: (context, { reduction }) => {
    const { s, t } = both(context, 'hiddenStates')
    return patientLoss(s, t, { pairs: pairsOf(context).hidden, reduction })
  },
})
