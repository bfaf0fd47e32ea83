// How the models of a distillation of sentence embeddings are judged, and the lines beside the student: the teacher, and words alone.
import { savedSize } from '../../distill/on-grid.js'
import { type Embedder, embed, type Vectors } from '../../train/embedding/vectors.js'
import { Tfidf } from '../../train/linear/tfidf.js'
import type { Figures } from '../../train/reports.js'
import { type ModelFigures, ModelTable } from '../distill/judge.js'
import { LINEAR } from '../distill/lines.js'
import { packNumbers } from '../distill/right-rows.js'
import type { Context } from '../shared/command.js'
import { count } from '../shared/table.js'
import { allTexts, embedLength, type JudgedSet, judgeTexts, neighbourTexts, type PairSet } from './data.js'
import type { EmbedJob } from './job.js'

export const TEACHER = 'teacher'

/** A set, with what the teacher says of it; both null of a teacher of which there are vectors alone. */
interface HeldSet {
  set: PairSet
  /** Of neighbourTexts(). */
  vectors: Vectors | null
  teacher: JudgedSet | null
}

/** Those that there are. */
export type HeldSets = Partial<Record<'test' | 'dev', HeldSet>>

/** What a model gave on them. */
export type JudgedSets = Partial<Record<'test' | 'dev', JudgedSet>>

/** The one that models are compared on. */
export const mainSet = <T>({ test, dev }: Partial<Record<'test' | 'dev', T>>): T | undefined => test ?? dev

/** The teacher as it embeds by itself; null: there are vectors alone. */
export const embedderOf = ({ teacher: { loaded } }: Pick<EmbedJob, 'teacher'>): Embedder | null =>
  loaded && { ...loaded, maxLength: embedLength(loaded) }

export async function heldSets(job: EmbedJob, { progress }: Context): Promise<HeldSets> {
  const theirs = embedderOf(job)
  const held: HeldSets = {}
  for (const use of ['dev', 'test'] as const) {
    const set = job.sets[use]
    if (set === null) continue
    progress.start(`the teacher on ${use}`, 1)
    const vectors = theirs && (await embed(theirs, neighbourTexts(set)))
    const teacher = theirs && (await judgeTexts((texts) => embed(theirs, texts), set, null))
    held[use] = { set, vectors, teacher }
    progress.finish('')
  }
  return held
}

/** A model on all sets, or on the one that models are compared on. */
export async function judgeHeld(own: Embedder, held: HeldSets, all: boolean): Promise<JudgedSets> {
  const out: JudgedSets = {}
  for (const use of ['dev', 'test'] as const) {
    const one = held[use]
    if (one && (all || one === mainSet(held)))
      out[use] = await judgeTexts((texts) => embed(own, texts), one.set, one.vectors)
  }
  return out
}

/** Of a set for tables: figures, and what each row adds to the first of them. */
const asFigures = ({ figures, rows }: JudgedSet): Partial<ModelFigures> => ({
  ...figures,
  ...(rows && { right: packNumbers(rows) }),
})

/** The figures by which a model is compared. */
export function judged(sets: JudgedSets): Partial<ModelFigures> {
  const main = mainSet(sets)
  return main === undefined ? {} : asFigures(main)
}

/** For figures on the set that models are compared on. */
export function tableFor(held: HeldSets): ModelTable {
  const { pairs = null, scores = null } = mainSet(held)?.set ?? {}
  return new ModelTable(scores !== null ? 'scored pairs' : pairs !== null ? 'partners' : 'neighbours')
}

/** By set, the student's and the teacher's, where there are some. */
export function figuresOf(held: HeldSets, own: JudgedSets): Record<string, Figures> {
  const figures: Record<string, Figures> = {}
  for (const use of ['dev', 'test'] as const) {
    const [set, student] = [held[use], own[use]]
    if (student?.rows) figures[use] = student.figures
    if (set?.teacher?.rows) figures[`${use}, teacher`] = set.teacher.figures
  }
  return figures
}

/** Cosines of TF-IDF: words are counted in the texts that are learnt from and in those that it is judged on, as a search index would. */
async function judgeWords(
  { set: train }: EmbedJob,
  { set, vectors }: HeldSet,
  { now, progress }: Context,
): Promise<ModelFigures> {
  const texts = [...new Set([...allTexts(train), ...allTexts(set)])]
  const began = now()
  progress.start(`${LINEAR}: words of ${count(texts.length)} texts`, 1)
  const tfidf = Tfidf.fit(texts, null, { minDf: 1 })
  const own = await judgeTexts((some) => tfidf.transform(some), set, vectors)
  const params = tfidf.terms.length
  progress.finish('')
  return { ...asFigures(own), params, bytes: 4 * params, seconds: (now() - began) / 1000, fixed: true }
}

/** Puts the teacher into the table, and with --baseline the line of words. */
export async function addLines(
  table: ModelTable,
  job: EmbedJob,
  held: HeldSets,
  context: Context,
): Promise<void> {
  const { teacher, options } = job
  const main = mainSet(held)
  if (teacher.loaded !== null)
    table.set(TEACHER, [
      {
        ...(main?.teacher && asFigures(main.teacher)),
        ...{ ...savedSize(teacher.loaded.model), seconds: 0 },
        // Of its own neighbours it finds all: no figure of that, and nothing to compare with.
        ...(main?.teacher?.rows && { fixed: true as const }),
      },
    ])
  if (!options.baseline) return
  const { info } = context.output
  if (main === undefined) info('--baseline: neither --dev nor --test is there to judge a line of words on')
  else if (teacher.loaded === null && main.set.pairs === null)
    info(`--baseline: ${teacher.folder} holds vectors, no model, whose neighbours could be looked for`)
  else table.set(LINEAR, [await judgeWords(job, main, context)])
}
