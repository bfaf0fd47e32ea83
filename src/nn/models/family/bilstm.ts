// The one family that is no transformer, and that Python's transformers does not know.
import { common, defaults, distilbert } from './bert.js'
import type { Family } from './record.js'

/** Tang et al. 2019 (arXiv 1903.12136). `width` is of both directions together, `inner` of the layer before the classes. */
export const bilstm: Family = {
  ...distilbert,
  modelType: 'bilstm',
  prefix: 'bilstm',
  className: 'BiLstm',
  body: 'lstm',
  pooling: 'relu',
  names: { words: 'embedding', lstm: 'lstm' },
  heads: { 'sequence-classification': { pooler: 'dense', classifier: 'classifier', dense: 'dense' } },
  tiedBias: null,
  headNames: /^(dense|classifier)\./,
  settings: {
    ...{ vocabSize: common.vocabSize, maxLength: common.maxLength, padId: common.padId, std: common.std },
    ...{ embedding: 'embedding_size', width: 'hidden_size', inner: 'dense_size', dropout: 'dropout' },
  },
  fixed: { num_layers: [1], bidirectional: [true] },
  alike: {},
  defaults: {
    ...defaults,
    ...{ embedding: 300, width: 300, layers: 1, heads: 1, inner: 200, activation: 'relu' },
    // Word vectors uniform below 0.25 have this spread.
    ...{ tokenTypes: 0, std: 0.144, tied: false },
  },
}
