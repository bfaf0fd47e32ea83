// Executes a plan, stage after stage, on top of fit().
import { tensor } from '../autograd/create.js'
import { add, mul } from '../autograd/ops/arithmetic.js'
import { randomScope } from '../autograd/random.js'
import { TinystillError } from '../errors.js'
import type { DataSet } from '../nn/data.js'
import type { TextInput } from '../nn/models/input.js'
import type { HeadOutput, Pretrained, Wanted } from '../nn/models/pretrained.js'
import { Module } from '../nn/module.js'
import { keyOf } from '../tensor/rng.js'
import type { Tensor } from '../tensor/tensor.js'
import { checkShared } from './doctor.js'
import type { LossContext } from './loss-table.js'
import {
  at,
  fitOptionsOf,
  lossesOf,
  type Plan,
  type StageData,
  type StagePlan,
  temperatureOf,
} from './plan.js'
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
  /** A new student; equal numbers give equal first weights. */
  student(start: number): Student
  /** Logits [rows, classes] of the given teachers as one at temperature T, for the rows of data(kind). */
  teacherLogits(kind: StageData, T: number): Float32Array
  /** The given teacher, where it is one and reads texts as the student does; else null. */
  teacher: Student | null
  /** Progress and evaluation of a stage's training. */
  watch(stage: StagePlan, model: Student): Partial<FitOptions>
}

export interface StageResult {
  stage: StagePlan
  model: Student
  result: FitResult
}

interface Heard {
  output: HeadOutput
  input: TextInput
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

  forward(input: TextInput): Heard {
    return { output: this.student.forward(input, this.want), input }
  }
}

class Nothing extends Module {}

/** Labels of these rows, int32 [B] with -100 where there is none; null without any. */
function labelsFor({ labels }: DataSet<TextInput>, rows: Int32Array): Tensor | null {
  if (labels === null) return null
  const own = rows.map((row) => labels[row])
  return own.some((label) => label >= 0) ? tensor(own) : null
}

/** All outputs besides logits that a stage's losses ask for. */
export function wantedBy(stage: StagePlan): Wanted {
  return Object.assign({}, ...lossesOf(stage).map(({ loss }) => loss.needs.outputs))
}

export const isTaught = (stage: StagePlan): boolean => lossesOf(stage).some(({ loss }) => loss.needs.teacher)

/** Trains `model` by one stage. Throws TinystillError for a batch without anything to learn from, and what fit() throws. */
export async function runStage(
  stage: StagePlan,
  model: Student,
  source: TeacherSource | null,
  bench: Pick<Bench, 'seed' | 'data' | 'watch'> & { teacherConfig: LossContext['configs']['teacher'] },
): Promise<FitResult> {
  const data = bench.data(stage.data)
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
  const loss = ({ output, input }: Heard, rows: Int32Array, place: StepPlace): LossTerms => {
    const progress = (place.step - 1) / place.total
    const context: LossContext = {
      ...{ student: output, teacher: source?.(rows, input) ?? null, labels: labelsFor(data, rows), input },
      ...{ progress, layerMap: stage.layerMap, configs },
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

/** All stages in order. Models of stages that others go on from are given as they were left by the last of them. */
export async function runPlan(plan: Pick<Plan, 'stages'>, bench: Bench): Promise<StageResult[]> {
  const done: StageResult[] = []
  const find = (name: string) => {
    const found = done.find(({ stage }) => stage.name === name)
    if (found) return found
    throw new TinystillError(`plan: no stage before this one is called ${name}`)
  }
  for (const stage of plan.stages) {
    const { start } = stage
    const model = typeof start === 'number' ? bench.student(start) : find(start).model
    const taught = isTaught(stage) && stage.teacher !== null
    const before = taught && stage.teacher !== 'given' ? find(stage.teacher as string).model : null
    const source = taught ? sourceOf(stage, before, bench) : null
    const shared = checkShared(model, before ?? bench.teacher ?? new Nothing())
    if (shared.length > 0) throw new TinystillError(`${stage.name}: ${shared[0].what}`, shared[0].remedy)
    const teacherConfig = (before ?? bench.teacher)?.config ?? null
    done.push({ stage, model, result: await runStage(stage, model, source, { ...bench, teacherConfig }) })
  }
  return done
}

/** Outputs word by word need the teacher itself; logits are computed once, whatever the number of epochs. */
function sourceOf(stage: StagePlan, before: Student | null, bench: Bench): TeacherSource {
  const want = wantedBy(stage)
  if (Object.values(want).some(Boolean)) {
    const teacher = before ?? bench.teacher
    if (teacher === null)
      throw new TinystillError(
        `${stage.name}: its losses compare the models word by word, which needs one teacher with the student's vocabulary`,
      )
    return liveTeacher(teacher, want)
  }
  const data = bench.data(stage.data)
  const logits = before
    ? predict(before as Classifier<TextInput>, data)
    : bench.teacherLogits(stage.data, temperatureOf(stage))
  return storedLogits(logits, data.size)
}
