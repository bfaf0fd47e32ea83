// The work that is measured in several places, told without loading the engine.
import { availableParallelism } from 'node:os'

export const models = {
  'TinyBERT-4L-312': { layers: 4, width: 312, heads: 12, inner: 1200 },
  'MiniLM-6L-384': { layers: 6, width: 384, heads: 12, inner: 1536 },
}

export const VOCABULARY = 30522

/** 1, and as many as there are processors. */
export const threadCounts = [...new Set([1, availableParallelism()])]

/** Of the matrix products of a forward pass, the projections and attention; a training step has three times as many. */
export function productFlops({ layers, width, inner }, batch, tokens) {
  const aToken = 2 * (4 * width * width + 2 * width * inner) + 4 * tokens * width
  return layers * batch * tokens * aToken
}

export function tokenIds(batch, tokens) {
  return Int32Array.from({ length: batch * tokens }, (_, i) => 1 + ((i * 7919) % (VOCABULARY - 1)))
}

/** What is done with a model beside peers. */
export const modelWork = (name) => [
  { title: `${name}, training step, 16 x 64`, what: 'step', shape: models[name], batch: 16, tokens: 64 },
  { title: `${name}, forward, 16 x 64`, what: 'forward', shape: models[name], batch: 16, tokens: 64 },
  { title: `${name}, one text of 16 tokens`, what: 'forward', shape: models[name], batch: 1, tokens: 16 },
  { title: `${name} int8, forward, 16 x 64`, what: 'int8', shape: models[name], batch: 16, tokens: 64 },
  { title: `${name} int8, one text of 16 tokens`, what: 'int8', shape: models[name], batch: 1, tokens: 16 },
]

/** Of the preset bilstm: every word's vector is updated, which is most of it. */
export const bilstmWork = {
  ...{ title: 'BiLSTM 300, training step, 32 x 24', what: 'bilstm', batch: 32, tokens: 24 },
  shape: { embedding: 300, width: 300, inner: 200 },
}

/** Layers of MiniLM and TinyBERT over 16 x 64 words: rows, inputs, outputs. */
export const layerShapes = [
  [1024, 384, 1536],
  [1024, 312, 1200],
]

export const matmulWork = [
  [512, 512, 512],
  [1024, 312, 1200],
].map(([m, k, n]) => ({ title: `matmul ${m}x${k}x${n}`, what: 'matmul', m, k, n, flops: 2 * m * k * n }))

const conv = { what: 'conv', batch: 64, channels: 32, size: 28, filters: 64 }

/** Layers beside peers. conv: an image is size x size; pass 'forward' for that alone. */
export const layerWork = [
  { title: 'conv2d 3x3, 64x32x28x28 to 64 channels, forward + backward', ...conv },
  { title: 'conv2d 3x3, 64x32x28x28 to 64 channels, forward', ...conv, pass: 'forward' },
  {
    ...{ title: 'LSTM of 128, 32 steps of 64x128, forward + backward', what: 'lstm' },
    ...{ steps: 32, batch: 64, width: 128 },
  },
]
