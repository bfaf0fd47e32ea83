// The texts of a distillation, as each model reads them.
import { createHash } from 'node:crypto'

import type { StageData } from '../../distill/plan/plan.js'
import type { RowCounts } from '../../distill/plan/steps.js'
import { DataError } from '../../errors.js'
import { tokenizerHash } from '../../files/cache/facts.js'
import type { CachedTexts } from '../../files/cache/reader.js'
import { readTexts, type TextSet } from '../../files/data/texts.js'
import type { LogitFacts } from '../../files/kept-logits.js'
import type { DataSet } from '../../nn/data.js'
import type { TextInput } from '../../nn/models/input.js'
import { ints } from '../../tensor/tensor.js'
import type { Tokenizer } from '../../text/encoding.js'
import { maskingOf } from '../../text/masking.js'
import type { DataOptions } from '../../text/rows/columns.js'
import { answersOfSet, firstRows, setData, setPlaces, someRows } from '../../text/tagged/set-data.js'
import { type MaskedText, maskedTexts } from '../../train/masked-data.js'
import type { TaskType } from '../../train/tagging/tasks.js'
import { readFor, readUnlabelled } from '../shared/labels-option.js'
import type { Output } from '../shared/output.js'
import type { DistillOptions } from './options.js'

/** What files are for, by their options. */
export const uses = ['train', 'transfer', 'text', 'dev', 'test'] as const
export type Use = (typeof uses)[number]
type FileTexts = TextSet & { file: string }
/** What stands in files, and texts that were made of those of --train: ./varied.ts. */
export type Texts = Readonly<
  Record<'train', FileTexts> & Record<Exclude<Use, 'train'>, FileTexts | null> & { varied: TextSet | null }
>

/** What --quick leaves of each file. */
const QUICK: Record<Use, number> = { train: 2000, transfer: 4000, text: 4000, dev: 500, test: 500 }

/** Labelled rows that a teacher is judged on where there is no dev set. */
export const JUDGED = 1000

/** All files, with labels as the teacher's task and classes have them. Throws DataError naming file and line. */
export function readSets(
  options: DistillOptions,
  teacher: { classes: readonly string[]; problemType: TaskType },
  reading: DataOptions,
  output: Pick<Output, 'info'>,
): Texts {
  const read = (use: Use): FileTexts | null => {
    const file = options[use]
    if (file === undefined) return null
    const own =
      use === 'transfer'
        ? readUnlabelled(file, teacher.problemType, reading)
        : use === 'text'
          ? readTexts(file, { ...reading, labels: 'none' })
          : readFor(file, teacher, options.labels, reading, output)
    const set = { file, ...own }
    return options.quick ? firstRows(set, QUICK[use]) : set
  }
  const [train, transfer, text, dev, test] = uses.map(read)
  return { ...{ transfer, text, dev, test, varied: null }, train: train as FileTexts }
}

export const countRows = ({ train, transfer, text, varied }: Texts): RowCounts => ({
  labelled: train.texts.length,
  transferRows: (transfer?.texts.length ?? 0) + (varied?.texts.length ?? 0),
  variedRows: varied?.texts.length ?? 0,
  textRows: (text ?? transfer)?.texts.length ?? 0,
})

/** The rows that stages learn from; those of the transfer set have the label -100 or NaN, which is none. */
function stageTexts(kind: StageData, { train, transfer, text, varied }: Texts): TextSet {
  if (kind === 'labelled') return train
  if (kind === 'text' && text !== null) return { ...text, labels: null, targets: null }
  const more = [transfer, kind === 'text' ? null : varied].filter((set) => set !== null)
  if (more.length === 0)
    throw new DataError(
      kind === 'text' ? '--text' : '--transfer',
      `is missing, a stage learns from ${kind === 'text' ? 'plain text' : 'its rows'}`,
      'Name a file of texts',
    )
  if (kind === 'text') return { ...more[0], labels: null, targets: null }
  const all = [train, ...more]
  const n = more.reduce((sum, set) => sum + answersOfSet(set), 0)
  const none = new Int32Array(n).fill(-100)
  const { labels, targets, labelNames } = train
  return {
    ...more[0],
    texts: all.flatMap(({ texts }) => texts),
    pairs: all.some(({ pairs }) => pairs)
      ? all.flatMap((set) => set.pairs ?? set.texts.map(() => null))
      : null,
    labels: labels && Int32Array.from([...labels, ...none]),
    targets:
      targets && Float32Array.from([...targets, ...new Float32Array(n * labelNames.length).fill(Number.NaN)]),
    labelNames,
    ...(train.words && {
      words: all.flatMap(({ words = [] }) => words),
      docStride: train.docStride,
      ...(train.readings && { readings: all.flatMap(({ readings = [] }) => readings) }),
    }),
    ...(train.questions && {
      questions: { ...train.questions, each: all.flatMap(({ questions }) => questions?.each ?? []) },
    }),
  }
}

