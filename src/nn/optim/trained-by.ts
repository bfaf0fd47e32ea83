// The optimizers that a training may name: what fit() and the stages of plans offer.
import type { Tensor } from '../../tensor/tensor.js'
import { Adadelta } from './adadelta.js'
import { AdamW } from './adam.js'
import type { Optimizer, ParameterGroup } from './optimizer.js'

/** How a training's optimizer steps. What is left out is the optimizer's own default, eps null too. */
export interface OptimizerChoice {
  lr: number
  weightDecay: number
  eps?: number | null
  /** Of adamw. Default 0.9 and 0.999. */
  betas?: readonly [number, number]
  /** Of adamw. Default true. */
  biasCorrection?: boolean
  /** Of adadelta. Default 0.9. */
  rho?: number
}

interface TrainingOptimizer {
  /** Settings that mean nothing to the others. */
  readonly own: readonly (keyof OptimizerChoice)[]
  make(params: readonly Tensor[] | readonly ParameterGroup[], choice: OptimizerChoice): Optimizer
}

export const trainingOptimizers = {
  adamw: {
    own: ['betas', 'biasCorrection'],
    make: (params, { lr, weightDecay, eps, betas = [0.9, 0.999], biasCorrection = true }) =>
      new AdamW(params, { lr, weightDecay, eps: eps ?? 1e-8, betas, biasCorrection }),
  },
  adadelta: {
    own: ['rho'],
    make: (params, { lr, weightDecay, eps, rho = 0.9 }) =>
      new Adadelta(params, { lr, weightDecay, eps: eps ?? 1e-6, rho }),
  },
} as const satisfies Record<string, TrainingOptimizer>

/** 'adamw', 'adadelta'. */
export type OptimizerName = keyof typeof trainingOptimizers
