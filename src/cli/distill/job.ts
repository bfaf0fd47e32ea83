// What a distillation was asked for, read once and looked at by the doctor: from here on there are sources, data, a plan and
// an output, and no option.
import { partConfig, withConfig } from '../../distill/plan/config.js'
import { describePlan, type Plan } from '../../distill/plan/plan.js'
import { ablations, aloneVariant, type Variant } from '../../distill/plan/variants.js'
import { recipes } from '../../distill/recipes/index.js'
import type { Recipe } from '../../distill/recipes/recipe.js'
import { readSettings } from '../../files/settings-file.js'
import { requireTrainingRoom } from '../../train/trainer.js'
import type { Context } from '../shared/command.js'
import { given, type OnNonfinite } from '../shared/options.js'
import type { RunFacts, RunOptions } from '../shared/run-folder.js'
import { count } from '../shared/table.js'
import { examine, report } from './check.js'
import { createReader, type Reader, readSets } from './data.js'
import type { DistillOptions } from './options.js'
import { type GeneralTeacher, loadGeneral, type StudentSource, studentSource } from './students.js'
import { isLive, loadTeacher, type Teacher } from './teachers.js'

const DEFAULT_LENGTH = 128

export interface Job {
  recipe: Recipe
  plan: Plan
  sources: {
    teachers: readonly Teacher[]
    /** Of plain text. */
    general: GeneralTeacher | null
    student: StudentSource
  }
  data: {
    /** Of each teacher, and of the student. */
    readers: readonly Reader[]
    reader: Reader
    judgedOn: 'test' | 'dev' | 'no'
  }
  training: {
    seeds: readonly number[]
    /** The plan itself first or after the lone student, then the plan without each loss. */
    variants: readonly Variant[]
    onNonfinite: OnNonfinite
  }
  output: {
    folder: string
    facts: RunFacts
    state: RunOptions
    /** The command that makes the run again. */
    repeat: string
  }
  /** What the doctor found wrong and was overruled in. */
  problems: readonly string[]
  /** Of each teacher, on the dev set or else on labelled rows; NaN where a cache has none of them. */
  accuracies: readonly number[]
}

/** The variant that the run is about. */
export const mainVariant = ({ training }: Job): Variant =>
  training.variants.find(({ label }) => label === null) as Variant

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
export function readJob(options: DistillOptions, { output }: Pick<Context, 'output'>): Job {
  const recipe = recipes.find((r) => r.name === options.recipe) as Recipe
  if (recipe.teachers === 'one' && options.teacher.length > 1)
    throw new RangeError(`--teacher: the recipe ${recipe.name} takes one, multi-teacher takes several`)
  const teachers = options.teacher.map(loadTeacher)
  const general = options.generalTeacher === undefined ? null : loadGeneral(options.generalTeacher)
  const student = studentSource(options, recipe, teachers, general)
  const plan = planFor(recipe, options, student)
  const texts = readSets(options, teachers[0].classes)
  const { model, tokenizer } = student.make(options.seed, 0)
  const length = (limit: number) => Math.min(options.maxLength ?? DEFAULT_LENGTH, limit)
  const maxLength = length(model.config.maxLength)
  const reader = createReader(texts, tokenizer, maxLength)
  const readers = teachers.map((t) =>
    isLive(t) ? createReader(texts, t.tokenizer, length(t.model.config.maxLength)) : reader,
  )
  const pupil = { source: student, model, tokenizer, maxLength }
  const { problems, notes, accuracies } = examine(teachers, readers, pupil, plan, general)
  for (const note of notes) output.info(note)
  report(problems, options.force, output)
  output.info(`student: ${student.name}, ${count(model.countParameters())} parameters`)
  for (const p of model.parameters()) p.dispose()
  if (plan.teachers.weights === 'accuracy' && options.dev === undefined)
    output.info('teachers count by their accuracy on rows of --train, which they may know: give --dev')
  output.info(describePlan(plan))
  for (const stage of plan.stages) requireTrainingRoom(model, reader.stage(stage.data), stage.fit.batchSize)
  const { variants, skipped } = variantsOf(plan, options)
  if (skipped.length > 0)
    output.info(`not left out, as nothing would remain to learn from: ${skipped.join(', ')}`)
  const { seed, seeds, onNonfinite, test, dev } = options
  return {
    ...{ recipe, plan, accuracies, sources: { teachers, general, student } },
    data: { readers, reader, judgedOn: test ? 'test' : dev ? 'dev' : 'no' },
    training: { variants, onNonfinite, seeds: Array.from({ length: seeds }, (_, i) => seed + i) },
    output: outputOf(options),
    problems: problems.map(({ what, remedy }) => `${what}. ${remedy}`),
  }
}

/** What is trained with each seed. */
function variantsOf(plan: Plan, { baseline, ablate }: DistillOptions) {
  const { variants: without, skipped } = ablate ? ablations(plan) : { variants: [], skipped: [] }
  const main: Variant = { label: null, plan }
  return { variants: [...(baseline ? [aloneVariant(plan)] : []), main, ...without], skipped }
}

/** The run's folder, and what stands in it of the run. */
function outputOf(options: DistillOptions): Job['output'] {
  const { out, seed, train, transfer, dev, test, config, student, generalTeacher, tokenizer } = options
  const numbered = options.teacher.map((t, i) => [i === 0 ? 'teacher' : `teacher ${i + 1}`, t])
  const { resume, checkpointEvery, keepCheckpoints } = options
  return {
    folder: out,
    facts: {
      ...{ command: 'distill', seed, options: { ...options } },
      data: given({ train, transfer, dev, test, config }),
      models: given({ student, generalTeacher, tokenizer, ...Object.fromEntries(numbered) }),
    },
    state: { resume, checkpointEvery, keepCheckpoints },
    repeat: commandOf(options),
  }
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
