// One seed of a distillation: every variant of the plan is trained, judged and, where it is to be kept, given on.

import { checkPulls, describePulls } from '../../distill/doctor.js'
import type { StageData, StagePlan } from '../../distill/plan/plan.js'
import { type Bench, runPlan, type StageResult, type Student } from '../../distill/plan/runner.js'
import { bestOf, keptScore, modelNames, type Variant } from '../../distill/plan/variants.js'
import { combineLogits } from '../../distill/teachers/combine.js'
import { Ensemble } from '../../distill/teachers/ensemble.js'
import type { KeptLogits } from '../../files/kept-logits.js'
import type { TextInput } from '../../nn/models/input.js'
import { sameVocabulary } from '../../text/encoding.js'
import { type Classifier, predictInTurns } from '../../train/predict.js'
import type { StepReport } from '../../train/reports.js'
import { everyTask } from '../../train/tagging/tasks.js'
import type { FitOptions } from '../../train/trainer.js'
import type { Context } from '../shared/command.js'
import type { RunFolder } from '../shared/run-folder.js'
import { count } from '../shared/table.js'
import { trainingProgress } from '../shared/training-progress.js'
import type { Checked } from './job.js'
import { judge, type ModelFigures, type Spent } from './judge.js'
import { otherReader } from './other-reader.js'
import { unitOf } from './seeds.js'
import { answersOf, inOrderOf, isLive, storedTeacher } from './teachers.js'

type TeacherLogits = (kind: StageData, T: number) => Promise<Float32Array>

/** Each teacher's logits of each set, computed when they are first asked for, and kept for all seeds, variants and resumptions. */
export function teacherLogits(
  { sources: { teachers }, data: { readers }, plan, accuracies }: Checked,
  { answers }: Pick<RunFolder, 'answers'>,
  { progress }: Context,
): TeacherLogits {
  const known = new Map<string, Float32Array>()
  const of = async (kind: StageData, i: number) => {
    const name = `${i} ${kind}`
    const before = known.get(name)
    if (before !== undefined) return before
    const { size } = readers[i].stage(kind)
    progress.start(`logits of ${teachers[i].folder}`, size)
    let asked = !isLive(teachers[i])
    const logits = await answersOf(teachers[i], readers[i], kind, answers, (done) => {
      asked = true
      progress.update(done, {})
    })
    progress.finish(`${teachers[i].folder} has labelled ${count(size)} rows${asked ? '' : ' before'}`)
    const own = inOrderOf(teachers[0].classes, logits, teachers[i])
    known.set(name, own)
    return own
  }
  return async (kind, T) => {
    const all: Float32Array[] = []
    for (const i of teachers.keys()) all.push(await of(kind, i))
    return combineLogits(all, teachers[0].classes.length, plan.teachers, T, accuracies)
  }
}

/** Progress lines, figures of the dev set, and everything into the run's folder. */
function watch(
  { data: { reader }, sources: { teachers }, training: { onNonfinite } }: Checked,
  place: { seed: number; model: string },
  { task }: StagePlan,
  model: Student,
  run: RunFolder,
  context: Context,
): Partial<FitOptions> {
  const dev = reader.held('dev')
  const { classes, problemType } = teachers[0]
  const own = everyTask[problemType]
  const tell = trainingProgress(`${place.model}, seed ${place.seed}`, context)
  return {
    onNonfinite,
    ...(dev &&
      task !== 'words' && {
        metric: own.metrics[0],
        evaluate: async () => {
          const onBatch = (done: number) => context.progress.aside('judging dev', done, dev.size)
          const logits = await predictInTurns(model as Classifier<TextInput>, dev, { onBatch })
          return own.judge(logits, dev, classes).figures
        },
      }),
    onStep: (report) => {
      run.step(report, place)
      tell(report)
    },
    onEvaluation: (report) => run.evaluation(report, place),
  }
}

export interface SeedResult {
  /** counts: not one of alternatives of which another did better. */
  stages: (StageResult & { name: string; counts: boolean })[]
  /** Of each stage, for the curves. */
  steps: Map<string, readonly StepReport[]>
  figures: Record<string, ModelFigures>
  /** By the names of the figures. */
  models: Map<string, Classifier<TextInput>>
}

