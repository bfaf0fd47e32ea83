// tinystill distill: a teacher's knowledge into a student by a recipe, with what it takes to believe the result.
import { join } from 'node:path'
import { fingerprint } from '../../distill/doctor.js'
import { partConfig, withConfig } from '../../distill/plan/config.js'
import { describePlan, type Plan, studentStage } from '../../distill/plan/plan.js'
import type { Student } from '../../distill/plan/runner.js'
import { ablations, aloneVariant, mainName, type Variant } from '../../distill/plan/variants.js'
import { recipes } from '../../distill/recipes/index.js'
import type { Recipe } from '../../distill/recipes/recipe.js'
import { Ensemble } from '../../distill/teachers/ensemble.js'
import { TinystillError } from '../../errors.js'
import { writeAtomic } from '../../files/disk.js'
import { writePretrained } from '../../files/models/pretrained.js'
import { readSettings } from '../../files/settings-file.js'
import type { TextInput } from '../../nn/models/input.js'
import { type CardRecord, modelCard } from '../../report/model-card.js'
import type { Classifier } from '../../train/predict.js'
import { requireTrainingRoom } from '../../train/trainer.js'
import type { CommandSpec, Context } from '../shared/command.js'
import { given, settleBackend } from '../shared/options.js'
import { RunFolder } from '../shared/run-folder.js'
import { skippedText } from '../shared/skipped.js'
import { count, percent } from '../shared/table.js'
import { addFigures, runVariant, type SeedResult, type Setup, teacherLogits, unitOf } from './bench.js'
import { examine, report } from './check.js'
import { createReader, readSets } from './data.js'
import { insightsOf } from './insights.js'
import { heldLogits, heldSet, judge, judgeCached, type ModelTable, majorityShare } from './judge.js'
import { loadGeneral, type StudentSource, studentSource } from './models.js'
import { type DistillOptions, distillOptions } from './options.js'
import { distillPage, modelTable, summarize, tableColumns, tableRows, verdictsOf } from './report.js'
import { closeTeachers, inOrderOf, isLive, loadTeacher } from './teachers.js'

const DEFAULT_LENGTH = 128

/** The recipe's plan. Options go before the file's settings of the recipe; what the file says of stages is the last word. */
function planFor(recipe: Recipe, options: DistillOptions, source: StudentSource): Plan {
  const { config: file, transfer, quick } = options
  const given = file === undefined ? {} : readSettings(file)
  const { options: own, rest } = partConfig(file ?? 'options', given, recipe.settings)
  const flags = (['T', 'alpha'] as const).filter((name) => options[name] !== undefined)
  const unknown = flags.find((name) => !Object.hasOwn(recipe.settings, name))
  if (unknown !== undefined) throw new RangeError(`--${unknown}: the recipe ${recipe.name} has no ${unknown}`)
  const settings = { ...own, ...Object.fromEntries(flags.map((name) => [name, options[name]])) }
  const occasion = {
    ...{ transfer: transfer !== undefined, pretrained: source.pretrained },
    general: options.generalTeacher !== undefined,
  }
  const plan = withConfig(recipe.plan(settings, occasion, file ?? 'options'), file ?? 'options', rest)
  if (!quick) return plan
  const short = <S extends Plan['baseline']>(stage: S): S => ({ ...stage, fit: { ...stage.fit, epochs: 1 } })
  return { ...plan, stages: plan.stages.map(short), baseline: short(plan.baseline) }
}

/** Reads all there is, looks for what is wrong with it, and prints the plan. */
function prepare(
  options: DistillOptions,
  recipe: Recipe,
  { output }: Context,
): Setup & { problems: string[] } {
  if (recipe.teachers === 'one' && options.teacher.length > 1)
    throw new RangeError(`--teacher: the recipe ${recipe.name} takes one, multi-teacher takes several`)
  const teachers = options.teacher.map(loadTeacher)
  const [first] = teachers
  const general = options.generalTeacher === undefined ? null : loadGeneral(options.generalTeacher)
  const source = studentSource(options, recipe, teachers, general)
  const plan = planFor(recipe, options, source)
  const texts = readSets(options, first.classes)
  const { onNonfinite } = options
  const { model, tokenizer } = source.make(options.seed, 0)
  const length = (limit: number) => Math.min(options.maxLength ?? DEFAULT_LENGTH, limit)
  const maxLength = length(model.config.maxLength)
  const reader = createReader(texts, tokenizer, maxLength)
  const readers = teachers.map((t) =>
    isLive(t) ? createReader(texts, t.tokenizer, length(t.model.config.maxLength)) : reader,
  )
  const student = { source, model, tokenizer, maxLength }
  const { problems, notes, accuracies } = examine(teachers, readers, student, plan, general)
  for (const note of notes) output.info(note)
  report(problems, options.force, output)
  output.info(`student: ${source.name}, ${count(model.countParameters())} parameters`)
  dispose(model)
  if (plan.teachers.weights === 'accuracy' && options.dev === undefined)
    output.info('teachers count by their accuracy on rows of --train, which they may know: give --dev')
  output.info(describePlan(plan))
  for (const stage of plan.stages) requireTrainingRoom(model, reader.stage(stage.data), stage.fit.batchSize)
  const said = problems.map(({ what, remedy }) => `${what}. ${remedy}`)
  return { ...{ plan, teachers, accuracies, readers, reader, source, general, onNonfinite }, problems: said }
}

