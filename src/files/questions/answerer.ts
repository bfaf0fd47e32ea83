// A folder of a model that finds answers in texts.
import { CheckpointError } from '../../errors.js'
import type { SpanClassifier } from '../../nn/models/heads.js'
import { usualLength } from '../../text/encoding.js'
import { PiecedTokenizer } from '../../text/pieces/base.js'
import { USUAL_WINDOW } from '../../text/questions/windows.js'
import type { TextClassifierFolder } from '../models/classifiers.js'
import { trainingOf } from '../models/match.js'
import { loadPretrained, saysHead } from '../models/on-disk.js'
import { tokenizerOf } from '../models/pretrained.js'

/** Such a model, with all that its answers need. */
export interface AnswererFolder extends Omit<TextClassifierFolder, 'problemType' | 'model' | 'tokenizer'> {
  model: SpanClassifier
  tokenizer: PiecedTokenizer
  problemType: 'spans'
}

/** Whether a folder says that its model finds answers. Throws CheckpointError where there is none. */
export const isAnswerer = (folder: string): boolean => saysHead(folder, 'ForQuestionAnswering')

/** Throws CheckpointError naming the file: a folder of another kind, without a tokenizer of pieces, or files that do not fit. */
export function loadAnswerer(folder: string): AnswererFolder {
  const loaded = loadPretrained(folder, { prefer: 'question-answering' })
  const { model, info, config } = loaded
  if (model.kind !== 'question-answering')
    throw new CheckpointError(
      folder,
      `holds a ${model.kind} model, which finds no answers`,
      `Give it a head: ${trainingOf('question-answering', folder)}`,
    )
  const { labels: classes, maxLength } = config
  if (classes.length !== 2)
    throw new CheckpointError(
      folder,
      `its id2label has ${classes.length} names; of answers there are 2, where one begins and where it ends`,
      'Correct it in config.json',
    )
  const tokenizer = tokenizerOf(folder, loaded)
  if (!(tokenizer instanceof PiecedTokenizer))
    throw new CheckpointError(folder, 'has a tokenizer of whole words, which finds no answers')
  return {
    ...{ model: model as SpanClassifier, tokenizer, classes, maxLength, notes: info.notes },
    ...{ usualLength: Math.min(USUAL_WINDOW, usualLength(tokenizer, maxLength)), problemType: 'spans' },
  }
}
