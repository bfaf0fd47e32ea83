// Folders of quantized models: what the float ones have, with quantization.json and quantized.safetensors in the place of
// model.safetensors.
import { CheckpointError } from '../../errors.js'
import { Fields } from '../../formats/document.js'
import {
  fillQuantized,
  QUANTIZATION,
  QUANTIZED,
  quantizedFiles,
  readQuantization,
} from '../../formats/quantized.js'
import { safetensorsPieces } from '../../formats/safetensors/safetensors.js'
import type { Module } from '../../nn/module.js'
import { isQuantized } from '../../nn/quantized/quantize.js'
import { numel, type Shape } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { FileContent } from '../disk.js'
import { INDEX, SINGLE } from './checkpoint.js'
import { type ModelFolder, readJsonIn } from './model-folder.js'

/** Throws CheckpointError for a folder that holds a float model too: which of the two is meant? */
export function isQuantizedIn(folder: ModelFolder): boolean {
  if (!folder.has(QUANTIZATION)) return false
  if (!folder.has(SINGLE)) return true
  throw new CheckpointError(
    folder.path,
    `holds both ${SINGLE} and ${QUANTIZATION}`,
    'Keep the float model and the quantized one in folders of their own',
  )
}

/** Refuses a folder of quantized weights where a model is to learn. */
export function refuseQuantizedIn(folder: ModelFolder): void {
  if (isQuantizedIn(folder))
    throw new CheckpointError(
      folder.path,
      'holds a quantized model, which does not learn',
      'Train the float model that it was made of, and quantize that',
    )
}

/** A weight as far as its shape goes. */
export interface Sized {
  shape: Shape
  numel: number
}

/** An open folder of quantized weights. */
export interface QuantizedWeights {
  /** The path of the weights. */
  path: string
  /** Of all weights, by their names in the float model's file. */
  sizes: ReadonlyMap<string, Sized>
  /** Puts them into a model: see fillQuantized(). */
  fill(model: Module): void
}

/** Opens the weights for `use` alone. Throws CheckpointError. */
export function withQuantized<T>(folder: ModelFolder, use: (weights: QuantizedWeights) => T): T {
  const manifest = new Fields(folder.at(QUANTIZATION), '', readJsonIn(folder, QUANTIZATION))
  const quantization = readQuantization(manifest)
  const path = folder.at(QUANTIZED)
  const file = folder.weights(QUANTIZED)
  try {
    const { entries } = file.header
    const sizes = entries
      .filter(({ name }) => !name.endsWith('.scale'))
      .map(({ name, shape }) => [name.replace(/\.int8$/, ''), { shape, numel: numel(shape) }] as const)
    return use({
      path,
      sizes: new Map(sizes),
      fill: (model) => {
        const bytes = file.bytes.bind(file)
        const tensor = file.tensor.bind(file)
        fillQuantized(model, quantization, { file: path, entries, bytes, tensor })
      },
    })
  } finally {
    file.close()
  }
}

/** The files of a model's weights, float or quantized, for a folder that holds none of the other kind. Throws CheckpointError. */
export function weightFiles(
  model: Module,
  tensors: Iterable<readonly [string, Tensor]>,
  metadata: Iterable<readonly [string, string]> = [],
): FileContent[] {
  if (!isQuantized(model)) return [[SINGLE, safetensorsPieces(tensors, { metadata }).pieces]]
  return quantizedFiles(model).map(({ name, data }): FileContent => [name, data])
}

/** Throws CheckpointError where a folder has weights in other files, which would stand beside the new ones. */
export function checkKindIn(folder: ModelFolder, model: Module): void {
  const other = [isQuantized(model) ? SINGLE : QUANTIZATION, INDEX].find((name) => folder.has(name))
  if (other !== undefined)
    throw new CheckpointError(
      folder.path,
      `holds ${other}, and ${isQuantized(model) ? 'a quantized' : 'a float'} model is to be written there`,
      'Choose another folder',
    )
}
