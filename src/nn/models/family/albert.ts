// Families whose tables are narrower than their states: ELECTRA, and ALBERT, which has one block for all layers.
import { bert, classifier, common, defaults, embeddings, spans } from './bert.js'
import type { Family } from './record.js'

/** Clark et al. 2020. The discriminator; its generator is what masked words are for. */
export const electra: Family = {
  ...bert,
  modelType: 'electra',
  prefix: 'electra',
  className: 'Electra',
  pooler: false,
  pooling: 'gelu',
  dropBeforePooler: true,
  wordActivation: 'gelu',
  names: {
    ...Object.fromEntries(Object.entries(bert.names).filter(([ours]) => ours !== 'pooler')),
    project: 'embeddings_project',
  },
  heads: {
    'sequence-classification': { pooler: 'classifier.dense', classifier: 'classifier.out_proj' },
    'token-classification': classifier,
    ...spans,
    'masked-lm': {
      transform: 'generator_predictions.dense',
      transformNorm: 'generator_predictions.LayerNorm',
      decoder: 'generator_lm_head',
    },
  },
  tiedBias: null,
  headNames: /^(classifier|generator_predictions|generator_lm_head|discriminator_predictions|qa_outputs)\./,
  settings: { ...bert.settings, embedding: 'embedding_size' },
  defaults: { ...defaults, embedding: 128, width: 256, heads: 4, inner: 1024 },
}

const block = 'encoder.albert_layer_groups.0.albert_layers.0'

/** Lan et al. 2020. */
export const albert: Family = {
  ...bert,
  modelType: 'albert',
  prefix: 'albert',
  className: 'Albert',
  alwaysProjects: true,
  sharesLayers: true,
  names: {
    ...embeddings,
    project: 'encoder.embedding_hidden_mapping_in',
    'layers.#.attention.query': `${block}.attention.query`,
    'layers.#.attention.key': `${block}.attention.key`,
    'layers.#.attention.value': `${block}.attention.value`,
    'layers.#.attention.out': `${block}.attention.dense`,
    'layers.#.attentionNorm': `${block}.attention.LayerNorm`,
    'layers.#.up': `${block}.ffn`,
    'layers.#.down': `${block}.ffn_output`,
    'layers.#.outputNorm': `${block}.full_layer_layer_norm`,
    pooler: 'pooler',
  },
  heads: {
    'sequence-classification': classifier,
    'token-classification': classifier,
    ...spans,
    'masked-lm': {
      transform: 'predictions.dense',
      transformNorm: 'predictions.LayerNorm',
      decoder: 'predictions.decoder',
    },
  },
  tiedBias: 'predictions.bias',
  headNames: /^(albert\.pooler|classifier|predictions|sop_classifier|qa_outputs)\./,
  settings: {
    ...bert.settings,
    ...common,
    embedding: 'embedding_size',
    headDropout: 'classifier_dropout_prob',
  },
  fixed: { num_hidden_groups: [1], inner_group_num: [1] },
  defaults: {
    ...defaults,
    ...{ vocabSize: 30000, embedding: 128, width: 4096, heads: 64, inner: 16384, activation: 'gelu_new' },
    ...{ dropout: 0, attentionDropout: 0, headDropout: 0.1 },
  },
}
