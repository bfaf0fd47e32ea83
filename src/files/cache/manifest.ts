// cache.json: whose outputs a cache holds, of what, how, and in which shards. Hostile until checked.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { checkSameFields, counted, type Fields } from '../../formats/fields.js'
import { type ProblemType, problemTypes } from '../../nn/models/config.js'
import type { taskOfTags } from '../../text/tagged/entities.js'
import { writeAtomic } from '../disk.js'
import { readFields } from '../json-file.js'

export const MANIFEST = 'cache.json'

/** Whether a folder is a cache, finished or not. */
export const isCache = (folder: string): boolean => existsSync(join(folder, MANIFEST))

const FORMAT = 'tinystill-cache'
/** Before 2, teacher.tokenizer was what is ids now. */
const VERSIONS = [1, 2] as const

export const hiddenKinds = ['none', 'last', 'all', 'cls'] as const
/**
 * 'last': all tokens of the last layer. 'all': all tokens of the embeddings and of every layer. 'cls': the first token's of
 * the same.
 */
export type HiddenKind = (typeof hiddenKinds)[number]

export interface TeacherFacts {
  /** Where it was found; for people. */
  folder: string
  /** SHA-256 of its weights, of config.json and of tokenizer.json, or without one of vocab.txt. */
  weights: string
  config: string
  /** null in caches of before, which have ids. */
  tokenizer: string | null
  /** SHA-256 of the tokenizer as tinystill reads it; null, or left out, where another program labelled. */
  ids?: string | null
}

/** What two readers of texts are told apart by. */
export type TokenizerFacts = Pick<TeacherFacts, 'tokenizer' | 'ids'>

/** By what both know: their ids, which files of other bytes may share, else the file. */
const sharedTokenizer = (a: TokenizerFacts, b: TokenizerFacts): 'ids' | 'tokenizer' =>
  typeof a.ids === 'string' && typeof b.ids === 'string' ? 'ids' : 'tokenizer'

export function sameTokenizer(a: TokenizerFacts, b: TokenizerFacts): boolean {
  const by = sharedTokenizer(a, b)
  return a[by] !== null && a[by] === b[by]
}

export interface DataFacts {
  file: string
  bytes: number
  sha256: string
}

/** What the logits of a cache may be of: texts, words of sentences, or tokens of a question's windows. */
export type CachedTask = ProblemType | ReturnType<typeof taskOfTags> | 'spans'
const cachedTasks: readonly CachedTask[] = [...problemTypes, 'entities', 'tags', 'spans']

/** Whether a row has several answers: a word, or a token of its windows, each. */
export const hasSeveral = ({ problemType }: { problemType: CachedTask }): boolean =>
  !(problemTypes as readonly CachedTask[]).includes(problemType)

/** What a cache keeps of a teacher's outputs, and in which form. */
export interface CacheSettings {
  /** Logits kept of each row; null: all. */
  topK: number | null
  dtype: 'float32' | 'float16'
  hidden: HiddenKind
  /** Whose states are kept: 0 are the embeddings, 1 the first layer. */
  layers: readonly number[]
  /** Of a state; 0 where none are kept. */
  width: number
  /** Layers of the teacher, where states are kept. Default: the last of `layers`. */
  depth?: number
  maxLength: number
  batchSize: number
  shardRows: number
  /** Of sentences of words and of questions: tokens that two windows have in common. */
  docStride?: number
  /** Numbers of an embedding, where those are kept of each row instead of logits. */
  embedding?: number
}

export interface ShardFacts {
  file: string
  rows: number
  bytes: number
  sha256: string
  /** SHA-256 of the keys alone: they are read when the cache is opened, the rest where a row is asked for. */
  keys: string
}

/** What a cache's manifest.json says of it. */
export interface CacheManifest {
  teacher: TeacherFacts
  data: DataFacts
  settings: CacheSettings
  /** Names of the classes in the order of the logits; none of embeddings. */
  labels: string[]
  /** What the logits mean. Of embeddings, which are numbers: a regression; cache.json does not say it. */
  problemType: CachedTask
  /** Whether all of the data is in. */
  complete: boolean
  rows: number
  shards: ShardFacts[]
}

