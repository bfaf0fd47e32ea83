// tinystill/text: tokenizers, data sets and batches of texts. Names only, no logic.
import '../autograd/methods.js' // gives tensors their methods

export type { DataSet } from '../nn/data.js'
export { flatBatch, lengthBatches, padBatch, type TokenTypes } from '../nn/text/batches.js'
export { encodedData, type TextDataOptions, textData } from '../nn/text/dataset.js'
export type { Encoded, EncodeOptions, Tokenizer } from '../nn/text/encoding.js'
export { WordTokenizer } from '../nn/text/tokenizer.js'
export { type RoleNames, type VocabularyOptions, WordPieceTokenizer } from '../nn/text/wordpiece.js'
export { type TrainOptions, trainWordPiece } from '../nn/text/wordpiece-train.js'
