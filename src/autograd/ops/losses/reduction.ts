// What losses by element share: equal shapes, and the three reductions by name.
import { ShapeError } from '../../../errors.js'
import { type Kinds, tensorArg } from '../../../tensor/check.js'
import { broadcastShapes, formatShape, sameShape } from '../../../tensor/shape.js'
import type { Tensor } from '../../../tensor/tensor.js'
import { mean, sum } from '../reduce.js'
import { type Reduction, reductions } from './losses.js'

export interface Reduced {
  /** Default 'mean'. */
  reduction?: Reduction
}

export const reducedOptions: Kinds<Reduced> = { reduction: reductions }

export function reduced(x: Tensor, reduction: Reduction): Tensor {
  return reduction === 'none' ? x : reduction === 'sum' ? sum(x) : mean(x)
}

/** A broadcast between a loss's inputs hides a bug. */
export function checkSame(name: string, input: Tensor, target: Tensor): void {
  tensorArg(name, 'the input', input)
  tensorArg(name, 'the target', target)
  if (!sameShape(input.shape, target.shape)) {
    throw new ShapeError(
      name,
      `the input is ${formatShape(input.shape)}, the target ${formatShape(target.shape)}`,
      'Both must have one shape',
    )
  }
}

/** A weight may be smaller than the input, never larger: the mean would be over more than there is. */
export function checkBeside(name: string, what: string, weight: Tensor | undefined, input: Tensor): void {
  if (weight === undefined || sameShape(broadcastShapes(name, weight.shape, input.shape), input.shape)) return
  throw new ShapeError(
    name,
    `${what} is ${formatShape(weight.shape)}, which does not broadcast to the input ${formatShape(input.shape)}`,
  )
}
