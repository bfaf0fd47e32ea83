// A sentence encoder learns from pairs of texts, scored by people or only known to belong together: no teacher is needed.
import { tensor } from '../../autograd/create.js'
import type { DataSet } from '../../nn/data.js'
import type { TextInput } from '../../nn/models/input.js'
import type { SentenceEncoder } from '../../nn/models/sentence.js'
import { Module } from '../../nn/module.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { FitResult } from '../../train/reports.js'
import { type FitOptions, fit } from '../../train/trainer.js'
import { matryoshkaLoss, multipleNegativesLoss, pairCosineLoss } from '../losses/vectors.js'

/** A batch of pairs, each side read by itself. */
interface Pair {
  a: TextInput
  b: TextInput
}

/** First and second texts, row by row. */
export interface PairSides {
  a: DataSet<TextInput>
  b: DataSet<TextInput>
}

/** Rows of two texts; batched by the first's length. */
function pairData({ a, b }: PairSides): DataSet<Pair> {
  return {
    ...{ size: a.size, labels: null },
    batches: (size, key) => a.batches(size, key),
    input: (rows) => ({ a: a.input(rows), b: b.input(rows) }),
    tokens: (rows) => a.tokens(rows) + b.tokens(rows),
  }
}

class Pupil extends Module {
  constructor(readonly encoder: SentenceEncoder) {
    super()
  }

  forward({ a, b }: Pair): [Tensor, Tensor] {
    return [this.encoder.forward(a).embedding, this.encoder.forward(b).embedding]
  }
}

export interface PairRules {
  /** Of each row; null: a text's partner is told from those of the others in its batch. */
  scores: ArrayLike<number> | null
  /** So many first numbers are to do what the whole vector does; none: the whole alone. */
  matryoshka: readonly number[]
}

/** Trains `model` on pairs, by their scores where they have some. Throws what fit() throws. */
export function learnPairs(
  model: SentenceEncoder,
  sides: PairSides,
  { scores, matryoshka }: PairRules,
  options: FitOptions,
): Promise<FitResult> {
  const loss = ([x, y]: [Tensor, Tensor], rows: Int32Array): Tensor => {
    const one = (p: Tensor, q: Tensor) =>
      scores === null
        ? multipleNegativesLoss(p, q)
        : pairCosineLoss(p, q, tensor(Float32Array.from(rows, (row) => scores[row])))
    return matryoshka.length === 0 ? one(x, y) : matryoshkaLoss([x, y], [model.size, ...matryoshka], one)
  }
  return fit(new Pupil(model), pairData(sides), loss, options)
}