export function shardName(i: number): string {
  return `shard-${String(i).padStart(5, '0')}.safetensors`
}

export function writeManifest(folder: string, manifest: CacheManifest): void {
  const { tokenizer, ids = null, ...rest } = manifest.teacher
  const teacher = { ...rest, ...(tokenizer !== null && { tokenizer }), ...(ids !== null && { ids }) }
  const { problemType, ...facts } = manifest
  const said = manifest.settings.embedding === undefined ? { problemType } : {}
  const document = { format: FORMAT, version: VERSIONS[1], ...facts, ...said, teacher }
  writeAtomic(join(folder, MANIFEST), `${JSON.stringify(document, null, 1)}\n`)
}

/** Throws CheckpointError that names the field: missing ones, wrong types, counts that do not fit, foreign file names. */
export function readManifest(folder: string): CacheManifest {
  const given = readFields(join(folder, MANIFEST))
  given.oneOf('format', [FORMAT])
  const version = given.oneOf('version', VERSIONS)
  const facts = readFacts(given, version)
  const shards = given.innerList('shards').map((shard, i) => readShard(shard, i, facts.settings))
  const rows = given.number('rows', counted(0)) as number
  const sum = shards.reduce((n, shard) => n + shard.rows, 0)
  if (sum !== rows) given.refuse('rows', `${sum}, the sum over the shards`)
  return { ...facts, complete: given.oneOf('complete', [true, false]), rows, shards }
}

/** Whose outputs, of what, and how. Throws CheckpointError that names the field. */
export function readFacts(given: Fields, version: (typeof VERSIONS)[number] = VERSIONS[1]): CacheFacts {
  const teacher = readTeacher(given.inner('teacher'), version)
  const settings = readSettings(given.inner('settings'))
  const labels = given.list('labels')
  const vectors = settings.embedding !== undefined
  if ((labels.length === 0) !== vectors || !labels.every((name) => typeof name === 'string'))
    given.refuse('labels', vectors ? 'empty beside settings.embedding' : 'a list of names')
  if (settings.topK !== null && settings.topK >= labels.length)
    given.refuse('labels', `more than settings.topK, ${settings.topK}`)
  const problemType = vectors ? 'regression' : problemTypeIn(given, settings)
  const several = hasSeveral({ problemType })
  if (several !== (settings.docStride !== undefined))
    given.refuse('settings', `${several ? 'one with' : 'one without'} docStride beside ${problemType}`)
  if (several && settings.hidden !== 'none')
    given.refuse('settings', `one without states beside ${problemType}`)
  if (problemType === 'spans' && labels.length !== 2) given.refuse('labels', 'two names beside spans')
  return {
    teacher,
    data: readDataFacts(given.inner('data')),
    settings,
    labels: labels as string[],
    problemType,
  }
}

function readTeacher(teacher: Fields, version: (typeof VERSIONS)[number]): TeacherFacts {
  const own = (field: string) => (teacher.has(field) ? teacher.hash(field) : null)
  const [tokenizer, ids] = version === 1 ? [null, teacher.hash('tokenizer')] : [own('tokenizer'), own('ids')]
  if (tokenizer === null && ids === null) teacher.hash('tokenizer')
  return {
    ...{ folder: teacher.text('folder'), weights: teacher.hash('weights'), config: teacher.hash('config') },
    ...{ tokenizer, ids },
  }
}

export function readDataFacts(data: Fields): DataFacts {
  return {
    file: data.text('file'),
    bytes: data.number('bytes', counted(0, Number.MAX_SAFE_INTEGER)) as number,
    sha256: data.hash('sha256'),
  }
}

