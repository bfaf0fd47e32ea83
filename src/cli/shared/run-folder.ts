// A training's folder: run.json says what was run on what, metrics.jsonl how it goes, report.html how it went.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { CheckpointError } from '../../errors.js'
import { CheckpointFolder } from '../../files/checkpoint-folder.js'
import { isFolder, makeFolder, readBytes, writeAtomic } from '../../files/disk.js'
import { BOARD, removeEventFiles } from '../../files/event-files.js'
import { type FileHash, hashFile } from '../../files/hash.js'
import { readFields } from '../../files/json-file.js'
import { KeptLogits, sharedLogits } from '../../files/kept-logits.js'
import { checkHeld, isHeld, lockFolder } from '../../files/lock.js'
import { LineLog } from '../../files/log.js'
import { type Report, renderReport } from '../../report/report.js'
import { type TrainingRecord, trainingReport } from '../../report/training-report.js'
import { backendReport } from '../../tensor/backend.js'
import type { EvaluationReport, Figures, StepReport } from '../../train/reports.js'
import { Interrupted, RunState, type RunStateOptions, type SaveEvery } from '../../train/run-state.js'
import { VERSION } from '../../version.js'
import { Board, type Place } from './board.js'
import type { Context } from './command.js'
import { checkSameRun, type Identity, identityOf } from './run-identity.js'
import { duration } from './table.js'

const RUN = 'run.json'
export const METRICS = 'metrics.jsonl'

export interface RunFacts {
  /** 'train', 'distill'. */
  command: string
  seed: number
  /** Everything that was asked for, defaults filled in. */
  options: Readonly<Record<string, unknown>>
  /** Paths of the data files, by what they are for: { train, dev }. */
  data: Readonly<Record<string, string>>
  /** Folders, files or names of the models that it begins with, by what they are for: { teacher }. */
  models?: Readonly<Record<string, string>>
}

export interface RunResult {
  /** Of the model that was kept: { dev: {...}, test: {...} }. */
  figures: Readonly<Record<string, Figures>>
  /** More for run.json: params, bytes, the best epoch. */
  more?: Readonly<Record<string, unknown>>
  report: Pick<TrainingRecord, 'title' | 'intro' | 'confusion' | 'calibration'>
  /** Another page than that of one training. */
  page?: (facts: Report['facts']) => Report
}

/** How a run saves its state, whether it goes on with one, and whether TensorBoard shows it. */
export interface RunOptions {
  resume: boolean
  checkpointEvery: SaveEvery
  keepCheckpoints: boolean
  tensorboard?: boolean
  /** From another machine that has the folder. */
  takeOver?: boolean
  /** A folder of teachers' answers that runs share; default: this run's own, until it is done. */
  answers?: string | undefined
}

const noState: RunOptions = { resume: false, checkpointEvery: 'never', keepCheckpoints: false }

/** Lines wait this long at most. */
const FLUSH_MS = 1000
const CHECKPOINTS = 'checkpoints'

/** The data files, by what they are for. */
export type HashedData = Readonly<Record<string, FileHash & { file: string }>>

export const hashedData = ({ data }: RunFacts): HashedData =>
  Object.fromEntries(Object.entries(data).map(([use, file]) => [use, { file, ...hashFile(file) }]))

/** What run.json says of a run from its beginning on. */
export const beginningOf = (
  { command, seed, options }: RunFacts,
  data: HashedData,
  identity: Identity,
): Record<string, unknown> => ({
  ...{ tinystill: VERSION, node: process.version, platform: `${process.platform} ${process.arch}` },
  ...{ command, seed, options, data, identity, backend: backendReport() },
})

/** What a run's page says of it. */
export const shownFacts = (
  { options, seed }: RunFacts,
  data: HashedData,
  seconds: number,
): Report['facts'] => [
  ['settings', JSON.stringify(options)],
  ['seed', String(seed)],
  ...Object.entries(data).map(([use, d]): [string, string] => [
    `data: ${use}`,
    `${d.file}, ${d.bytes} bytes, SHA-256 ${d.sha256}`,
  ]),
  ['time', duration(seconds)],
  ['backend', backendReport().why],
  ['tinystill', VERSION],
]

