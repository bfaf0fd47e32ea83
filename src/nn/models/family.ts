// What sets the models apart that share one encoder: names of parameters and settings, and four differences in what is
// computed. Everything about BERT and DistilBERT that is not common to both stands in these two records.
import { type NumberField, numberedLabels, type TransformerConfig } from './config.js'

/** What a model is for. */
export type Kind = 'base' | 'sequence-classification' | 'masked-lm' | 'token-classification'

export const kinds: readonly Kind[] = ['base', 'sequence-classification', 'masked-lm', 'token-classification']

const suffixes: Record<Kind, string> = {
  base: 'Model',
  'sequence-classification': 'ForSequenceClassification',
  'masked-lm': 'ForMaskedLM',
  'token-classification': 'ForTokenClassification',
}

export interface Family {
  /** As in config.json; also what the parameters of the encoder begin with in a model that has a head. */
  readonly modelType: 'bert' | 'distilbert'
  /** What its classes in Python begin with. */
  readonly className: string
  /** BERT's pooler is part of the encoder and ends in tanh; DistilBERT's belongs to the classifier and ends in relu. */
  readonly pooler: 'encoder' | 'head'
  /** Whether what attention gives is dropped. */
  readonly dropAttended: boolean
  /** Whether token classification drops with headDropout, or with dropout. */
  readonly tokensUseHeadDropout: boolean
  /** Our paths, `#` for the layer's number, to those of the weight file. */
  readonly names: Readonly<Record<string, string>>
  /** Where the decoder is tied, another name for its bias. */
  readonly tiedNames: Readonly<Record<string, string>>
  /** Names in a file of parameters that heads have, ours and others; TinyBERT keeps its projections. */
  readonly headNames: RegExp
  /** Settings by their names in config.json; what is not named there is fixed. */
  readonly settings: Readonly<Partial<Record<NumberField | 'activation' | 'tied', string>>>
  readonly defaults: TransformerConfig
}

const embeddings = {
  words: 'embeddings.word_embeddings',
  positions: 'embeddings.position_embeddings',
  types: 'embeddings.token_type_embeddings',
  norm: 'embeddings.LayerNorm',
}

const defaults: TransformerConfig = {
  ...{ vocabSize: 30522, width: 768, layers: 12, heads: 12, inner: 3072, activation: 'gelu' },
  ...{ maxLength: 512, tokenTypes: 2, eps: 1e-12, padId: 0, std: 0.02, tied: true },
  ...{ dropout: 0.1, attentionDropout: 0.1, headDropout: null, blocks: null },
  ...{ labels: numberedLabels(2), problemType: null, extra: new Map() },
}

const common = {
  vocabSize: 'vocab_size',
  maxLength: 'max_position_embeddings',
  padId: 'pad_token_id',
  std: 'initializer_range',
  tied: 'tie_word_embeddings',
}

export const bert: Family = {
  modelType: 'bert',
  className: 'Bert',
  pooler: 'encoder',
  dropAttended: true,
  tokensUseHeadDropout: true,
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
    transform: 'cls.predictions.transform.dense',
    transformNorm: 'cls.predictions.transform.LayerNorm',
    decoder: 'cls.predictions.decoder',
    classifier: 'classifier',
  },
  tiedNames: { 'decoder.bias': 'cls.predictions.bias' },
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
  defaults,
}

export const distilbert: Family = {
  modelType: 'distilbert',
  className: 'DistilBert',
  pooler: 'head',
  dropAttended: false,
  tokensUseHeadDropout: false,
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
    pooler: 'pre_classifier',
    transform: 'vocab_transform',
    transformNorm: 'vocab_layer_norm',
    decoder: 'vocab_projector',
    classifier: 'classifier',
  },
  tiedNames: {},
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
  defaults: { ...defaults, layers: 6, tokenTypes: 0, headDropout: 0.2 },
}

export const families: readonly Family[] = [bert, distilbert]

/** BertForMaskedLM for bert and 'masked-lm'. */
export function architectureOf(family: Family, kind: Kind): string {
  return family.className + suffixes[kind]
}

/**
 * A parameter's name in the weight file: `base.layers.3.attention.query.weight` is
 * `bert.encoder.layer.3.attention.self.query.weight` in BERT. What is not of the family keeps its own.
 */
export function nameInFile(family: Family, own: string, tied: boolean): string {
  const path = own.replace(/^base\./, '')
  const prefix = path === own ? '' : `${family.modelType}.`
  if (tied && Object.hasOwn(family.tiedNames, path)) return family.tiedNames[path]
  // A linear layer of two matrices has their names behind its own.
  const [, module, leaf] = /^(.*?)\.((?:(?:reduce|expand)\.)?[^.]*)$/.exec(path) ?? ['', '', path]
  const layer = /^layers\.(\d+)\./.exec(module)?.[1] ?? ''
  const key = module.replace(/^layers\.\d+\./, 'layers.#.')
  if (!Object.hasOwn(family.names, key)) return own
  return `${prefix}${family.names[key].replace('#', layer)}.${leaf}`
}
