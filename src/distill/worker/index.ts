// tinystill/worker: a distillation as a job, in this thread or in a page's worker. Names only, no logic.
import '../../autograd/methods.js' // gives tensors their methods

export type { Given } from '../plan/settings.js'
export type { RowCounts } from '../plan/steps.js'
export { distilInWorker, type InWorkerOptions, type WorkerLike } from './in-worker.js'
export type {
  DistilJob,
  GivenTeacher,
  LabelledTexts,
  ModelSize,
  NewTeacher,
  TeacherPace,
} from './job.js'
export type { WorkerSettings } from './messages.js'
export { describeJob, jobRecipes, type PlanFacts, type StageFacts } from './plan.js'
export {
  type AttentionOfText,
  type Distillation,
  type DistilResult,
  type JobFacts,
  type JobJudged,
  type JobStep,
  type JobWatch,
  type RunOptions,
  runDistillation,
  Stopped,
  type Trained,
  type Who,
} from './run.js'
export { serveDistillation, type WorkerScope } from './serve.js'
