// tinystill/node: what needs a file system. Names only, no logic.
import '../autograd/methods.js' // gives tensors their methods

export { readCheckpoint } from '../nn/io/checkpoint.js'
export { readBytes, readText, writeAtomic } from '../nn/io/files.js'
export { loadTextModel, saveTextModel, type TextModel } from '../nn/io/folder.js'
export { type Pulled, type PullOptions, pull } from '../nn/io/hub.js'
export { type Inspection, inspect } from '../nn/io/inspect.js'
export { type LineOptions, readLines } from '../nn/io/lines.js'
export {
  type Loaded,
  type LoadInfo,
  type LoadOptions,
  loadPretrained,
  type SaveOptions,
  writePretrained,
} from '../nn/io/pretrained.js'
export { type ReadTextsOptions, readTexts, streamTexts, type TextSet, textFormat } from '../nn/io/texts.js'
export { loadTokenizer, type SaveTokenizerOptions, saveTokenizer } from '../nn/io/tokenizer.js'
export { readWordnet } from '../nn/text/wordnet.js'
