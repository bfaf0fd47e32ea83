// tinystill/node: what needs a file system. Names only, no logic.
export {
  loadClassifier,
  loadPretrained,
  loadTextModel,
  loadTokenizer,
  readCheckpoint,
  saveTextModel,
  saveTokenizer,
  writePretrained,
} from './models/on-disk.js'

import '../autograd/methods.js' // gives tensors their methods

export type { Prompts } from '../formats/sentence/settings.js'
export { teacherFacts } from './cache/facts.js'
export { type FillOptions, fillCache, type LabelledRow, type LabellingTeacher } from './cache/fill.js'
export type { KeyedRow } from './cache/keys.js'
export type {
  CachedTask,
  CacheFacts,
  CacheManifest,
  CacheSettings,
  HiddenKind,
} from './cache/manifest.js'
export { type CachedTargets, type CachedTexts, openCache, type TeacherCache } from './cache/reader.js'
export type { HiddenRows } from './cache/shard.js'
export { type TransferOptions, transferSet } from './cache/transfer.js'
export { CacheWriter } from './cache/writer.js'
export { readQuestions } from './data/questions.js'
export { readTagged } from './data/tagged.js'
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
export type { TextClassifierFolder } from './models/classifiers.js'
export type { TextModel } from './models/folder.js'
export { loadWordGuesser, type WordGuesserFolder } from './models/guesser.js'
export type { Loaded, LoadInfo, LoadOptions, SaveOptions } from './models/pretrained.js'
export type { SaveTokenizerOptions } from './models/tokenizer.js'
export {
  loadSentenceEncoder,
  type SaveSentenceOptions,
  type SentenceFolder,
  saveSentenceEncoder,
} from './sentence/sentence-folder.js'
