// Runs a job where it is called: the teacher first where it must be trained, then student and lone student side by side, each
// with the bits that it would have by itself. A page runs it in a worker: ./in-worker.ts and ./serve.ts.
import { DataError } from '../../errors.js'
import { toFiles } from '../../files/models/from-files.js'
import type { TextInput } from '../../nn/models/input.js'
import { attentionOf } from '../../report/insights/attention-maps.js'
import { textData } from '../../text/dataset.js'
import type { FitStore } from '../../train/fit-state.js'
import { type Classifier, predict, predictInTurns } from '../../train/predict.js'
import type { EvaluationReport, Figures, StepReport } from '../../train/reports.js'
import { tasks, train } from '../../train/tasks.js'
import type { FitOptions } from '../../train/trainer.js'
import { embeddingsOf } from '../from-embeddings.js'
import type { StagePlan } from '../plan/plan.js'
import { type Bench, runPlan, type StageResult, type Student } from '../plan/runner.js'
import { stepsOfStage } from '../plan/steps.js'
import { bestOf } from '../plan/variants.js'
import { dataOf, type JobData, type JobTexts, textsOf } from './data.js'
import type { DistilJob } from './job.js'
import { Lanes } from './lanes.js'
import { type JobTeacher, studentMaker, teacherOf } from './models.js'
import { factsOf, type JobPlan, type PlanFacts, planOf } from './plan.js'

/** The models of a job. 'alone': the same student without the teacher. */
export type Who = 'teacher' | 'student' | 'alone'

/** What is known before the first step. */
export interface JobFacts extends PlanFacts {
  classes: readonly string[]
  parameters: { teacher: number; student: number }
  /** Optimizer steps of the teacher; 0: it is what it is. */
  teacherSteps: number
  vocabulary: number
  /** What people should know of the teacher's files. */
  notes: readonly string[]
}

/** An optimizer step of one of the models. */
export interface JobStep extends Pick<StepReport, 'step' | 'total' | 'loss' | 'terms' | 'lr'> {
  who: Who
  stage: string
  /** The part of this model's trainings that is done, from 0 to 1. */
  done: number
}

/** A judgement on dev. */
export interface JobJudged extends Pick<EvaluationReport, 'step' | 'figures'> {
  who: Who
  stage: string
  done: number
  /** Whether it decided on the weights, or was only looked at. */
  counts: boolean
}

/** Called between the steps. A promise is waited for. */
export interface JobWatch {
  onFacts?(facts: JobFacts): void
  /** A model's training begins; 'answers': the teacher answers the texts that the student learns from. */
  onPhase?(phase: Who | 'answers'): void
  onStep?(step: JobStep): void | Promise<void>
  onJudged?(judged: JobJudged): void
}

/** A model of a job, when it is over. */
export interface Trained {
  /** As toFiles() gives them. Of a teacher that came as it is: none. */
  files: Record<string, Uint8Array>
  parameters: number
  /** On dev; null without. */
  figures: Figures | null
  /** Of the dev rows, [rows, classes]; null without. */
  logits: Float32Array | null
}

/** What came out of a job. */
export interface DistilResult {
  facts: JobFacts
  teacher: Trained
  student: Trained
  /** null where it was not asked for. */
  alone: Trained | null
}

/** What a text's words attend to: of each layer the probabilities [heads, words, words]. */
export interface AttentionOfText {
  words: string[]
  maps: Float32Array[]
}

/** A distillation that runs. */
export interface Distillation {
  /** Rejects with what went wrong; with Stopped where it was stopped before the student had begun. */
  readonly result: Promise<DistilResult>
  /** After the steps in hand. */
  pause(): void
  resume(): void
  /** So many steps, then it pauses. */
  step(n?: number): void
  /** Ends the trainings; the result is what the models are by then. */
  stop(): void
  /** Logits [texts, classes] of the models that there are, as they are now. */
  answers(texts: readonly string[]): Promise<Partial<Record<Who, Float32Array>>>
  attention(text: string): Promise<Partial<Record<Who, AttentionOfText>>>
}

/** Of runDistillation(). */
export interface RunOptions extends JobWatch {
  /**
   * How often dev is looked at in a training besides the judgements that decide, for curves. Changes no weight. Default 0.
   */
  looks?: number
}

/** It was stopped before there was a student. */
export class Stopped extends Error {
  override readonly name = 'Stopped'

  constructor() {
    super('the distillation was stopped while its teacher was trained')
  }
}

/** As `tinystill train` has it, where nothing else is said. */
const teacherFit = {
  batchSize: 32,
  warmup: 0.1,
  weightDecay: 0.01,
  groups: { layerDecay: 1, decayAll: false },
}

