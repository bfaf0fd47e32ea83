// tinystill/distill: losses, training and recipes. Names only, no logic.
import '../autograd/methods.js' // gives tensors their methods

export {
  type AugmentedRow,
  type AugmentModel,
  type AugmentOptions,
  augmentRows,
} from './augment/augment.js'
export { fitTemperature, temperedLoss } from './calibration.js'
export { centredGram, type Gram, linearCka } from './cka.js'
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
export { distilbertLayers, distilbertOf, fromLayers } from './from-layers.js'
export type { EvaluationReport, Figures } from './keeper.js'
export { balancedWeights, type LabelOptions, labelLoss, targetLoss } from './labels.js'
export {
  type CustomMap,
  type LayerMap,
  type LayerMapName,
  type LayerMapOptions,
  type LayerPair,
  layerMap,
  layerMapNames,
} from './layer-map.js'
export { lossTable } from './loss-table.js'
export {
  type AttentionLossOptions,
  type AttentionProbsOptions,
  type Average,
  attentionLoss,
  attentionProbsLoss,
} from './losses/attention.js'
export { cosineLoss } from './losses/cosine.js'
export { hardTargetLoss, maskedWordLoss } from './losses/hard-target.js'
export {
  embeddingLoss,
  type HiddenOptions,
  hiddenLoss,
  Projection,
  type ProjectionOptions,
} from './losses/hidden.js'
export { type KdOptions, kdLoss, kdTerms } from './losses/kd.js'
export { type PatientOptions, patientLoss } from './losses/patient.js'
export type { Layers } from './losses/real.js'
export type { LossInputs, LossRecord, Need } from './losses/record.js'
export { type RelationOptions, relationLoss } from './losses/relation.js'
export { relationalAngleLoss, relationalDistanceLoss } from './losses/relational.js'
export {
  type RowReduction,
  type SoftTargetOptions,
  type Standardization,
  softTargetLoss,
  standardizedLogits,
} from './losses/soft-target.js'
export { losses } from './losses/table.js'
export { type MaskedText, maskedTexts } from './masked-data.js'
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
export {
  type BoundLoss,
  type LossContext,
  type LossNeeds,
  type PlanLoss,
  planLoss,
  type TeacherOutput,
  type TeacherShape,
} from './plan-loss.js'
export { type Classifier, type PredictOptions, predict } from './predict.js'
export { distil, train } from './recipes/hinton.js'
export { recipes } from './recipes/index.js'
export { defineRecipe, type Occasion, type Recipe, type RecipeRecord } from './recipes/recipe.js'
export { pearson, type RegressionMetrics, regression, spearman } from './regression.js'
export { type Bench, runPlan, type StageResult, type Student } from './runner.js'
export { type ValueSchedule, valueAt } from './schedules.js'
export type { Loss, LossTerms } from './step.js'
export { checkStored, type StoredTeacher, storedOutputs } from './stored-teacher.js'
export { type TargetSource, targetsOf } from './targets.js'
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