/** Older caches say whether the teacher predicts a number, and no more. */
function problemTypeIn(given: Fields, { topK }: CacheSettings): CachedTask {
  const old = given.has('problemType') ? null : given.oneOf('regression', [true, false])
  const type =
    old === null
      ? given.oneOf('problemType', cachedTasks)
      : old
        ? 'regression'
        : 'single_label_classification'
  if (topK !== null && type !== 'single_label_classification')
    given.refuse('problemType', 'single_label_classification where only the largest logits are kept')
  return type
}

function readSettings(given: Fields): CacheSettings {
  const hidden = given.oneOf('hidden', hiddenKinds)
  const layers = given.list('layers')
  const rising = layers.every(
    (layer, i) => Number.isInteger(layer) && Number(layer) > Number(layers[i - 1] ?? -1),
  )
  if (!rising || layers.length > 1001 || (layers.length === 0) !== (hidden === 'none'))
    given.refuse('layers', hidden === 'none' ? 'empty' : 'a rising list of layers')
  const depth = given.number('depth', counted(Number(layers.at(-1) ?? 0)), null)
  const docStride = given.number('docStride', counted(0, 2 ** 16), null)
  const embedding = given.number('embedding', counted(1, 2 ** 16), null)
  if (embedding !== null && given.get('topK') !== null) given.refuse('topK', 'null beside embedding')
  return {
    ...(depth !== null && { depth }),
    topK: given.number('topK', { ...counted(1), optional: true }),
    dtype: given.oneOf('dtype', ['float32', 'float16']),
    ...{ hidden, layers: layers as number[] },
    width: given.number('width', hidden === 'none' ? counted(0, 0) : counted(1, 2 ** 16)) as number,
    maxLength: given.number('maxLength', counted(1)) as number,
    batchSize: given.number('batchSize', counted(1)) as number,
    shardRows: given.number('shardRows', counted(1)) as number,
    ...(docStride !== null && { docStride }),
    ...(embedding !== null && { embedding }),
  }
}

function readShard(shard: Fields, i: number, { shardRows }: CacheSettings): ShardFacts {
  return {
    file: shard.oneOf('file', [shardName(i)]),
    rows: shard.number('rows', counted(1, shardRows)) as number,
    bytes: shard.number('bytes', counted(8, Number.MAX_SAFE_INTEGER)) as number,
    sha256: shard.hash('sha256'),
    keys: shard.hash('keys'),
  }
}

/** Under which name a shard has the teacher's answers, and how many numbers a row then is. */
export function answersIn({ settings, labels }: Pick<CacheManifest, 'settings' | 'labels'>): {
  name: 'logits' | 'embedding'
  width: number
} {
  const { embedding, topK } = settings
  return embedding === undefined
    ? { name: 'logits', width: topK ?? labels.length }
    : { name: 'embedding', width: embedding }
}

/** What a cache is made of besides its rows: going on with another teacher, data or setting is refused by these. */
export type CacheFacts = Pick<CacheManifest, 'teacher' | 'data' | 'settings' | 'labels' | 'problemType'>

/** Throws CheckpointError naming the first field in which `asked` differs from what is there, with both values. */
export function checkSame(folder: string, there: CacheFacts, asked: CacheFacts): void {
  checkSameFacts(join(folder, MANIFEST), there, asked)
}

/** The same of facts that `from` holds. */
export function checkSameFacts(from: string, there: CacheFacts, asked: CacheFacts): void {
  const by = sharedTokenizer(there.teacher, asked.teacher)
  const named = ({ teacher, data, settings, labels, problemType }: CacheFacts) =>
    new Map<string, unknown>([
      ['teacher.weights', teacher.weights],
      ['teacher.config', teacher.config],
      ['teacher.tokenizer', teacher[by]],
      ['data.sha256', data.sha256],
      ...Object.entries(settings).map(([name, value]): [string, unknown] => [`settings.${name}`, value]),
      ...Object.entries({ labels, problemType }),
    ])
  checkSameFields(from, named(there), named(asked))
}
