// A model out of bytes, and back into them: what fromPretrained() and savePretrained() do with a folder, for any runtime.
import type { ModelOf } from '../../nn/models/bert.js'
import type { Kind } from '../../nn/models/family.js'
import type { Pretrained } from '../../nn/models/pretrained.js'
import { Module } from '../../nn/module.js'
import type { FileContent } from '../disk.js'
import { type TextModel, textModelFiles } from './folder.js'
import { type ModelFiles, memoryFolder } from './model-folder.js'
import {
  type Loaded,
  type LoadOptions,
  pretrainedFiles,
  pretrainedIn,
  type SaveOptions,
} from './pretrained.js'

/**
 * The model in the files of a Hugging Face folder, by their names: config.json, model.safetensors (or its shards and their
 * index, or quantization.json and quantized.safetensors), and what there is of a tokenizer. In eval mode; the options are those
 * of fromPretrained(). Throws CheckpointError naming the file, TypeError for what is neither bytes nor text.
 */
export function fromFiles<K extends Kind>(
  files: ModelFiles,
  options: LoadOptions & { as: K },
): Loaded<ModelOf[K]>
export function fromFiles(files: ModelFiles, options?: LoadOptions): Loaded<Pretrained>
export function fromFiles(files: ModelFiles, options: LoadOptions = {}): Loaded<Pretrained> {
  return pretrainedIn(memoryFolder(files), options)
}

/**
 * The files of a model by their names, as savePretrained() writes them: fromFiles() reads them back, and Python's transformers
 * a folder of them. Also of a TextClassifier with its tokenizer and classes. Throws TypeError for what is no model.
 */
export function toFiles(content: SaveOptions | TextModel): Record<string, Uint8Array> {
  if (!(content?.model instanceof Module)) throw new TypeError('toFiles: model must be a model')
  const files = 'classes' in content ? textModelFiles(content) : pretrainedFiles(content)
  return Object.fromEntries(files.map(([name, data]) => [name, joined(data)]))
}

function joined(data: FileContent[1]): Uint8Array {
  if (typeof data === 'string') return new TextEncoder().encode(data)
  // A piece may be overwritten by the next one.
  const pieces = Array.from(data, (piece) => piece.slice())
  const out = new Uint8Array(pieces.reduce((n, piece) => n + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    out.set(piece, at)
    at += piece.length
  }
  return out
}
