// What a training takes in memory, counted before it takes it: weights, gradients and moments exactly, activations by what
// a block of the encoder leaves behind for backward.
import { BackendError } from '../errors.js'
import { memory, memoryLimit } from '../tensor/storage.js'
import { BottleneckBlock } from './bottleneck/block.js'
import { EncoderBlock, linearsOf } from './encoder.js'
import { Linear, LowRankLinear } from './layers.js'
import {
  type BlockShape,
  type Bottleneck,
  blocksOf,
  linearShape,
  type TransformerConfig,
  tableWidth,
  weightsOf,
  widthsOf,
} from './models/config.js'
import { type Family, headHas, type Kind, placesBefore, projectedFrom } from './models/family.js'
import { MaskedWords, NextWords } from './models/heads.js'
import { BUCKETS } from './models/input.js'
import { Transformer } from './models/transformer.js'
import type { Module } from './module.js'
import { isStandIn } from './stand-ins/stand-in.js'

/** In bytes. */
export interface Footprint {
  weights: number
  /** Of what is trained. */
  gradients: number
  /** Adam's two. */
  moments: number
  /** What forward leaves for backward, of one batch. */
  activations: number
  total: number
}

const FLOAT = 4

/** Of masked words, the share that is predicted and has logits: Devlin et al. 2019. */
const GUESSED = 0.15

/** Floats that a word leaves in a block: two times q, k, v and what attention gives, four more of the width, and two inner ones. */
const inBlock = (width: number, attended: number, inner: number) => 4 * width + 8 * attended + 2 * inner

/** Floats of a word's row of the squares that attention keeps where its plain spelling runs. */
const inSquares = (heads: number, T: number) => 5 * heads * T

/** Floats of a word in a block beside what every block leaves: inner layers before the last, and the ways in and out. */
const inBottleneck = (networks: number, inside: number, inner: number, width: number | null) =>
  (networks - 1) * (2 * inner + 3 * inside) + (width === null ? 0 : 4 * inside + 2 * width)

/** How many times those are kept: twice and a half where words have scores with distances too, of which there are two a word. */
function squaresOf(family: Family, { relative, rotary }: TransformerConfig, T: number): number {
  if (relative !== null) return 2.5
  return family.addsDistances || (rotary !== null && T > Math.floor(rotary.window / 2) + 1) ? 1 : 0
}

/** Floats between the two halves of low-rank layers. */
const sumOf = (ranks: BlockShape['ranks']) => Object.values(ranks).reduce((n, rank) => n + rank, 0)

/** Words of a text, where nothing is known of them. */
const TEXT = 32

/** Floats of a word outside the blocks: embeddings, their sums and norm. */
const aroundBlocks = (width: number) => 8 * width

/** Floats of a word in a layer over time: its vector, and of both directions gates, as they come and as they are used, and states. */
const overTime = (c: TransformerConfig) => tableWidth(c) + 10 * c.width

function footprintOf(all: number, trained: number, activations: number): Footprint {
  const [weights, gradients, moments] = [all, trained, 2 * trained].map((n) => n * FLOAT)
  const floats = activations * FLOAT
  return { weights, gradients, moments, activations: floats, total: weights + gradients + moments + floats }
}

/** Parameters of the model that makeModel() makes. */
export function countOf(family: Family, kind: Kind, c: TransformerConfig): number {
  const { width: w, vocabSize: V } = c
  const bias = Number(family.biases)
  const linear = (from: number, to: number, biases = 1) => from * to + biases * to
  const normed = (n: number) => (1 + bias) * n
  const has = (part: string) => Number(Object.hasOwn(family.names, part))
  const own = tableWidth(c)
  if (family.body === 'lstm') {
    const gates = (4 * w) / 2
    const direction = gates * own + gates * (w / 2) + 2 * gates
    return V * own + 2 * direction + linear(w, c.inner) + linear(c.inner, c.labels.length)
  }
  const from = projectedFrom(family, c)
  const joined = c.bottleneck?.neighbours ? 3 : 1
  const widths = widthsOf(c)
  const { inside } = widths
  const beside = c.bottleneck === null ? 0 : besideBlock(c, c.bottleneck)
  const places = c.bottleneck === null ? own : w
  const blocks = (family.sharesLayers ? blocksOf(c).slice(0, 1) : blocksOf(c)).map((block, i) =>
    linearsOf(family.gated).reduce(
      (n, name) => n + weightsOf(widths, block, name) + bias * linearShape(widths, block, name).to,
      (family.firstNorm || i > 0 ? 2 : 1) * normed(inside) + beside,
    ),
  )
  const base =
    own * V +
    places * (has('positions') * (c.maxLength + placesBefore(family, c)) + c.tokenTypes) +
    has('norm') * normed(places) +
    has('finalNorm') * normed(w) +
    (from === null ? 0 : linear(joined * from, w)) +
    (family.addsDistances ? BUCKETS * c.heads : 0) +
    (c.relative === null ? 0 : 2 * c.relative.buckets * w + normed(w)) +
    blocks.reduce((n, block) => n + block, 0)
  const layer = linear(w, w, bias)
  const pooler = c.bottleneck?.pooler === false ? 0 : layer
  const part = (kind: Kind, name: string, n: number) => (headHas(family, kind, name) ? n : 0)
  const guessed = headHas(family, 'masked-lm', 'rest') ? w : own
  const tokens = (kind: Kind) => part(kind, 'transform', layer + normed(w)) + linear(w, c.labels.length)
  const heads: Record<Kind, number> = {
    base: family.pooler ? pooler : 0,
    'sequence-classification': family.bareTextHead
      ? linear(w, c.labels.length, 0)
      : pooler + part('sequence-classification', 'poolerNorm', normed(w)) + linear(w, c.labels.length),
    'masked-lm': linear(w, guessed, bias) + normed(guessed) + V + (guessed - own + (c.tied ? 0 : own)) * V,
    'token-classification': tokens('token-classification'),
    'question-answering': tokens('question-answering'),
    'causal-lm': c.tied ? 0 : w * V,
  }
  return base + heads[kind]
}