/** Trains and judges a variant with one seed. kept: for those whose figures the run's state does not hold. */
export async function runVariant(
  job: Checked,
  variant: Variant,
  seed: number,
  logits: TeacherLogits,
  kept: KeptLogits | null,
  run: RunFolder,
  context: Context,
): Promise<SeedResult> {
  const { reader } = job.data
  const { teachers, student: source, general } = job.sources
  const [first] = teachers
  const alone = teachers.length === 1
  const { progress } = context
  const { label, plan, best } = variant
  const names = modelNames(plan, label)
  const training = (stage: string) => `${unitOf(variant, seed)}/${stage}`
  const placeOf = (stage: StagePlan) => {
    const name = (best ? undefined : names.get(stage)) ?? stage.name
    return { seed, model: best || label === null || label === name ? name : `${label}: ${name}` }
  }
  const bench: Bench = {
    seed,
    data: (kind) => reader.stage(kind),
    masked: (kind) => reader.masked(kind),
    student: (start, task) => source.make(seed, start, task).model,
    general: general?.model ?? null,
    teacherLogits: logits,
    teacher: alone && isLive(first) && sameVocabulary(reader.tokenizer, first.tokenizer) ? first.model : null,
    other: (name) => otherReader(job, name),
    stored: alone && !isLive(first) ? storedTeacher(first, reader) : null,
    tell: (stage, line) => progress.note(`${placeOf(stage).model}, seed ${seed}: ${line}`),
    // Of the plan itself, once: variants and seeds differ little in it.
    look:
      label === null && seed === job.training.seeds[0]
        ? ({ name }, pulls) => {
            progress.note(describePulls(name, pulls))
            for (const { what, remedy } of checkPulls(name, pulls)) progress.note(`${what}. ${remedy}`)
          }
        : undefined,
    watch: (stage, model) => {
      return {
        ...watch(job, placeOf(stage), stage, model, run, context),
        store: run.state.training(training(stage.name)),
      }
    },
  }
  const results = await runPlan(plan, bench)
  const figures: SeedResult['figures'] = {}
  const models: SeedResult['models'] = new Map()
  const add = async (name: string, model: Classifier<TextInput>, spent: Spent) => {
    models.set(name, model)
    figures[name] = await judge(model, reader, first, spent, { progress, kept })
  }
  /** A model that went through several stages took the time and the steps of all. */
  const spentOn = ({ name, start }: StagePlan): Spent => {
    const [own] = results.filter(({ stage }) => stage.name === name)
    const before = plan.stages.find((s) => s.name === start)
    return sumOf([
      { seconds: run.state.seconds(training(name)), steps: own.result.steps },
      ...(before ? [spentOn(before)] : []),
    ])
  }
  const chosen = best ? bestOf(results) : null
  for (const { stage, model } of results) {
    const name = names.get(stage)
    if (name === undefined) continue
    const spent = spentOn(stage)
    progress.finish(`${placeOf(stage).model}, seed ${seed}: trained for ${spent.seconds.toFixed(1)} s`)
    if (chosen === null || stage === chosen.stage) await add(name, model as Classifier<TextInput>, spent)
  }
  if (label !== null && results.length > 1 && chosen !== null)
    figures[label].tried = results.map((one) => ({
      ...{ schedule: one.stage.name, epochs: one.stage.fit.epochs, ...spentOn(one.stage) },
      ...{ dev: keptScore(one), counts: one === chosen },
    }))
  const members = results.filter(({ stage }) => plan.ensemble.includes(stage.name))
  if (members.length > 1)
    await add(
      'ensemble',
      new Ensemble(members.map((m) => m.model as Classifier<TextInput>)),
      sumOf(members.map((m) => spentOn(m.stage))),
    )
  return {
    stages: results.map((r) => ({
      ...{ ...r, name: names.get(r.stage) ?? r.stage.name, counts: chosen === null || r === chosen },
    })),
    steps: new Map(plan.stages.map((stage) => [names.get(stage) ?? stage.name, run.reports(placeOf(stage))])),
    ...{ figures, models },
  }
}

const sumOf = (all: readonly Spent[]): Spent => ({
  seconds: all.reduce((sum, { seconds }) => sum + seconds, 0),
  steps: all.reduce((sum, { steps }) => sum + steps, 0),
})
