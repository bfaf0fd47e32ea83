// What a distillation was asked for, read once: from here on there are sources, data, a plan and an output, and no option.
import type { Plan } from '../../distill/plan/plan.js'
import type { RowCounts } from '../../distill/plan/steps.js'
import { ablations, aloneVariant, besideVariants, type Variant } from '../../distill/plan/variants.js'
import { recipes } from '../../distill/recipes/index.js'
import type { Recipe } from '../../distill/recipes/recipe.js'
import { TinystillError } from '../../errors.js'
import { trainingLength } from '../../text/encoding.js'
import { usualOf } from '../../text/questions/windows.js'
import { learnable, readAlike, type SetReader } from '../../text/tagged/set-data.js'
import { everyTask } from '../../train/tagging/tasks.js'
import { cutLines, leftLine, lengthsLine, rowsLine } from '../shared/data-report.js'
import {
  dataOptions,
  flagOf,
  given,
  type OnNonfinite,
  quoted,
  stateOf,
  windowOptions,
} from '../shared/options.js'
import type { Output } from '../shared/output.js'
import type { RunFacts, RunOptions } from '../shared/run-folder.js'
import { countRows, createReader, type Reader, readSets, type Texts, uses } from './data.js'
import type { DistillOptions } from './options.js'
import { flagsLine, planFor } from './plan.js'
import { seedsOf } from './seeds.js'
import { type GeneralTeacher, loadGeneral, type Made, type StudentSource, studentSource } from './students.js'
import { isLive, type LiveTeacher, loadTeacher, type Teacher } from './teachers.js'
import { withVaried } from './varied.js'

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
    /** Of the teacher of plain text. */
    general: Reader | null
    judgedOn: 'test' | 'dev' | 'no'
    counts: RowCounts
  }
  /** The first student, to be looked at before training; whoever has looked disposes of it. */
  pupil: Made & { maxLength: number; tokenizerFolder: string }
  training: {
    seeds: readonly number[]
    /** The plan itself first or after the lone student, then the plan without each loss. */
    variants: readonly Variant[]
    /** Losses that cannot be left out. */
    skipped: readonly string[]
    onNonfinite: OnNonfinite
    /** Goes on in spite of what the doctor finds. */
    force: boolean
  }
  output: {
    folder: string
    facts: RunFacts
    state: RunOptions
    /** The command that makes the run again. */
    repeat: string
  }
}

/** A job that the doctor has seen. */
export interface Checked extends Job {
  /** What was found wrong, where that was overruled. */
  problems: readonly string[]
  /** Of each teacher, on the dev set or else on labelled rows; NaN where a cache has none of them. */
  accuracies: readonly number[]
}

/** The variant that the run is about. */
export const mainVariant = ({ training }: Job): Variant =>
  training.variants.find(({ label }) => label === null) as Variant

/** What was typed: another command may ask for a distillation by options of its own. */
export interface Typed {
  command: string
  options: object
  /** Folders of the models that it names, by their uses. */
  models: Readonly<Record<string, string>>
}

/** Everything that the options name, read. Throws what its readers throw. */
export function readJob(options: DistillOptions, output: Output, typed = typedOf(options)): Job {
  const recipe = recipes.find((r) => r.name === options.recipe)
  if (recipe === undefined)
    throw new RangeError(
      `--recipe ${options.recipe}: sentence embeddings are learnt by tinystill distill itself`,
    )
  if (recipe.teachers === 'one' && options.teacher.length > 1)
    throw new RangeError(`--teacher: the recipe ${recipe.name} takes one, multi-teacher takes several`)
  const teachers = options.teacher.map(loadTeacher)
  checkTasks(recipe, teachers)
  if (teachers[0].problemType === 'regression' && options.T !== undefined)
    throw new RangeError('--T: the teacher gives numbers, which have no temperature')
  windowOptions(options, teachers[0].problemType)
  const general = options.generalTeacher === undefined ? null : loadGeneral(options.generalTeacher)
  const student = studentSource(options, recipe, teachers, general)
  const { seed, onNonfinite, force, test, dev } = options
  const { pretrained } = student
  const docStride = options.docStride ?? strideOf(teachers[0])
  const reading = dataOptions({ ...options, ...(docStride !== undefined && { docStride }) }, output)
  const read = readSets(options, teachers[0], reading, output)
  const made = student.make(seed, 0)
  const { model, tokenizer } = made
  // One length for all: losses may compare the models word by word.
  const tokenizers = [tokenizer, ...teachers.filter(isLive).map((t) => t.tokenizer)]
  const limits = teachers.map((t) => (isLive(t) ? Infinity : t.cache.manifest.settings.maxLength))
  const usual = trainingLength(tokenizers, Math.min(...limits), usualOf(teachers[0].problemType))
  const length = (limit: number) => Math.min(options.maxLength ?? usual, limit)
  const maxLength = length(model.config.maxLength)
  const lengthOf = (t: LiveTeacher) => length(t.model.config.maxLength)
  const everyone = [
    { tokenizer, maxLength },
    ...teachers.filter(isLive).map((t) => ({ tokenizer: t.tokenizer, maxLength: lengthOf(t) })),
  ]
  const learnt = learnableTexts(read, everyone, output)
  const texts = withVaried(learnt, { options, recipe, teachers, pretrained }, output)
  const plan = planFor(recipe, options, student, texts, teachers[0].problemType)
  const flags = flagsLine(options, plan, recipe)
  if (flags !== null) output.info(flags)
  const reader = createReader(texts, tokenizer, maxLength)
  for (const use of uses) {
    const set = texts[use]
    if (set !== null) output.info(rowsLine(set.file, set))
  }
  output.info(lengthsLine(texts.train, reader.stage('labelled'), tokenizer, maxLength))
  for (const line of cutElsewhere(texts, reader, plan, maxLength)) output.info(line)
  const readers = teachers.map((t) => (isLive(t) ? createReader(texts, t.tokenizer, lengthOf(t)) : reader))
  const ofGeneral = general && createReader(texts, general.tokenizer, length(general.model.config.maxLength))
  const counts = countRows(texts)
  return {
    ...{ recipe, plan, sources: { teachers, general, student } },
    data: { readers, reader, general: ofGeneral, judgedOn: test ? 'test' : dev ? 'dev' : 'no', counts },
    pupil: { ...made, maxLength, tokenizerFolder: student.tokenizerFolder },
    training: {
      ...variantsOf(plan, options, counts),
      ...{ onNonfinite, force, seeds: seedsOf(options) },
    },
    output: outputOf(options, typed),
  }
}

