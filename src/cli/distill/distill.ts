// tinystill distill: a teacher's knowledge into a student by a recipe, with what it takes to believe the result.
import { join } from 'node:path'
import { fingerprint } from '../../distill/doctor.js'
import { embedRecipes } from '../../distill/embedding/recipes.js'
import { gridsOf, plainStudent } from '../../distill/on-grid.js'
import { describePlan, studentStage } from '../../distill/plan/plan.js'
import type { Student } from '../../distill/plan/runner.js'
import { mainName, type Variant } from '../../distill/plan/variants.js'
import { languageRecipes } from '../../distill/recipes/index.js'
import { Ensemble } from '../../distill/teachers/ensemble.js'
import { TinystillError } from '../../errors.js'
import { writeAtomic } from '../../files/disk.js'
import { checkKind, loadPretrained } from '../../files/models/on-disk.js'
import { pretrainedFiles } from '../../files/models/pretrained.js'
import { isPythons } from '../../nn/models/family.js'
import type { TextInput } from '../../nn/models/input.js'
import { Pretrained } from '../../nn/models/pretrained.js'
import { sparsityOf } from '../../nn/prune/prepare.js'
import { type CardRecord, modelCard } from '../../report/model-card.js'
import type { Classifier } from '../../train/predict.js'
import { everyTask } from '../../train/tagging/tasks.js'
import { distillEmbeddings } from '../embed/distill.js'
import { distillLanguage } from '../language/distill.js'
import type { CommandSpec, Context } from '../shared/command.js'
import { place } from '../shared/model-folder.js'
import { goesWith, settleBackend } from '../shared/options.js'
import { RunFolder } from '../shared/run-folder.js'
import { skippedText } from '../shared/skipped.js'
import { SPEED_METHOD, type Timed } from '../shared/speed.js'
import { runVariant, type SeedResult, teacherLogits } from './bench.js'
import { check } from './check.js'
import { insightsOf } from './insights.js'
import { type Checked, type Job, mainVariant, readJob } from './job.js'
import { heldLogits, heldSet, judge, judgeCached, ModelTable } from './judge.js'
import { addLines, belowLines, MAJORITY } from './lines.js'
import { type DistillOptions, distillOptions } from './options.js'
import {
  aloneLine,
  distillPage,
  modelTable,
  rightOf,
  summarize,
  tableColumns,
  tableRows,
  teacherLines,
  verdictLines,
  verdictsOf,
} from './report.js'
import { type SeedWork, trainSeeds } from './seeds.js'
import { addSpeeds } from './speeds.js'
import { closeTeachers, inOrderOf, isLive } from './teachers.js'

async function run(options: DistillOptions, context: Context): Promise<void> {
  const embedding = embedRecipes.find(({ name }) => name === options.recipe)
  if (embedding !== undefined) return distillEmbeddings(embedding, options, context)
  const language = languageRecipes.find(({ name }) => name === options.recipe)
  if (language !== undefined) return distillLanguage(language, options, context)
  goesWith(options, ['task', 'loss', 'matryoshka', 'dim'], 'the embed recipes', false)
  settleBackend(context.output)
  await distill(readJob(options, context.output), context)
}

/** Trains a job, judges it and writes all that there is to tell. */
export async function distill(asked: Job, context: Context): Promise<void> {
  checkKind(asked.output.folder, asked.pupil.model)
  const job = await check(asked, context)
  const { facts, folder: out, state } = job.output
  const folder = new RunFolder(out, facts, context, state)
  if (folder.done) return folder.leave()
  const { teachers } = job.sources
  const live = teachers.filter(isLive)
  const before = live.map((t) => fingerprint(t.model))
  try {
    const trained = await trainAll(job, folder, context)
    const changed = live.find((t, i) => before[i] !== fingerprint(t.model))
    if (changed) throw new TinystillError(`${changed.folder}: the teacher's weights changed during the run`)
    finish(folder, job, trained, context)
  } catch (error) {
    folder.fail(error)
    throw error
  } finally {
    closeTeachers(teachers)
  }
}

