// Executes a plan, stage after stage, on top of fit().
import { tensor } from '../../autograd/create.js'
import { add, mul } from '../../autograd/ops/elementwise/arithmetic.js'
import { BackendError, TinystillError } from '../../errors.js'
import { askedOf, type DataSet, selectRows } from '../../nn/data.js'
import type { TransformerConfig } from '../../nn/models/config.js'
import type { MaskedWords, SequenceClassifier } from '../../nn/models/heads.js'
import type { TextInput } from '../../nn/models/input.js'
import type { HeadModel, HeadOutput, Wanted } from '../../nn/models/pretrained.js'
import { Module } from '../../nn/module.js'
import type { Pruner } from '../../nn/prune/prepare.js'
import { keyOf } from '../../tensor/rng.js'
import type { Tensor } from '../../tensor/tensor.js'
import { padInput } from '../../text/batches.js'
import type { MaskedText } from '../../train/masked-data.js'
import { type Classifier, predictInTurns } from '../../train/predict.js'
import type { FitResult } from '../../train/reports.js'
import type { LossTerms } from '../../train/step.js'
import { type FitOptions, fit, requireTrainingRoom, type StepPlace } from '../../train/trainer.js'
import { checkShared } from '../doctor.js'
import { layerMap } from '../layer-map.js'
import type { AtWords, WordView } from '../teachers/at-words.js'
import { liveTeacher, storedLogits, type TeacherSource } from '../teachers/source.js'
import { checkStored, type StoredTeacher, storedOutputs } from '../teachers/stored.js'
import { disposeLearnt, type Learnt, learntFor } from './learnt.js'
import { type LossContext, type StageTask, type TeacherShape, taskName } from './loss.js'
import { OneClassWatch, oneClassText } from './one-class.js'
import {
  at,
  fitOptionsOf,
  lossesOf,
  type Plan,
  paddedBy,
  type StageData,
  type StagePlan,
  tellsClasses,
  temperatureOf,
} from './plan.js'
import { leavePruning, pruneFor } from './pruning.js'
import { type Part, type Pull, pullsOf } from './pulls.js'
import { quantizeFor } from './quantization.js'

/** A model that a plan can train: a classifier of texts. */
export type Student = HeadModel

/** What plans are executed on. */
export interface Bench {
  seed: number
  /** The rows of a stage as the student reads them; the same order each time. Throws where there are none. */
  data(kind: StageData): DataSet<TextInput>
  /** The same with words masked, or with the next words. */
  masked(kind: StageData): DataSet<MaskedText>
  /** A new student, as a classifier or with a head for words; equal numbers give equal first weights. */
  student(start: number, task: StagePlan['task']): Student
  /** Logits [rows, classes] of the given teachers as one at temperature T, for the rows of data(kind). */
  teacherLogits(kind: StageData, T: number): Float32Array | Promise<Float32Array>
  /** The given teacher, where it is one and reads texts as the student does; else null. */
  teacher: Student | null
  /** The given teacher where of it there are only outputs that were kept, its classes in the student's order; else null. */
  stored?: StoredTeacher | null
  /**
   * The teacher of that name where there is one alone, and it reads texts by another tokenizer than the student; else null. Of states it
   * is then asked before `teacher` and `general`.
   */
  other?(name: 'given' | 'general'): AtWords | null
  /** That of plain text, which may have a head for words; null: there is none but the given. */
  general: Student | null
  /** Told, before a stage of several losses begins, how hard each pulls at the student on the first batch. Changes no result. */
  look?: ((stage: StagePlan, pulls: readonly Pull[]) => void) | undefined
  /** Progress and evaluation of a stage's training. */
  watch(stage: StagePlan, model: Student): Partial<FitOptions>
  /** What people should know of a stage while it is trained. */
  tell?(stage: StagePlan, line: string): void
}

/** What a stage of a plan came to. */
export interface StageResult {
  stage: StagePlan
  model: Student
  result: FitResult
}

/** A batch, and what stood where words were masked. */
interface Lesson {
  input: TextInput
  words: Tensor | null
}

interface Heard extends Lesson {
  output: HeadOutput
}

/** The student with whatever losses train along, and with its input beside its output. */
class Pupil extends Module {
  constructor(
    readonly student: Student,
    readonly learnt: readonly Module[],
    readonly want: Wanted,
  ) {
    super()
  }

