// The losses that a plan may name: whoever has a new one adds a record, and every recipe and --config can use it.
import type { PlanLoss } from './loss.js'
import {
  attention,
  attentionMaps,
  attentionProbs,
  cosine,
  features,
  hidden,
  patient,
  relation,
} from './on-layers.js'
import { annealed, cwtm, dkpp, hard, logits, soft, words } from './on-logits.js'

export const lossTable: Readonly<Record<string, PlanLoss>> = {
  ...{ soft, logits, hard, annealed, cwtm, dkpp, words },
  ...{ hidden, attention, attentionProbs, relation, cosine, patient, features, attentionMaps },
}