const task = tasks.single_label_classification

/** Starts a job in this thread. What is wrong with it rejects `result`. */
export const runDistillation = (job: DistilJob, options: RunOptions = {}): Distillation =>
  runKept(job, options, null)

/** The same, where each training keeps its state; null: nowhere. */
export type StoreOf = ((training: string) => FitStore) | null

export function runKept(job: DistilJob, options: RunOptions, store: StoreOf): Distillation {
  const run = new Run(job, options, store)
  return {
    result: run.all(),
    pause: () => run.lanes.hold(),
    resume: () => run.lanes.release(),
    step: (n) => run.lanes.step(n),
    stop: () => run.stop(),
    answers: async (texts) => run.answers(texts),
    attention: async (text) => run.attention(text),
  }
}

class Run {
  readonly lanes = new Lanes()
  readonly #signal = { aborted: false }
  /** Those that there are by now. */
  readonly #models = new Map<Who, Student>()
  #teacher: JobTeacher | null = null

  constructor(
    readonly job: DistilJob,
    readonly options: RunOptions,
    readonly store: StoreOf,
  ) {}

  stop(): void {
    this.#signal.aborted = true
    this.lanes.end()
  }

  async all(): Promise<DistilResult> {
    // The caller has the handle before anything is done.
    await null
    const { job, options } = this
    const teacher = teacherOf(job)
    const { model, tokenizer } = teacher
    const texts = textsOf(job, teacher.classes)
    const plan = planOf(job, texts.counts)
    const first = studentMaker(job, teacher)(0)
    const facts = this.#facts(plan, texts, teacher, first)
    for (const p of first.parameters()) p.dispose()
    this.#teacher = teacher
    this.#models.set('teacher', model)
    const encode = ({ maxLength }: Student['config']) =>
      dataOf(texts, tokenizer, Math.min(job.maxLength ?? teacher.usualLength, maxLength))
    const theirs = encode(model.config)
    // One length where one is enough.
    const own = first.config.maxLength < theirs.maxLength ? encode(first.config) : theirs
    options.onFacts?.(facts)
    if (teacher.train !== null) await this.#teach(teacher, theirs)
    for (const p of model.parameters()) p.requiresGrad = false
    model.eval()
    const [student, alone] = await this.#both(plan, this.#bench(teacher, theirs, own), own, texts)
    return {
      facts,
      teacher: await this.#judged(model, theirs, teacher.train === null),
      student: await this.#judged(student, own),
      alone: alone && (await this.#judged(alone, own)),
    }
  }

  #facts(plan: JobPlan, { counts }: JobTexts, teacher: JobTeacher, student: Student): JobFacts {
    const perEpoch = Math.ceil(counts.labelled / teacherFit.batchSize)
    return {
      ...factsOf(plan, counts),
      classes: teacher.classes,
      parameters: {
        teacher: teacher.model.countParameters(),
        student: student.countParameters(),
      },
      teacherSteps: (teacher.train?.epochs ?? 0) * perEpoch,
      vocabulary: teacher.tokenizer.vocabSize,
      notes: teacher.notes,
    }
  }

  /** As `tinystill train` does it. */
  async #teach({ model, train: pace }: JobTeacher, data: JobData): Promise<void> {
    this.options.onPhase?.('teacher')
    this.lanes.enter('teacher')
    try {
      const { epochs, lr } = pace as NonNullable<typeof pace>
      await train(model as Classifier<TextInput>, data.stage('labelled'), {
        ...teacherFit,
        ...{ epochs, lr, seed: this.job.seed ?? 1, task: 'single_label_classification' },
        ...this.#watch('teacher', 'teacher', model, data, { before: 0, all: null }),
      })
    } finally {
      this.lanes.leave('teacher')
    }
    if (this.#signal.aborted) throw new Stopped()
  }

