// RoBERTa and what differs from it in texts and tokenizers alone.
import { bert, classifier, defaults, spans } from './bert.js'
import type { Family } from './record.js'

/** Liu et al. 2019. Its encoder is BERT's but for the places; DistilRoBERTa is one of six layers. */
export const roberta: Family = {
  ...bert,
  modelType: 'roberta',
  prefix: 'roberta',
  className: 'Roberta',
  dropBeforePooler: true,
  placesAfterPad: true,
  wordActivation: 'gelu',
  heads: {
    'sequence-classification': { pooler: 'classifier.dense', classifier: 'classifier.out_proj' },
    'token-classification': classifier,
    ...spans,
    'masked-lm': {
      transform: 'lm_head.dense',
      transformNorm: 'lm_head.layer_norm',
      decoder: 'lm_head.decoder',
    },
  },
  tiedBias: 'lm_head.bias',
  headNames: /^(roberta\.pooler|classifier|lm_head|qa_outputs)\./,
  defaults: { ...defaults, vocabSize: 50265, maxLength: 510, padId: 1 },
}

/** RoBERTa of other texts and tokenizers: Martin et al. 2020; Conneau et al. 2020. */
const another = { ...roberta, defaults: { ...roberta.defaults, vocabSize: 30522 } }
export const camembert: Family = { ...another, modelType: 'camembert', className: 'Camembert' }
export const xlmRoberta: Family = { ...another, modelType: 'xlm-roberta', className: 'XLMRoberta' }
