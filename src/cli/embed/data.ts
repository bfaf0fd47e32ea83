// What the commands have in common that embed texts: models, files of texts and of pairs, and how a model is judged on one.

import { Option } from 'commander'
import { DataError } from '../../errors.js'
import { readTexts, streamTexts, type TextSet } from '../../files/data/texts.js'
import {
  isSentenceFolder,
  loadSentenceEncoder,
  type SentenceFolder,
} from '../../files/sentence/sentence-folder.js'
import { trainingLength } from '../../text/encoding.js'
import type { DataOptions } from '../../text/rows/columns.js'
import {
  type AnyVectors,
  cosinesOf,
  type Embedder,
  embed,
  foundRows,
  meanOf,
  pairFigures,
  recallRows,
  type Vectors,
} from '../../train/embedding/vectors.js'
import { spearmanRows } from '../../train/regression.js'
import type { Figures } from '../../train/reports.js'
import type { Output } from '../shared/output.js'

/** Of commands that tell by the folder what a model is for. */
export const embedOption = () =>
  new Option(
    '--task <name>',
    'embed: one vector a text; default: what the folder says, by modules.json or by its head',
  ).choices(['embed'])

/** Whether texts are to be embedded. */
export const embeds = (folder: string, task: string | undefined): boolean =>
  task === 'embed' || isSentenceFolder(folder)

/** A folder's model; its notes are told. Throws CheckpointError. */
export function openEmbedder(
  folder: string,
  asked: number | undefined,
  output: Pick<Output, 'info'>,
): SentenceFolder & Embedder {
  const loaded = loadSentenceEncoder(folder)
  for (const note of loaded.notes) output.info(`note: ${note}`)
  return { ...loaded, maxLength: Math.min(asked ?? loaded.usualLength, loaded.maxLength) }
}

/** Tokens of a text in training and in what is kept for it: as for all models, and no more than the folder says. */
export const embedLength = ({
  tokenizer,
  usualLength,
}: Pick<SentenceFolder, 'tokenizer' | 'usualLength'>): number =>
  Math.min(trainingLength([tokenizer], usualLength), usualLength)

/** The text before others of a kind. Throws RangeError for a kind that the folder does not name. */
export function promptOf({ prompts }: Pick<SentenceFolder, 'prompts'>, asked: string | undefined): string {
  const name = asked ?? prompts.usual
  if (name === null) return ''
  const prompt = prompts.named.get(name)
  if (prompt !== undefined) return prompt
  const known = [...prompts.named.keys()]
  throw new RangeError(
    `--prompt ${name}: the folder names ${known.length === 0 ? 'no prompts' : known.join(', ')}`,
  )
}

/** Texts with what else a row holds. */
export interface PairSet {
  file: string
  texts: string[]
  /** Second texts; null where the file has none. */
  pairs: string[] | null
  /** A number a row; null where the file has none. */
  scores: Float32Array | null
}

/** A file of texts, of pairs, or of pairs and their scores. Throws DataError naming the line. */
export function readPairs(file: string, reading: DataOptions): PairSet {
  let labelled = false
  for (const { textB, label } of streamTexts(file, reading)) {
    labelled = label !== null && textB !== null
    break
  }
  const set: TextSet = readTexts(file, { ...reading, labels: labelled ? 'numbers' : 'none' })
  const { texts, pairs, lines, targets } = set
  if (pairs === null) return { file, texts, pairs: null, scores: null }
  const alone = pairs.indexOf(null)
  if (alone >= 0) throw new DataError(`${file}:${lines[alone]}`, 'has one text, and other rows have two')
  if (targets !== null && targets.length !== texts.length)
    throw new DataError(file, 'has several numbers a row, and a pair has one score')
  return { file, texts, pairs: pairs as string[], scores: targets }
}

/** All different texts of a set. */
export const allTexts = ({ texts, pairs }: Pick<PairSet, 'texts' | 'pairs'>): string[] => [
  ...new Set([...texts, ...(pairs ?? [])]),
]

/** Texts of which neighbours are looked for: each is compared with all. */
const NEIGHBOURS = 5000

/** What gives texts their vectors: a model, or words. */
export type Embeds<V extends AnyVectors = AnyVectors> = (texts: readonly string[]) => V | Promise<V>

/** Figures of a set, and of the first of them that counts a number a row, whose mean it is: null where there are none. */
export interface JudgedSet {
  figures: Figures
  rows: Float64Array | null
}

/**
 * Of scored pairs how cosines agree with the scores, of others how often the partner is the nearest; and with a teacher's vectors of
 * allTexts(), as many as neighbours are looked for, how many of its neighbours are found again.
 */
export async function judgeTexts<V extends AnyVectors>(
  of: Embeds<V>,
  set: PairSet,
  teacher: Vectors | null,
): Promise<JudgedSet> {
  const figures: Record<string, number> = {}
  let rows: Float64Array | null = null
  if (set.pairs !== null) {
    const [a, b] = [await of(set.texts), await of(set.pairs)]
    if (set.scores !== null) {
      const cosines = cosinesOf(a, b)
      Object.assign(figures, pairFigures(cosines, set.scores))
      rows = spearmanRows(cosines, set.scores)
    } else {
      rows = foundRows(a, b)
      Object.assign(figures, { found: meanOf(rows), foundBack: meanOf(foundRows(b, a)) })
    }
  }
  if (teacher === null) return { figures, rows }
  const recall = recallRows(await of(neighbourTexts(set)), teacher)
  for (const [name, shares] of Object.entries(recall)) figures[name] = meanOf(shares)
  return { figures, rows: rows ?? recall['recall@10'] }
}

/** The figures of a model by judgeTexts(). */
export async function judgePairs(
  own: Embedder,
  set: PairSet,
  teacher: Vectors | null,
  onBatch?: (done: number) => void,
): Promise<Figures> {
  const of = (texts: readonly string[]) => embed(own, texts, onBatch === undefined ? {} : { onBatch })
  return (await judgeTexts(of, set, teacher)).figures
}

/** The first of allTexts(). */
export const neighbourTexts = (set: Pick<PairSet, 'texts' | 'pairs'>): string[] =>
  allTexts(set).slice(0, NEIGHBOURS)
