// A student's vectors come to its teacher's, which are computed, or read, beforehand: the teacher need not run beside it.
import { tensor } from '../../autograd/create.js'
import { add } from '../../autograd/ops/elementwise/arithmetic.js'
import { randomScope } from '../../autograd/random.js'
import type { DataSet } from '../../nn/data.js'
import { Linear } from '../../nn/layers.js'
import type { TextInput } from '../../nn/models/input.js'
import type { SentenceEncoder } from '../../nn/models/sentence.js'
import { Module } from '../../nn/module.js'
import { keyOf } from '../../tensor/rng.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { FitResult } from '../../train/reports.js'
import type { LossTerms } from '../../train/step.js'
import { type FitOptions, fit } from '../../train/trainer.js'
import { cosineLoss } from '../losses/cosine.js'
import { hiddenLoss } from '../losses/hidden.js'
import { matryoshkaLoss, similarityLoss, vectorDistanceLoss } from '../losses/vectors.js'
import type { EmbedLoss } from './recipes.js'

/** Student's, as wide as the teacher's, and teacher's vectors [B, size] -> a number. */
const losses: Readonly<Record<EmbedLoss, (student: Tensor, teacher: Tensor) => Tensor>> = {
  cosine: (s, t) => cosineLoss(s, t),
  mse: (s, t) => hiddenLoss(s, t),
  l2: vectorDistanceLoss,
}

/** How the loss of a training reads, for people. */
export const embedFormulas: Readonly<Record<EmbedLoss, string>> = {
  cosine: '1 - cos(P s, t)',
  mse: 'MSE(P s, t)',
  l2: '|P s - t|',
}

export interface EmbedRules {
  loss: EmbedLoss
  /** Numbers from the front that are to say what the whole vector does; none: the whole alone. */
  matryoshka?: readonly number[]
}

/** The student, and where its vectors are of another size than the teacher's what brings them there; kept nowhere. */
class Pupil extends Module {
  readonly projection: Linear | null

  constructor(
    readonly student: SentenceEncoder,
    size: number,
  ) {
    super()
    this.projection = student.size === size ? null : new Linear(student.size, size)
  }

  forward(input: TextInput): { vector: Tensor; fitted: Tensor } {
    const { embedding: vector } = this.student.forward(input)
    return { vector, fitted: this.projection?.forward(vector) ?? vector }
  }
}

/**
 * Trains `student` so that its vector of each row is, through a linear layer where sizes differ, the teacher's. `vectors`: those of
 * some rows, [B, size]. Each of `matryoshka` adds the similarity loss of so many numbers. Throws what fit() throws, and RangeError
 * for a matryoshka above the student's size.
 */
export function learnVectors(
  student: SentenceEncoder,
  data: DataSet<TextInput>,
  { rows: vectors, size }: { rows: (rows: Int32Array) => Float32Array; size: number },
  { loss, matryoshka = [] }: EmbedRules,
  options: FitOptions,
): Promise<FitResult> {
  const pupil = randomScope(keyOf(options.seed, 'projection'), () => new Pupil(student, size))
  const bad = matryoshka.find((k) => k > student.size)
  if (bad !== undefined)
    throw new RangeError(`--matryoshka ${bad}: the student's vectors have ${student.size} numbers`)
  const teach = ({ vector, fitted }: { vector: Tensor; fitted: Tensor }, rows: Int32Array): LossTerms => {
    const teacher = tensor(vectors(rows), { shape: [rows.length, size] })
    const main = losses[loss](fitted, teacher)
    if (matryoshka.length === 0) return { total: main, terms: { [loss]: main } }
    const similarity = matryoshkaLoss([vector], matryoshka, (cut) => similarityLoss(cut, teacher))
    return { total: add(main, similarity), terms: { [loss]: main, similarity } }
  }
  return fit(pupil, data, teach, options)
}
