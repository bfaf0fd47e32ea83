// BERT, of which the others are said by what they do otherwise, and DistilBERT.
import { numberedLabels, type TransformerConfig } from '../config.js'
import type { Family } from './record.js'

export const embeddings = {
  words: 'embeddings.word_embeddings',
  positions: 'embeddings.position_embeddings',
  types: 'embeddings.token_type_embeddings',
  norm: 'embeddings.LayerNorm',
}

export const defaults: TransformerConfig = {
  ...{
    vocabSize: 30522,
    embedding: null,
    width: 768,
    layers: 12,
    heads: 12,
    inner: 3072,
    activation: 'gelu',
  },
  ...{ maxLength: 512, tokenTypes: 2, eps: 1e-12, padId: 0, std: 0.02, tied: true },
  ...{ dropout: 0.1, attentionDropout: 0.1, headDropout: null, blocks: null },
  ...{ labels: numberedLabels(2), problemType: null, extra: new Map() },
}

export const common = {
  vocabSize: 'vocab_size',
  maxLength: 'max_position_embeddings',
  padId: 'pad_token_id',
  std: 'initializer_range',
  tied: 'tie_word_embeddings',
}

export const classifier = { classifier: 'classifier' }

export const bert: Family = {
  modelType: 'bert',
  prefix: 'bert',
  className: 'Bert',
  pooler: true,
  pooling: 'tanh',
  dropBeforePooler: false,
  placesAfterPad: false,
  alwaysProjects: false,
  innerFollows: false,
  sharesLayers: false,
  addsDistances: false,
  causal: false,
  norms: 'post',
  dropAttended: true,
  tokensUseHeadDropout: true,
  wordActivation: null,
  names: {
    ...embeddings,
    'layers.#.attention.query': 'encoder.layer.#.attention.self.query',
    'layers.#.attention.key': 'encoder.layer.#.attention.self.key',
    'layers.#.attention.value': 'encoder.layer.#.attention.self.value',
    'layers.#.attention.out': 'encoder.layer.#.attention.output.dense',
    'layers.#.attentionNorm': 'encoder.layer.#.attention.output.LayerNorm',
    'layers.#.up': 'encoder.layer.#.intermediate.dense',
    'layers.#.down': 'encoder.layer.#.output.dense',
    'layers.#.outputNorm': 'encoder.layer.#.output.LayerNorm',
    pooler: 'pooler.dense',
  },
  heads: {
    'sequence-classification': classifier,
    'token-classification': classifier,
    'masked-lm': {
      transform: 'cls.predictions.transform.dense',
      transformNorm: 'cls.predictions.transform.LayerNorm',
      decoder: 'cls.predictions.decoder',
    },
  },
  stored: null,
  tiedBias: 'cls.predictions.bias',
  headNames: /^(bert\.pooler|cls|classifier|qa_outputs|fit_denses?)\./,
  settings: {
    ...common,
    width: 'hidden_size',
    layers: 'num_hidden_layers',
    heads: 'num_attention_heads',
    inner: 'intermediate_size',
    activation: 'hidden_act',
    tokenTypes: 'type_vocab_size',
    eps: 'layer_norm_eps',
    dropout: 'hidden_dropout_prob',
    attentionDropout: 'attention_probs_dropout_prob',
    headDropout: 'classifier_dropout',
  },
  fixed: {},
  alike: {},
  tokenizer: 'BertTokenizer',
  defaults,
}

/** Sanh et al. 2019. */
export const distilbert: Family = {
  modelType: 'distilbert',
  prefix: 'distilbert',
  className: 'DistilBert',
  pooler: false,
  pooling: 'relu',
  dropBeforePooler: false,
  placesAfterPad: false,
  alwaysProjects: false,
  innerFollows: false,
  sharesLayers: false,
  addsDistances: false,
  causal: false,
  norms: 'post',
  dropAttended: false,
  tokensUseHeadDropout: false,
  wordActivation: null,
  names: {
    ...embeddings,
    'layers.#.attention.query': 'transformer.layer.#.attention.q_lin',
    'layers.#.attention.key': 'transformer.layer.#.attention.k_lin',
    'layers.#.attention.value': 'transformer.layer.#.attention.v_lin',
    'layers.#.attention.out': 'transformer.layer.#.attention.out_lin',
    'layers.#.attentionNorm': 'transformer.layer.#.sa_layer_norm',
    'layers.#.up': 'transformer.layer.#.ffn.lin1',
    'layers.#.down': 'transformer.layer.#.ffn.lin2',
    'layers.#.outputNorm': 'transformer.layer.#.output_layer_norm',
  },
  heads: {
    'sequence-classification': { pooler: 'pre_classifier', ...classifier },
    'token-classification': classifier,
    'masked-lm': {
      transform: 'vocab_transform',
      transformNorm: 'vocab_layer_norm',
      decoder: 'vocab_projector',
    },
  },
  stored: null,
  tiedBias: null,
  headNames: /^(pre_classifier|classifier|vocab_transform|vocab_layer_norm|vocab_projector|qa_outputs)\./,
  settings: {
    ...common,
    width: 'dim',
    layers: 'n_layers',
    heads: 'n_heads',
    inner: 'hidden_dim',
    activation: 'activation',
    dropout: 'dropout',
    attentionDropout: 'attention_dropout',
    headDropout: 'seq_classif_dropout',
  },
  fixed: {},
  alike: {},
  tokenizer: 'DistilBertTokenizer',
  defaults: { ...defaults, layers: 6, tokenTypes: 0, headDropout: 0.2 },
}
