// A student that was trained with quantization as a plain model, and what stands of its grids in the record of the run.

import { undrawn } from '../nn/init.js'
import { makeModel } from '../nn/models/bert.js'
import type { HeadModel } from '../nn/models/pretrained.js'
import type { Module } from '../nn/module.js'
import { AverageRangeQuantizer } from '../nn/quantize-aware/average-range.js'
import { LearnedStepQuantizer } from '../nn/quantize-aware/learned-step.js'
import { countWeights, quantizedLayers } from '../nn/quantized/quantize.js'
import { addedTo, computedState, readinessOf } from '../nn/stand-ins/ready.js'

/** A new model of plain layers with weights on their grids, which the student goes on beside; the student itself where it is plain. */
export function plainStudent(student: HeadModel): HeadModel {
  if (readinessOf(student) === null) return student
  const { family, kind, config } = student
  const plain = undrawn(() => makeModel(family, kind, config))
  const state = computedState(student)
  plain.loadStateDict(state)
  for (const t of state.values()) t.dispose()
  return plain.eval() as HeadModel
}

/** What is saved of a model: its weights, without steps and second weights, and their bytes. Whole numbers take one, and each row a scale. */
export function savedSize(model: Module): { params: number; bytes: number } {
  // Ranges are among what is added, and no parameters.
  const added = new Set(addedTo(model))
  const params = model.parameters().reduce((n, p) => (added.has(p) ? n - p.numel : n), countWeights(model))
  let bytes = 4 * params
  for (const [, { rows, columns }] of quantizedLayers(model)) bytes += 4 * rows - 3 * rows * columns
  return { params, bytes }
}

/** Steps that were learned and averages of ranges, by the path of the quantizer. Other grids follow from the numbers at hand. */
export function gridsOf(student: HeadModel): Record<string, number> {
  const grids: Record<string, number> = {}
  for (const [name, module] of student.namedModules()) {
    if (module instanceof LearnedStepQuantizer) grids[`${name}.step`] = module.step.item()
    if (module instanceof AverageRangeQuantizer) grids[`${name}.range`] = module.range.item()
  }
  return grids
}