  forward({ input, words }: Lesson): Heard {
    return { output: this.student.forward(input, this.want), input, words }
  }
}

class Nothing extends Module {}

/** Whether a stage's models give words. */
const guesses = ({ task }: Pick<StagePlan, 'task'>) => task === 'words' || task === 'next'

/** A stage's batches: masked where it guesses words, padded where a loss compares text by text or the stage says so. */
function lessonsOf(
  stage: StagePlan,
  { padId, maxLength }: Pick<TransformerConfig, 'padId' | 'maxLength'>,
  bench: Pick<Bench, 'data' | 'masked'>,
): DataSet<Lesson> {
  const padded = paddedBy(stage)
  if (guesses(stage)) {
    if (padded !== null)
      throw new TinystillError(
        `${stage.name}: ${padded} does not go with ${taskName(stage.task as StageTask)}`,
      )
    return bench.masked(stage.data)
  }
  const data = bench.data(stage.data)
  const to = Math.min(stage.padTo ?? 0, maxLength)
  const fit = (input: TextInput) => (padded !== null ? padInput(input, padId ?? 0, to) : input)
  return {
    ...data,
    input: (rows) => ({ input: fit(data.input(rows)), words: null }),
    // What is computed, padding too: room is asked for that.
    tokens: (rows) => Math.max(data.tokens(rows), to * rows.length),
  }
}

/** Labels of these rows as a loss sees them; null without any. */
function labelsFor(
  { labels, targets, size, answers, spans }: DataSet<unknown>,
  rows: Int32Array,
): Tensor | null {
  if (targets !== undefined) {
    const own = selectRows(targets, targets.length / size, rows)
    return own.every(Number.isNaN) ? null : tensor(own, { shape: [rows.length, targets.length / size] })
  }
  if (spans) return known(spans.labels(rows))
  if (labels === null) return null
  const own = askedOf({ answers }, rows).map((answer) => labels[answer])
  return known(own)
}

const known = (labels: Int32Array) => (labels.some((label) => label >= 0) ? tensor(labels) : null)

/** All outputs besides logits that a stage's losses ask for. */
export function wantedBy(stage: StagePlan): Wanted {
  return Object.assign({}, ...lossesOf(stage).map(({ loss }) => loss.needs.outputs))
}

/** Whether a stage's teacher must run beside the student, on the same words: logits alone are computed once. */
export const needsTeacherBeside = (stage: StagePlan): boolean =>
  guesses(stage) || stage.teacherDropout || Object.values(wantedBy(stage)).some(Boolean)

export const isTaught = (stage: StagePlan): boolean => lossesOf(stage).some(({ loss }) => loss.needs.teacher)

/** The stage's layer map for models of these depths. */
function layersOf(stage: StagePlan, { student, teacher }: LossContext['configs']): LossContext['layers'] {
  const asked = lossesOf(stage).some(({ loss }) => loss.needs.layerMap)
  if (!asked || teacher === null) return null
  return layerMap(stage.layerMap ?? 'uniform', { student: student.layers, teacher: teacher.layers })
}

/** What is known of a stage's teacher. */
interface Taught {
  /** Where it has another tokenizer. */
  other: AtWords | null
  teacherShape: TeacherShape | null
  /** Tokens that it takes at most. */
  positions: number
}

/** fit() refuses, where there is none, with its reasons. */
function hasRoom(pupil: Pupil, data: DataSet<unknown>, batchSize: number): boolean {
  try {
    requireTrainingRoom(pupil, data, batchSize)
    return data.size > 0
  } catch (error) {
    if (error instanceof BackendError) return false
    throw error
  }
}

/**
 * Trains `model`, and what is learnt along with it, by one stage. Throws TinystillError for a batch without anything to learn
 * from, and what fit() throws.
 */