export class RunFolder {
  /** What its trainings keep. */
  readonly state: RunState
  /** What need not be computed again when the run goes on. */
  readonly kept: KeptLogits
  /** What teachers say of texts: kept for other runs too, where a folder is named for that. */
  readonly answers: KeptLogits
  /** The same run had come to its end before: nothing is left to do. */
  readonly done: boolean
  readonly #log: LineLog
  readonly #board: Board | null = null
  readonly #record: Record<string, unknown>
  readonly #data: HashedData
  readonly #steps: TrainingRecord['steps'][number][] = []
  readonly #reports = new Map<string, StepReport[]>()
  readonly #evaluations: EvaluationReport[] = []
  readonly #began: number
  readonly #release: () => void
  #unlisten: (() => void) | null = null
  #signal: string | null = null
  #flushed: number
  /** Steps that were skipped because a loss or gradient was not finite. */
  skipped = 0

  /**
   * Hashes the data, makes the folder, takes it for this process and writes run.json with status 'running'. With resume goes
   * on with the run that is there, if there is one. Throws CheckpointError: for a folder that another process uses, for one
   * with an unfinished run without resume, and with it for a run on other settings, data or models.
   */
  constructor(
    readonly folder: string,
    readonly facts: RunFacts,
    readonly context: Pick<Context, 'now'> & Partial<Pick<Context, 'output' | 'signals' | 'epoch'>>,
    options: RunOptions = noState,
  ) {
    const { now } = context
    this.#began = now()
    this.#flushed = this.#began
    this.#data = hashedData(facts)
    const { models = {} } = facts
    const identity = identityOf({ ...facts, data: this.#data, models })
    makeFolder(folder)
    this.#release = lockFolder(folder, { takeOver: options.takeOver })
    try {
      const checkpoints = new CheckpointFolder(join(folder, CHECKPOINTS), undefined, () => checkHeld(folder))
      const status = this.#before(identity, options.resume, checkpoints.empty)
      this.done = status === 'done' && options.resume
      this.state = new RunState(checkpoints, this.#stateOptions(options), options.resume && !this.done)
      this.kept = new KeptLogits(checkpoints.folder, {
        ...{ read: options.resume, write: options.checkpointEvery !== 'never', warn: this.#warn },
      })
      this.answers = options.answers === undefined ? this.kept : sharedLogits(options.answers, this.#warn)
      this.#record = beginningOf(facts, this.#data, identity)
      const log = join(folder, METRICS)
      const { mark, from } = this.state
      this.#log = new LineLog(log, { append: this.done || (from !== null && mark) })
      if (this.done) return
      const board = join(folder, BOARD)
      // Of another run, or of one that begins again.
      if (from === null) removeEventFiles(board)
      const known = isFolder(board)
      if (options.tensorboard) this.#board = new Board(board, () => ((context.epoch ?? 0) + now()) / 1000)
      if (from !== null) {
        this.#recall(log, mark, known ? null : this.#board)
        context.output?.info(`goes on after step ${from}`)
      } else if (!checkpoints.empty) checkpoints.clear()
      if (!options.resume) this.kept.clear()
      this.#write({ status: 'running' })
    } catch (error) {
      this.#release()
      throw error
    }
  }

  /** The status of the run that is there, null where there is none. */
  #before(identity: Identity, resume: boolean, empty: boolean): string | null {
    const path = join(this.folder, RUN)
    if (statSync(path, { throwIfNoEntry: false }) === undefined) return null
    const given = readFields(path)
    const status = String(given.get('status'))
    if (resume) checkSameRun(path, given.get('identity'), identity)
    else if (status !== 'done' && !empty)
      throw new CheckpointError(
        this.folder,
        'holds a run that is not finished',
        'Go on with it by --resume, remove the folder, or choose another one',
      )
    return status
  }

  readonly #warn = (line: string) => this.context.output?.info(`warning: ${line}`)

  #stateOptions({ checkpointEvery: every, keepCheckpoints: keep }: RunOptions): RunStateOptions {
    const { now, output, signals } = this.context
    return {
      ...{ every, keep, now, mark: () => this.#log.sync(), interrupted: () => this.#signal },
      warn: this.#warn,
      training: (on) => {
        this.#unlisten?.()
        this.#unlisten = on
          ? (signals?.((name) => {
              this.#signal = name
              output?.info(`${name}: the step in hand is finished and saved; once more stops at once`)
            }) ?? null)
          : null
      },
    }
  }

  /** What the lines that are kept tell of the time before; to a board that does not have it too. */
  #recall(log: string, mark: number, board: Board | null): void {
    const text = new TextDecoder().decode(readBytes(log).subarray(0, mark))
    for (const line of text.split('\n')) {
      if (line.trim() === '') continue
      const { type, ...own } = JSON.parse(line) as { type: string } & Record<string, unknown>
      const [step, evaluation] = [own as unknown as StepReport, own as unknown as EvaluationReport]
      if (type === 'step') {
        this.#add(own as Place, step)
        board?.step(step, own as Place)
      } else {
        this.#evaluations.push(evaluation)
        board?.evaluation(evaluation, own as Place)
      }
    }
  }

  #add(of: Place, report: StepReport): void {
    const { step, loss, terms, lr } = report
    this.#steps.push({ step, loss, terms, lr })
    if (report.skipped) this.skipped++
    const key = placeKey(of)
    const known = this.#reports.get(key)
    if (known) known.push(report)
    else this.#reports.set(key, [report])
  }

  /** All steps of one of the trainings, of earlier processes too. */
  reports(of: Place): readonly StepReport[] {
    return this.#reports.get(placeKey(of)) ?? []
  }

  /** Throws CheckpointError where the folder is another process' by now. */
  #write(more: Record<string, unknown>): string {
    checkHeld(this.folder)
    const text = `${JSON.stringify({ ...this.#record, ...more }, null, 2)}\n`
    writeAtomic(join(this.folder, RUN), text)
    return text
  }

  /** For fit's onStep. `of`: which model and seed, where there are several. */
  step(report: StepReport, of: Place = {}): void {
    this.#add(of, report)
    this.#log.write({ type: 'step', ...of, ...report })
    this.#board?.step(report, of)
    if (this.context.now() - this.#flushed < FLUSH_MS) return
    this.#flushed = this.context.now()
    this.#flush()
  }

  /** Lines between those of a process that took the folder over would be wrong: the run ends here. */
  #flush(): void {
    checkHeld(this.folder)
    this.#log.flush()
    this.#board?.flush()
  }

  /** For fit's onEvaluation. */
  evaluation(report: EvaluationReport, of: Place = {}): void {
    this.#evaluations.push({ ...of, ...report })
    this.#log.write({ type: 'evaluation', ...of, ...report })
    this.#board?.evaluation(report, of)
    this.#flush()
  }

  /** The training ended well: all lines, every figure, the report. Gives the text of run.json. */
  finish({ figures, more = {}, report, page }: RunResult): string {
    checkHeld(this.folder)
    this.#log.close()
    this.#board?.close()
    const { seconds } = this
    const [evaluations, skipped] = [this.#evaluations, this.skipped]
    const text = this.#write({ status: 'done', seconds, skipped, ...more, figures, evaluations })
    const facts = shownFacts(this.facts, this.#data, seconds)
    const steps = this.#steps
    const shown = page?.(facts) ?? trainingReport({ ...report, figures, evaluations, steps, facts })
    writeAtomic(join(this.folder, 'report.html'), renderReport(shown))
    if (!this.state.options.keep) this.kept.clear()
    this.state.close()
    this.#release()
    return text
  }

  /** Spent on the run so far, in all processes. */
  get seconds(): number {
    return (this.state.before + this.context.now() - this.#began) / 1000
  }

  /** The training did not end well: what is known stays. Where another process goes on with it, nothing is written. */
  fail(error: unknown): void {
    this.#unlisten?.()
    if (!isHeld(this.folder)) {
      this.#log.leave()
      return
    }
    try {
      this.#log.close()
      this.#board?.close()
      const reason = error instanceof Error ? error.message : String(error)
      const status = error instanceof Interrupted ? 'interrupted' : 'failed'
      const { seconds, skipped } = this
      this.#write({ status, error: reason, seconds, skipped, evaluations: this.#evaluations })
    } finally {
      this.#release()
    }
  }

  /** Nothing was left to do: says so. */
  leave(): void {
    this.#log.close()
    this.#release()
    this.context.output?.print(`${this.folder}: this run is done`)
    this.context.output?.json({ status: 'done', out: this.folder })
  }
}

const placeKey = ({ seed, model }: Place): string => `${seed} ${model}`
