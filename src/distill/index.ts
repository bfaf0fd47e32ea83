// tinystill/distill: losses, training and recipes. Names only, no logic.
import '../autograd/methods.js' // gives tensors their methods

export { Ensemble } from './ensemble.js'
export { type KdOptions, kdLoss, kdTerms, type SoftTargetOptions, softTargetLoss } from './kd.js'
export type { EvaluationReport, Figures } from './keeper.js'
export { balancedWeights, type LabelOptions, labelLoss, targetLoss } from './labels.js'
export {
  type CalibrationBin,
  calibration,
  calibrationError,
  classification,
  confusion,
  type Metrics,
  matthews,
  probabilities,
} from './metrics.js'
export { type Classifier, type PredictOptions, predict } from './predict.js'
export { distil, train } from './recipes/hinton.js'
export { pearson, type RegressionMetrics, regression, spearman } from './regression.js'
export type { Loss, LossTerms } from './step.js'
export { type TargetSource, targetsOf } from './targets.js'
export {
  type EpochReport,
  type FitOptions,
  type FitResult,
  fit,
  type StepReport,
  type Trainable,
} from './trainer.js'
export { type TrainingRecord, trainingReport } from './training-report.js'
export { type FillOptions, fillCache, type LabellingTeacher } from './transfer.js'
