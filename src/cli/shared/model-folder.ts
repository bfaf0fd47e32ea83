// Any folder's model, to be changed and written again: one of the BERT family of any head, or our own small classifier.
import { realpathSync } from 'node:fs'
import { CheckpointError } from '../../errors.js'
import { OWN_MODEL_TYPE } from '../../files/models/folder.js'
import {
  isQuantizedFolder,
  loadPretrained,
  loadTextModel,
  readModelFields,
  saveTextModel,
  writePretrained,
} from '../../files/models/on-disk.js'
import type { Module } from '../../nn/module.js'
import { type Tokenizer, usualLength } from '../../text/encoding.js'

export interface OpenModel {
  model: Module
  tokenizer: Tokenizer | null
  /** Tokens of a text where nobody asks for another number. */
  maxLength: number
  notes: readonly string[]
  /** Writes the model as it is by then, with all else that the folder had. */
  write(out: string): void
}

/** Throws CheckpointError for what is no such folder, and for a quantized one, which cannot be changed. */
export function openModel(folder: string): OpenModel {
  if (isQuantizedFolder(folder))
    throw new CheckpointError(folder, 'is quantized already', 'Name the folder of the float model')
  if (readModelFields(folder).get('model_type') === OWN_MODEL_TYPE) {
    const { model, tokenizer, classes } = loadTextModel(folder)
    const { maxLength } = model.config
    const write = (out: string) => saveTextModel(out, { model, tokenizer, classes })
    return { model, tokenizer, maxLength, notes: [], write }
  }
  const { model, tokenizer, info } = loadPretrained(folder, { prefer: 'sequence-classification' })
  const maxLength = tokenizer === null ? undefined : usualLength(tokenizer, model.config.maxLength)
  return {
    ...{ model, tokenizer, notes: info.notes, maxLength: maxLength ?? model.config.maxLength },
    write: (out) => writePretrained(out, { model, tokenizer, maxLength }),
  }
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