async function runStage(
  stage: StagePlan,
  model: Student,
  source: TeacherSource | null,
  learnt: Learnt,
  pruner: Pruner | null,
  bench: Pick<Bench, 'seed' | 'data' | 'masked' | 'watch' | 'look' | 'tell'> & Taught,
): Promise<FitResult> {
  const { teacherShape, other, look, seed } = bench
  const maxLength = Math.min(model.config.maxLength, bench.positions)
  const data = lessonsOf(stage, { padId: model.config.padId, maxLength }, bench)
  const configs = { student: model.config, teacher: teacherShape }
  const losses = lossesOf(stage)
  const pupil = new Pupil(model, [...learnt.values()], wantedBy(stage))
  const layers = layersOf(stage, configs)
  const theirs = other?.reader.data(stage.data)
  const atWords = losses.some(({ loss }) => loss.needs.atWords) ? other : null
  if (atWords) bench.tell?.(stage, atWords.describe(stage.data))
  let oneClass: OneClassWatch | null = null
  const lookForOneClass = ({ logits }: HeadOutput, step: number, total: number) => {
    oneClass ??= new OneClassWatch(total)
    const seen = oneClass.see(step, logits)
    if (seen !== null) bench.tell?.(stage, oneClassText(seen, model.config.labels[seen.label], stage.fit.lr))
  }
  // Where answers are sought in rows, losses see a row of tokens as one of classes.
  const spans = guesses(stage) ? undefined : data.spans
  const seen = <O extends { logits: Tensor }>(output: O, rows: Int32Array): O =>
    spans ? { ...output, logits: spans.shaped(output.logits, rows) } : output
  const partsOf = ({ output, input, words }: Heard, rows: Int32Array, progress: number): Part[] => {
    const teacherInput = theirs?.input(rows) ?? input
    const context: LossContext = {
      ...{
        student: seen(output, rows),
        teacher: source && seen(source(rows, teacherInput), rows),
        labels: labelsFor(data, rows),
        input,
        words,
      },
      ...{ progress, layers, configs, task: stage.task },
    }
    const view: WordView = atWords?.view(stage.data, context, teacherInput, rows) ?? (() => context)
    return losses.flatMap(({ name, weight: varying, loss }) => {
      const shown = view(loss.needs)
      const value = shown && loss.compute(shown, learnt.get(name) ?? null)
      if (value === null) return []
      const weight = at(varying, progress)
      return [{ name, value, weight, weighted: weight === 1 ? value : mul(value, weight) }]
    })
  }
  const loss = (heard: Heard, rows: Int32Array, { step, total }: StepPlace): LossTerms => {
    if (stage.task === 'classes' && !spans && tellsClasses(stage)) lookForOneClass(heard.output, step, total)
    const parts = partsOf(heard, rows, (step - 1) / total)
    if (parts.length === 0)
      throw new TinystillError(
        `${stage.name}: a batch has no labels, and ${losses.map((l) => l.name).join(', ')} learns from nothing else`,
        'Add a loss on the teacher, or train on the labelled rows',
      )
    const penalty = pruner?.penalty() ?? null
    if (penalty !== null)
      parts.push({ name: 'penalty', ...penalty, weighted: mul(penalty.value, penalty.weight) })
    return {
      total: parts.map(({ weighted }) => weighted).reduce(add),
      terms: Object.fromEntries(parts.map(({ name, value }) => [name, value])),
    }
  }
  if (look && losses.length > 1 && hasRoom(pupil, data, stage.fit.batchSize)) {
    // The batch, the order and what dropout drops are those of fit()'s first step.
    const [rows] = data.batches(stage.fit.batchSize, keyOf(seed, 'order', 1))
    pupil.train()
    const parts = () => partsOf(pupil.forward(data.input(rows)), rows, 0)
    look(stage, pullsOf(model, pupil.parameters(), keyOf(seed, 'dropout', 1, 0), parts))
  }
  return fit(pupil, data, loss, {
    ...{ ...fitOptionsOf(stage), seed, ...bench.watch(stage, model) },
    // Before all weights are gone that are to go, the model is another one: the best of those would be the first.
    ...(pruner && { atStep: (n, total) => pruner.update(n, total), counts: () => pruner.done === 1 }),
  })
}

/** A stage's model for the next: itself, or where that has another task a new head on the same encoder. */
function goesOn({ model, stage: before }: StageResult, stage: StagePlan, bench: Bench): Student {
  if (before.task === stage.task) return model
  const next = bench.student(0, stage.task)
  const [from, to] = [model, next].map((m) => (m as SequenceClassifier | MaskedWords).base)
  const old = from.stateDict()
  to.loadStateDict(new Map(Array.from(to.stateDict(), ([name, own]) => [name, old.get(name) ?? own])))
  return next
}

/**
 * All stages in order. Models of stages that others go on from are given as they were left by the last of them; what their
 * losses learn goes on with them, to the losses of the same names.
 */
