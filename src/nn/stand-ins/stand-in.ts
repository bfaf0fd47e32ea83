// A layer in the place of a model's own while that is trained otherwise, on grids or with masks: on the same parameters, so
// that optimizers, groups and names go on, and what is left of it afterwards is the plain layer.
import type { Tensor } from '../../tensor/tensor.js'
import { Linear } from '../layers.js'
import { Module } from '../module.js'

export interface StandIn {
  /** The plain layer, on the parameters that both have. */
  plainLayer(): Module
  /** Its weight as forward computes with it; null where that is the weight itself. */
  computedWeight(): Tensor | null
  /** Tensors that the plain layer does not have: steps, ranges, second weights, masks, scores. */
  addedTensors(): Tensor[]
  /** Floats that forward leaves for backward beside what a plain layer leaves, in texts of T words: of each word, and once. */
  leaves(T: number): { word: number; once: number }
}

export const isStandIn = (module: Module): module is Module & StandIn => 'plainLayer' in module

/** Stands for a linear layer. */
export abstract class LinearStandIn extends Linear implements StandIn {
  /** Weight and bias are `plain`'s own. */
  constructor(plain: Linear) {
    super(plain.weight.shape[1], plain.weight.shape[0], { bias: false, weight: plain.weight })
    this.bias = plain.bias
  }

  plainLayer(): Module {
    const [outFeatures, inFeatures] = this.weight.shape
    const plain = new Linear(inFeatures, outFeatures, { bias: false, weight: this.weight })
    return Object.assign(plain, { bias: this.bias })
  }

  abstract computedWeight(): Tensor
  abstract addedTensors(): Tensor[]
  abstract leaves(T: number): { word: number; once: number }
}

/** A module whose parameters learn at a rate of their own and never decay: the step of a grid, the scores of a mask. */
export abstract class LearnsApart extends Module {}
