// DeBERTa-v3, and v2 without its layer of convolution: no table of places, scores between words and the distances to others.
import { bert, classifier, defaults } from './bert.js'
import type { Family } from './record.js'

const { positions: _, pooler: _pooler, ...names } = bert.names
const { headDropout: _dropout, ...settings } = bert.settings
const attention = 'encoder.layer.#.attention.self'

/** He et al. 2020; He et al. 2021. */
export const debertaV2: Family = {
  ...bert,
  modelType: 'deberta-v2',
  prefix: 'deberta',
  className: 'DebertaV2',
  pooler: false,
  pooling: 'gelu',
  places: 'relative',
  tokensUseHeadDropout: false,
  names: {
    ...names,
    'relative.positions': 'encoder.rel_embeddings',
    'relative.norm': 'encoder.LayerNorm',
    'layers.#.attention.query': `${attention}.query_proj`,
    'layers.#.attention.key': `${attention}.key_proj`,
    'layers.#.attention.value': `${attention}.value_proj`,
  },
  heads: { ...bert.heads, 'sequence-classification': { pooler: 'pooler.dense', ...classifier } },
  headNames: /^(pooler|cls|classifier|lm_predictions|mask_predictions|qa_outputs)\./,
  settings: { ...settings, embedding: 'embedding_size', headDropout: 'cls_dropout' },
  fixed: {
    conv_kernel_size: [0],
    attention_head_size: [null],
    pooler_dropout: [0],
    pooler_hidden_act: ['gelu'],
    // Its other head of masked words has no weights that transformers itself would load.
    legacy: [true],
  },
  stated: {
    relative_attention: [true],
    position_biased_input: [false],
    share_att_key: [true],
    pos_att_type: ['p2c|c2p'],
    norm_rel_ebd: ['layer_norm'],
  },
  alike: { pooler_hidden_size: 'hidden_size' },
  tokenizer: 'PreTrainedTokenizerFast',
  defaults: {
    ...defaults,
    ...{ vocabSize: 128100, width: 1536, layers: 24, heads: 24, inner: 6144, tokenTypes: 0, eps: 1e-7 },
    relative: { buckets: 256, farthest: null },
  },
}