/** Parameters of a block that stand beside those that every block has. */
function besideBlock(c: TransformerConfig, { inside, networks, narrowValues }: Bottleneck): number {
  const { inside: own } = widthsOf(c)
  const layer = (from: number, to: number) => (from + 1) * to
  const network = layer(own, c.inner) + layer(c.inner, own) + 2 * own
  const bridges = narrowValues ? 1 : 2
  const around =
    inside === null ? 0 : bridges * (layer(c.width, own) + 2 * own) + layer(own, c.width) + 2 * c.width
  return (networks - 1) * network + around
}

/** Of a model that is not there yet, trained as a whole on batches of `words` words. */
export function footprintOfConfig(
  family: Family,
  kind: Kind,
  config: TransformerConfig,
  words: number,
): Footprint {
  const { width, vocabSize, bottleneck } = config
  const { inside } = widthsOf(config)
  const word =
    family.body === 'lstm'
      ? overTime(config)
      : blocksOf(config).reduce(
          (n, { heads, headSize, inner, ranks }) =>
            n +
            inBlock(inside, heads * headSize, inner) +
            (bottleneck === null
              ? 0
              : inBottleneck(bottleneck.networks, inside, inner, bottleneck.inside && width)) +
            squaresOf(family, config, TEXT) * inSquares(heads, TEXT) +
            sumOf(ranks),
          aroundBlocks(width),
        )
  const guesses = { 'masked-lm': GUESSED, 'causal-lm': 1 }[kind as string] ?? 0
  const count = countOf(family, kind, config)
  return footprintOf(count, count, words * (word + 2 * guesses * vocabSize))
}

/**
 * Of any module: what is frozen has no gradient. A module without blocks is taken for a stack of linear layers. T: words of a
 * text, where squares of attention are kept.
 */
export function footprintOfModel(model: Module, words: number, T = TEXT): Footprint {
  const parameters = model.parameters()
  const sum = (list: readonly { numel: number }[]) => list.reduce((n, { numel }) => n + numel, 0)
  let word = 0
  let once = 0
  let layers = 0
  let width = 0
  const modules = model.modules()
  const encoder = modules.find((m) => m instanceof Transformer)
  const squares = encoder === undefined ? 0 : squaresOf(encoder.family, encoder.config, T)
  const held = modules.flatMap((module) => Array.from(module.holdings(), ([, value]) => value))
  for (const module of modules) {
    if (module instanceof EncoderBlock) {
      // One that stands for several layers leaves as much as they.
      const passes = held.filter((value) => value === module).length || 1
      const { inFeatures, outFeatures } = module.up
      const { heads, headSize } = module.attention
      width = inFeatures
      let own = inBlock(inFeatures, heads * headSize, outFeatures)
      if (module instanceof BottleneckBlock) {
        const states = module.output?.outFeatures ?? null
        width = states ?? width
        own += inBottleneck(Object.keys(module.networks).length + 1, inFeatures, outFeatures, states)
      }
      word += passes * (own + squares * inSquares(heads, T))
    } else if (module instanceof LowRankLinear) word += module.rank
    else if (module instanceof MaskedWords) word += 2 * GUESSED * module.config.vocabSize
    else if (module instanceof NextWords) word += 2 * module.config.vocabSize
    else if (module instanceof Linear) layers += 2 * module.weight.shape[0]
    if (!isStandIn(module)) continue
    const left = module.leaves(T)
    once += left.once
    word += left.word
    layers += left.word
  }
  const floats = words * (width > 0 ? word + aroundBlocks(width) : layers) + once
  return footprintOf(sum(parameters), sum(parameters.filter((p) => p.requiresGrad)), floats)
}

const gigabytes = (n: number) => (n < 1e8 ? `${Math.ceil(n / 1e6)} MB` : `${(n / 1e9).toPrecision(2)} GB`)

/**
 * Throws BackendError with the estimate where a training does not fit into what memory is left. `there`: bytes of it that
 * are in use already, the weights of a model that is made. `words`: of a batch; 0: not known yet.
 */
export function requireRoom(who: string, need: Footprint, there: number, words: number): void {
  const room = memoryLimit() - memory().bytes + there
  if (need.total <= room) return
  const parts = (['weights', 'gradients', 'moments', 'activations'] as const)
    .filter((part) => need[part] > 0)
    .map((part) => `${part} ${gigabytes(need[part])}`)
  const batch = words > 0 ? ` of batches of ${words.toLocaleString('en-US')} words` : ''
  throw new BackendError(
    `${who}: training takes about ${gigabytes(need.total)}${batch} (${parts.join(', ')}), there is room for ${gigabytes(Math.max(0, room))}`,
    words > 0
      ? 'Use a smaller batch (and accumulate), shorter texts, or a model with fewer layers'
      : 'Use a model with fewer layers, a smaller width or fewer words',
  )
}
