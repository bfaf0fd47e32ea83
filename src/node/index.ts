// tinystill/node: what needs a file system. Names only, no logic.
import '../autograd/methods.js' // gives tensors their methods

export { readBytes, readText, writeAtomic } from '../nn/io/files.js'
export { loadTextModel, saveTextModel, type TextModel } from '../nn/io/folder.js'
export { type LineOptions, readLines } from '../nn/io/lines.js'
export { type ReadTextsOptions, readTexts, streamTexts, type TextSet, textFormat } from '../nn/io/texts.js'
export { loadTokenizer, type SaveTokenizerOptions, saveTokenizer } from '../nn/io/tokenizer.js'
export { readWordnet } from '../nn/text/wordnet.js'
