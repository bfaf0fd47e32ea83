// What evaluations decide: which weights are the best so far, and when no better ones are to be expected.

import { noGrad } from '../autograd/graph.js'
import { clone } from '../autograd/ops/elementwise/cast.js'
import type { Module } from '../nn/module.js'
import type { Tensor } from '../tensor/tensor.js'
import type { EvaluationReport, Figures } from './reports.js'

/** Whether a figure of that name is the better the less it is. */
export const lessIsBetter = (figure: string): boolean => /^(loss|mse|ece|perplexity)$/.test(figure)

export interface KeeperOptions {
  /** Which figure decides. Default: the first. */
  metric?: string
  /** Whether its larger values are better. Default: unless it is called loss, mse, ece or perplexity. */
  higher?: boolean
  /** Evaluations without a better score after which training ends. */
  patience?: number
  keep?: 'best' | 'last'
}

/** What is not a number beats nothing, and every number beats it. */
const beats = (a: number, b: number) => a > b || (Number.isNaN(b) && !Number.isNaN(a))

export class Keeper {
  best: EvaluationReport | null = null
  readonly reports: EvaluationReport[] = []
  #weights = new Map<string, Tensor>()
  #since = 0

  constructor(
    readonly model: Module,
    readonly options: KeeperOptions,
  ) {}

  /** counts: whether it may be the best. Throws RangeError when there is no figure of the chosen name. */
  add(epoch: number, step: number, result: number | Figures, counts = true): EvaluationReport {
    const figures: Figures = typeof result === 'number' ? { score: result } : { ...result }
    const name = this.options.metric ?? Object.keys(figures)[0]
    const score = figures[name]
    if (score === undefined)
      throw new RangeError(
        `training: evaluate() gave no ${name ?? 'figure'}, only ${Object.keys(figures).join(', ') || 'nothing'}`,
      )
    const sign = (this.options.higher ?? !lessIsBetter(name)) ? 1 : -1
    const best = counts && (this.best === null || beats(sign * score, sign * this.best.score))
    const report = { epoch, step, figures, score, best }
    this.reports.push(report)
    this.#since = best || !counts ? 0 : this.#since + 1
    if (best) {
      this.best = report
      this.#drop()
      if (this.options.keep !== 'last') this.#weights = this.model.snapshot()
    }
    return report
  }

  /** Copies of the best weights; none where the last are wanted or nothing was evaluated. */
  get weights(): ReadonlyMap<string, Tensor> {
    return this.#weights
  }

  /** Evaluations since the best. */
  get since(): number {
    return this.#since
  }

  /** Takes up what another keeper of the same model had; the weights are copied. */
  goOn(reports: readonly EvaluationReport[], since: number, weights: ReadonlyMap<string, Tensor>): void {
    this.reports.push(...reports)
    this.best = reports.findLast(({ best }) => best) ?? null
    this.#since = since
    this.#weights = new Map(Array.from(weights, ([name, t]) => [name, noGrad(() => clone(t))]))
  }

  /** Whether patience is at its end. */
  get done(): boolean {
    return this.#since >= (this.options.patience ?? Infinity)
  }

  /** Gives the model the best weights, unless those of the end are wanted or are the best. */
  restore(): void {
    if (this.#weights.size > 0 && this.best !== this.reports.at(-1)) this.model.loadStateDict(this.#weights)
  }

  #drop(): void {
    for (const t of this.#weights.values()) t.dispose()
    this.#weights = new Map()
  }

  dispose(): void {
    this.#drop()
  }
}
