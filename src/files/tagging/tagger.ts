// Any folder that answers for texts or for their words: classifiers, and models of tokens by what their tags are.
import { CheckpointError } from '../../errors.js'
import type { TokenClassifier } from '../../nn/models/heads.js'
import { usualLength } from '../../text/encoding.js'
import type { PiecedTokenizer } from '../../text/pieces/base.js'
import { taskOfTags } from '../../text/tagged/entities.js'
import type { TextClassifierFolder } from '../models/classifiers.js'
import { loadClassifier, loadPieced, saysHead } from '../models/on-disk.js'
import { type AnswererFolder, isAnswerer, loadAnswerer } from '../questions/answerer.js'

/** A model of words out of a folder, with all that its answers need. */
export interface TaggerFolder extends Omit<TextClassifierFolder, 'problemType' | 'model' | 'tokenizer'> {
  model: TokenClassifier
  tokenizer: PiecedTokenizer
  /** By its tags' names: entities, or classes of words. */
  problemType: ReturnType<typeof taskOfTags>
}

/** Whether a folder says that its model answers for words. Throws CheckpointError where there is none. */
export const isTagger = (folder: string): boolean => saysHead(folder, 'ForTokenClassification')

/** Throws CheckpointError naming the file: a folder of another kind, without a tokenizer of pieces, or files that do not fit. */
export function loadTagger(folder: string): TaggerFolder {
  const { model, tokenizer, info, config } = loadPieced(folder, 'token-classification')
  const { labels: classes, maxLength } = config
  const twice = classes.find((name, i) => classes.indexOf(name) < i)
  if (twice !== undefined)
    throw new CheckpointError(folder, `id2label has ${twice} twice`, 'Correct it in config.json')
  return {
    ...{ model: model as TokenClassifier, tokenizer, classes, maxLength, notes: info.notes },
    ...{ usualLength: usualLength(tokenizer, maxLength), problemType: taskOfTags(classes) },
  }
}

/** A folder whose answers are judged with labels. */
export type AnsweringFolder = Omit<TextClassifierFolder, 'problemType'> &
  Pick<TextClassifierFolder | TaggerFolder | AnswererFolder, 'problemType'>

/** loadTagger(), loadAnswerer() or loadClassifier(), as the folder says. */
export function loadAnswering(folder: string): AnsweringFolder {
  if (isTagger(folder)) return loadTagger(folder)
  return isAnswerer(folder) ? loadAnswerer(folder) : loadClassifier(folder)
}