/**
 * Of sentences of words those words that all models read, in windows that are the same for all: what a student is taught of, its teacher
 * answers for.
 */
function learnableTexts(texts: Texts, readers: readonly SetReader[], output: Pick<Output, 'info'>): Texts {
  const of = <S extends Texts['transfer']>(set: S): S => {
    if (set === null) return set
    const { set: own, left } = learnable(set, readers)
    for (const line of leftLine(set.file, left, set)) output.info(line)
    return own
  }
  const alike = <S extends Texts['transfer']>(set: S): S => set && readAlike(set, readers)
  return {
    ...texts,
    ...{ train: of(texts.train), transfer: of(texts.transfer) },
    ...{ dev: alike(texts.dev), test: alike(texts.test) },
  }
}

/** What windows of a cache have in common. */
const strideOf = (teacher: Teacher) =>
  isLive(teacher) ? undefined : teacher.cache.manifest.settings.docStride

/** A line for each file besides --train that has rows which the student reads cut. */
function cutElsewhere(texts: Texts, reader: Reader, { stages }: Plan, maxLength: number): string[] {
  const { tokenizer } = reader
  const used = stages.find(({ data }) => data !== 'labelled')?.data
  const first = used === 'transfer' ? texts.train.texts.length : 0
  const sets = [
    [texts.transfer, used && reader.stage(used), first],
    [texts.dev, reader.held('dev'), 0],
    [texts.test, reader.held('test'), 0],
  ] as const
  return sets.flatMap(([set, data, from]) =>
    set && data ? cutLines(set, data, tokenizer, maxLength, from) : [],
  )
}

/** Throws TinystillError where teachers have different tasks, or one that several cannot teach together. */
function checkTasks({ name }: Recipe, teachers: readonly Teacher[]): void {
  const [first, ...others] = teachers
  const { name: own } = everyTask[first.problemType]
  const other = others.find((t) => t.problemType !== first.problemType)
  if (other !== undefined)
    throw new TinystillError(
      `${other.folder} is a model for ${everyTask[other.problemType].name}, ${first.folder} for ${own}: they teach different things`,
    )
  if (others.length > 0 && own !== 'classes')
    throw new TinystillError(
      `${name}: several teachers are for one class a text, these are for ${own}`,
      'Give one teacher',
    )
}

/** What is trained with each seed. */
function variantsOf(
  plan: Plan,
  { baseline, ablate, dev, beside = [] }: DistillOptions,
  rows: RowCounts,
): Pick<Job['training'], 'variants' | 'skipped'> {
  const { variants: without, skipped } = ablate ? ablations(plan) : { variants: [], skipped: [] }
  const main: Variant = { label: null, plan }
  // Without dev nothing says which of the lone student's schedules is better.
  const alone = baseline ? [aloneVariant(plan, dev === undefined ? null : rows)] : []
  return { variants: [...alone, main, ...besideVariants(plan, beside), ...without], skipped }
}

function typedOf(options: DistillOptions): Typed {
  const { student, generalTeacher, tokenizer } = options
  const numbered = options.teacher.map((t, i) => [i === 0 ? 'teacher' : `teacher ${i + 1}`, t])
  const models = given({ student, generalTeacher, tokenizer, ...Object.fromEntries(numbered) })
  return { command: 'distill', options, models }
}

/** The run's folder, and what stands in it of the run. */
export function outputOf(
  options: DistillOptions,
  { command, options: own, models }: Typed = typedOf(options),
): Job['output'] {
  const { out, seed, train, transfer, text, dev, test, config } = options
  return {
    folder: out,
    facts: {
      ...{ command, seed, options: { ...own }, models },
      data: given({ train, transfer, text, dev, test, config }),
    },
    state: stateOf(options),
    repeat: commandOf(command, own),
  }
}

/** The command that makes the run again. */
export function commandOf(command: string, options: object): string {
  const shown = [
    ...['json', 'quiet', 'debug', 'args', 'threads', 'backend', 'resume', 'takeOver', 'checkpointEvery'],
  ]
  const words = Object.entries(options).flatMap(([name, value]) => {
    if (shown.includes(name) || value === undefined || value === false) return []
    const flag = flagOf(name)
    if (value === true) return [flag]
    const list = Array.isArray(value) && name !== 'fromLayers' ? value : [String(value)]
    return [flag, ...list.map((v) => quoted(String(v)))]
  })
  return `tinystill ${command} ${words.join(' ')}`
}
