// The js backend: every kernel as a readable loop over doubles, rounded on store. The oracle that other backends are
// held to, the fallback where they do not run, and the only one for float64.
import type { Kernels } from '../../kernels.js'
import { attention, attentionGrad } from './attention.js'
import { conv, convInput, convWeight } from './conv.js'
import { binary, map, pair, unary, unaryGrad, where } from './elementwise.js'
import { argsort, copy, fill, gather, indexAdd, indexSelect, scatterAdd } from './indexing.js'
import { integer, integerReduce } from './integer.js'
import { bce, logisticLoss } from './losses.js'
import { matmul } from './matmul.js'
import { dropout, layerNorm, layerNormGrad } from './normalize.js'
import { adam, sgd, sumSquares } from './optim.js'
import { planeNorm, planeNormGrad } from './plane-norm.js'
import { maxPoolIndex, windowMean, windowSpread } from './pool.js'
import { gruStep, gruStepGrad, lstmStep, lstmStepGrad } from './recurrent.js'
import { argmax, argmedian, argmin, countNonzero, cumsum, norm, reduce, variance } from './reduce.js'
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
  map,
  binary,
  pair,
  integer,
  where,
  reduce,
  integerReduce,
  argmax,
  argmin,
  argmedian,
  variance,
  norm,
  countNonzero,
  cumsum,
  matmul,
  softmax,
  softmaxGrad,
  logSoftmax,
  logSoftmaxGrad,
  crossEntropy,
  crossEntropyGrad,
  logisticLoss,
  bce,
  layerNorm,
  layerNormGrad,
  dropout,
  indexSelect,
  indexAdd,
  gather,
  scatterAdd,
  argsort,
  attention,
  attentionGrad,
  lstmStep,
  lstmStepGrad,
  gruStep,
  gruStepGrad,
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
