// A folder that guesses masked words, with its tokenizer.
import { CheckpointError } from '../../errors.js'
import type { MaskedWords } from '../../nn/models/heads.js'
import type { PiecedTokenizer } from '../../text/pieces/base.js'
import { OWN_MODEL_TYPE } from './folder.js'
import { trainingOf } from './match.js'
import { loadPieced, readModelFields } from './on-disk.js'

/** A model that guesses masked words, out of a folder. */
export interface WordGuesserFolder {
  model: MaskedWords
  tokenizer: PiecedTokenizer
  /** What people should know of the folder. */
  notes: readonly string[]
}

/** Throws CheckpointError naming the file: a folder of another kind of model, without tokenizer, or files that do not fit. */
export function loadWordGuesser(folder: string): WordGuesserFolder {
  if (readModelFields(folder).get('model_type') === OWN_MODEL_TYPE)
    throw new CheckpointError(
      folder,
      'holds a classifier of whole words, which does not guess masked ones',
      `Train a model that does: ${trainingOf('masked-lm', folder)}`,
    )
  const { model, tokenizer, info } = loadPieced(folder, 'masked-lm')
  if (tokenizer.maskId === null)
    throw new CheckpointError(
      folder,
      'its tokenizer has no token for a hidden word',
      "Copy the model's own into it",
    )
  return { model: model as MaskedWords, tokenizer, notes: info.notes }
}