export async function runPlan(plan: Pick<Plan, 'stages'>, bench: Bench): Promise<StageResult[]> {
  const done: StageResult[] = []
  // Kept to the end: checkpoints of later stages hold them, in runs that were resumed as in those that were not.
  const learnt = new Map<string, Learnt>()
  const find = (name: string) => {
    const found = done.find(({ stage }) => stage.name === name)
    if (found) return found
    throw new TinystillError(`plan: no stage before this one is called ${name}`)
  }
  try {
    for (const stage of plan.stages) {
      const { start, teacher: name } = stage
      const model =
        typeof start === 'number' ? bench.student(start, stage.task) : goesOn(find(start), stage, bench)
      // Plain again before it is made ready in another way.
      leavePruning(model, stage.prune)
      quantizeFor(model, stage.quantize)
      const pruner = stage.prune && pruneFor(model, stage.prune, (n) => bench.student(n, stage.task))
      const taught = isTaught(stage) && name !== null
      const before = taught && name !== 'given' && name !== 'general' ? find(name as string).model : null
      const teacher = before ?? (name === 'general' ? (bench.general ?? bench.teacher) : bench.teacher)
      const other = otherOf(stage, bench)
      const source = taught
        ? await sourceOf(stage, model, other?.reader.model ?? teacher, before !== null, bench)
        : null
      const shared = checkShared(model, other?.reader.model ?? teacher ?? new Nothing())
      if (shared.length > 0) throw new TinystillError(`${stage.name}: ${shared[0].what}`, shared[0].remedy)
      const positions = (taught && other === null && teacher?.config.maxLength) || Infinity
      const teacherShape = other?.reader.model.config ?? teacher?.config ?? bench.stored?.shape ?? null
      const shapes = { student: model.config, teacher: teacherShape }
      const own = learntFor(stage, shapes, bench.seed, learnt.get(String(start)))
      learnt.set(stage.name, own)
      done.push({
        stage,
        model,
        result: await runStage(stage, model, source, own, pruner, {
          ...bench,
          other,
          teacherShape,
          positions,
        }),
      })
    }
    return done
  } finally {
    disposeLearnt(learnt.values())
  }
}

/**
 * The given teacher, or that of plain text, where it must run beside the student and has another tokenizer; words are guessed by the
 * student's own. Throws what its check() throws.
 */
export function otherOf(stage: StagePlan, bench: Pick<Bench, 'other'>): AtWords | null {
  const { teacher } = stage
  if (!(teacher === 'given' || teacher === 'general')) return null
  if (!isTaught(stage) || guesses(stage) || !needsTeacherBeside(stage)) return null
  const other = bench.other?.(teacher) ?? null
  other?.check(stage)
  return other
}

/** Outputs word by word need the teacher itself, or those that were kept; logits are computed once for all epochs. */
async function sourceOf(
  stage: StagePlan,
  { config }: Student,
  teacher: Student | null,
  own: boolean,
  bench: Bench,
): Promise<TeacherSource> {
  const { name, task, teacherDropout } = stage
  const want = wantedBy(stage)
  if (task === 'next' && teacher !== null && teacher.kind !== 'causal-lm')
    throw new TinystillError(
      `${name}: its teacher must say the next word, not ${teacher.kind}`,
      'Name a GPT-2',
    )
  if (task === 'words' && teacher !== null && teacher.kind !== 'masked-lm')
    throw new TinystillError(
      `${name}: its teacher must guess masked words, not ${teacher.kind}`,
      'Name a masked-language model: --general-teacher DIR',
    )
  if (needsTeacherBeside(stage)) {
    if (teacher !== null) return liveTeacher(teacher, want, teacherDropout ? name : null)
    if (!bench.stored)
      throw new TinystillError(
        `${name}: ${teacherDropout ? 'teacherDropout needs the teacher itself, not its stored logits:' : 'its losses compare the models word by word, which needs'} one teacher with the student's vocabulary`,
      )
    checkStored(stage, config.layers, bench.stored)
    return storedOutputs(stage, config.layers, bench.stored)
  }
  const data = bench.data(stage.data)
  const logits = own
    ? await predictInTurns(teacher as Classifier<TextInput>, data)
    : await bench.teacherLogits(stage.data, temperatureOf(stage))
  return storedLogits(logits, data)
}
