// Masked words, drawn anew for every batch as a function of a key: Devlin et al. 2018, with the counts and the weights of
// DistilBERT's training (Sanh et al. 2019, distiller.py).
import { tensor } from '../autograd/create.js'
import { ShapeError } from '../errors.js'
import type { TextInput } from '../nn/models/input.js'
import { log } from '../tensor/math.js'
import { fold, integerAt, type Key, keyOf, uniformAt } from '../tensor/rng.js'
import { ints, type Tensor } from '../tensor/tensor.js'
import type { Tokenizer } from './encoding.js'

/** The label of a token that is not to be guessed: what cross entropy passes over. */
export const IGNORED = -100

/** How words are masked: how many, and what takes their places. */
export interface Masking {
  /** Of each id: how readily it is drawn; 0 for never. */
  weights: Float64Array
  maskId: number
  /** Share of the tokens to be guessed. Default 0.15. */
  ratio?: number
}

/** Shares of what stands in the place of a token to be guessed; the rest is any token of the vocabulary. */
const MASKED = 0.8
const KEPT = 0.1

/** The key of a training step's masks. */
export function maskKey(seed: number, epoch: number, step: number): Key {
  return keyOf(seed, 'mask', epoch, step)
}

/**
 * All tokens alike, or with `counts` of each id the rare ones more: max(count, 1)^power. Special tokens never.
 * Throws RangeError for a vocabulary without [MASK].
 */
export function maskingOf(
  tokenizer: Tokenizer,
  {
    counts = null,
    power = -0.7,
    ratio = 0.15,
  }: { counts?: ArrayLike<number> | null; power?: number; ratio?: number } = {},
): Required<Masking> {
  const { maskId, vocabSize, specialIds } = tokenizer
  if (maskId === null) throw new RangeError('maskingOf: the vocabulary has no [MASK]')
  const weights = Float64Array.from({ length: vocabSize }, (_, id) =>
    counts === null ? 1 : Math.max(counts[id] ?? 0, 1) ** power,
  )
  for (const id of specialIds) weights[id] = 0
  return { weights, maskId, ratio }
}

/**
 * Ids [N] with tokens hidden, and labels [N]: the token where it is to be guessed, -100 elsewhere. ceil(ratio * real)
 * places of the whole batch, without putting back, by the weights of their tokens; in 80% of them [MASK] stands then, in
 * 10% what stood there, in 10% any id. `real`: tokens that are no padding, special ones counted; default all.
 */
export function maskIds(
  ids: Int32Array,
  key: Key,
  { weights, maskId, ratio = 0.15 }: Masking,
  real = ids.length,
): { ids: Int32Array; labels: Int32Array } {
  const hidden = ids.slice()
  const labels = new Int32Array(ids.length).fill(IGNORED)
  const kinds = fold(key, 'kind')
  const others = fold(key, 'other')
  for (const place of draw(ids, fold(key, 'place'), weights, Math.ceil(ratio * real))) {
    labels[place] = ids[place]
    const kind = uniformAt(kinds, place)
    if (kind < MASKED) hidden[place] = maskId
    else if (kind >= MASKED + KEPT) hidden[place] = integerAt(others, place, weights.length)
  }
  return { ids: hidden, labels }
}

/**
 * `n` places, or all that have a weight where they are fewer. The first of exponential times with the weights as rates:
 * the same law as drawing one after the other (Efraimidis and Spirakis 2006).
 */
function draw(ids: Int32Array, key: Key, weights: Float64Array, n: number): Int32Array {
  const times = Float64Array.from(ids, (id, i) =>
    weights[id] > 0 ? -log(uniformAt(key, i)) / weights[id] : Number.NaN,
  )
  const places = Int32Array.from(ids.keys()).filter((i) => !Number.isNaN(times[i]))
  return places.sort((a, b) => times[a] - times[b] || a - b).subarray(0, n)
}

/**
 * A batch with tokens hidden: the same input but for inputIds, and labels int32 of its shape, -100 where nothing is to be
 * guessed. Throws ShapeError for an id outside the vocabulary.
 */
export function maskBatch<Input extends TextInput>(
  input: Input,
  key: Key,
  masking: Masking,
): { input: Input; labels: Tensor } {
  const ids = ints(input.inputIds)
  const wrong = ids.find((id) => !(id >= 0 && id < masking.weights.length))
  if (wrong !== undefined)
    throw new ShapeError('maskBatch', `id ${wrong} is outside a vocabulary of ${masking.weights.length}`)
  const real = 'attentionMask' in input ? ints(input.attentionMask).reduce((n, m) => n + m, 0) : ids.length
  const { ids: hidden, labels } = maskIds(ids, key, masking, real)
  const { shape } = input.inputIds
  return { input: { ...input, inputIds: tensor(hidden, { shape }) }, labels: tensor(labels, { shape }) }
}