/** Rows that models learn from or are judged on. */
export type SetName = StageData | 'dev' | 'test'

/** Whose rows, one after the other, are a set's. */
const partsOf = ({ text }: Texts): Readonly<Record<SetName, readonly (keyof Texts)[]>> => ({
  ...{ labelled: ['train'], transfer: ['train', 'transfer', 'varied'], dev: ['dev'], test: ['test'] },
  text: [text === null ? 'transfer' : 'text'],
})

export interface Reader {
  tokenizer: Tokenizer
  /** Tokens that windows of its sets have in common, where that was asked for. */
  docStride: number | undefined
  /** A set as it was read or made, for those who look its rows up. */
  texts(set: SetName): readonly CachedTexts[]
  /** What a set's inputs follow from: its texts, the tokenizer, how much of a text is read. */
  facts(set: SetName): LogitFacts
  stage(kind: StageData): DataSet<TextInput>
  /** Where the words of its rows begin: wordPlaces(). */
  places(kind: StageData): readonly Int32Array[]
  /** The same with words masked, rare ones more often: Sanh et al. 2019, as in its code. */
  masked(kind: StageData): DataSet<MaskedText>
  held(use: 'dev' | 'test'): DataSet<TextInput> | null
  /** Rows of a file. */
  some(set: 'labelled' | 'dev' | 'test', rows: readonly number[]): DataSet<TextInput>
  /** Rows with labels to judge a teacher on: the dev set, or else the first of the labelled. */
  judged(): DataSet<TextInput>
  /** The first texts of the set that models are judged on, for the latency. */
  few(n: number): DataSet<TextInput>
  /** That set itself. */
  shown: TextSet
  /** The first rows of the dev set, where models are judged on another. */
  spare(n: number): DataSet<TextInput> | null
}

function hashTexts(sets: readonly TextSet[]): string {
  const hash = createHash('sha256')
  for (const { texts, pairs, words, docStride, readings = [], questions } of sets) {
    const stride = questions?.rules.docStride ?? docStride
    if (stride !== undefined) hash.update(`windows ${stride}`)
    // Of one window whose words are all heard there is nothing to say.
    for (const { windows, heard } of readings)
      if (windows.length > 1 || heard?.includes(false)) hash.update(JSON.stringify([windows, heard]))
    for (const [i, text] of texts.entries())
      hash.update(JSON.stringify(words === undefined ? [text, pairs?.[i] ?? null] : words[i]))
  }
  return hash.digest('hex')
}

/** What `make` gives for a key, made once. */
function kept<K, V>(make: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>()
  return (key) => {
    const own = known.get(key) ?? make(key)
    known.set(key, own)
    return own
  }
}

/** Encodes what is asked for, once. */
export function createReader(texts: Texts, tokenizer: Tokenizer, maxLength: number): Reader {
  const known = new Map<string, DataSet<TextInput>>()
  const encode = (set: TextSet) => setData(set, tokenizer, maxLength)
  const counted = (data: DataSet<TextInput>) => {
    const counts = new Float64Array(tokenizer.vocabSize)
    for (const rows of data.batches(256, null)) for (const id of ints(data.input(rows).inputIds)) counts[id]++
    return counts
  }
  const once = (name: string, set: () => TextSet) => {
    const data = known.get(name) ?? encode(set())
    known.set(name, data)
    return data
  }
  const shown = texts.test ?? texts.dev ?? texts.train
  const ofSet = (set: SetName) => partsOf(texts)[set].flatMap((part) => texts[part] ?? [])
  const stage = (kind: StageData) => once(kind, () => stageTexts(kind, texts))
  return {
    tokenizer,
    docStride: texts.train.questions?.rules.docStride ?? texts.train.docStride,
    texts: ofSet,
    facts: kept((set) => ({
      ...{ tokenizer: tokenizerHash(tokenizer), maxLength, texts: hashTexts(ofSet(set)) },
    })),
    stage,
    places: kept((kind) => setPlaces(stageTexts(kind, texts), tokenizer, maxLength)),
    masked: (kind) => maskedTexts(stage(kind), maskingOf(tokenizer, { counts: counted(stage(kind)) })),
    held: (use) => {
      const set = texts[use]
      return set && once(use, () => set)
    },
    some: (set, rows) => encode(someRows(ofSet(set)[0], rows)),
    judged: () => once('judged', () => texts.dev ?? firstRows(texts.train, JUDGED)),
    few: (n) => once(`few ${n}`, () => ({ ...firstRows(shown, n), labels: null, targets: null })),
    shown,
    spare: (n) => {
      const { test, dev } = texts
      return test && dev && once(`spare ${n}`, () => firstRows(dev, n))
    },
  }
}
