// tinystill/text: tokenizers, data sets and batches of texts. Names only, no logic.
import '../autograd/methods.js' // gives tensors their methods

export type { DataSet } from '../nn/data.js'
export { flatBatch, lengthBatches, padBatch } from '../nn/text/batches.js'
export { type Corpus, type CorpusOptions, corpusData } from '../nn/text/corpus.js'
export { encodedData, type TextDataOptions, textData } from '../nn/text/dataset.js'
export type { Encoded, EncodeOptions, Tokenizer } from '../nn/text/encoding.js'
export { labelFinder, labelIds, labelNamesOf, labelTargets } from '../nn/text/labels.js'
export { IGNORED, type Masking, maskBatch, maskIds, maskingOf, maskKey } from '../nn/text/masking.js'
export { type Line, readRows, type TextFormat, type TextRow } from '../nn/text/rows.js'
export { WordTokenizer } from '../nn/text/tokenizer.js'
export { type RoleNames, type VocabularyOptions, WordPieceTokenizer } from '../nn/text/wordpiece.js'
export { type TrainOptions, trainWordPiece } from '../nn/text/wordpiece-train.js'
