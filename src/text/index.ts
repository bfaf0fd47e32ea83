// tinystill/text: tokenizer, data sets and batches of texts. Names only, no logic.
import '../autograd/methods.js' // gives tensors their methods

export type { DataSet } from '../nn/data.js'
export { flatBatch, lengthBatches, padBatch } from '../nn/text/batches.js'
export { textData } from '../nn/text/dataset.js'
export { WordTokenizer } from '../nn/text/tokenizer.js'
