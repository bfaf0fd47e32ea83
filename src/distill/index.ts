// tinystill/distill: losses, training and recipes. Names only, no logic.
import '../autograd/methods.js' // gives tensors their methods

export { combineLogits } from './combine.js'
export {
  checkClasses,
  checkMode,
  checkShapes,
  checkShared,
  checkTeacher,
  checkVocabulary,
  fingerprint,
  type Problem,
  sharedBuffers,
} from './doctor.js'
export { Ensemble } from './ensemble.js'
export { fromLayers } from './from-layers.js'
export { type KdOptions, kdLoss, kdTerms, type SoftTargetOptions, softTargetLoss } from './kd.js'
export type { EvaluationReport, Figures } from './keeper.js'
export { balancedWeights, type LabelOptions, labelLoss, targetLoss } from './labels.js'
export {
  type BoundLoss,
  type LayerMap,
  type LossContext,
  type LossNeeds,
  type LossRecord,
  lossTable,
  type PlanLoss,
  planLoss,
  type TeacherOutput,
} from './loss-table.js'
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
export {
  describePlan,
  type FitSettings,
  formulaOf,
  type LossPlan,
  type Plan,
  type StagePlan,
  stageOf,
  type TeacherMean,
  type Varying,
} from './plan.js'
export { partConfig, withConfig } from './plan-config.js'
export { type Classifier, type PredictOptions, predict } from './predict.js'
export { distil, train } from './recipes/hinton.js'
export { recipes } from './recipes/index.js'
export { defineRecipe, type Occasion, type Recipe, type RecipeRecord } from './recipes/recipe.js'
export { pearson, type RegressionMetrics, regression, spearman } from './regression.js'
export { type Bench, runPlan, runStage, type StageResult, type Student } from './runner.js'
export type { Loss, LossTerms } from './step.js'
export { liveTeacher, storedLogits, type TeacherSource } from './teacher-source.js'
export {
  type EpochReport,
  type FitOptions,
  type FitResult,
  fit,
  type StepPlace,
  type StepReport,
  type Trainable,
} from './trainer.js'
export { type TrainingRecord, trainingReport } from './training-report.js'
export { judgeGain, type Verdict, verdictText } from './verdict.js'
