// What losses by element share: equal shapes, and the three reductions by name.
import { ShapeError } from '../../../errors.js'
import { formatShape, sameShape } from '../../../tensor/shape.js'
import type { Tensor } from '../../../tensor/tensor.js'
import { mean, sum } from '../reduce.js'
import type { Reduction } from './losses.js'

export interface Reduced {
  /** Default 'mean'. */
  reduction?: Reduction
}

export function checkReduction(name: string, reduction: string): void {
  if (reduction !== 'mean' && reduction !== 'sum' && reduction !== 'none')
    throw new RangeError(`${name}: reduction must be 'mean', 'sum' or 'none', got '${reduction}'`)
}

export function reduced(x: Tensor, reduction: Reduction): Tensor {
  return reduction === 'none' ? x : reduction === 'sum' ? sum(x) : mean(x)
}

/** A broadcast between a loss's inputs hides a bug. */
export function checkSame(name: string, input: Tensor, target: Tensor): void {
  if (!sameShape(input.shape, target.shape)) {
    throw new ShapeError(
      name,
      `the input is ${formatShape(input.shape)}, the target ${formatShape(target.shape)}`,
      'Both must have one shape',
    )
  }
}
