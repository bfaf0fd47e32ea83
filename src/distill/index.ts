// tinystill/distill: losses, training and recipes. Names only, no logic.
import '../autograd/methods.js' // gives tensors their methods

export type { PresetName } from '../nn/models/presets.js'
export { centredGram, type Gram, linearCka } from '../report/insights/cka.js'
export { type TrainingRecord, trainingReport } from '../report/training-report.js'
export { fitTemperature, temperedLoss } from '../train/calibration.js'
export {
  balancedWeights,
  type LabelOptions,
  labelLoss,
  positiveWeights,
  setLoss,
  targetLoss,
} from '../train/labels.js'
export { LinearClassifier, type LinearOptions, type LinearTexts } from '../train/linear/classifier.js'
export { type MaskedText, maskedTexts } from '../train/masked-data.js'
export {
  type CalibrationBin,
  calibration,
  calibrationError,
  classification,
  confusion,
  type Metrics,
  matthews,
  probabilities,
} from '../train/metrics.js'
export { type ClassFigures, type MultiLabelMetrics, multiLabel } from '../train/outputs/multi-label.js'
export { type Classifier, type PredictOptions, predict } from '../train/predict.js'
export { pearson, type RegressionMetrics, regression, regressions, spearman } from '../train/regression.js'
export type { EpochReport, EvaluationReport, Figures, FitResult, StepReport } from '../train/reports.js'
export type { Loss, LossTerms } from '../train/step.js'
export { type Judgement, type Task, tasks, train } from '../train/tasks.js'
export { type FitOptions, fit, type StepPlace, type Trainable } from '../train/trainer.js'
export {
  type AugmentedRow,
  type AugmentModel,
  type AugmentOptions,
  augmentRows,
} from './augment/augment.js'
export { distil } from './distil.js'
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
export { checkOutputs } from './doctor-outputs.js'
export { distilbertLayers, distilbertOf, fromLayers } from './from-layers.js'
export {
  type CustomMap,
  type LayerMap,
  type LayerMapName,
  type LayerMapOptions,
  type LayerPair,
  layerMap,
  layerMapNames,
} from './layer-map.js'
export {
  type AttentionLossOptions,
  type AttentionProbsOptions,
  type Average,
  attentionLoss,
  attentionProbsLoss,
} from './losses/attention.js'
export { cosineLoss } from './losses/cosine.js'
export { type FeatureMapOptions, featureMapLoss } from './losses/features.js'
export { hardSetLoss, hardTargetLoss, maskedWordLoss } from './losses/hard-target.js'
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
export { type SoftSetOptions, softSetLoss } from './losses/soft-sets.js'
export {
  type RowReduction,
  type SoftTargetOptions,
  type Standardization,
  softTargetLoss,
  standardizedLogits,
} from './losses/soft-target.js'
export { losses } from './losses/table.js'
export {
  marginMseLoss,
  matryoshkaLoss,
  multipleNegativesLoss,
  pairCosineLoss,
  similarityLoss,
  tripletLoss,
  vectorDistanceLoss,
} from './losses/vectors.js'
export { partConfig, withConfig } from './plan/config.js'
export {
  type BoundLoss,
  type LossContext,
  type LossNeeds,
  type PlanLoss,
  planLoss,
  type StageTask,
  type TeacherOutput,
  type TeacherShape,
} from './plan/loss.js'
export { lossTable } from './plan/loss-table.js'
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
  withTask,
} from './plan/plan.js'
export { type Bench, runPlan, type StageResult, type Student } from './plan/runner.js'
export { type ValueSchedule, valueAt } from './plan/schedules.js'
export { recipes } from './recipes/index.js'
export { defineRecipe, type Occasion, type Recipe, type RecipeRecord } from './recipes/recipe.js'
export { AtWords, type OtherReader, type WordPlaces, type WordView } from './teachers/at-words.js'
export { combineLogits } from './teachers/combine.js'
export { Ensemble } from './teachers/ensemble.js'
export { liveTeacher, storedLogits, type TeacherSource } from './teachers/source.js'
export { checkStored, type StoredTeacher, storedOutputs } from './teachers/stored.js'
export { type TargetSource, targetsOf } from './teachers/targets.js'
export { judgeGain, judgeGains, type SeedFigures, type Verdict } from './verdict.js'
export { verdictMethod, verdictText } from './verdict-text.js'
