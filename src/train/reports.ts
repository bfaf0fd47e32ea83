// What a training tells of itself, step by step and in the end.
import type { StepOutcome } from './step.js'

/** By name: { accuracy: 0.91, loss: 0.3 }. */
export type Figures = Readonly<Record<string, number>>

/** An evaluation, and whether it is the best so far. */
export interface EvaluationReport {
  /** Counted from 1. */
  epoch: number
  /** Batches done. */
  step: number
  /** All that evaluate() gave. */
  figures: Figures
  /** The chosen one. NaN where nothing is evaluated. */
  score: number
  /** Whether it is better than all before it. */
  best: boolean
}

/** Where fit() stands after a batch, and what the batch gave. */
export interface StepReport extends StepOutcome {
  /** Counted from 1. */
  epoch: number
  /** Batches done, and in all. */
  step: number
  total: number
  loss: number
  /** The parts of the loss, where it names them. */
  terms: Readonly<Record<string, number>>
  /** Norm of the gradient before clipping; 0 where the step only accumulated, NaN where it was skipped. */
  gradNorm: number
  lr: number
  tokens: number
}

/** What an epoch came to. */
export interface EpochReport {
  epoch: number
  /** Mean over the epoch's batches, those left out whose loss is not finite. */
  loss: number
  /** The chosen figure at its end; NaN without evaluate. */
  score: number
  best: boolean
}

/** What fit() came to. */
export interface FitResult {
  epochs: EpochReport[]
  evaluations: EvaluationReport[]
  /** The best evaluation; without evaluate, the end. Its weights are what the model holds, unless `keep` is 'last'. */
  best: EvaluationReport
  /** Optimizer steps taken. */
  steps: number
  stopped: 'done' | 'patience' | 'signal'
}
