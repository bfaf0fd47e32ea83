// tinystill/text: tokenizers, data sets and batches of texts. Names only, no logic.
import '../autograd/methods.js' // gives tensors their methods

export type { RoleNames } from '../formats/vocabulary.js'
export type { DataSet } from '../nn/data.js'
export { flatBatch, lengthBatches, padBatch } from './batches.js'
export { type ClassProblem, classProblems } from './classes.js'
export { type Corpus, type CorpusOptions, corpusData } from './corpus.js'
export { encodedData, type TextDataOptions, textData } from './dataset.js'
export type { Encoded, EncodeOptions, Tokenizer } from './encoding.js'
export type { Label } from './label-parts.js'
export { labelSets, setNames } from './label-sets.js'
export { labelFinder, labelIds, labelNamesOf, labelTargets } from './labels.js'
export { IGNORED, type Masking, maskBatch, maskIds, maskingOf, maskKey } from './masking.js'
export type { DataOptions } from './rows/columns.js'
export { type Line, readRows, type TextFormat, type TextRow } from './rows.js'
export { WordTokenizer } from './tokenizer.js'
export { type VocabularyOptions, WordPieceTokenizer } from './wordpiece.js'
export { type TrainOptions, trainWordPiece } from './wordpiece-train.js'
