// tinystill/distill: the distillation toolkit. Names only, no logic.
export { kdLoss, softTargetLoss } from './kd.js'

import '../autograd/methods.js'