interface Trained {
  table: ModelTable
  /** Of the plan itself with the first seed. */
  kept: SeedResult
  /** What the lone student says of the set that models are judged on. */
  alone: Float32Array | null
}

/** Every variant with every seed. The first student is saved at once: what comes after cannot lose it. */
async function trainAll(job: Checked, folder: RunFolder, context: Context): Promise<Trained> {
  const { variants, seeds } = job.training
  const main = mainVariant(job)
  const { table, alive } = await judgeTeachers(job, folder, context)
  addLines(table, job, folder.state, context)
  const logits = teacherLogits(job, folder, context)
  const work: SeedWork<Variant, SeedResult> = {
    ...{ variants, seeds },
    lasting: (variant) => variant === main || variant.label === 'alone',
    train: (variant, seed, lasting) =>
      runVariant(job, variant, seed, logits, lasting ? folder.kept : null, folder, context),
    keep: (variant, result) => {
      // Of a quantized student the plain one is timed: what computes on grids in floats is slower than either.
      for (const [name, model] of result.models)
        alive.set(name, { model: timed(model), few: job.data.reader.few })
      if (variant === main) keepModels(result, job, context)
    },
  }
  const lasted = await trainSeeds(work, table, folder.state)
  await addSpeeds(table, alive, () => standInOf(job), context)
  const lone = variants.find(({ label }) => label === 'alone')
  const counted = lone && lasted.get(lone)?.stages.find(({ counts }) => counts)
  return {
    table,
    kept: lasted.get(main) as SeedResult,
    alone: counted && heldSet(job.data.reader) ? heldLogits(counted.model, job.data.reader) : null,
  }
}

/** A model of the student's size, for those of later seeds and runs that are no longer there. */
function standInOf({ sources: { student }, data: { reader }, training: { seeds } }: Job): Timed {
  return { model: student.make(seeds[0], 0).model as Classifier<TextInput>, few: reader.few }
}

const timed = (model: Classifier<TextInput>) =>
  model instanceof Pretrained ? (plainStudent(model as unknown as Student) as Classifier<TextInput>) : model

/** Teachers, and where they are several their ensemble. */
async function judgeTeachers(
  { sources, data }: Job,
  { answers: kept }: RunFolder,
  { output, progress }: Context,
): Promise<{ table: ModelTable; alive: Map<string, Timed> }> {
  const { teachers } = sources
  const { readers, reader } = data
  const [first] = teachers
  const { classes } = first
  const table = new ModelTable(first.problemType)
  const alive = new Map<string, Timed>()
  for (const [i, t] of teachers.entries()) {
    const name = teachers.length > 1 ? `teacher ${i + 1}` : 'teacher'
    if (!isLive(t)) {
      const figures = judgeCached(t, reader, first)
      if (figures !== null) table.set(name, [figures])
      else output.info(`${t.folder} has not all rows of a set to judge on: its accuracy is not in the table`)
      continue
    }
    const model = t.model as Classifier<TextInput>
    const ordered = (z: Float32Array) => inOrderOf(classes, z, t)
    table.set(name, [await judge(model, readers[i], first, null, { progress, kept, ordered })])
    alive.set(name, { model, few: readers[i].few })
  }
  const live = teachers.filter(isLive)
  const alike = teachers.every((t) => t.classes.every((c, i) => c === classes[i]))
  const oneReader = live.every((t) => t.tokenizer.vocabSize === reader.tokenizer.vocabSize)
  if (live.length > 1 && live.length === teachers.length && alike && oneReader) {
    const all = new Ensemble(live.map((t) => t.model as Classifier<TextInput>))
    table.set('teachers together', [await judge(all, readers[0], first, null, { progress, kept })])
    alive.set('teachers together', { model: all, few: readers[0].few })
  }
  return { table, alive }
}

