// tinystill: the public surface of tensor and autograd. Names only, no logic.

export { grad } from './autograd/backward.js'
export {
  arange,
  eye,
  full,
  fullLike,
  linspace,
  ones,
  onesLike,
  rand,
  randLike,
  randn,
  randnLike,
  tensor,
  zeros,
  zerosLike,
} from './autograd/create.js'
export { gradcheck } from './autograd/gradcheck.js'
export { noGrad } from './autograd/graph.js'
export { where } from './autograd/ops/elementwise/compare.js'
export { oneHot } from './autograd/ops/indexing/one-hot.js'
export { embedding } from './autograd/ops/indexing/rows.js'
export { cosineSimilarity } from './autograd/ops/losses/cosine.js'
export { crossEntropy, klDiv, mse } from './autograd/ops/losses/losses.js'
export { attention } from './autograd/ops/products/attention.js'
export { segmentAttention, segmentMean } from './autograd/ops/products/segments.js'
export { cat, pad, stack } from './autograd/ops/shape/join.js'
export { diag, tril, triu } from './autograd/ops/shape/triangles.js'
export { manualSeed } from './autograd/random.js'
export { bernoulli, multinomial, randint, randperm } from './autograd/sampling.js'
export { tidy } from './autograd/tidy.js'
export {
  ArgumentError,
  BackendError,
  CheckpointError,
  DataError,
  DTypeError,
  GradError,
  NonfiniteError,
  ShapeError,
  TinystillError,
} from './errors.js'
export {
  backendReport,
  closeGpu,
  openGpu,
  raceBackends,
  setBackend,
  setDeterministic,
  setThreads,
} from './tensor/backend.js'
export { memory } from './tensor/storage.js'
export { Tensor } from './tensor/tensor.js'

import './autograd/methods.js'

export * as nn from './nn/index.js'
export * as optim from './nn/optim/index.js'
