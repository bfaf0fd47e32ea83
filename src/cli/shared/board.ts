// What a run tells, as TensorBoard shows it: a folder of event files for each model and seed.
import { join } from 'node:path'
import { EventFile } from '../../files/event-files.js'
import type { EvaluationReport, StepReport } from '../../train/reports.js'

/** Which of several trainings a line is of. */
export type Place = Readonly<Record<string, string | number>>

/** JSON has null for what is not finite. */
type Values = Readonly<Record<string, number | null>>

/** What is no number is not shown: of a run and of its metrics.jsonl the same comes. */
const finite = (values: Values) =>
  Object.fromEntries(Object.entries(values).filter((e): e is [string, number] => Number.isFinite(e[1])))

const under = (prefix: string, values: Values) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}/${name}`, value]))

/** Where a batch only adds up, there is no norm yet. */
const stepValues = ({ loss, terms, lr, gradNorm, epoch }: StepReport): Values => ({
  ...{ 'train/loss': loss, ...under('train/terms', terms), 'train/lr': lr },
  ...(gradNorm !== 0 && { 'train/gradNorm': gradNorm }),
  'train/epoch': epoch,
})

/** 'distilled/seed-1'; '' where a run has one training. Names of models are whatever plans call them. */
function folderOf({ model, seed }: Place): string {
  if (model === undefined) return ''
  const name = String(model).replace(/[^\p{L}\p{N}_.-]+/gu, '-')
  return join(/^\.*$/.test(name) ? '-' : name, `seed-${seed}`)
}

export class Board {
  /** Trainings follow one another: one file is open at a time. */
  #open: { place: string; file: EventFile } | null = null

  /** wallTime: seconds since 1970. */
  constructor(
    readonly folder: string,
    readonly wallTime: () => number,
  ) {}

  #write(of: Place, step: number, values: Values): void {
    const wallTime = this.wallTime()
    const place = folderOf(of)
    if (this.#open?.place !== place) {
      this.close()
      this.#open = { place, file: new EventFile(join(this.folder, place), { wallTime, step }) }
    }
    this.#open.file.write({ wallTime, step, values: finite(values) })
  }

  step(report: StepReport, of: Place): void {
    this.#write(of, report.step, stepValues(report))
  }

  evaluation({ step, figures }: EvaluationReport, of: Place): void {
    this.#write(of, step, under('dev', figures))
  }

  flush(): void {
    this.#open?.file.flush()
  }

  close(): void {
    const before = this.#open
    this.#open = null
    before?.file.close()
  }
}
