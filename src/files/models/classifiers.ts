// Any folder that classifies texts: our own small model's, or one of the BERT family with its head.
import { join } from 'node:path'
import { CheckpointError } from '../../errors.js'
import { type Head, headOf } from '../../formats/head.js'
import type { TextInput } from '../../nn/models/input.js'
import type { Module } from '../../nn/module.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { Tokenizer } from '../../text/encoding.js'
import { readFields } from '../json-file.js'
import { loadTextModel, OWN_MODEL_TYPE } from './folder.js'
import { loadPretrained, tokenizerOf } from './pretrained.js'

export interface TextClassifierFolder extends Head {
  model: Module & { forward(input: TextInput): { logits: Tensor } }
  tokenizer: Tokenizer
  /** Names of the classes, or of the numbers, in the order of the logits. */
  classes: readonly string[]
  /** Longest text in tokens. */
  maxLength: number
}

/** Throws CheckpointError naming the file: a folder without a classifier or tokenizer, or files that do not fit. */
export function loadClassifier(folder: string): TextClassifierFolder {
  if (readFields(join(folder, 'config.json')).get('model_type') === OWN_MODEL_TYPE) {
    const { model, tokenizer, classes } = loadTextModel(folder)
    const { maxLength } = model.config
    return { model, tokenizer, classes, maxLength, problemType: 'single_label_classification', note: null }
  }
  const loaded = loadPretrained(folder)
  const { model, config } = loaded
  if (model.kind !== 'sequence-classification') {
    throw new CheckpointError(
      folder,
      `holds a ${model.kind} model, which does not classify texts`,
      'Give it a head: tinystill train --model DIR --train FILE --out DIR',
    )
  }
  const tokenizer = tokenizerOf(folder, loaded)
  const { labels: classes, maxLength } = config
  const head = headOf(config, (reason) => {
    throw new CheckpointError(join(folder, 'config.json'), reason)
  })
  return { model: model as TextClassifierFolder['model'], tokenizer, classes, maxLength, ...head }
}
