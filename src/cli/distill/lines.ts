// The lines that a student has to pass: the commonest class, and a linear model of words on the labelled rows.
import type { StageData } from '../../distill/plan/plan.js'
import type { DataSet } from '../../nn/data.js'
import { LinearClassifier, type LinearTexts } from '../../train/linear/classifier.js'
import type { RunState } from '../../train/run-state.js'
import { isOfTexts } from '../../train/tagging/tasks.js'
import type { Context } from '../shared/command.js'
import { count, percent } from '../shared/table.js'
import type { Reader } from './data.js'
import type { Checked } from './job.js'
import { heldName, heldSet, judgedRows, judgeMajority, type ModelFigures, type ModelTable } from './judge.js'
import { leadingFigure } from './report.js'

export const MAJORITY = 'majority class'
export const LINEAR = 'linear'

/**
 * Of rows times classes. Up to there words that one text alone has count too: of 1,000 sentences of SST-2 they make 72.0 of 69.1.
 * Beyond they gain nothing (SST-2 and TREC whole, WordNet), and take a minute.
 */
const FEW = 30_000

type Judged = StageData | 'dev' | 'test'

function textsOf(reader: Reader, name: Judged): LinearTexts {
  const [{ texts, pairs }] = reader.texts(name)
  const { labels, targets } = (
    name === 'dev' || name === 'test' ? reader.held(name) : reader.stage(name)
  ) as DataSet<unknown>
  return { texts, pairs: pairs ?? null, labels, targets: targets ?? null }
}

function trainLinear(
  { sources: { teachers }, data: { reader } }: Checked,
  { now, progress }: Context,
): ModelFigures {
  const [first] = teachers
  const held = heldName(reader) as 'dev' | 'test'
  const labelled = textsOf(reader, 'labelled')
  const began = now()
  progress.start(`a linear model of the words of ${count(labelled.texts.length)} rows`, 1)
  const { length: classes } = first.classes
  const model = LinearClassifier.fit(labelled, classes, {
    dev: reader.held('dev') && textsOf(reader, 'dev'),
    minDf: labelled.texts.length * classes <= FEW ? 1 : 2,
  })
  const seconds = (now() - began) / 1000
  const { texts, pairs } = textsOf(reader, held)
  const logits = model.logits(texts, pairs)
  const params = model.countParameters()
  progress.finish(
    `${LINEAR}: ${count(model.tfidf.terms.length)} terms, C ${model.C}, trained for ${seconds.toFixed(1)} s`,
  )
  return {
    ...judgedRows(logits, heldSet(reader) as DataSet<unknown>, first),
    ...{ params, bytes: params * 4, seconds, fixed: true },
  }
}

/** Puts them into the table, where there is a set to judge on and there are classes to tell. */
export function addLines(table: ModelTable, job: Checked, state: RunState, context: Context): void {
  const { reader } = job.data
  const [first] = job.sources.teachers
  if (heldSet(reader) === null || first.problemType === 'regression') return
  const majority = judgeMajority(reader, first)
  if (majority !== null) table.set(MAJORITY, [majority])
  // What it counts is texts.
  if (!isOfTexts(first.problemType)) return
  const known = state.recall(LINEAR) as ModelFigures | undefined
  const linear = known ?? trainLinear(job, context)
  state.record(LINEAR, linear)
  table.set(LINEAR, [linear])
}

/** What a student that does not pass them is told, a line each. */
export function belowLines(table: ModelTable, main: string): string[] {
  const [own, majority, linear] = [main, MAJORITY, LINEAR].map((name) => leadingFigure(table, name))
  return [
    ...(own <= majority
      ? [
          `${main} is no better than the commonest class, ${percent(majority)}: give it more epochs, a larger lr, or the teacher's layers (--from-layers)`,
        ]
      : []),
    ...(own <= linear
      ? [
          `a linear model of words reaches ${percent(linear, 2)}, ${main} ${percent(own, 2)}: ship that one, or give the student more texts (--transfer), more epochs, or trained weights (--from-layers, --student DIR)`,
        ]
      : []),
  ]
}
