// A training's folder: run.json says what was run on what, metrics.jsonl how it goes, report.html how it went.
import { join } from 'node:path'
import type { EvaluationReport, Figures } from '../distill/keeper.js'
import { type Report, renderReport } from '../distill/report.js'
import type { StepReport } from '../distill/trainer.js'
import { type TrainingRecord, trainingReport } from '../distill/training-report.js'
import { writeAtomic } from '../nn/io/files.js'
import { makeFolder } from '../nn/io/folder.js'
import { type FileHash, hashFile } from '../nn/io/hash.js'
import { LineLog } from '../nn/io/log.js'
import { backendReport } from '../tensor/backend.js'
import { VERSION } from '../version.js'
import { duration } from './table.js'

export interface RunFacts {
  /** 'train', 'distill'. */
  command: string
  seed: number
  /** Everything that was asked for, defaults filled in. */
  options: Readonly<Record<string, unknown>>
  /** Paths of the data files, by what they are for: { train, dev }. */
  data: Readonly<Record<string, string>>
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

/** Lines wait this long at most. */
const FLUSH_MS = 1000

export class RunFolder {
  readonly #log: LineLog
  readonly #record: Record<string, unknown>
  readonly #data: Record<string, FileHash & { file: string }>
  readonly #steps: TrainingRecord['steps'][number][] = []
  readonly #evaluations: EvaluationReport[] = []
  readonly #began: number
  #flushed: number
  /** Steps that were skipped because a loss or gradient was not finite. */
  skipped = 0

  /** Hashes the data, makes the folder and writes run.json with status 'running'. `now` in milliseconds. Throws CheckpointError. */
  constructor(
    readonly folder: string,
    readonly facts: RunFacts,
    readonly now: () => number,
  ) {
    this.#began = now()
    this.#flushed = this.#began
    this.#data = Object.fromEntries(
      Object.entries(facts.data).map(([use, file]) => [use, { file, ...hashFile(file) }]),
    )
    const { command, seed, options } = facts
    makeFolder(folder)
    this.#record = {
      ...{ tinystill: VERSION, node: process.version, platform: `${process.platform} ${process.arch}` },
      ...{ command, seed, options, data: this.#data, backend: backendReport() },
    }
    this.#write({ status: 'running' })
    this.#log = new LineLog(join(folder, 'metrics.jsonl'))
  }

  #write(more: Record<string, unknown>): string {
    const text = `${JSON.stringify({ ...this.#record, ...more }, null, 2)}\n`
    writeAtomic(join(this.folder, 'run.json'), text)
    return text
  }

  /** For fit's onStep. `of`: which model and seed, where there are several. */
  step(report: StepReport, of: Readonly<Record<string, string | number>> = {}): void {
    const { step, loss, terms, lr } = report
    this.#steps.push({ step, loss, terms, lr })
    if (report.skipped) this.skipped++
    this.#log.write({ type: 'step', ...of, ...report })
    if (this.now() - this.#flushed < FLUSH_MS) return
    this.#flushed = this.now()
    this.#log.flush()
  }

  /** For fit's onEvaluation. */
  evaluation(report: EvaluationReport, of: Readonly<Record<string, string | number>> = {}): void {
    this.#evaluations.push({ ...of, ...report })
    this.#log.write({ type: 'evaluation', ...of, ...report })
    this.#log.flush()
  }

  /** The training ended well: all lines, every figure, the report. Gives the text of run.json. */
  finish({ figures, more = {}, report, page }: RunResult): string {
    this.#log.close()
    const seconds = (this.now() - this.#began) / 1000
    const [evaluations, skipped] = [this.#evaluations, this.skipped]
    const text = this.#write({ status: 'done', seconds, skipped, ...more, figures, evaluations })
    const facts: Report['facts'] = [
      ['settings', JSON.stringify(this.facts.options)],
      ['seed', String(this.facts.seed)],
      ...Object.entries(this.#data).map(([use, d]): [string, string] => [
        `data: ${use}`,
        `${d.file}, ${d.bytes} bytes, SHA-256 ${d.sha256}`,
      ]),
      ['time', duration(seconds)],
      ['backend', backendReport().why],
      ['tinystill', VERSION],
    ]
    const steps = this.#steps
    const shown = page?.(facts) ?? trainingReport({ ...report, figures, evaluations, steps, facts })
    writeAtomic(join(this.folder, 'report.html'), renderReport(shown))
    return text
  }

  /** The training did not end well: what is known stays. */
  fail(error: unknown): void {
    this.#log.close()
    const reason = error instanceof Error ? error.message : String(error)
    const seconds = (this.now() - this.#began) / 1000
    const [evaluations, skipped] = [this.#evaluations, this.skipped]
    this.#write({ status: 'failed', error: reason, seconds, skipped, evaluations })
  }
}
