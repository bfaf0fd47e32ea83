// The teacher's logits of the rows of a training, as a cache beside them.
import type { StageData } from '../../distill/plan/plan.js'
import { TinystillError } from '../../errors.js'
import { sha256, teacherFacts } from '../../files/cache/facts.js'
import { KeyIndex, keyOfText } from '../../files/cache/keys.js'
import type { CacheFacts, DataFacts, TeacherFacts } from '../../files/cache/manifest.js'
import { CacheWriter } from '../../files/cache/writer.js'
import type { ProblemType } from '../../nn/models/config.js'
import { empty } from '../../tensor/tensor.js'
import { isOfTexts, isOfWords } from '../../train/tagging/tasks.js'
import { isLive, type Teacher } from '../distill/teachers.js'
import type { TextPair } from './rows.js'

/** Rows of a shard. */
const SHARD_ROWS = 4096

/** Logits [rows, classes] of the rows that some stages learn from. */
export interface Said {
  kind: StageData
  rows: Iterable<TextPair>
  logits: Float32Array
}

/** Several that teach as one have hashes of all of theirs. */
export function factsOf(teachers: readonly Teacher[]): TeacherFacts {
  const each = teachers.map((t) =>
    isLive(t) ? teacherFacts(t.folder, t.tokenizer) : t.cache.manifest.teacher,
  )
  if (each.length === 1) return each[0]
  const all = (field: 'weights' | 'config' | 'tokenizer') =>
    sha256(each.map((facts) => facts[field] ?? facts.ids).join('\n'))
  return {
    folder: each.map(({ folder }) => folder).join(', '),
    ...{ weights: all('weights'), config: all('config'), tokenizer: all('tokenizer'), ids: null },
  }
}

/** Tokens that the teachers have read of a text. */
const lengthOf = (teachers: readonly Teacher[], maxLength: number): number =>
  Math.min(maxLength, ...teachers.map((t) => (isLive(t) ? Infinity : t.cache.manifest.settings.maxLength)))

/** What the teachers give for a text. Throws TinystillError where they answer for its words: a cache has one answer a text. */
export function textTaskOf([{ folder, problemType }]: readonly Teacher[]): ProblemType {
  if (isOfTexts(problemType)) return problemType
  const what = isOfWords(problemType) ? 'answers for words' : 'finds answers in texts'
  throw new TinystillError(
    `${folder} ${what}, which are not handed over`,
    'tinystill distill trains a student of it',
  )
}

/** Each text once. Gives its rows. */
export function writeTeacherCache(
  folder: string,
  teachers: readonly Teacher[],
  said: readonly Said[],
  { data, maxLength }: { data: DataFacts; maxLength: number },
): number {
  const [{ classes }] = teachers
  const problemType = textTaskOf(teachers)
  const facts: CacheFacts = {
    ...{ teacher: factsOf(teachers), data, labels: [...classes], problemType },
    settings: {
      ...{ topK: null, dtype: 'float32', hidden: 'none', layers: [], width: 0 },
      ...{ maxLength: lengthOf(teachers, maxLength), batchSize: 64, shardRows: SHARD_ROWS },
    },
  }
  const writer = CacheWriter.open(folder, facts)
  const seen = new KeyIndex()
  let keys: [number, number][] = []
  let values: Float32Array[] = []
  const write = () => {
    const [kept, logits] = [empty([keys.length, 2], 'int32'), empty([keys.length, classes.length])]
    kept.elements.set(keys.flat())
    values.forEach((own, row) => {
      logits.elements.set(own, row * classes.length)
    })
    writer.add(kept, [['logits', logits]])
    for (const t of [kept, logits]) t.dispose()
    ;[keys, values] = [[], []]
  }
  for (const { rows, logits } of said) {
    let row = 0
    for (const { text, textB } of rows) {
      const at = classes.length * row++
      const key = keyOfText(text, textB)
      if (!seen.add(...key)) continue
      keys.push(key)
      values.push(logits.subarray(at, at + classes.length))
      if (keys.length === SHARD_ROWS) write()
    }
  }
  if (keys.length > 0) write()
  writer.finish()
  return seen.size
}
