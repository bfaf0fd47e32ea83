// How many weights a config asks for, before a model of them is made, and how many a file has.
import { linearsOf } from '../nn/encoder.js'
import { type BlockShape, type Bottleneck, weightsOf, widthsOf } from '../nn/models/config.js'

interface Sizes {
  vocabSize: number
  /** Of the tables, where that is another. */
  embedding?: number | null
  width: number
  layers: number
  inner?: number
  maxLength: number
  tokenTypes?: number
  /** Where they differ. */
  blocks?: readonly BlockShape[] | null
  bottleneck?: Bottleneck | null
}

/** Those that every family has. */
const linears = linearsOf(false)

/** Elements of an encoder's matrices; biases, layer norms and gates are left out. */
export function encoderWeights({
  vocabSize,
  width,
  embedding = null,
  layers,
  inner = 4 * width,
  maxLength,
  tokenTypes = 0,
  blocks = null,
  bottleneck = null,
}: Sizes) {
  const widths = widthsOf({ width, bottleneck })
  const { inside } = widths
  const { networks = 1, inside: narrow = null } = bottleneck ?? {}
  const around = (networks - 1) * 2 * inside * inner + (narrow === null ? 0 : 2 * inside * width)
  const block = (own: BlockShape) => linears.reduce((n, name) => n + weightsOf(widths, own, name), around)
  const alike = { heads: 1, headSize: inside, inner, ranks: {} }
  const all = blocks === null ? layers * block(alike) : blocks.reduce((n, own) => n + block(own), 0)
  const own = embedding ?? width
  return own * vocabSize + (bottleneck === null ? own : width) * (maxLength + tokenTypes) + all
}

/** The same of a layer over time in both directions: the words, and for four gates what comes in and the state before. */
export const lstmWeights = ({
  vocabSize,
  embedding,
  width,
}: Pick<Sizes, 'vocabSize' | 'embedding' | 'width'>) =>
  (embedding ?? width) * vocabSize + 4 * width * ((embedding ?? width) + width / 2)

/** Elements of all tensors. */
export function weightsIn(tensors: ReadonlyMap<string, { numel: number }>): number {
  return Array.from(tensors.values(), (t) => t.numel).reduce((a, b) => a + b, 0)
}
