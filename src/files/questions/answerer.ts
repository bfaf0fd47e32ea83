// A folder of a model that finds answers in texts.
import { CheckpointError } from '../../errors.js'
import type { SpanClassifier } from '../../nn/models/heads.js'
import { usualLength } from '../../text/encoding.js'
import type { PiecedTokenizer } from '../../text/pieces/base.js'
import { USUAL_WINDOW } from '../../text/questions/windows.js'
import type { TextClassifierFolder } from '../models/classifiers.js'
import { loadPieced, saysHead } from '../models/on-disk.js'

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
  const { model, tokenizer, info, config } = loadPieced(folder, 'question-answering')
  const { labels: classes, maxLength } = config
  if (classes.length !== 2)
    throw new CheckpointError(
      folder,
      `its id2label has ${classes.length} names; of answers there are 2, where one begins and where it ends`,
      'Correct it in config.json',
    )
  return {
    ...{ model: model as SpanClassifier, tokenizer, classes, maxLength, notes: info.notes },
    ...{ usualLength: Math.min(USUAL_WINDOW, usualLength(tokenizer, maxLength)), problemType: 'spans' },
  }
}
