// The settings of a transformer encoder under our own names, the same for all families, with their bounds.
import { type Activation, activationNames, type BlockLinear, blockLinears } from '../encoder.js'

/** What a classifier's logits are: one class of several, several at once, or numbers. Hugging Face's names. */
export type ProblemType = 'regression' | 'single_label_classification' | 'multi_label_classification'

/** The sizes of one block. */
export interface BlockShape {
  heads: number
  /** Width of a head. */
  headSize: number
  /** Width of the inner layer. */
  inner: number
  /** Of the linear layers that are products of two smaller ones: how many numbers pass between those. */
  ranks: Readonly<Partial<Record<BlockLinear, number>>>
}

/** How words turn by their places, in families that have no table of them, and which layers see near words alone. */
export interface Rotary {
  /** Pair i of a head turns by theta^(-2 i / headSize) from word to word: in layers that see all words, and in those that do not. */
  theta: number
  nearTheta: number
  /** What a layer of near words sees: half as many on each side of a word. */
  window: number
  /** Layers 0, every, 2 every ... see all words, unless `near` says it of each layer. */
  every: number
  near: readonly boolean[] | null
}

/** Which distances between words have scores of their own, in families of such. */
export interface Relative {
  /** Kinds of distances on each side: half of them single ones, the others grow. */
  buckets: number
  /** The distance from which on all are one; null: maxLength. */
  farthest: number | null
}

/** What blocks are like that compute in fewer numbers than the states have, with layers from those and back: MobileBERT's. */
export interface Bottleneck {
  /** Numbers of a word inside a block; null: as many as the states have, and no layers between. */
  inside: number | null
  /** Whether values are made of what is inside, as queries and keys; else of the states, and those two through a layer of their own. */
  narrowValues: boolean
  /** Inner layers of a block, one behind the other. */
  networks: number
  /** Whether norms only multiply and add: x w + b. */
  plainNorms: boolean
  /** Whether a word's vector goes in between those of the word behind it and the word before it. */
  neighbours: boolean
  /** Whether there is a layer between a text's first state and its classes. */
  pooler: boolean
}

