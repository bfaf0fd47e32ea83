// Learning from soft targets in one call: a teacher's softened outputs teach a student, on rows with labels or without.
// Hinton, Vinyals and Dean 2015, sections 2 and 3. RECIPE: train(teacher); targets = predict(teacher, transfer), or a cache
// of them; distil(student).
import { tensor } from '../autograd/create.js'
import { within } from '../autograd/trace.js'
import type { DataSet } from '../nn/data.js'
import { labelsOf } from '../train/labels.js'
import type { Classifier } from '../train/predict.js'
import type { FitResult } from '../train/reports.js'
import { type FitOptions, fit } from '../train/trainer.js'
import { type KdOptions, kdTerms } from './losses/kd.js'
import { type TargetSource, targetsOf } from './teachers/targets.js'

/**
 * Learns from soft targets: all of them [size, classes], as predict() gives them, or a source that gives them by rows, as
 * a cache does. alpha * T^2 KL + (1 - alpha) CE; default T = 2 and alpha 1, soft targets alone, which need no labels.
 * Throws ShapeError where the logits do not fit the rows, or the student has other classes.
 */
export function distil<Input>(
  student: Classifier<Input>,
  data: DataSet<Input>,
  teacher: Float32Array | TargetSource,
  options: FitOptions & KdOptions,
): Promise<FitResult> {
  const { classes, rows: logitsOf } =
    teacher instanceof Float32Array ? targetsOf(teacher, data.size) : teacher
  const { alpha = 1, T = 2, tSquared = true, reduction = 'batchmean' } = options
  const { form = 'kl', standardize = 'none' } = options
  return fit(
    student,
    data,
    ({ logits }, rows) => {
      const targets = within('the teacher', () => tensor(logitsOf(rows), { shape: [rows.length, classes] }))
      const labels = alpha < 1 ? labelsOf(data, rows) : null
      return kdTerms(logits, targets, labels, { alpha, T, tSquared, reduction, form, standardize })
    },
    options,
  )
}