/** The student at the top, other models that the recipe made beside it. */
function keepModels(
  { stages }: SeedResult,
  { plan, data, output: own, pupil }: Job,
  { output }: Context,
): void {
  const student = studentStage(plan)
  const { tokenizer } = data.reader
  const { maxLength } = pupil
  for (const { stage, model, name } of stages) {
    const files = () => pretrainedFiles({ model, tokenizer, maxLength })
    if (stage === student) place(own.folder, files(), output, { run: true })
    else if (!stages.some((s) => s.stage.start === stage.name))
      place(join(own.folder, name), files(), output, { run: true })
  }
}

function finish(folder: RunFolder, job: Checked, { table, kept, alone }: Trained, { output }: Context): void {
  const { plan, recipe, problems, data } = job
  const { student: source, teachers } = job.sources
  const task = everyTask[teachers[0].problemType]
  const { judgedOn } = data
  const { folder: out, repeat, facts } = job.output
  const main = mainName(plan)
  const verdicts = verdictsOf(table, main)
  const texts = verdictLines(verdicts)
  const models = Object.fromEntries(Array.from(table, ([name, figures]) => [name, summarize(table, figures)]))
  const majority = models[MAJORITY]?.accuracy ?? Number.NaN
  texts.push(...teacherLines(verdicts, recipe), ...aloneLine(table), ...belowLines(table, main))
  const folders = teachers.map((t) => t.folder)
  const description = describePlan(plan)
  const { quantize, prune } = studentStage(plan)
  const student = kept.stages.find(({ stage }) => stage === studentStage(plan))?.model as Student
  const more = {
    ...(quantize !== null && { quantization: { ...quantize, grids: gridsOf(student) } }),
    // Of what was written, not of what was meant to be.
    ...(prune !== null && { pruning: { ...prune, ...sparsityOf(loadPretrained(out).model) } }),
    ...(!isPythons(student.family) && { python: false }),
    recipe: { name: recipe.name, source: recipe.source },
    ...{ plan: description, stages: plan.stages, baseline: plan.baseline, combination: plan.teachers },
    counts: data.counts,
    ...{ teachers: folders, student: source.name, classes: teachers[0].classes, problems, judgedOn },
    ...(task.name !== 'classes' && { gives: task.gives(teachers[0].classes) }),
    speedMethod: SPEED_METHOD,
    ...{ main, models, majority, verdicts: texts, judgements: verdicts, right: rightOf(table), repeat },
    ...{
      columns: tableColumns(table),
      rows: tableRows(table),
      params: models[main].params,
      bytes: models[main].bytes,
    },
  }
  const intro = `${source.name}, taught by ${folders.join(', ')}: ${recipe.describe[0].toLowerCase()}${recipe.describe.slice(1)}.`
  const insights = insightsOf(job, main, student, alone)
  const page = (facts: [string, string][]) =>
    distillPage(
      {
        ...{ title: out, intro, plan: description, table, verdicts: texts },
        insights,
        stages: Array.from(kept.steps, ([name, own]) => ({ name, steps: own })),
      },
      facts,
    )
  const { metrics } = task
  const figures = Object.fromEntries(
    Object.entries(models[main]).filter((e): e is [string, number] => metrics.includes(e[0])),
  )
  const written = folder.finish({
    ...{ figures: judgedOn === 'no' ? {} : { [judgedOn]: figures }, more, page },
    report: { title: out, intro },
  })
  const record = JSON.parse(written) as Omit<CardRecord, 'command'> & { repeat: string }
  writeAtomic(join(out, 'README.md'), modelCard({ ...record, command: record.repeat }))
  output.print(modelTable(table))
  for (const line of texts) output.print(line)
  output.print(`${out}: the student, README.md and report.html${skippedText(folder.skipped)}`)
  const { seconds } = JSON.parse(written) as { seconds: number }
  output.json({
    ...summarize(table, table.get(main) ?? []),
    ...{
      recipe: recipe.name,
      majority,
      models,
      verdicts,
      problems,
      seconds,
      seed: facts.seed,
      out,
    },
  })
}

export const distillCommand: CommandSpec<DistillOptions> = {
  name: 'distill',
  describe: "Distil a fine-tuned teacher into a smaller student by a paper's recipe",
  options: distillOptions,
  run,
}
