// The names in a weight file, brought to those that our models have: old spellings, prefixes, copies of tied tables,
// and buffers that are no parameters.
import { CheckpointError } from '../errors.js'
import { decoderOf, type Family, wordTable } from '../nn/models/family.js'
import { sameShape } from '../tensor/shape.js'
import type { Tensor } from '../tensor/tensor.js'
import { shown } from './json.js'
import { namingOf } from './prefixes.js'

/** What older versions of transformers saved besides parameters. */
const BUFFERS = /(^|\.)embeddings\.(position_ids|token_type_ids)$/

/** TensorFlow's names for a layer norm's weight and bias, in the first PyTorch checkpoints. */
const oldNames: Readonly<Record<string, string>> = { gamma: 'weight', beta: 'bias' }

/** What a file's names are in a model with a head, and what was taken off them, for people. */
export interface CanonicalNames {
  /** Ours by the file's; buffers are left out. */
  names: Map<string, string>
  notes: string[]
}

/** Throws CheckpointError for two that come to the same, and what namingOf() throws. */
export function canonicalNames(file: string, given: Iterable<string>, family: Family): CanonicalNames {
  const all = [...given]
  const { rename, notes } = namingOf(file, all, family)
  const names = new Map<string, string>()
  const seen = new Set<string>()
  for (const name of all) {
    if (BUFFERS.test(name) || family.stored?.buffers.test(name)) continue
    const ours = rename(name).replace(
      /(LayerNorm|layer_norm)\.(gamma|beta)$/,
      (_, norm, leaf) => `${norm}.${oldNames[leaf]}`,
    )
    if (seen.has(ours)) throw new CheckpointError(file, `holds ${shown(ours)} under two names`)
    seen.add(ours)
    names.set(name, ours)
  }
  return { names, notes }
}

/** Tensors by their names in a model with a head: see canonicalNames(). */
export function canonical(
  file: string,
  tensors: ReadonlyMap<string, Tensor>,
  family: Family,
): { found: Map<string, Tensor>; notes: string[] } {
  const { names, notes } = canonicalNames(file, tensors.keys(), family)
  return { found: new Map(Array.from(names, ([name, ours]) => [ours, tensors.get(name) as Tensor])), notes }
}

/** Both are the one bias of the masked-word head, tied and not; which of them is saved depends on the version and on tying. */
function biasesOf(family: Family): [tied: string, own: string] | null {
  return family.tiedBias === null ? null : [family.tiedBias, `${decoderOf(family)}.bias`]
}

/**
 * Takes out what only repeats another parameter, and gives what people should know of it. Throws CheckpointError where a tied
 * decoder differs from its table, and where the bias stands there twice with different values: which of the two counts then
 * depends on the version of Python's transformers.
 */
export function dropCopies(
  file: string,
  found: Map<string, Tensor>,
  family: Family,
  tied: boolean,
): string[] {
  const notes: string[] = []
  const biases = biasesOf(family) ?? ['', '']
  const [bias, other] = tied ? biases : biases.toReversed()
  const [kept, spare] = [found.get(bias), found.get(other)]
  if (spare !== undefined) {
    found.delete(other)
    if (kept === undefined) {
      found.set(bias, spare)
      if (!tied) notes.push(`${bias} is not in the file: ${other} stands for it, as in transformers 4`)
    } else if (tied && !same(kept, spare))
      throw new CheckpointError(
        file,
        `${other} differs from ${bias}, and config.json ties the two ("tie_word_embeddings": true)`,
        'Keep the one that the model was trained with: delete the other from the file in Python',
      )
  }
  if (!tied) return notes
  const table = found.get(wordTable(family))
  const name = `${decoderOf(family)}.weight`
  const decoder = found.get(name)
  found.delete(name)
  if (decoder === undefined || table === undefined || same(decoder, table)) return notes
  throw new CheckpointError(
    file,
    `${name} differs from the word table that config.json ties it to`,
    'Set "tie_word_embeddings": false in config.json',
  )
}

function same(a: Tensor, b: Tensor): boolean {
  return sameShape(a.shape, b.shape) && a.elements.every((x, i) => Object.is(x, b.elements[i]))
}

/** What Python's transformers asks for besides our parameters: of an untied decoder the bias that it does not use. */
export function copiesFor(family: Family, parameters: ReadonlyMap<string, Tensor>): [string, Tensor][] {
  const [tied, own] = biasesOf(family) ?? ['', '']
  const bias = parameters.get(own)
  return bias === undefined ? [] : [[tied, bias]]
}
