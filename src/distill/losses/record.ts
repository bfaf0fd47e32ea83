// One loss, one record, as with ops: what is known of it stands in one place, and one test suite walks the table.
import type { Tensor } from '../../tensor/tensor.js'

/** What a loss reads: of the models' outputs for both, of the batch. The names are those of ModelOutput and TextInput. */
export type Need =
  | 'logits'
  | 'hiddenStates'
  | 'lastHiddenState'
  | 'attentionScores'
  | 'attentionProbs'
  | 'qkv'
  | 'attentionMask'
  | 'labels'

/** Tensors of a case by name: all floats float64. The teacher's names begin with `teacher`; no gradient is for them. */
export type LossInputs = Readonly<Record<string, Tensor>>

/** All that is known of a loss. */
export interface LossRecord {
  readonly name: string
  /** One sentence. */
  readonly doc: string
  /** LaTeX: the loss, then its gradient. */
  readonly math: string
  /** Paper and equation, and whose code where that differs. */
  readonly source: string
  readonly needs: readonly Need[]
  /** Ways to call it, by name. The test's golden file holds PyTorch's inputs, loss and gradients under that name. */
  readonly golden: Readonly<Record<string, (inputs: LossInputs) => Tensor>>
}
