// What a distillation of sentence embeddings tells in the end: figures, the table over seeds, verdicts, sizes and speeds.
import { textData } from '../../text/dataset.js'
import type { Embedder } from '../../train/embedding/vectors.js'
import type { Figures } from '../../train/reports.js'
import type { ModelTable } from '../distill/judge.js'
import { LINEAR } from '../distill/lines.js'
import {
  distillPage,
  leadingFigure,
  modelTable,
  rightOf,
  summarize,
  tableColumns,
  tableRows,
  verdictLines,
  verdictsOf,
} from '../distill/report.js'
import { addSpeeds } from '../distill/speeds.js'
import type { Context } from '../shared/command.js'
import { bytesOfFolder, figureTable, shownFigure } from '../shared/figures.js'
import type { RunFolder } from '../shared/run-folder.js'
import { type Speed, shownSpeed, type Timed } from '../shared/speed.js'
import { bytes, count, percent } from '../shared/table.js'
import type { EmbedJob } from './job.js'
import { type HeldSets, mainSet, TEACHER } from './judge.js'

/** Its name in tables of the model that is written. */
export const MAIN = 'distilled'

/** What was made, and how. */
export interface Finished {
  run: RunFolder
  job: EmbedJob
  held: HeldSets
  table: ModelTable
  /** Of the first seed. */
  alive: ReadonlyMap<string, Embedder>
  /** By set, of the model that is written. */
  figures: Readonly<Record<string, Figures>>
  /** By what, in one line. */
  learnt: string
}

/** What a student that does not pass the line of words is told. */
function belowLine(table: ModelTable, { student }: EmbedJob['recipe']): string[] {
  const [own, words] = [MAIN, LINEAR].map((name) => leadingFigure(table, name))
  if (!(own <= words)) return []
  const remedy =
    student === 'teacher'
      ? 'for such texts another teacher is needed'
      : 'give the student more texts, more epochs, or trained weights (--from-layers, --student DIR)'
  return [
    `words alone, without any training, reach ${percent(words, 2)}, ${MAIN} ${percent(own, 2)}: ${remedy}`,
  ]
}

/** Speeds of the teacher and of what was trained, where there are texts to measure them on. */
async function measure(
  { job, held, table, alive }: Finished,
  context: Context,
): Promise<Record<string, Speed>> {
  const set = mainSet(held)?.set
  const { loaded } = job.teacher
  if (set === undefined || loaded === null) return {}
  const { maxLength } = alive.get(MAIN) as Embedder
  const timed = ({ model, tokenizer }: Pick<Embedder, 'model' | 'tokenizer'>): Timed => ({
    model,
    few: (n) => textData(set.texts.slice(0, n), null, tokenizer, maxLength),
  })
  const all = new Map([
    [TEACHER, timed(loaded)],
    ...Array.from(alive, ([name, own]) => [name, timed(own)] as const),
  ])
  const speeds = await addSpeeds(table, all, () => timed(alive.get(MAIN) as Embedder), context)
  return Object.fromEntries(Array.from(speeds, ([name, own]) => [name === MAIN ? 'student' : name, own]))
}

/** Into the run's folder and for people. */
export async function finish(finished: Finished, context: Context): Promise<void> {
  const { run, job, table, alive, figures, learnt } = finished
  const { recipe, options } = job
  const { output } = context
  const speeds = await measure(finished, context)
  const { model } = alive.get(MAIN) as Embedder
  const size = { params: model.countParameters(), bytes: bytesOfFolder(options.out), size: model.size }
  // Without a set to judge on there is nothing to compare.
  const compared = (options.seeds > 1 || options.baseline) && table.get(MAIN)?.[0].right !== undefined
  // Of what draws nothing there are no seeds to tell chance by.
  const verdicts = compared && recipe.student !== 'teacher' ? verdictsOf(table, MAIN) : {}
  const texts = [...verdictLines(verdicts), ...belowLine(table, recipe)]
  const models = Object.fromEntries(Array.from(table, ([name, own]) => [name, summarize(table, own)]))
  const title = `${options.out}: ${recipe.name}`
  const intro = recipe.describe
  const place = { seed: options.seed, model: MAIN }
  run.finish({
    figures,
    more: {
      ...{ ...size, recipe: { name: recipe.name, source: recipe.source }, speeds, learnt },
      ...{ main: MAIN, models, verdicts: texts, judgements: verdicts, right: rightOf(table) },
      ...(compared && { columns: tableColumns(table), rows: tableRows(table) }),
    },
    report: { title, intro },
    ...(compared && {
      page: (facts) =>
        distillPage(
          {
            ...{ title, intro, plan: learnt, table, verdicts: texts },
            stages: [{ name: MAIN, steps: run.reports(place) }],
            insights: [figuresSection(figures)],
          },
          facts,
        ),
    }),
  })
  if (Object.keys(figures).length > 0) output.print(figureTable(figures))
  if (compared) output.print(modelTable(table))
  for (const line of texts) output.print(line)
  for (const [name, speed] of Object.entries(speeds))
    output.print(
      `${name}: ${count(speed.examplesPerSecond)} texts a second in batches; one alone ${shownSpeed(speed)} ms`,
    )
  output.print(
    `${options.out}: ${count(size.params)} parameters, ${bytes(size.bytes)}, vectors of ${size.size} numbers; sentence-transformers loads it`,
  )
  output.json({
    ...models[MAIN],
    ...figures,
    ...size,
    ...{ speeds, models, verdicts, recipe: recipe.name, seconds: run.seconds, seed: options.seed },
    out: options.out,
  })
}

const figuresSection = (figures: Readonly<Record<string, Figures>>) => ({
  title: 'The student that is written, by set',
  text: Object.entries(figures)
    .map(([set, own]) => {
      const each = Object.entries(own).map(([name, value]) => `${name} ${shownFigure(name, value)}`)
      return `${set}: ${each.join(', ')}`
    })
    .join('\n'),
})
