// tinystill/node: what needs a file system. Names only, no logic.
import '../autograd/methods.js' // gives tensors their methods

export { type FillOptions, fillCache, type LabellingTeacher } from '../distill/transfer.js'
export { teacherFacts } from '../nn/io/cache/facts.js'
export type { CacheFacts, CacheManifest, CacheSettings, HiddenKind } from '../nn/io/cache/manifest.js'
export { type CachedTargets, type CachedTexts, openCache, type TeacherCache } from '../nn/io/cache/reader.js'
export type { HiddenRows } from '../nn/io/cache/shard.js'
export { type TransferOptions, transferSet } from '../nn/io/cache/transfer.js'
export { CacheWriter } from '../nn/io/cache/writer.js'
export { readCheckpoint } from '../nn/io/checkpoint.js'
export { loadClassifier, type TextClassifierFolder } from '../nn/io/classifiers.js'
export { readBytes, readText, writeAtomic } from '../nn/io/files.js'
export { loadTextModel, saveTextModel, type TextModel } from '../nn/io/folder.js'
export { loadWordGuesser, type WordGuesserFolder } from '../nn/io/guesser.js'
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
export { readVectors, type VectorOptions, type WordVectors } from '../nn/io/vectors.js'
export { readWordnet } from '../nn/text/wordnet.js'
