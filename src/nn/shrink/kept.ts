// What stays of a model when parts are cut out of it, and how it is chosen from what each part is worth.
import { blocksOf, type TransformerConfig } from '../models/config.js'

/** Kernels compute so many columns at a time: a number of neurons in between would cost as much as the next one. */
export const COLUMNS = 16

/** Places from 0 on, in rising order. Of heads and neurons a list for each layer of the whole model. */
export interface Kept {
  layers: readonly number[]
  heads: readonly (readonly number[])[]
  neurons: readonly (readonly number[])[]
  /** Dimensions of the hidden states. */
  width: readonly number[]
  /** Dimensions of what a classifier's last layer sees: the pooler's. */
  pooled: readonly number[]
  /** Ids of words. */
  words: readonly number[]
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)

/** All of it. */
export function allOf(config: TransformerConfig): Kept {
  const blocks = blocksOf(config)
  return {
    layers: range(config.layers),
    heads: blocks.map(({ heads }) => range(heads)),
    neurons: blocks.map(({ inner }) => range(inner)),
    ...{ width: range(config.width), pooled: range(config.width), words: range(config.vocabSize) },
  }
}

interface Part {
  layer: number
  place: number
  score: number
}

/** Best first; of equal ones the lower layer, then the lower place, is the better. */
const inOrder = (parts: Part[]): Part[] =>
  parts.sort((a, b) => b.score - a.score || a.layer - b.layer || a.place - b.place)

/** The `count` best places of one list, in rising order. Ties go to the lower place. */
export function best(scores: ArrayLike<number>, count: number): number[] {
  const parts = Array.from({ length: scores.length }, (_, place) => ({
    ...{ layer: 0, place, score: scores[place] },
  }))
  return inOrder(parts)
    .slice(0, count)
    .map(({ place }) => place)
    .sort((a, b) => a - b)
}

/** How the parts that stay are spread over layers. */
export interface ChoiceOptions {
  /** As many in each layer, so that one number says it. Default false: wherever they are worth most. */
  even?: boolean
  /** A layer's number of places is a multiple of it, as far as it has as many: kernels compute so many at a time. Default 1. */
  step?: number
}

/**
 * The best parts of all layers together, `share` of them, and at least `step` in each layer; layer by layer, in rising order.
 * Layers without scores keep none.
 */
export function bestOfLayers(
  scores: readonly ArrayLike<number>[],
  share: number,
  { even = false, step = 1 }: ChoiceOptions = {},
): number[][] {
  const rounded = (n: number, most: number) =>
    Math.min(most, Math.max(Math.min(step, most), Math.round(n / step) * step))
  if (even || share >= 1)
    return scores.map((own) => best(own, share >= 1 ? own.length : rounded(share * own.length, own.length)))
  const parts = scores.flatMap((own, layer) =>
    Array.from({ length: own.length }, (_, place): Part => ({ layer, place, score: own[place] })),
  )
  // A layer without any would be another kind of layer.
  const counts = scores.map((own) => Math.min(step, own.length))
  const seen = scores.map(() => 0)
  let room = Math.round(share * parts.length) - counts.reduce((a, b) => a + b, 0)
  for (const { layer } of inOrder(parts)) {
    if (room <= 0) break
    seen[layer]++
    if (seen[layer] <= Math.min(step, scores[layer].length)) continue
    counts[layer]++
    room--
  }
  return scores.map((own, layer) => best(own, rounded(counts[layer], own.length)))
}
