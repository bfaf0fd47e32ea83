// The module's exports.
export {
  batchScratch, columnsAtOnce, gemmBatch, gemmOne, gemmRows, gemmTurned, gemvTurned, packB, packedBytes, panelsOf, rowsScratch, tileRows, turnedScratch,
} from './gemm'
export { binary, binaryRun, fill, unary, unaryGrad, where } from './elementwise'
export { copy, indexAdd, indexFits, indexSelect } from './copy'
export { reduce, sumSquares } from './sums'
export { crossEntropy, crossEntropyGrad, logSoftmax, logSoftmaxGrad, logsumexp, softmax, softmaxGrad } from './rows'
export { layerNorm, layerNormGradEnd, layerNormGradRows, normScratch } from './norm'
export { dropout } from './random'
export { adam, sgd } from './optim'
export { attention, attentionGrad, attentionScratch } from './attention'
export { gruStep, gruStepGrad, lstmStep, lstmStepGrad } from './recurrent'
export { conv, convInput, convTurn, convWeight } from './conv'