/** Teachers, and where they are several their ensemble. */
function judgeTeachers({ teachers, readers, reader }: Setup, { now, output }: Context): ModelTable {
  const [{ classes }] = teachers
  const table: ModelTable = new Map()
  teachers.forEach((t, i) => {
    const name = teachers.length > 1 ? `teacher ${i + 1}` : 'teacher'
    if (!isLive(t)) {
      const figures = judgeCached(t, reader, classes)
      if (figures !== null) table.set(name, [figures])
      else output.info(`${t.folder} has not all rows of a set to judge on: its accuracy is not in the table`)
      return
    }
    const model = t.model as Classifier<TextInput>
    table.set(name, [judge(model, readers[i], classes.length, 0, now, (z) => inOrderOf(classes, z, t))])
  })
  const live = teachers.filter(isLive)
  const alike = teachers.every((t) => t.classes.every((c, i) => c === classes[i]))
  const oneReader = live.every((t) => t.tokenizer.vocabSize === reader.tokenizer.vocabSize)
  if (live.length > 1 && live.length === teachers.length && alike && oneReader) {
    const all = new Ensemble(live.map((t) => t.model as Classifier<TextInput>))
    table.set('teachers together', [judge(all, readers[0], classes.length, 0, now)])
  }
  return table
}

/** The command that makes the run again. */
function commandOf(options: DistillOptions): string {
  const shown = ['json', 'quiet', 'debug', 'args', 'threads', 'backend', 'resume', 'checkpointEvery']
  const words = Object.entries(options).flatMap(([name, value]) => {
    if (shown.includes(name) || value === undefined || value === false) return []
    const flag = `--${name === 'T' ? 'T' : name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`
    if (value === true) return [flag]
    const list = Array.isArray(value) && name !== 'fromLayers' ? value : [String(value)]
    return [
      flag,
      ...list.map((v) => (/^[\w./:,@+-]+$/.test(v) ? v : `'${String(v).replaceAll("'", "'\\''")}'`)),
    ]
  })
  return `tinystill distill ${words.join(' ')}`
}

function save(folder: string, model: Student, { reader }: Setup): void {
  writePretrained(folder, { model, tokenizer: reader.tokenizer })
}

async function run(options: DistillOptions, context: Context): Promise<void> {
  const { output } = context
  const { seed, out, seeds } = options
  settleBackend(output)
  const recipe = recipes.find((r) => r.name === options.recipe) as Recipe
  const setup = prepare(options, recipe, context)
  const { plan, teachers } = setup
  const live = teachers.filter(isLive)
  const before = live.map((t) => fingerprint(t.model))
  const { variants: without, skipped } = options.ablate ? ablations(plan) : { variants: [], skipped: [] }
  if (skipped.length > 0)
    output.info(`not left out, as nothing would remain to learn from: ${skipped.join(', ')}`)
  const main: Variant = { label: null, plan }
  const variants = [...(options.baseline ? [aloneVariant(plan)] : []), main, ...without]
  const { train, transfer, dev, test, config } = options
  const { student, generalTeacher, tokenizer } = options
  const numbered = options.teacher.map((t, i) => [i === 0 ? 'teacher' : `teacher ${i + 1}`, t])
  const named = { student, generalTeacher, tokenizer, ...Object.fromEntries(numbered) }
  const facts = {
    ...{
      command: 'distill',
      seed,
      options: { ...options },
      data: given({ train, transfer, dev, test, config }),
    },
    models: given(named),
  }
  const folder = new RunFolder(out, facts, context, options)
  if (folder.done) return folder.leave()
  try {
    const table = judgeTeachers(setup, context)
    const logits = teacherLogits(setup, context)
    let kept: SeedResult | null = null
    let alone: Float32Array | null = null
    for (let i = 0; i < seeds; i++) {
      for (const variant of variants) {
        const unit = unitOf(variant, seed + i)
        const known = folder.state.recall(unit)
        if (known !== undefined) {
          addFigures(table, known as SeedResult['figures'])
          continue
        }
        const result = await runVariant(setup, variant, seed + i, logits, table, folder, context)
        if (variant === main && i === 0) {
          kept = result
          // At once: what comes after cannot lose it.
          keepModels(result, setup, out)
          continue
        }
        if (variant.label === 'alone' && i === 0) {
          // Not given up: a run that goes on computes its logits again.
          if (heldSet(setup.reader)) alone = heldLogits(result.stages[0].model, setup.reader)
          continue
        }
        folder.state.record(unit, result.figures)
        for (const { model } of result.stages) dispose(model)
      }
    }
    const after = live.map((t) => fingerprint(t.model))
    const changed = live.find((_, i) => before[i] !== after[i])
    if (changed) throw new TinystillError(`${changed.folder}: the teacher's weights changed during the run`)
    finish(folder, { setup, options, recipe, table, kept: kept as SeedResult, alone }, context)
  } catch (error) {
    folder.fail(error)
    throw error
  } finally {
    closeTeachers(teachers)
  }
}

