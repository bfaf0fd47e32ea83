// The names in a weight file, brought to those that our models have: old spellings, missing prefixes, copies of tied
// tables, and buffers that are no parameters.
import { CheckpointError } from '../errors.js'
import type { Family } from '../nn/models/family.js'
import { sameShape } from '../tensor/shape.js'
import type { Tensor } from '../tensor/tensor.js'
import { shown } from './json.js'

/** What older versions of transformers saved besides parameters. */
const BUFFERS = /(^|\.)embeddings\.(position_ids|token_type_ids)$/

/** TensorFlow's names for a layer norm's weight and bias, in the first PyTorch checkpoints. */
const oldNames: Readonly<Record<string, string>> = { gamma: 'weight', beta: 'bias' }

/**
 * Tensors by their names in a model with a head: `bert.embeddings...` also where a bare encoder was saved. Throws
 * CheckpointError for a parameter that comes under two names, and for one that is not made of floats.
 */
export function canonical(
  file: string,
  tensors: ReadonlyMap<string, Tensor>,
  { modelType }: Family,
): Map<string, Tensor> {
  const bare = /^(embeddings|encoder|transformer|pooler)\./
  const found = new Map<string, Tensor>()
  for (const [given, t] of tensors) {
    if (BUFFERS.test(given)) continue
    const renamed = given.replace(
      /(LayerNorm|layer_norm)\.(gamma|beta)$/,
      (_, norm, leaf) => `${norm}.${oldNames[leaf]}`,
    )
    const name = bare.test(renamed) ? `${modelType}.${renamed}` : renamed
    if (found.has(name)) throw new CheckpointError(file, `holds ${shown(name)} under two names`)
    if (t.dtype === 'int32')
      throw new CheckpointError(file, `${shown(name)} holds whole numbers, not weights`)
    found.set(name, t)
  }
  return found
}

/** Both are the one bias of the masked-word head; which of them is saved depends on the version and on tying. */
const BIASES = ['cls.predictions.bias', 'cls.predictions.decoder.bias'] as const
const DECODERS = ['cls.predictions.decoder.weight', 'vocab_projector.weight']

/** Takes out what only repeats another parameter. Throws CheckpointError where a tied decoder differs from its table. */
export function dropCopies(
  file: string,
  found: Map<string, Tensor>,
  { modelType }: Family,
  tied: boolean,
): void {
  const [bias, decoderBias] = tied ? BIASES : [BIASES[1], BIASES[0]]
  const spare = found.get(decoderBias)
  if (spare !== undefined) {
    found.delete(decoderBias)
    if (!found.has(bias)) found.set(bias, spare)
  }
  if (!tied) return
  const table = found.get(`${modelType}.embeddings.word_embeddings.weight`)
  for (const name of DECODERS) {
    const decoder = found.get(name)
    found.delete(name)
    if (decoder === undefined || table === undefined || same(decoder, table)) continue
    throw new CheckpointError(
      file,
      `${name} differs from the word table that config.json ties it to`,
      'Set "tie_word_embeddings": false in config.json',
    )
  }
}

function same(a: Tensor, b: Tensor): boolean {
  return sameShape(a.shape, b.shape) && a.elements.every((x, i) => Object.is(x, b.elements[i]))
}

/** What Python's transformers asks for besides our parameters: in an untied BERT the bias that it does not use. */
export function copiesFor(parameters: ReadonlyMap<string, Tensor>): [string, Tensor][] {
  const bias = parameters.get(BIASES[1])
  return bias === undefined ? [] : [[BIASES[0], bias]]
}
