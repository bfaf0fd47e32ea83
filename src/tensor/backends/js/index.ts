// The js backend: every kernel as a readable loop over doubles, rounded on store. The oracle that other backends are
// held to, the fallback where they do not run, and the only one for float64.
import type { Kernels } from '../../kernels.js'
import { attention, attentionGrad } from './attention.js'
import { conv, convInput, convWeight } from './conv.js'
import { binary, unary, unaryGrad, where } from './elementwise.js'
import { copy, fill, gather, indexAdd, indexSelect, scatterAdd } from './indexing.js'
import { matmul } from './matmul.js'
import { dropout, layerNorm, layerNormGrad } from './normalize.js'
import { adam, sgd, sumSquares } from './optim.js'
import { planeNorm, planeNormGrad } from './plane-norm.js'
import { maxPoolIndex, windowMean, windowSpread } from './pool.js'
import { argmax, reduce } from './reduce.js'
import {
  crossEntropy,
  crossEntropyGrad,
  logSoftmax,
  logSoftmaxGrad,
  softmax,
  softmaxGrad,
} from './softmax.js'

export const jsKernels: Kernels = {
  fill,
  copy,
  unary,
  unaryGrad,
  binary,
  where,
  reduce,
  argmax,
  matmul,
  softmax,
  softmaxGrad,
  logSoftmax,
  logSoftmaxGrad,
  crossEntropy,
  crossEntropyGrad,
  layerNorm,
  layerNormGrad,
  dropout,
  indexSelect,
  indexAdd,
  gather,
  scatterAdd,
  attention,
  attentionGrad,
  conv,
  convInput,
  convWeight,
  planeNorm,
  planeNormGrad,
  maxPoolIndex,
  windowMean,
  windowSpread,
  adam,
  sgd,
  sumSquares,
}
