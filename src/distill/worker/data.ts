// A job's texts as its models read them: the sets that stages learn from, and the one that they are judged on.
import { DataError } from '../../errors.js'
import type { DataSet } from '../../nn/data.js'
import type { TextInput } from '../../nn/models/input.js'
import { textData } from '../../text/dataset.js'
import type { Tokenizer } from '../../text/encoding.js'
import { labelIds } from '../../text/labels.js'
import { varyTexts } from '../augment/vary.js'
import type { StageData } from '../plan/plan.js'
import type { RowCounts } from '../plan/steps.js'
import type { DistilJob, LabelledTexts } from './job.js'

interface Rows {
  texts: readonly string[]
  pairs: readonly (string | null)[] | null
  labels: Int32Array | null
}

/** A row without a label. */
const NONE = -100

export interface JobTexts {
  labelled: Rows & { labels: Int32Array }
  dev: (Rows & { labels: Int32Array }) | null
  /** Without labels: those of the transfer set, then those that were made. */
  more: readonly Rows[]
  counts: RowCounts
}

/** Throws DataError for a list that is too short, a label that is no class, and no rows. */
export function textsOf(job: DistilJob, classes: readonly string[]): JobTexts {
  const { labelled, dev, transfer = [], augment = 0, seed = 1 } = job
  const own = labelledRows('labelled', labelled, classes)
  const rows = own.texts.map((text, i) => ({ text, textB: own.pairs?.[i] ?? null }))
  const made = varyTexts(rows, augment, seed)
  const more: Rows[] = [
    { texts: transfer, pairs: null, labels: null },
    {
      texts: made.map(({ text }) => text),
      pairs: own.pairs && made.map(({ textB }) => textB),
      labels: null,
    },
  ]
  return {
    labelled: own,
    dev: dev === undefined ? null : labelledRows('dev', dev, classes),
    more: more.filter(({ texts }) => texts.length > 0),
    counts: {
      ...{ labelled: own.texts.length, variedRows: made.length, textRows: 0, classes: classes.length },
      transferRows: transfer.length + made.length,
    },
  }
}

function labelledRows(
  name: string,
  { texts, labels, pairs = null }: LabelledTexts,
  classes: readonly string[],
): JobTexts['labelled'] {
  if (texts.length === 0) throw new DataError(name, 'has no rows')
  if (labels.length !== texts.length || (pairs !== null && pairs.length !== texts.length))
    throw new DataError(name, `${texts.length} texts have ${labels.length} labels`)
  const numbers = Int32Array.from(texts, (_, i) => i + 1)
  return { texts, pairs, labels: labelIds(labels, classes, name, numbers) }
}

export interface JobData {
  /** Tokens of a text at most. */
  maxLength: number
  stage(kind: StageData): DataSet<TextInput>
  dev: DataSet<TextInput> | null
}

/** Encodes what is asked for, once. */
export function dataOf({ labelled, dev, more }: JobTexts, tokenizer: Tokenizer, maxLength: number): JobData {
  const encode = ({ texts, labels, pairs }: Rows) => textData(texts, labels, tokenizer, maxLength, { pairs })
  const known = new Map<StageData, DataSet<TextInput>>()
  const rowsOf = (kind: StageData): Rows => {
    if (kind === 'labelled') return labelled
    if (kind === 'text' || more.length === 0)
      throw new DataError('job', `has no rows for a stage that learns from ${kind} rows`)
    const all = [labelled, ...more]
    const n = more.reduce((sum, { texts }) => sum + texts.length, 0)
    return {
      texts: all.flatMap(({ texts }) => texts),
      pairs: all.some(({ pairs }) => pairs)
        ? all.flatMap(({ pairs, texts }) => pairs ?? texts.map(() => null))
        : null,
      labels: Int32Array.from([...labelled.labels, ...new Int32Array(n).fill(NONE)]),
    }
  }
  return {
    maxLength,
    stage(kind) {
      const data = known.get(kind) ?? encode(rowsOf(kind))
      known.set(kind, data)
      return data
    },
    dev: dev && encode(dev),
  }
}
