// The optim namespace of the public surface.
export { Adam, type AdamOptions, AdamW } from './adam.js'
export {
  decayGroups,
  type FreezeRules,
  freeze,
  type GroupRules,
  type ParameterRow,
  parameterGroups,
  parameterTable,
} from './groups.js'
export { gradNorm, type ParameterGroup, type StepOptions, zeroGrad } from './optimizer.js'
export { type Schedule, type ScheduleOptions, schedules } from './schedule.js'
export { SGD, type SGDOptions } from './sgd.js'
