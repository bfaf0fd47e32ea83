// Patient knowledge distillation: the first tokens' states, of length 1. Sun et al. 2019 (PKD, arXiv 1908.09355), L_PT.
import { add, mul, sub } from '../../autograd/ops/elementwise/arithmetic.js'
import { detached } from '../../autograd/ops/elementwise/compare.js'
import { sum } from '../../autograd/ops/reduce.js'
import { slice } from '../../autograd/ops/shape/slice.js'
import { reshape } from '../../autograd/ops/shape/views.js'
import { ShapeError } from '../../errors.js'
import { unitLength } from '../../nn/models/unit-length.js'
import { formatShape } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { LayerPair } from '../layer-map.js'
import { fitting, type Layers, paired } from './real.js'
import type { LossInputs, LossRecord } from './record.js'
import { type RowReduction, reduced } from './soft-target.js'

/** Of patientLoss(). */
export interface PatientOptions {
  /** Places in the lists, as layerMap('skip', ...).hidden. Default: each with each. */
  pairs?: readonly LayerPair[] | undefined
  /** 'sum-rows' as the paper's equation, 'mean-elements' as its code, which averages over layers too. Default 'mean-elements'. */
  reduction?: RowReduction
}

/** The first token's state of unit length: h [B, T, C] -> [B, C]. */
function first(h: Tensor): Tensor {
  if (h.rank !== 3)
    throw new ShapeError('patientLoss', `expected [batch, T, width], got ${formatShape(h.shape)}`)
  const [B, , C] = h.shape
  return unitLength(reshape(slice(h, 1, 0, 1), [B, C]))
}

/**
 * Sum over layers of |s / |s| - t / |t||^2 for the states s, t of the first token; states [B, T, C], one or a list. The first
 * token is never padding, so there is no mask. 'batchmean' divides by B, 'mean-elements' by layers * B * C. Gradient, with
 * u = s / |s|: 2 (u cos - t / |t|) / |s| / divisor. Sun et al. 2019, L_PT. Throws ShapeError where shapes differ: there
 * is no projection.
 */
export function patientLoss(student: Layers, teacher: Layers, options: PatientOptions = {}): Tensor {
  const { pairs, reduction = 'mean-elements' } = options
  const layers = paired('patientLoss', student, teacher, pairs)
  const total = layers
    .map(({ s, t }) => {
      fitting('patientLoss', s, t, 'The widths of student and teacher must be equal')
      const difference = sub(first(s), first(detached(t)))
      return sum(mul(difference, difference))
    })
    .reduce(add)
  const [B, , C] = layers[0].s.shape
  return reduced('patientLoss', total, [B, layers.length * C], reduction)
}

const both = (t: LossInputs, reduction?: RowReduction) =>
  patientLoss([t.student0, t.student1], [t.teacher0, t.teacher1, t.teacher2], {
    pairs: [
      [0, 2],
      [1, 1],
    ],
    ...(reduction && { reduction }),
  })

export const patient: LossRecord = {
  name: 'patient',
  doc: "Squared distance between the first tokens' states of unit length.",
  math: '\\sum_{n, l} \\left\\| \\tfrac{s}{|s|} - \\tfrac{t}{|t|} \\right\\|^2;\\quad \\bar s = \\tfrac{2}{|s|} \\left( \\cos(s, t) \\tfrac{s}{|s|} - \\tfrac{t}{|t|} \\right)',
  source: "Sun et al. 2019 (arXiv 1908.09355), L_PT; 'mean-elements': its code",
  needs: ['hiddenStates'],
  golden: {
    'patient.code': (t) => both(t),
    'patient.paper': (t) => both(t, 'sum-rows'),
    'patient.batchmean': (t) => both(t, 'batchmean'),
  },
}
