// A folder that guesses masked words, with its tokenizer.
import { CheckpointError } from '../../errors.js'
import type { MaskedWords } from '../../nn/models/heads.js'
import { PiecedTokenizer } from '../../text/pieces/base.js'
import { OWN_MODEL_TYPE } from './folder.js'
import { trainingOf } from './match.js'
import { loadPretrained, readModelFields } from './on-disk.js'
import { tokenizerOf } from './pretrained.js'

/** A model that guesses masked words, out of a folder. */
export interface WordGuesserFolder {
  model: MaskedWords
  tokenizer: PiecedTokenizer
  /** What people should know of the folder. */
  notes: readonly string[]
}

/** Throws CheckpointError naming the file: a folder of another kind of model, without tokenizer, or files that do not fit. */
export function loadWordGuesser(folder: string): WordGuesserFolder {
  const refuse = (what: string): never => {
    throw new CheckpointError(
      folder,
      `${what}, it does not guess masked words`,
      `Train one that does: ${trainingOf('masked-lm', folder)}`,
    )
  }
  if (readModelFields(folder).get('model_type') === OWN_MODEL_TYPE)
    refuse('holds a classifier of whole words')
  const loaded = loadPretrained(folder, { prefer: 'masked-lm' })
  const { model, info } = loaded
  if (model.kind !== 'masked-lm') return refuse(`holds a ${model.kind} model`)
  const tokenizer = tokenizerOf(folder, loaded)
  if (!(tokenizer instanceof PiecedTokenizer))
    throw new CheckpointError(
      folder,
      'its tokenizer knows whole words alone',
      'Take a model of pieces of words',
    )
  if (tokenizer.maskId === null)
    throw new CheckpointError(
      folder,
      'its tokenizer has no token for a hidden word',
      "Copy the model's own into it",
    )
  return { model: model as MaskedWords, tokenizer, notes: info.notes }
}