function dispose(model: Student): void {
  for (const p of model.parameters()) p.dispose()
}

/** The student at the top, other models that the recipe made beside it. */
function keepModels({ stages }: SeedResult, setup: Setup, out: string): void {
  const student = studentStage(setup.plan)
  for (const { stage, model, name } of stages) {
    if (stage === student) save(out, model, setup)
    else if (!stages.some((s) => s.stage.start === stage.name)) save(join(out, name), model, setup)
  }
}

interface Finished {
  setup: Setup & { problems: string[] }
  options: DistillOptions
  recipe: Recipe
  table: ModelTable
  kept: SeedResult
  /** What the lone student says of the set that models are judged on. */
  alone: Float32Array | null
}

function finish(folder: RunFolder, f: Finished, { output }: Context): void {
  const { setup, options, recipe, table, kept, alone } = f
  const { plan, source, teachers, problems } = setup
  const main = mainName(plan)
  const verdicts = verdictsOf(table, main)
  const texts = Object.values(verdicts).map((v) => v.text)
  const models = Object.fromEntries(Array.from(table, ([name, figures]) => [name, summarize(figures)]))
  const majority = majorityShare(setup.reader)
  if ((models[main].accuracy ?? Infinity) <= majority)
    texts.push(
      `${main} is no better than the commonest class, ${percent(majority)}: give it more epochs, a larger lr, or the teacher's layers (--from-layers)`,
    )
  const judgedOn = options.test ? 'test' : options.dev ? 'dev' : 'no'
  const description = describePlan(plan)
  const more = {
    recipe: { name: recipe.name, source: recipe.source },
    ...{ plan: description, stages: plan.stages, baseline: plan.baseline, combination: plan.teachers },
    ...{ teachers: options.teacher, student: source.name, classes: teachers[0].classes, problems, judgedOn },
    ...{ models, majority, verdicts: texts, judgements: verdicts, repeat: commandOf(options) },
    ...{
      columns: tableColumns,
      rows: tableRows(table),
      params: models[main].params,
      bytes: models[main].bytes,
    },
  }
  const intro = `${source.name}, taught by ${options.teacher.join(', ')}: ${recipe.describe[0].toLowerCase()}${recipe.describe.slice(1)}.`
  const student = kept.stages.find(({ stage }) => stage === studentStage(plan))?.model as Student
  const insights = insightsOf(setup, main, student, alone)
  const page = (facts: [string, string][]) =>
    distillPage(
      {
        ...{ title: options.out, intro, plan: description, table, verdicts: texts },
        insights,
        stages: Array.from(kept.steps, ([name, own]) => ({ name, steps: own })),
      },
      facts,
    )
  const { accuracy, f1, matthews, ece, loss } = models[main]
  const figures = Object.fromEntries(
    Object.entries({ accuracy, f1, matthews, ece, loss }).filter(
      (e): e is [string, number] => e[1] !== undefined,
    ),
  )
  const written = folder.finish({
    ...{ figures: judgedOn === 'no' ? {} : { [judgedOn]: figures }, more, page },
    report: { title: options.out, intro },
  })
  const record = JSON.parse(written) as Omit<CardRecord, 'command'> & { repeat: string }
  writeAtomic(join(options.out, 'README.md'), modelCard({ ...record, command: record.repeat }))
  output.print(modelTable(table))
  for (const line of texts) output.print(line)
  output.print(`${options.out}: the student, README.md and report.html${skippedText(folder.skipped)}`)
  const { seconds } = JSON.parse(written) as { seconds: number }
  output.json({
    ...summarize(table.get(main) ?? []),
    ...{
      recipe: recipe.name,
      majority,
      models,
      verdicts,
      problems,
      seconds,
      seed: options.seed,
      out: options.out,
    },
  })
}

export const distillCommand: CommandSpec<DistillOptions> = {
  name: 'distill',
  describe: "Distil a fine-tuned teacher into a smaller student by a paper's recipe",
  options: distillOptions,
  run,
}
