// The settings of a transformer encoder under our own names, the same for BERT and DistilBERT, with their bounds.
import { type Activation, activationNames } from '../encoder.js'

export type ProblemType = 'regression' | 'single_label_classification' | 'multi_label_classification'

export interface TransformerConfig {
  vocabSize: number
  width: number
  layers: number
  heads: number
  /** Width of a block's inner layer. */
  inner: number
  activation: Activation
  /** Longest text in tokens. */
  maxLength: number
  /** 0: the model has no token types. */
  tokenTypes: number
  /** Of the layer norms. */
  eps: number
  /** The word whose row starts as zeros and gets no gradient as an input; null where there is none. */
  padId: number | null
  dropout: number
  /** Of the attention probabilities. */
  attentionDropout: number
  /** Before the last layer of a classifier; null: `dropout`. */
  headDropout: number | null
  /** Standard deviation of the initial weights. */
  std: number
  /** Whether a masked-word head predicts with the word table itself. */
  tied: boolean
  /** Names of the classes in the order of the logits; one name for a regression. */
  labels: readonly string[]
  problemType: ProblemType | null
  /** What config.json said besides: kept, and written back. */
  extra: ReadonlyMap<string, unknown>
}

export interface Limit {
  from: number
  to: number
  whole: boolean
  /** Whether `to` itself is too large. */
  below?: true
  /** Whether null is a value too. */
  optional?: true
}

/** The largest count that a config may ask for: more would be a file gone wrong. */
const LARGEST = 2 ** 24

const whole = (from: number, to: number): Limit => ({ from, to, whole: true })

const share: Limit = { from: 0, to: 1, whole: false, below: true }

export type NumberField = {
  [K in keyof TransformerConfig]: TransformerConfig[K] extends number | null ? K : never
}[keyof TransformerConfig]

export const limits: Readonly<Record<NumberField, Limit>> = {
  vocabSize: whole(1, LARGEST),
  width: whole(1, 2 ** 16),
  layers: whole(0, 1000),
  heads: whole(1, 2 ** 12),
  inner: whole(1, 2 ** 18),
  maxLength: whole(1, LARGEST),
  tokenTypes: whole(0, LARGEST),
  eps: { from: 0, to: 1, whole: false },
  padId: { ...whole(0, LARGEST), optional: true },
  dropout: share,
  attentionDropout: share,
  headDropout: { ...share, optional: true },
  std: { from: 0, to: 1e3, whole: false },
}

export const problemTypes: readonly ProblemType[] = [
  'regression',
  'single_label_classification',
  'multi_label_classification',
]

/** As Hugging Face names classes that have no names. */
export function numberedLabels(n: number): string[] {
  return Array.from({ length: n }, (_, i) => `LABEL_${i}`)
}

export function fits(value: unknown, { from, to, whole, below, optional }: Limit): boolean {
  if (value === null) return optional === true
  if (typeof value !== 'number' || !(value >= from && value <= to)) return false
  return !(below && value === to) && (!whole || Number.isInteger(value))
}

export function described({ from, to, whole, below, optional }: Limit): string {
  return `a ${whole ? 'whole ' : ''}number from ${from} to ${below ? 'below ' : ''}${to}${optional ? ' or null' : ''}`
}

/** What does not fit together in a config, as field and requirement; null where all does. */
export function misfit(c: TransformerConfig): [NumberField | 'activation' | 'labels', string] | null {
  for (const field of Object.keys(limits) as NumberField[])
    if (!fits(c[field], limits[field])) return [field, described(limits[field])]
  if (!activationNames.includes(c.activation)) return ['activation', activationNames.join(' or ')]
  if (c.width % c.heads !== 0) return ['heads', `a divisor of ${c.width}`]
  if (c.padId !== null && c.padId >= c.vocabSize) return ['padId', `below the vocabulary's ${c.vocabSize}`]
  if (c.labels.length === 0) return ['labels', 'at least one name']
  return null
}
