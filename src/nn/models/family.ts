// What sets the models apart that share one encoder: names of parameters and settings, and few differences in what is
// computed. Everything about a family that is not common to all stands in its record.
import type { Activation } from '../encoder.js'
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

/** What a head is made of, by the file's names; `pooler` where a classifier of texts has one of its own. */
type HeadNames = Readonly<Record<string, string>>

/** What one family of models has of its own. */
export interface Family {
  /** As in config.json. */
  readonly modelType: 'bert' | 'distilbert' | 'roberta' | 'camembert' | 'xlm-roberta'
  /** What the parameters of the encoder begin with in a model that has a head. */
  readonly prefix: 'bert' | 'distilbert' | 'roberta'
  /** What its classes in Python begin with. */
  readonly className: string
  /** Whether the encoder ends in a pooler, a layer on the first token's state; a head of texts may do without it. */
  readonly pooler: boolean
  /** What follows the layer between the first token's state and the classes of a text, and whether dropout comes before it. */
  readonly pooling: 'tanh' | 'relu'
  readonly dropBeforePooler: boolean
  /** Whether places are counted from padId + 1 on and padding is at padId, as in fairseq; else from 0. */
  readonly placesAfterPad: boolean
  /** Whether what attention gives is dropped. */
  readonly dropAttended: boolean
  /** Whether token classification drops with headDropout, or with dropout. */
  readonly tokensUseHeadDropout: boolean
  /** In the head of masked words; null: the config's. */
  readonly wordActivation: Activation | null
  /** Of the encoder: our paths, `#` for the layer's number, to those of the weight file. */
  readonly names: Readonly<Record<string, string>>
  /** Of each head. */
  readonly heads: Readonly<Record<Exclude<Kind, 'base'>, HeadNames>>
  /** Where the decoder is tied, the name of its bias; null: the decoder's own. */
  readonly tiedBias: string | null
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

const classifier = { classifier: 'classifier' }

export const bert: Family = {
  modelType: 'bert',
  prefix: 'bert',
  className: 'Bert',
  pooler: true,
  pooling: 'tanh',
  dropBeforePooler: false,
  placesAfterPad: false,
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
  defaults: { ...defaults, layers: 6, tokenTypes: 0, headDropout: 0.2 },
}

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

export const families: readonly Family[] = [bert, distilbert, roberta, camembert, xlmRoberta]

/** Rows of the table of places before that of a text's first word. */
export function placesBefore(
  { placesAfterPad }: Pick<Family, 'placesAfterPad'>,
  { padId }: Pick<TransformerConfig, 'padId'>,
): number {
  return placesAfterPad ? (padId ?? 0) + 1 : 0
}

/** BertForMaskedLM for bert and 'masked-lm'. */
export function architectureOf(family: Family, kind: Kind): string {
  return family.className + suffixes[kind]
}

/** Whether the pooler before a classifier of texts is the head's own, and not the encoder's. */
export function headHasPooler({ heads }: Family): boolean {
  return Object.hasOwn(heads['sequence-classification'], 'pooler')
}

/** What the layer before a classifier's last, and that, are called in the file of a classifier of texts. */
export function textHeadNames(family: Family): { pooler: string; classifier: string } {
  const { pooler = `${family.prefix}.${family.names.pooler}`, classifier } =
    family.heads['sequence-classification']
  return { pooler, classifier }
}

/** The layer that gives the classes, of texts or of tokens. */
export function classesLayer(family: Family, kind: Kind): string {
  return kind === 'token-classification' ? family.heads[kind].classifier : textHeadNames(family).classifier
}

/** The word table, in a model that has a head. */
export const wordTable = ({ prefix, names }: Family) => `${prefix}.${names.words}.weight`

/**
 * A parameter's name in the weight file: `base.layers.3.attention.query.weight` is
 * `bert.encoder.layer.3.attention.self.query.weight` in BERT. What is not of the family keeps its own.
 */
export function nameInFile(family: Family, kind: Kind, own: string, tied: boolean): string {
  const path = own.replace(/^base\./, '')
  const head = kind !== 'base' && path === own
  if (head && tied && path === 'decoder.bias' && family.tiedBias !== null) return family.tiedBias
  // A linear layer of two matrices has their names behind its own.
  const [, module, leaf] = /^(.*?)\.((?:(?:reduce|expand)\.)?[^.]*)$/.exec(path) ?? ['', '', path]
  const layer = /^layers\.(\d+)\./.exec(module)?.[1] ?? ''
  const key = module.replace(/^layers\.\d+\./, 'layers.#.')
  const names = head ? family.heads[kind] : family.names
  if (!Object.hasOwn(names, key)) return own
  const prefix = path === own ? '' : `${family.prefix}.`
  return `${prefix}${names[key].replace('#', layer)}.${leaf}`
}
