// Executes a plan, stage after stage, on top of fit().
import { tensor } from '../autograd/create.js'
import { add, mul } from '../autograd/ops/arithmetic.js'
import { randomScope } from '../autograd/random.js'
import { TinystillError } from '../errors.js'
import type { DataSet } from '../nn/data.js'
import type { MaskedWords, SequenceClassifier } from '../nn/models/heads.js'
import type { TextInput } from '../nn/models/input.js'
import type { HeadOutput, Pretrained, Wanted } from '../nn/models/pretrained.js'
import { Module } from '../nn/module.js'
import { padInput } from '../nn/text/batches.js'
import { keyOf } from '../tensor/rng.js'
import type { Tensor } from '../tensor/tensor.js'
import { checkShared } from './doctor.js'
import { layerMap } from './layer-map.js'
import type { MaskedText } from './masked-data.js'
import {
  at,
  fitOptionsOf,
  lossesOf,
  type Plan,
  type StageData,
  type StagePlan,
  temperatureOf,
} from './plan.js'
import type { LossContext } from './plan-loss.js'
import { type Classifier, predict } from './predict.js'
import type { LossTerms } from './step.js'
import { liveTeacher, storedLogits, type TeacherSource } from './teacher-source.js'
import { type FitOptions, type FitResult, fit, type StepPlace } from './trainer.js'

/** A model of texts that classifies. */
export type Student = Pretrained & { forward(input: TextInput, want?: Wanted): HeadOutput }

/** What plans are executed on. */
export interface Bench {
  seed: number
  /** The rows of a stage as the student reads them; the same order each time. Throws where there are none. */
  data(kind: StageData): DataSet<TextInput>
  /** The same with words masked. */
  masked(kind: StageData): DataSet<MaskedText>
  /** A new student, as a classifier or with a head for words; equal numbers give equal first weights. */
  student(start: number, task: StagePlan['task']): Student
  /** Logits [rows, classes] of the given teachers as one at temperature T, for the rows of data(kind). */
  teacherLogits(kind: StageData, T: number): Float32Array
  /** The given teacher, where it is one and reads texts as the student does; else null. */
  teacher: Student | null
  /** That of plain text, which may have a head for words; null: there is none but the given. */
  general: Student | null
  /** Progress and evaluation of a stage's training. */
  watch(stage: StagePlan, model: Student): Partial<FitOptions>
}

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
  learnt: Module[]
  constructor(
    readonly student: Student,
    learnt: readonly (Module | null)[],
    readonly want: Wanted,
  ) {
    super()
    this.learnt = learnt.filter((m): m is Module => m !== null)
  }

  forward({ input, words }: Lesson): Heard {
    return { output: this.student.forward(input, this.want), input, words }
  }
}

class Nothing extends Module {}

/** A stage's batches: masked where it guesses words, padded where a loss compares text by text. */
function lessonsOf(stage: StagePlan, padId: number, bench: Pick<Bench, 'data' | 'masked'>): DataSet<Lesson> {
  const padded = lossesOf(stage).find(({ loss }) => loss.needs.padded)
  if (stage.task === 'words') {
    if (padded) throw new TinystillError(`${stage.name}: ${padded.name} does not go with masked words`)
    return bench.masked(stage.data)
  }
  const data = bench.data(stage.data)
  const fit = (input: TextInput) => (padded ? padInput(input, padId) : input)
  return { ...data, input: (rows) => ({ input: fit(data.input(rows)), words: null }) }
}

/** Labels of these rows, int32 [B] with -100 where there is none; null without any. */
function labelsFor({ labels }: DataSet<unknown>, rows: Int32Array): Tensor | null {
  if (labels === null) return null
  const own = rows.map((row) => labels[row])
  return own.some((label) => label >= 0) ? tensor(own) : null
}

/** All outputs besides logits that a stage's losses ask for. */
export function wantedBy(stage: StagePlan): Wanted {
  return Object.assign({}, ...lossesOf(stage).map(({ loss }) => loss.needs.outputs))
}

export const isTaught = (stage: StagePlan): boolean => lossesOf(stage).some(({ loss }) => loss.needs.teacher)

/** The stage's layer map for models of these depths. */
function layersOf(stage: StagePlan, { student, teacher }: LossContext['configs']): LossContext['layers'] {
  const asked = lossesOf(stage).some(({ loss }) => loss.needs.layerMap)
  if (!asked || teacher === null) return null
  return layerMap(stage.layerMap ?? 'uniform', { student: student.layers, teacher: teacher.layers })
}

