// All losses in one table: what documents, checks and lists them walks it.
import { attentionProbs, attentionScores } from './attention.js'
import { cosine } from './cosine.js'
import { featureMaps } from './features.js'
import { hardSets, hardTarget, maskedWords } from './hard-target.js'
import { embedding, hidden } from './hidden.js'
import { kd } from './kd.js'
import { patient } from './patient.js'
import type { LossRecord } from './record.js'
import { relation, valueRelation } from './relation.js'
import { relationalAngle, relationalDistance } from './relational.js'
import { softSets } from './soft-sets.js'
import { logitStandardization, softTarget } from './soft-target.js'
import { softmaxTwice } from './softmax-twice.js'
import { vectorLosses } from './vectors.js'

export const losses: readonly LossRecord[] = [
  ...[softTarget, softSets, logitStandardization, kd, softmaxTwice],
  ...[hardTarget, hardSets, maskedWords],
  ...[hidden, embedding, attentionScores, attentionProbs, cosine],
  ...[valueRelation, relation, patient, featureMaps, relationalDistance, relationalAngle],
  ...vectorLosses,
]
