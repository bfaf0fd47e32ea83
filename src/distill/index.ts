// tinystill/distill: losses, training and recipes. Names only, no logic.
import '../autograd/methods.js' // gives tensors their methods

export { Ensemble } from './ensemble.js'
export { type KdOptions, kdLoss, type SoftTargetOptions, softTargetLoss } from './kd.js'
export { classification, type Metrics, probabilities } from './metrics.js'
export { type Classifier, type PredictOptions, predict } from './predict.js'
export { distil, train } from './recipes/hinton.js'
export { type EpochReport, type FitOptions, type FitResult, fit, type StepReport } from './trainer.js'
