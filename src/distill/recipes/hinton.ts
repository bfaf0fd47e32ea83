// Hinton's recipe: a teacher learns from labels, its softened outputs for unlabelled rows teach the student.
// Hinton, Vinyals and Dean 2015, sections 2 and 3. RECIPE: train(teacher); targets = predict(teacher, transfer); distil(student).
import { tensor } from '../../autograd/create.js'
import { crossEntropy } from '../../autograd/ops/losses.js'
import { DataError, ShapeError } from '../../errors.js'
import { type DataSet, selectRows } from '../../nn/data.js'
import type { Tensor } from '../../tensor/tensor.js'
import { type KdOptions, kdLoss } from '../kd.js'
import type { Classifier } from '../predict.js'
import { type FitOptions, type FitResult, fit } from '../trainer.js'

function labelsOf<Input>(data: DataSet<Input>, rows: Int32Array): Tensor | null {
  const { labels } = data
  return labels && tensor(rows.map((row) => labels[row]))
}

/** Learns from hard labels. */
export function train<Input>(
  model: Classifier<Input>,
  data: DataSet<Input>,
  options: FitOptions,
): Promise<FitResult> {
  if (data.labels === null) throw new DataError('training data', 'has no labels')
  return fit(model, data, (logits, rows) => crossEntropy(logits, labelsOf(data, rows) as Tensor), options)
}

/**
 * Learns from soft targets: `teacherLogits` [size, classes], one row for each of the data, as predict() gives them.
 * alpha * T^2 KL + (1 - alpha) CE; default T = 2 and alpha 1, soft targets alone, which need no labels.
 */
export function distil<Input>(
  student: Classifier<Input>,
  data: DataSet<Input>,
  teacherLogits: Float32Array,
  options: FitOptions & KdOptions,
): Promise<FitResult> {
  const classes = teacherLogits.length / data.size
  if (!Number.isInteger(classes)) {
    throw new ShapeError('distil', `${teacherLogits.length} teacher logits do not fit ${data.size} rows`)
  }
  const { alpha = 1, T = 2, tSquared = true, reduction = 'batchmean' } = options
  return fit(
    student,
    data,
    (logits, rows) => {
      const teacher = tensor(selectRows(teacherLogits, classes, rows), { shape: [rows.length, classes] })
      const labels = alpha < 1 ? labelsOf(data, rows) : null
      return kdLoss(logits, teacher, labels, { alpha, T, tSquared, reduction })
    },
    options,
  )
}
