// How much a part of a model is worth: a record each, with its source. Those that need texts see each batch after its backward
// pass; none of them moves a weight.
import type { Tensor } from '../../tensor/tensor.js'

/** What a batch says of one layer's heads. */
export interface HeadsSeen {
  /** [words, heads]: ctx_h . dL/dctx_h of each word, L the sum of the texts' losses, ctx_h what head h gives. */
  products: Float64Array
  heads: number
  /** Which text of the batch each word is of; -1 for padding. */
  textOf: Int32Array
  texts: number
}

export interface HeadMethod {
  source: string
  describe: string
  /** Of a batch for each head, to be added up. null: only weights are looked at. */
  of: ((seen: HeadsSeen) => Float64Array) | null
  /** What the sums are divided by. */
  by: (counts: { texts: number; words: number; batches: number; last: boolean }) => number
}

/** Sums of groups of words, their sizes added up. group: of each word, from 0; -1 for none. */
function sizes(
  { products, heads }: HeadsSeen,
  groups: number,
  group: (word: number) => number,
): Float64Array {
  const sums = new Float64Array(groups * heads)
  for (let word = 0; word * heads < products.length; word++) {
    const at = group(word) * heads
    if (at < 0) continue
    for (let h = 0; h < heads; h++) sums[at + h] += products[word * heads + h]
  }
  const out = new Float64Array(heads)
  for (let i = 0; i < sums.length; i++) out[i % heads] += Math.abs(sums[i])
  return out
}

export const headMethods = {
  michel: {
    source: 'Michel et al. 2019, equation 2',
    describe: 'mean over texts of |sum over words of what a head gives times its gradient|',
    of: (seen) => sizes(seen, seen.texts, (word) => seen.textOf[word]),
    by: ({ texts }) => texts,
  },
  'michel-code': {
    source: "Michel et al. 2019, the authors' code",
    describe:
      'the same with the sizes taken word by word; the last layer is divided by texts, others by words',
    of: (seen) => sizes(seen, seen.textOf.length, (word) => (seen.textOf[word] < 0 ? -1 : word)),
    by: ({ texts, words, last }) => (last ? texts : words),
  },
  gradient: {
    source:
      "transformers' run_bertology.py; TextPruner, Yang et al. 2022: |sum W dW| of the output matrix is the same number",
    describe: 'mean over batches of |gradient of a switch of the head|',
    of: (seen) => sizes(seen, 1, (word) => Math.min(0, seen.textOf[word])),
    by: ({ batches }) => batches,
  },
  magnitude: {
    source: 'Li et al. 2017',
    describe: 'the length of its weights; needs no texts',
    of: null,
    by: () => 1,
  },
} as const satisfies Record<string, HeadMethod>
export type HeadMethodName = keyof typeof headMethods

/** Of neurons and of hidden dimensions, in all matrices that they are rows or columns of. */
export const weightMethods = {
  'first-order': {
    source: 'Molchanov et al. 2017; TextPruner, Yang et al. 2022',
    describe: '|sum of w dL/dw| of a batch, in each matrix',
    needsTexts: true,
  },
  magnitude: {
    source: 'Li et al. 2017',
    describe: 'the length of its weights; needs no texts',
    needsTexts: false,
  },
} as const
export type WeightMethodName = keyof typeof weightMethods

export interface LayerMethod {
  source: string
  describe: string
  needsTexts: boolean
  /** `count` of n layers, in rising order. scores: of first-order, one a layer. */
  keep: (count: number, n: number, scores: ArrayLike<number>) => number[]
}

const range = (n: number) => Array.from({ length: n }, (_, i) => i)

export const layerMethods = {
  'first-order': {
    source: 'Molchanov et al. 2017, of a whole layer',
    describe: 'those with the largest mean over texts of |what the layer changes, times the gradient|',
    needsTexts: true,
    keep: (count, n, scores) =>
      range(n)
        .sort((a, b) => scores[b] - scores[a] || a - b)
        .slice(0, count)
        .sort((a, b) => a - b),
  },
  'every-other': {
    source: 'Fan et al. 2020 (LayerDrop); Sanh et al. 2019',
    describe: 'spread from the first to the last',
    needsTexts: false,
    keep: (count, n) => range(count).map((i) => (count === 1 ? 0 : Math.round((i * (n - 1)) / (count - 1)))),
  },
  bottom: {
    source: 'Sajjad et al. 2023',
    describe: 'the first ones, which lie nearest to the words',
    needsTexts: false,
    keep: (count) => range(count),
  },
} as const satisfies Record<string, LayerMethod>
export type LayerMethodName = keyof typeof layerMethods

/** Adds to `into`, of each row or column of a matrix or element of a vector, what `value` gives of its elements, summed and then as `size` says. */
export function addSizes(
  into: Float64Array,
  t: Tensor,
  by: 'rows' | 'columns',
  value: (i: number) => number,
  size: (sum: number) => number = Math.abs,
): void {
  const columns = t.rank === 1 ? 1 : t.shape[1]
  const sums = new Float64Array(into.length)
  const n = t.numel
  for (let i = 0; i < n; i++) sums[by === 'rows' ? Math.floor(i / columns) : i % columns] += value(i)
  for (let i = 0; i < into.length; i++) into[i] += size(sums[i])
}
