// The nn namespace of the public surface.
export { MultiHeadAttention } from './attention.js'
export { EncoderBlock, type EncoderOptions } from './encoder.js'
export * as init from './init.js'
export { Dropout, Embedding, LayerNorm, Linear } from './layers.js'
export { Module } from './module.js'
export { GRUCell, LSTMCell, RNNCell } from './recurrent/cells.js'
export { GRU, LSTM, RNN } from './recurrent/layers.js'