/** Trains `model` by one stage. Throws TinystillError for a batch without anything to learn from, and what fit() throws. */
export async function runStage(
  stage: StagePlan,
  model: Student,
  source: TeacherSource | null,
  bench: Pick<Bench, 'seed' | 'data' | 'masked' | 'watch'> & {
    teacherConfig: LossContext['configs']['teacher']
  },
): Promise<FitResult> {
  const data = lessonsOf(stage, model.config.padId ?? 0, bench)
  const configs = { student: model.config, teacher: bench.teacherConfig }
  const losses = lossesOf(stage).map((l) => ({
    ...l,
    // Keyed by the loss: the same projection begins when another loss is left out.
    learnt: randomScope(keyOf(bench.seed, 'learnt', stage.name, l.name), () =>
      l.loss.learnt(configs.student, configs.teacher),
    ),
  }))
  const pupil = new Pupil(
    model,
    losses.map((l) => l.learnt),
    wantedBy(stage),
  )
  const layers = layersOf(stage, configs)
  const loss = ({ output, input, words }: Heard, rows: Int32Array, place: StepPlace): LossTerms => {
    const progress = (place.step - 1) / place.total
    const context: LossContext = {
      ...{
        student: output,
        teacher: source?.(rows, input) ?? null,
        labels: labelsFor(data, rows),
        input,
        words,
      },
      ...{ progress, layers, configs },
    }
    const terms: Record<string, Tensor> = {}
    const parts: Tensor[] = []
    for (const { name, weight, loss, learnt } of losses) {
      const value = loss.compute(context, learnt)
      if (value === null) continue
      terms[name] = value
      const w = at(weight, progress)
      parts.push(w === 1 ? value : mul(value, w))
    }
    if (parts.length === 0)
      throw new TinystillError(
        `${stage.name}: a batch has no labels, and ${losses.map((l) => l.name).join(', ')} learns from nothing else`,
        'Add a loss on the teacher, or train on the labelled rows',
      )
    return { total: parts.reduce(add), terms }
  }
  const { seed } = bench
  try {
    return await fit(pupil, data, loss, { ...fitOptionsOf(stage), seed, ...bench.watch(stage, model) })
  } finally {
    for (const { learnt } of losses) for (const p of learnt?.parameters() ?? []) p.dispose()
  }
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

/** All stages in order. Models of stages that others go on from are given as they were left by the last of them. */
export async function runPlan(plan: Pick<Plan, 'stages'>, bench: Bench): Promise<StageResult[]> {
  const done: StageResult[] = []
  const find = (name: string) => {
    const found = done.find(({ stage }) => stage.name === name)
    if (found) return found
    throw new TinystillError(`plan: no stage before this one is called ${name}`)
  }
  for (const stage of plan.stages) {
    const { start, teacher: name } = stage
    const model =
      typeof start === 'number' ? bench.student(start, stage.task) : goesOn(find(start), stage, bench)
    const taught = isTaught(stage) && name !== null
    const before = taught && name !== 'given' && name !== 'general' ? find(name as string).model : null
    const teacher = before ?? (name === 'general' ? (bench.general ?? bench.teacher) : bench.teacher)
    const source = taught ? sourceOf(stage, teacher, before !== null, bench) : null
    const shared = checkShared(model, teacher ?? new Nothing())
    if (shared.length > 0) throw new TinystillError(`${stage.name}: ${shared[0].what}`, shared[0].remedy)
    const teacherConfig = teacher?.config ?? null
    done.push({ stage, model, result: await runStage(stage, model, source, { ...bench, teacherConfig }) })
  }
  return done
}

/** Outputs word by word need the teacher itself; logits are computed once, whatever the number of epochs. */
function sourceOf(stage: StagePlan, teacher: Student | null, own: boolean, bench: Bench): TeacherSource {
  const want = wantedBy(stage)
  if (stage.task === 'words' && teacher !== null && teacher.kind !== 'masked-lm')
    throw new TinystillError(
      `${stage.name}: its teacher must guess masked words, not ${teacher.kind}`,
      'Name a masked-language model: --general-teacher DIR',
    )
  if (stage.task === 'words' || Object.values(want).some(Boolean)) {
    if (teacher === null)
      throw new TinystillError(
        `${stage.name}: its losses compare the models word by word, which needs one teacher with the student's vocabulary`,
      )
    return liveTeacher(teacher, want)
  }
  const data = bench.data(stage.data)
  const logits = own
    ? predict(teacher as Classifier<TextInput>, data)
    : bench.teacherLogits(stage.data, temperatureOf(stage))
  return storedLogits(logits, data.size)
}