/** Sizes and settings of a transformer, by our names. */
export interface TransformerConfig {
  vocabSize: number
  /** Width of the tables of words, places and types, beside a bottleneck of words alone, where a layer makes it `width`. null: they are as wide as that. */
  embedding: number | null
  width: number
  layers: number
  /** Of each block; where blocks differ the most of any. */
  heads: number
  /** Width of a block's inner layer; where blocks differ the most of any. */
  inner: number
  /** Block by block, of a model that parts were cut out of. null: all are alike, and a head is width / heads wide. */
  blocks: readonly BlockShape[] | null
  activation: Activation
  rotary: Rotary | null
  relative: Relative | null
  bottleneck: Bottleneck | null
  /** Of a text's words, what its classes are told from: the first one's state, the last one's, or the mean of all. */
  textState: 'cls' | 'mean' | 'last'
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

/** Settings that are numbers. */
export type NumberField = {
  [K in keyof TransformerConfig]: TransformerConfig[K] extends number | null ? K : never
}[keyof TransformerConfig]

export const limits: Readonly<Record<NumberField, Limit>> = {
  vocabSize: whole(1, LARGEST),
  embedding: { ...whole(1, 2 ** 16), optional: true },
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

export const blockLimits = {
  heads: limits.heads,
  headSize: limits.width,
  inner: limits.inner,
} as const satisfies Record<string, Limit>

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

/** Width of the table of words, and but for a bottleneck of those of places and types. */
export const tableWidth = ({ embedding, width }: Pick<TransformerConfig, 'embedding' | 'width'>): number =>
  embedding ?? width

/** What blocks compute in, and what values are made of. */
export interface BlockWidths {
  inside: number
  values: number
}

export function widthsOf({
  width,
  bottleneck,
}: Pick<TransformerConfig, 'width' | 'bottleneck'>): BlockWidths {
  const inside = bottleneck?.inside ?? width
  return { inside, values: bottleneck?.narrowValues ? inside : width }
}

/** The sizes of each block. */
export function blocksOf(config: TransformerConfig): readonly BlockShape[] {
  const { blocks, layers, heads, inner } = config
  const alike = { heads, headSize: widthsOf(config).inside / heads, inner, ranks: {} }
  return blocks ?? Array.from({ length: layers }, () => alike)
}

/** A config with these blocks, said in the plainest way: as one number each where blocks are alike and whole. */
export function withBlocks(config: TransformerConfig, blocks: readonly BlockShape[]): TransformerConfig {
  const [first] = blocks
  const most = (of: 'heads' | 'inner') => Math.max(...blocks.map((block) => block[of]))
  const plain = ({ heads, headSize, inner, ranks }: BlockShape) =>
    heads === first.heads &&
    inner === first.inner &&
    heads * headSize === widthsOf(config).inside &&
    Object.keys(ranks).length === 0
  const layers = blocks.length
  if (layers === 0) return { ...config, layers, blocks: null }
  const sizes = { layers, heads: most('heads'), inner: most('inner') }
  return { ...config, ...sizes, blocks: blocks.every(plain) ? null : blocks }
}

/** Whether each layer sees near words alone. */
export const nearLayers = ({ rotary, layers }: Pick<TransformerConfig, 'rotary' | 'layers'>): boolean[] =>
  Array.from({ length: layers }, (_, i) => rotary !== null && (rotary.near?.[i] ?? i % rotary.every !== 0))

/** The same with layer i what layer layers[i] was; blocks aside. Which layers see near words is said in the plainest way. */
export function reordered(config: TransformerConfig, layers: readonly number[]): TransformerConfig {
  const { rotary } = config
  if (rotary === null) return config
  const all = nearLayers(config)
  const near = layers.map((i) => all[i])
  const usual = near.every((own, i) => own === (i % rotary.every !== 0))
  return { ...config, rotary: { ...rotary, near: usual ? null : near } }
}

/** The same with some of the blocks, in this order. */
export const withLayers = (config: TransformerConfig, layers: readonly number[]): TransformerConfig => {
  const blocks = blocksOf(config)
  return withBlocks(
    reordered(config, layers),
    layers.map((i) => blocks[i]),
  )
}

/** What one of a block's linear layers takes and gives. */
export function linearShape(
  { inside, values }: BlockWidths,
  block: BlockShape,
  name: BlockLinear,
): { from: number; to: number } {
  const attended = block.heads * block.headSize
  const shapes: Record<BlockLinear, [from: number, to: number]> = {
    ...{ query: [inside, attended], key: [inside, attended], value: [values, attended] },
    ...{ out: [attended, inside], down: [block.inner, inside] },
    ...{ up: [inside, block.inner], gate: [inside, block.inner] },
  }
  const [from, to] = shapes[name]
  return { from, to }
}

/** Numbers of one of a block's weights, which may be two matrices. */
export function weightsOf(widths: BlockWidths, block: BlockShape, name: BlockLinear): number {
  const { from, to } = linearShape(widths, block, name)
  const rank = block.ranks[name]
  return rank === undefined ? from * to : rank * (from + to)
}

/** What is wrong with blocks; null: nothing. */
function misfitBlocks(config: TransformerConfig): string | null {
  const { blocks, layers, heads, inner } = config
  if (blocks === null) return null
  if (blocks.length !== layers) return `one a layer, ${layers}`
  for (const [i, block] of blocks.entries()) {
    for (const [name, limit] of Object.entries(blockLimits))
      if (!fits(block[name as keyof typeof blockLimits], limit))
        return `${name} of layer ${i} ${described(limit)}`
    for (const [name, rank] of Object.entries(block.ranks)) {
      if (!blockLinears.includes(name as BlockLinear))
        return `ranks of ${blockLinears.join(', ')}, in layer ${i} there is another one`
      const { from, to } = linearShape(widthsOf(config), block, name as BlockLinear)
      const limit = whole(1, Math.min(from, to))
      if (!fits(rank, limit)) return `the rank of ${name} in layer ${i} ${described(limit)}`
    }
  }
  const most = (of: 'heads' | 'inner') => Math.max(...blocks.map((block) => block[of]))
  if (layers > 0 && most('heads') !== heads) return `heads of up to ${heads} a layer`
  if (layers > 0 && most('inner') !== inner) return `inner layers of up to ${inner}`
  return null
}

/** A setting, or several in one, that may be wrong. */
export type MisfitField =
  | NumberField
  | ('activation' | 'labels' | 'blocks' | 'rotary' | 'relative' | 'bottleneck')

export const rotaryLimits: Readonly<Record<Exclude<keyof Rotary, 'near'>, Limit>> = {
  theta: { from: 1, to: 1e12, whole: false },
  nearTheta: { from: 1, to: 1e12, whole: false },
  window: whole(0, LARGEST),
  every: whole(1, 1000),
}

export const relativeLimits: Readonly<Record<keyof Relative, Limit>> = {
  buckets: whole(2, 2 ** 16),
  farthest: { ...whole(2, LARGEST), optional: true },
}

export const bottleneckLimits = {
  inside: { ...limits.width, optional: true },
  networks: whole(1, 1000),
} as const satisfies Partial<Record<keyof Bottleneck, Limit>>

function misfitBottleneck({ bottleneck }: TransformerConfig): string | null {
  if (bottleneck === null) return null
  for (const field of ['inside', 'networks'] as const)
    if (!fits(bottleneck[field], bottleneckLimits[field]))
      return `of ${field} ${described(bottleneckLimits[field])}`
  return null
}

function misfitPlaces(c: TransformerConfig): [MisfitField, string] | null {
  const { rotary, relative } = c
  for (const [name, own, limits] of [
    ['rotary', rotary, rotaryLimits],
    ['relative', relative, relativeLimits],
  ] as const)
    for (const [field, limit] of own === null ? [] : Object.entries(limits))
      if (!fits(own?.[field as keyof typeof own], limit)) return [name, `of ${field} ${described(limit)}`]
  const half = Math.floor((relative?.buckets ?? 0) / 2)
  // Shorter texts have no distances beyond the single ones, whose steps would have to grow up to less than they begin with.
  if (relative !== null && c.maxLength - 1 > half && (relative.farthest ?? c.maxLength) - 1 <= half)
    return ['relative', `of distances farther than half its ${relative.buckets} buckets`]
  if (rotary === null) return null
  if (rotary.near !== null && rotary.near.length !== c.layers) return ['rotary', `of ${c.layers} layers`]
  if (blocksOf(c).some(({ headSize }) => headSize % 2 !== 0)) return ['heads', 'of an even width each']
  return null
}

/** What does not fit together in a config, as field and requirement; null where all does. */
export function misfit(c: TransformerConfig): [MisfitField, string] | null {
  for (const field of Object.keys(limits) as NumberField[])
    if (!fits(c[field], limits[field])) return [field, described(limits[field])]
  if (!activationNames.includes(c.activation)) return ['activation', activationNames.join(' or ')]
  const narrow = misfitBottleneck(c)
  if (narrow !== null) return ['bottleneck', narrow]
  const { inside } = widthsOf(c)
  if (c.blocks === null && inside % c.heads !== 0) return ['heads', `a divisor of ${inside}`]
  const wrong = misfitBlocks(c)
  if (wrong !== null) return ['blocks', wrong]
  const places = misfitPlaces(c)
  if (places !== null) return places
  if (c.padId !== null && c.padId >= c.vocabSize) return ['padId', `below the vocabulary's ${c.vocabSize}`]
  if (c.labels.length === 0) return ['labels', 'at least one name']
  return null
}
