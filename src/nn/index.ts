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
export { EncoderBlock, type EncoderOptions } from './encoder.js'
export * as init from './init.js'
export { Dropout, Embedding, LayerNorm, Linear } from './layers.js'
export { Module } from './module.js'
export { type Summary, type SummaryRow, summary } from './summary.js'
export { GRUCell, LSTMCell, RNNCell } from './recurrent/cells.js'
export { GRU, LSTM, RNN } from './recurrent/layers.js'
