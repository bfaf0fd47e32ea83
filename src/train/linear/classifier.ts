// The line that a student has to pass: a linear model of a text's words, TF-IDF and logistic regression.
import type { ProblemType } from '../../nn/models/config.js'
import { tasks } from '../tasks.js'
import { fitLogistic, type LogisticTargets, logisticScores } from './logistic.js'
import { Tfidf } from './tfidf.js'

/** Texts, the second of each where they are pairs, and what is known of them: classes, or for each class a share from 0 to 1. */
export interface LinearTexts {
  texts: readonly string[]
  pairs?: readonly (string | null)[] | null
  /** Rows below 0 have none and are left out. */
  labels?: ArrayLike<number> | null
  /** [rows, classes]: of several classes a text. */
  targets?: Float32Array | null
}

/** Of LinearClassifier. */
export interface LinearOptions {
  /**
   * Of how much the losses count against the weights' norm; of several the one that does best on dev, without dev the
   * first. Default: 5, and with dev 1, 5 and 25.
   */
  C?: number | readonly number[]
  /** Decides between several C, by the task's first figure; of equals the smallest. */
  dev?: LinearTexts | null
  /** Terms that fewer texts have are left out. Default 2. */
  minDf?: number
}

const USUAL = 5
const TRIED = [1, 5, 25]
/** Multiplications, by which large problems end after fewer steps: the last ones move the weights on, but hardly any answer. */
const MOST_WORK = 4e8
const STEPS = { least: 40, most: 300 }
/** Terms times classes: a dozen vectors of that length must find room. */
const MOST_WEIGHTS = 4_000_000

/** Words and pairs of neighbours as TF-IDF, and logistic regression on them. Deterministic: it draws nothing. */
export class LinearClassifier {
  private constructor(
    readonly tfidf: Tfidf,
    /** [terms + 1, outputs], the bias last; of two classes one output, which tells the second from the first. */
    readonly weights: Float64Array,
    readonly classes: number,
    /** That was taken. */
    readonly C: number,
  ) {}

  /**
   * Learns from rows with labels, or with targets where a text may be of several classes. 20,000 sentences of 25 classes take
   * ten to thirty seconds. Throws RangeError for labels that are no class, where there are no rows, and for a C that is not above 0.
   */
  static fit(train: LinearTexts, classes: number, options: LinearOptions = {}): LinearClassifier {
    const { C = options.dev ? TRIED : USUAL, dev = null, minDf } = options
    const given = [C].flat() as number[]
    const bad = given.find((c) => !(c > 0 && c < Infinity))
    if (given.length === 0 || bad !== undefined)
      throw new RangeError(`LinearClassifier.fit: C must be above 0, got ${bad ?? 'none'}`)
    const known = withLabels(train, classes)
    if (known.texts.length === 0) throw new RangeError('LinearClassifier.fit: no row has a label')
    const tfidf = Tfidf.fit(known.texts, known.pairs, {
      maxTerms: Math.ceil(MOST_WEIGHTS / classes),
      ...(minDf !== undefined && { minDf }),
    })
    const rows = tfidf.transform(known.texts, known.pairs)
    const targets = targetsOf(known, classes)
    const work = (rows.width + rows.columns.length) * targets.outputs
    const iterations = Math.max(STEPS.least, Math.min(STEPS.most, Math.round(MOST_WORK / Math.max(1, work))))
    // Each goes on from the one before, whose weights are smaller and like its own.
    const tried = dev ? given.toSorted((a, b) => a - b) : given.slice(0, 1)
    let best: { model: LinearClassifier; score: number } | null = null
    let start: Float64Array | undefined
    for (const own of tried) {
      const weights = fitLogistic(rows, targets, { C: own, iterations, ...(start && { start }) })
      start = weights
      const model = new LinearClassifier(tfidf, weights, classes, own)
      const score = dev ? model.#score(withLabels(dev, classes)) : 0
      if (best === null || score > best.score) best = { model, score }
    }
    return (best as NonNullable<typeof best>).model
  }

  /** Logits [rows, classes]. */
  logits(texts: readonly string[], pairs: LinearTexts['pairs'] = null): Float32Array {
    const scores = logisticScores(this.tfidf.transform(texts, pairs), this.weights)
    if (scores.length === texts.length * this.classes) return scores
    // One score for two classes: the logits differ by it.
    return Float32Array.from(
      { length: 2 * texts.length },
      (_, i) => (i % 2 === 0 ? -0.5 : 0.5) * scores[i >> 1],
    )
  }

  countParameters(): number {
    return this.weights.length
  }

  #score({ texts, pairs, ...set }: Known): number {
    const type: ProblemType = set.targets ? 'multi_label_classification' : 'single_label_classification'
    const { judge, metrics } = tasks[type]
    const names = Array.from({ length: this.classes }, (_, i) => String(i))
    const { targets, labels } = set
    const { figures } = judge(this.logits(texts, pairs), { labels, ...(targets && { targets }) }, names)
    return figures[metrics[0]]
  }
}

interface Known {
  texts: readonly string[]
  pairs: readonly (string | null)[] | null
  labels: Int32Array | null
  targets: Float32Array | null
}

/** The rows that have labels. Throws RangeError for what is no class or share. */
function withLabels(
  { texts, pairs = null, labels = null, targets = null }: LinearTexts,
  classes: number,
): Known {
  const size = targets ? targets.length / classes : labels?.length
  if (size !== texts.length)
    throw new RangeError(`LinearClassifier.fit: ${texts.length} texts have ${size ?? 'no'} labels`)
  const kept = [...texts.keys()].filter((r) =>
    targets ? !Number.isNaN(targets[r * classes]) : labels![r] >= 0,
  )
  const own = {
    texts: kept.map((r) => texts[r]),
    pairs: pairs && kept.map((r) => pairs[r]),
    labels: targets ? null : Int32Array.from(kept, (r) => labels![r]),
    targets:
      targets &&
      Float32Array.from(kept.flatMap((r) => [...targets.subarray(r * classes, (r + 1) * classes)])),
  }
  const label = own.labels?.find((l) => l >= classes)
  if (label !== undefined) throw new RangeError(`LinearClassifier.fit: label ${label} of ${classes} classes`)
  const share = own.targets?.find((y) => !(y >= 0 && y <= 1))
  if (share !== undefined)
    throw new RangeError(`LinearClassifier.fit: targets must be from 0 to 1, got ${share}`)
  return own
}

function targetsOf({ labels, targets }: Known, classes: number): LogisticTargets {
  if (targets) return { shares: targets, outputs: classes }
  // One output for two classes, as the penalty of two would be half as large.
  if (classes === 2) return { shares: Float32Array.from(labels!), outputs: 1 }
  return { labels: labels!, outputs: classes }
}
