// The module's exports.
export { batchScratch, gemmBatch } from './gemm'
export { binary, fill, unary, unaryGrad, where } from './elementwise'
export { copy, indexAdd, indexFits, indexSelect } from './copy'
export { reduce, sumSquares } from './sums'
export { crossEntropy, crossEntropyGrad, logSoftmax, logSoftmaxGrad, logsumexp, softmax, softmaxGrad } from './rows'
export { layerNorm, layerNormGradRows } from './norm'
