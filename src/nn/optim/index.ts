// The optim namespace of the public surface.
export { Adadelta, type AdadeltaOptions } from './adadelta.js'
export { Adagrad, type AdagradOptions } from './adagrad.js'
export { Adam, type AdamOptions, AdamW } from './adam.js'
export { EMA, type EMAOptions } from './ema.js'
export { clipGradNorm, clipGradValue, gradNorm, zeroGrad } from './gradients.js'
export {
  decayGroups,
  type FreezeRules,
  freeze,
  type GroupRules,
  type ParameterRow,
  parameterGroups,
  parameterTable,
} from './groups.js'
export { Lion, type LionOptions } from './lion.js'
export { type Group, Optimizer, type ParameterGroup, type StepOptions } from './optimizer.js'
export { Plateau, type PlateauOptions, type PlateauState } from './plateau.js'
export { RMSprop, type RMSpropOptions } from './rmsprop.js'
export {
  type OneCycleOptions,
  type RestartOptions,
  type Schedule,
  type ScheduleOptions,
  schedules,
} from './schedule.js'
export { SGD, type SGDOptions } from './sgd.js'
export type { OptimizerState } from './state.js'
export type { OptimizerChoice, OptimizerName } from './trained-by.js'
