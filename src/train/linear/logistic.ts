// Logistic regression with an L2 penalty, on sparse rows: the loss of scikit-learn's LogisticRegression.
import { exp, log, log1p } from '../../tensor/math.js'
import { type MinimizeOptions, minimize } from './minimize.js'
import type { SparseRows } from './tfidf.js'

/** What the outputs of a row should be: one class of several, or for each output a share from 0 to 1. */
export type LogisticTargets =
  | { labels: ArrayLike<number>; outputs: number }
  | { shares: Float32Array; outputs: number }

export interface LogisticOptions extends MinimizeOptions {
  /** Of the losses' sum against half the squared norm of the weights. Default 1. */
  C?: number
  /** To begin with, [width + 1, outputs]; default 0. It is not changed. */
  start?: Float64Array
}

/** Of a row: scores become derivatives by them, the loss is given. */
type Link = (scores: Float64Array, row: number) => number

function linkOf(targets: LogisticTargets): Link {
  const { outputs } = targets
  if ('labels' in targets)
    return (scores, row) => {
      const label = targets.labels[row]
      let most = -Infinity
      for (let k = 0; k < outputs; k++) most = Math.max(most, scores[k])
      const own = scores[label] - most
      let sum = 0
      for (let k = 0; k < outputs; k++) {
        scores[k] = exp(scores[k] - most)
        sum += scores[k]
      }
      for (let k = 0; k < outputs; k++) scores[k] /= sum
      scores[label] -= 1
      return log(sum) - own
    }
  return (scores, row) => {
    let loss = 0
    for (let k = 0; k < outputs; k++) {
      const z = scores[k]
      const y = targets.shares[row * outputs + k]
      const small = exp(-Math.abs(z))
      loss += Math.max(z, 0) - y * z + log1p(small)
      scores[k] = (z >= 0 ? 1 : small) / (1 + small) - y
    }
    return loss
  }
}

/** Into `out` [outputs]: the scores of a row by weights [width + 1, outputs], of which the last row is the bias. */
function score(
  { starts, columns, values, width }: SparseRows,
  row: number,
  w: Float64Array,
  out: Float64Array,
) {
  const outputs = out.length
  for (let k = 0; k < outputs; k++) out[k] = w[width * outputs + k]
  for (let i = starts[row]; i < starts[row + 1]; i++) {
    const [at, x] = [columns[i] * outputs, values[i]]
    for (let k = 0; k < outputs; k++) out[k] += x * w[at + k]
  }
}

/** Second derivatives where all outputs are as likely: common words, and most of all the bias, bend far more than rare ones. */
function curvatureOf(
  { size, width, columns, values }: SparseRows,
  outputs: number,
  decay: number,
): Float64Array {
  const one = outputs === 1 ? 1 / 4 : (outputs - 1) / outputs ** 2
  const out = new Float64Array((width + 1) * outputs).fill(decay).fill(one, width * outputs)
  for (let i = 0; i < columns.length; i++)
    for (let k = 0; k < outputs; k++) out[columns[i] * outputs + k] += (one * values[i] ** 2) / size
  return out
}

/** Scores [size, outputs] of all rows by weights of fitLogistic(). */
export function logisticScores(rows: SparseRows, weights: Float64Array): Float32Array {
  const outputs = weights.length / (rows.width + 1)
  const out = new Float32Array(rows.size * outputs)
  const own = new Float64Array(outputs)
  for (let r = 0; r < rows.size; r++) {
    score(rows, r, weights, own)
    out.set(own, r * outputs)
  }
  return out
}

/**
 * Weights [width + 1, outputs], the bias last, at which C times the sum of the cross entropies plus half the squared norm is
 * smallest; biases are not in the norm. Of labels by a softmax over the outputs, of shares by a sigmoid for each.
 */
export function fitLogistic(
  rows: SparseRows,
  targets: LogisticTargets,
  { C = 1, start, ...rest }: LogisticOptions = {},
): Float64Array {
  const { size, width, starts, columns, values } = rows
  const { outputs } = targets
  const link = linkOf(targets)
  const own = new Float64Array(outputs)
  const decay = 1 / (C * size)
  const value = (w: Float64Array, gradient: Float64Array): number => {
    let losses = 0
    let norm = 0
    for (let i = 0; i < width * outputs; i++) {
      norm += w[i] * w[i]
      gradient[i] = decay * w[i]
    }
    gradient.fill(0, width * outputs)
    for (let r = 0; r < size; r++) {
      score(rows, r, w, own)
      losses += link(own, r)
      for (let k = 0; k < outputs; k++) own[k] /= size
      for (let k = 0; k < outputs; k++) gradient[width * outputs + k] += own[k]
      for (let i = starts[r]; i < starts[r + 1]; i++) {
        const [at, x] = [columns[i] * outputs, values[i]]
        for (let k = 0; k < outputs; k++) gradient[at + k] += x * own[k]
      }
    }
    return losses / size + (decay * norm) / 2
  }
  const weights = start?.slice() ?? new Float64Array((width + 1) * outputs)
  minimize(weights, value, { curvature: curvatureOf(rows, outputs, decay), ...rest })
  return weights
}
