// The nn namespace of the public surface.
export {
  Flatten,
  GELU,
  Identity,
  LogSoftmax,
  ReLU,
  Sigmoid,
  Softmax,
  Tanh,
} from './activations.js'
export { MultiHeadAttention } from './attention.js'
export { type Layer, ModuleDict, ModuleList, Sequential } from './containers.js'
export { Conv1d, Conv2d, ConvTranspose2d } from './conv.js'
export { CausalAttention, CrossAttention } from './decoder/attention.js'
export { DecoderBlock, type DecoderCache, type DecoderOptions } from './decoder/block.js'
export { applyRope, PositionalEmbedding, RotaryEmbedding } from './decoder/positions.js'
export { EncoderBlock, type EncoderOptions } from './encoder.js'
export * as init from './init.js'
export { Dropout, Embedding, LayerNorm, Linear, LowRankLinear } from './layers.js'
export { Module } from './module.js'
export { BatchNorm1d, BatchNorm2d, GroupNorm, RMSNorm } from './norm.js'
export { AdaptiveAvgPool2d, AvgPool2d, MaxPool1d, MaxPool2d } from './pool.js'
export type { PruneMethodName } from './prune/methods.js'
export {
  type PruneOptions,
  Pruner,
  type Pruning,
  pruneAware,
  type Sparsity,
  settlePruned,
  sparsityOf,
} from './prune/prepare.js'
export type { PruneScheduleName } from './prune/schedule.js'
export {
  type QuantizeAwareOptions,
  quantizeAware,
  settleOnGrid,
  stateOnGrid,
} from './quantize-aware/prepare.js'
export type { SchemeName } from './quantize-aware/schemes.js'
export { calibrate, type Range, type RangeMethod } from './quantized/calibrate.js'
export { QuantizedEmbedding, QuantizedLayer, QuantizedLinear } from './quantized/layers.js'
export { countWeights, isQuantized, type QuantizeOptions, quantize } from './quantized/quantize.js'
export { GRUCell, LSTMCell, RNNCell } from './recurrent/cells.js'
export { GRU, LSTM, RNN } from './recurrent/layers.js'
export { type Summary, type SummaryRow, summary } from './summary.js'
