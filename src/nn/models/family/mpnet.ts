// MPNet, of which most sentence encoders in English are: RoBERTa's places and heads, distances between words, no types.
import { bert } from './bert.js'
import type { Family } from './record.js'
import { roberta } from './roberta.js'

const { types: _, ...names } = bert.names
const { tokenTypes: _types, headDropout: _head, ...settings } = bert.settings

/** Song et al. 2020. */
export const mpnet: Family = {
  ...roberta,
  modelType: 'mpnet',
  prefix: 'mpnet',
  className: 'MPNet',
  addsDistances: true,
  names: {
    ...names,
    positionBias: 'encoder.relative_attention_bias',
    'layers.#.attention.query': 'encoder.layer.#.attention.attn.q',
    'layers.#.attention.key': 'encoder.layer.#.attention.attn.k',
    'layers.#.attention.value': 'encoder.layer.#.attention.attn.v',
    'layers.#.attention.out': 'encoder.layer.#.attention.attn.o',
    'layers.#.attentionNorm': 'encoder.layer.#.attention.LayerNorm',
  },
  headNames: /^(mpnet\.pooler|classifier|lm_head|qa_outputs)\./,
  settings,
  // Python counts 32 kinds of distances, and takes 1 for padding's place, whatever config.json says.
  fixed: { relative_attention_num_buckets: [32], pad_token_id: [1] },
  defaults: { ...roberta.defaults, vocabSize: 30527, tokenTypes: 0 },
}
