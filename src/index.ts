// tinystill: the public surface of tensor and autograd. Names only, no logic.

export { type BackwardOptions, type GradOptions, grad } from './autograd/backward.js'
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
export type { GradientHook } from './autograd/hooks.js'
export type { Op } from './autograd/op.js'
export { conv1d, conv2d, convTranspose2d } from './autograd/ops/conv/index.js'
export { maxPool1d, maxPool2d } from './autograd/ops/conv/max-pool.js'
export { adaptiveAvgPool2d, avgPool1d, avgPool2d } from './autograd/ops/conv/mean-pool.js'
export {
  type BatchNormOptions,
  batchNorm,
  groupNorm,
  type RunningStats,
} from './autograd/ops/conv/plane-norm.js'
export {
  celu,
  elu,
  hardsigmoid,
  hardswish,
  hardtanh,
  leakyRelu,
  logSigmoid,
  mish,
  relu6,
  selu,
  silu,
  softplus,
  softsign,
} from './autograd/ops/elementwise/activations.js'
export { where } from './autograd/ops/elementwise/compare.js'
export { glu, prelu } from './autograd/ops/elementwise/gated.js'
export { hypot, lerp } from './autograd/ops/elementwise/powers.js'
export { atan2 } from './autograd/ops/elementwise/trigonometric.js'
export type { Index } from './autograd/ops/indexing/at.js'
export { oneHot } from './autograd/ops/indexing/one-hot.js'
export { embedding } from './autograd/ops/indexing/rows.js'
export { type Sorted, searchsorted } from './autograd/ops/indexing/sort.js'
export { bce, bceWithLogits } from './autograd/ops/losses/binary.js'
export { cosineSimilarity } from './autograd/ops/losses/cosine.js'
export {
  hingeEmbedding,
  huber,
  l1,
  marginRanking,
  nll,
  smoothL1,
  tripletMargin,
} from './autograd/ops/losses/distance.js'
export { crossEntropy, klDiv, mse } from './autograd/ops/losses/losses.js'
export { attention } from './autograd/ops/products/attention.js'
export { einsum } from './autograd/ops/products/einsum.js'
export { scaledDotProductAttention } from './autograd/ops/products/scaled-attention.js'
export { segmentAttention, segmentMean } from './autograd/ops/products/segments.js'
export { bmm, dot, outer, tensordot } from './autograd/ops/products/vectors.js'
export { maskByScores } from './autograd/ops/pruning/mask-by-scores.js'
export {
  type FakeQuantizeOptions,
  fakeQuantize,
} from './autograd/ops/quantization/fake-quantize.js'
export { binarize, type FewValuesOptions, ternarize } from './autograd/ops/quantization/few-values.js'
export { type LearnedStepOptions, learnedStep } from './autograd/ops/quantization/learned-step.js'
export { rmsNorm } from './autograd/ops/rms-norm.js'
export { cat, pad, stack } from './autograd/ops/shape/join.js'
export { meshgrid } from './autograd/ops/shape/repeat.js'
export { diag, tril, triu } from './autograd/ops/shape/triangles.js'
export { manualSeed } from './autograd/random.js'
export type {
  Backward,
  BackwardContext,
  CompositeOp,
  KernelOp,
  OpRecord,
  Takes,
  ViewOp,
} from './autograd/record.js'
export type { Domain, EdgeCase, ErrorCase, Sample, Spec } from './autograd/samples.js'
export { bernoulli, multinomial, randint, randperm } from './autograd/sampling.js'
export { tidy } from './autograd/tidy.js'
export { type CheckOptions, checkOp, OpCheckError, type OpReport } from './autograd/tools/check-op.js'
export { checkpoint } from './autograd/tools/checkpoint.js'
export {
  type CustomContext,
  type CustomFunction,
  customFunction,
  defineOwnOp as defineOp,
} from './autograd/tools/custom.js'
export { type FunctionalOptions, hessian, jacobian, jvp, vjp } from './autograd/tools/functional.js'
export { graph, type LeafNames, Tape, type TapeEdge, type TapeNode } from './autograd/tools/tape.js'
export { Trace, type TracedNode, trace } from './autograd/tools/tracing.js'
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
export type { Kernels } from './tensor/kernels.js'
export type { Shape } from './tensor/shape.js'
export { type DType, memory, peakMemory, resetPeakMemory, type TypedArray } from './tensor/storage.js'
export { type NestedArray, Tensor } from './tensor/tensor.js'

import './autograd/methods.js'

export * as nn from './nn/index.js'
export * as optim from './nn/optim/index.js'