  /** `theirs`: the texts as the teacher reads them. */
  #bench(teacher: JobTeacher, theirs: JobData, own: JobData): Omit<Bench, 'watch'> {
    const make = studentMaker(this.job, teacher)
    const take = embeddingsOf(teacher.model)
    const known = new Map<string, Promise<Float32Array>>()
    return {
      ...{ seed: this.job.seed ?? 1, data: own.stage, teacher: teacher.model, general: null },
      masked: (kind) => {
        throw new DataError('job', `has no ${kind} rows with words masked`)
      },
      student: (start) => {
        const student = make(start)
        take(student)
        return student
      },
      teacherLogits: (kind) => {
        const logits =
          known.get(kind) ?? predictInTurns(teacher.model as Classifier<TextInput>, theirs.stage(kind))
        known.set(kind, logits)
        return logits
      },
    }
  }

  /** Student and lone student, in step. */
  async #both(
    { plan, alone }: JobPlan,
    bench: Omit<Bench, 'watch'>,
    data: JobData,
    { counts }: JobTexts,
  ): Promise<[Student, Student | null]> {
    const { lanes, options } = this
    const lane = async (who: 'student' | 'alone', stages: readonly StagePlan[]) => {
      const all = stages.reduce((sum, stage) => sum + stepsOfStage(stage, counts), 0)
      const watch = (stage: StagePlan, model: Student) => {
        const at = stages.indexOf(stage)
        const before = stages.slice(0, at).reduce((sum, s) => sum + stepsOfStage(s, counts), 0)
        this.#models.set(who, model)
        return this.#watch(who, stage.name, model, data, { before, all })
      }
      options.onPhase?.(who)
      try {
        return await runPlan({ stages }, { ...bench, watch })
      } finally {
        lanes.leave(who)
      }
    }
    // What is asked of the teacher first is asked before either begins.
    lanes.enter('student', ...(alone.length > 0 ? ['alone'] : []))
    options.onPhase?.('answers')
    const results = await Promise.allSettled([
      lane('student', plan.stages),
      ...(alone.length > 0 ? [lane('alone', alone)] : []),
    ])
    const done = results.map((result) => {
      if (result.status === 'fulfilled') return result.value
      throw result.reason
    })
    const [student, lone] = done as [StageResult[], StageResult[] | undefined]
    return [student[student.length - 1].model, lone ? bestOf(lone).model : null]
  }

  /** Reports, judgements and the turns of one training. */
  #watch(
    who: Who,
    stage: string,
    model: Student,
    { dev }: JobData,
    { before, all }: { before: number; all: number | null },
  ): Partial<FitOptions> {
    const { options, lanes } = this
    const { looks = 0 } = options
    let looked = 0
    const figuresOf = async () => {
      if (dev === null) throw new TypeError('nothing to judge on')
      const logits = await predictInTurns(model as Classifier<TextInput>, dev)
      return task.judge(logits, dev, this.#classes).figures
    }
    let done = 0
    return {
      signal: this.#signal,
      ...(this.store && { store: this.store(`${who}/${stage}`) }),
      ...(dev && { metric: task.metrics[0], evaluate: figuresOf }),
      onStep: async (report) => {
        const { step, total, loss, terms, lr } = report
        done = (before + step) / (all ?? total)
        await options.onStep?.({ ...{ who, stage, done, step, total, loss, terms, lr } })
        const due = Math.floor((looks * step) / total)
        if (dev && due > looked && !this.#signal.aborted) {
          looked = due
          options.onJudged?.({ ...{ who, stage, done, step, counts: false }, figures: await figuresOf() })
        }
        await lanes.pass(who, done)
      },
      onEvaluation: ({ step, figures }) =>
        options.onJudged?.({ who, stage, done, step, figures, counts: true }),
    }
  }

  get #classes(): readonly string[] {
    return (this.#teacher as JobTeacher).classes
  }

  async #judged(model: Student, { dev, maxLength }: JobData, given = false): Promise<Trained> {
    const { tokenizer } = this.#teacher as JobTeacher
    const logits = dev && (await predictInTurns(model as Classifier<TextInput>, dev))
    return {
      files: given ? {} : toFiles({ model, tokenizer, maxLength }),
      parameters: model.countParameters(),
      figures: dev && logits && task.judge(logits, dev, this.#classes).figures,
      logits,
    }
  }

  answers(texts: readonly string[]): Partial<Record<Who, Float32Array>> {
    if (this.#teacher === null || texts.length === 0) return {}
    const data = textData(texts, null, this.#teacher.tokenizer, this.#lengthOf(this.#teacher))
    return this.#ofEach((model) => predict(model as Classifier<TextInput>, data))
  }

  attention(text: string): Partial<Record<Who, AttentionOfText>> {
    if (this.#teacher === null) return {}
    const { tokenizer } = this.#teacher
    const data = textData([text], null, tokenizer, this.#lengthOf(this.#teacher))
    return this.#ofEach((model, name) => attentionOf({ name, model, data, tokenizer }, 0))
  }

  /** Tokens of a text that somebody asks about: what every model takes. */
  #lengthOf({ usualLength }: JobTeacher): number {
    const limits = Array.from(this.#models.values(), ({ config }) => config.maxLength)
    return Math.min(this.job.maxLength ?? usualLength, ...limits)
  }

  #ofEach<T>(f: (model: Student, who: Who) => T): Partial<Record<Who, T>> {
    return Object.fromEntries(Array.from(this.#models, ([who, model]) => [who, f(model, who)]))
  }
}
