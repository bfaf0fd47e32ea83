// What tinystill/models shows wherever it runs: models and their configs. Names only, no logic.

export { type ExportOnnxOptions, exportOnnx, type OnnxFloats } from '../../formats/onnx/export.js'
export type { Qkv } from '../../nn/attention.js'
export { KeyValues } from '../../nn/key-values.js'
export {
  Bert,
  BertForMaskedLM,
  BertForSequenceClassification,
  BertForTokenClassification,
  DistilBert,
  DistilBertForMaskedLM,
  DistilBertForSequenceClassification,
  DistilBertForTokenClassification,
  Roberta,
  RobertaForMaskedLM,
  RobertaForSequenceClassification,
  RobertaForTokenClassification,
  type RobertaOptions,
} from '../../nn/models/bert.js'
export { BiLstm, BiLstmForSequenceClassification } from '../../nn/models/bilstm.js'
export { type ClassifierConfig, TextClassifier } from '../../nn/models/classifier.js'
export type {
  BlockShape,
  Bottleneck,
  NumberField,
  ProblemType,
  Relative,
  Rotary,
  TransformerConfig,
} from '../../nn/models/config.js'
export { type ConvLayer, ConvNet, type ConvNetConfig } from '../../nn/models/conv-net.js'
export type { Family, Kind, Stored } from '../../nn/models/family.js'
export {
  MaskedWords,
  NextWords,
  SequenceClassifier,
  SpanClassifier,
  TokenClassifier,
  type WantedWords,
} from '../../nn/models/heads.js'
export type { ModelInput, PaddedInput, TextInput, UnpaddedInput } from '../../nn/models/input.js'
export { Mlp, type MlpConfig } from '../../nn/models/mlp.js'
export {
  DebertaV2,
  DebertaV2ForMaskedLM,
  DebertaV2ForSequenceClassification,
  DebertaV2ForTokenClassification,
} from '../../nn/models/named/deberta.js'
export {
  Gpt2,
  Gpt2ForSequenceClassification,
  Gpt2ForTokenClassification,
  Gpt2LMHeadModel,
} from '../../nn/models/named/gpt2.js'
export {
  Albert,
  AlbertForMaskedLM,
  AlbertForSequenceClassification,
  AlbertForTokenClassification,
  Electra,
  ElectraForMaskedLM,
  ElectraForSequenceClassification,
  ElectraForTokenClassification,
  MPNet,
  MPNetForMaskedLM,
  MPNetForSequenceClassification,
  MPNetForTokenClassification,
} from '../../nn/models/named/kin.js'
export {
  MobileBert,
  MobileBertForMaskedLM,
  MobileBertForSequenceClassification,
  MobileBertForTokenClassification,
} from '../../nn/models/named/mobilebert.js'
export {
  ModernBert,
  ModernBertForMaskedLM,
  ModernBertForSequenceClassification,
  ModernBertForTokenClassification,
} from '../../nn/models/named/modernbert.js'
export {
  AlbertForQuestionAnswering,
  BertForQuestionAnswering,
  DebertaV2ForQuestionAnswering,
  DistilBertForQuestionAnswering,
  ElectraForQuestionAnswering,
  MobileBertForQuestionAnswering,
  ModernBertForQuestionAnswering,
  MPNetForQuestionAnswering,
  RobertaForQuestionAnswering,
} from '../../nn/models/named/spans.js'
export type { PoolingMode } from '../../nn/models/pooling.js'
export {
  type HeadOutput,
  type ModelOutput,
  Pretrained,
  type Settings,
  type Wanted,
} from '../../nn/models/pretrained.js'
export {
  Dense,
  type DenseActivation,
  Normalize,
  SentenceEncoder,
  type SentenceOptions,
  type SentenceStep,
} from '../../nn/models/sentence.js'
export { Transformer } from '../../nn/models/transformer.js'
export type { RelativePlaces } from '../../nn/places/relative.js'
export type { RotaryPlaces } from '../../nn/places/rotary.js'
export { cutModel, maskModel } from '../../nn/shrink/cut.js'
export {
  type BatchLoss,
  Importance,
  type ImportanceOptions,
  type Scores,
} from '../../nn/shrink/importance.js'
export { allOf, best, bestOfLayers, type ChoiceOptions, type Kept } from '../../nn/shrink/kept.js'
export { type Factored, lowRankModel, type RankRule, wholeModel } from '../../nn/shrink/low-rank.js'
export { headMethods, layerMethods, weightMethods } from '../../nn/shrink/methods.js'
