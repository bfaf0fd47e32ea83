// Any folder's model, to be changed and written again: one of the BERT family of any head, or our own small classifier.
import { realpathSync } from 'node:fs'
import { CheckpointError } from '../../errors.js'
import type { FileContent } from '../../files/disk.js'
import { type PlaceOptions, placeModel } from '../../files/model-place.js'
import { OWN_MODEL_TYPE, textModelFiles } from '../../files/models/folder.js'
import {
  isQuantizedFolder,
  loadPretrained,
  loadTextModel,
  readModelFields,
} from '../../files/models/on-disk.js'
import { pretrainedFiles } from '../../files/models/pretrained.js'
import type { Module } from '../../nn/module.js'
import { type Tokenizer, usualLength } from '../../text/encoding.js'
import type { Output } from './output.js'

export interface OpenModel {
  model: Module
  tokenizer: Tokenizer | null
  /** Tokens of a text where nobody asks for another number. */
  maxLength: number
  notes: readonly string[]
  /** The folder's files, with the model as it is by then. */
  files(): FileContent[]
}

/** Throws CheckpointError for what is no such folder, and for a quantized one, which cannot be changed. */
export function openModel(folder: string): OpenModel {
  if (isQuantizedFolder(folder))
    throw new CheckpointError(folder, 'is quantized already', 'Name the folder of the float model')
  if (readModelFields(folder).get('model_type') === OWN_MODEL_TYPE) {
    const { model, tokenizer, classes } = loadTextModel(folder)
    const { maxLength } = model.config
    const files = () => textModelFiles({ model, tokenizer, classes })
    return { model, tokenizer, maxLength, notes: [], files }
  }
  const { model, tokenizer, info } = loadPretrained(folder, { prefer: 'sequence-classification' })
  const maxLength = tokenizer === null ? undefined : usualLength(tokenizer, model.config.maxLength)
  return {
    ...{ model, tokenizer, notes: info.notes, maxLength: maxLength ?? model.config.maxLength },
    files: () => pretrainedFiles({ model, tokenizer, maxLength }),
  }
}

/** Loads a folder as any command would, to see whether it can be. The model is gone when it was looked at. */
export function readBack(folder: string, look: (model: Module) => void = () => {}): void {
  const own = readModelFields(folder).get('model_type') === OWN_MODEL_TYPE
  const { model } = own
    ? loadTextModel(folder)
    : loadPretrained(folder, { prefer: 'sequence-classification' })
  try {
    look(model)
  } finally {
    for (const t of [...model.parameters(), ...model.buffers()]) t.dispose()
  }
}

/** placeModel(), and what it leaves is told. */
export function place(
  out: string,
  files: readonly FileContent[],
  output: Pick<Output, 'info'>,
  options?: PlaceOptions,
): void {
  tellLeft(out, placeModel(out, files, options), output)
}

/** What of a folder stays beside a new model, for its owner to look at. */
export function tellLeft(out: string, left: readonly string[], output: Pick<Output, 'info'>): void {
  if (left.length > 0)
    output.info(
      `note: ${out} holds ${left.join(', ')}, not written by tinystill: it stays, and is not of the new model`,
    )
}

/** Throws CheckpointError where what is made by a model would be written into its own folder. */
export function requireOther(out: string, model: string): void {
  const real = (path: string) => {
    try {
      return realpathSync(path)
    } catch {
      return null
    }
  }
  const own = real(out)
  if (own !== null && own === real(model))
    throw new CheckpointError(out, 'is the folder of the model itself', 'Choose another one for --out')
}
