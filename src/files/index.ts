// tinystill/node: what needs a file system. Names only, no logic.
import '../autograd/methods.js' // gives tensors their methods

export { teacherFacts } from './cache/facts.js'
export { type FillOptions, fillCache, type LabellingTeacher } from './cache/fill.js'
export type { CacheFacts, CacheManifest, CacheSettings, HiddenKind } from './cache/manifest.js'
export { type CachedTargets, type CachedTexts, openCache, type TeacherCache } from './cache/reader.js'
export type { HiddenRows } from './cache/shard.js'
export { type TransferOptions, transferSet } from './cache/transfer.js'
export { CacheWriter } from './cache/writer.js'
export {
  type DataFormat,
  type ReadTextsOptions,
  readTexts,
  streamTexts,
  type TextSet,
  textFormat,
} from './data/texts.js'
export { readVectors, type VectorOptions, type WordVectors } from './data/vectors.js'
export { readWordnet } from './data/wordnet.js'
export { readBytes, readText, writeAtomic } from './disk.js'
export { type Pulled, type PullOptions, pull } from './hub/hub.js'
export { type Inspection, inspect } from './inspect.js'
export { type LineOptions, readLines } from './lines.js'
export { readCheckpoint } from './models/checkpoint.js'
export { loadClassifier, type TextClassifierFolder } from './models/classifiers.js'
export { loadTextModel, saveTextModel, type TextModel } from './models/folder.js'
export { loadWordGuesser, type WordGuesserFolder } from './models/guesser.js'
export {
  type Loaded,
  type LoadInfo,
  type LoadOptions,
  loadPretrained,
  type SaveOptions,
  writePretrained,
} from './models/pretrained.js'
export { loadTokenizer, type SaveTokenizerOptions, saveTokenizer } from './models/tokenizer.js'
