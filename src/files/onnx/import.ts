// The weights of an ONNX file back into a model: names and places from the graph, settings from the config.json that goes with it.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CheckpointError } from '../../errors.js'
import type { ModelConfig } from '../../formats/config.js'
import { shown } from '../../formats/json.js'
import { type Answering, type Difference, differenceOf } from '../../formats/onnx/compare.js'
import type { Beside } from '../../formats/onnx/elements.js'
import { MAX_BYTES, type OnnxGraph, readOnnx } from '../../formats/onnx/graph.js'
import { graphWeights, tensorOf } from '../../formats/onnx/weights.js'
import { wholeWeights } from '../../formats/onnx/whole-weights.js'
import { packed } from '../../formats/stored.js'
import type { Pretrained } from '../../nn/models/pretrained.js'
import { countWeights, isQuantized } from '../../nn/quantized/quantize.js'
import { readBytes } from '../disk.js'
import { placeModel } from '../model-place.js'
import { checkInside } from '../models/disk-folder.js'
import { checkKind, hasTokenizer, loadTokenizer, readModelConfig } from '../models/on-disk.js'
import { modelOf, pretrainedFiles, quantizedModelOf } from '../models/pretrained.js'

export interface ImportOptions {
  /** The ONNX file. */
  file: string
  out: string
  /** Folder with config.json and the tokenizer. Default: that of the file, or the one above. */
  config?: string | undefined
}

export interface Imported {
  /** The class in Python. */
  architecture: string
  parameters: number
  /** Who wrote the file, as it says. */
  producer: string
  opset: number
  config: string
  /** Of the graph's answers from the model's. */
  difference: Difference
  /** See placeModel(). */
  left: readonly string[]
  notes: readonly string[]
}

/** Half precision, which files of fp16 have, is off by less; another model by far more. Whole numbers: see ./export.ts. */
const BAR = { float: 1e-4, float16: 0.03, whole: 0.6 }

function configFolder(file: string, given: string | undefined): string {
  const beside = dirname(file)
  const folder = given ?? [beside, dirname(beside)].find((f) => existsSync(join(f, 'config.json')))
  if (folder !== undefined) return folder
  throw new CheckpointError(
    file,
    'has no config.json beside it or in the folder above',
    "Name the folder that has it with --config: an ONNX file does not hold a model's settings",
  )
}

/** Files that a model names: in its own folder, read once each. */
function filesBeside(file: string): Beside {
  const read = new Map<string, Uint8Array>()
  return (name) => {
    const path = join(dirname(file), name)
    if (name === '' || /[/\\\0]/.test(name) || name === '.' || name === '..')
      throw new CheckpointError(file, `keeps weights in ${shown(name)}, which is no name of a file beside it`)
    const before = read.get(name)
    if (before !== undefined) return before
    if (!existsSync(path))
      throw new CheckpointError(
        file,
        `keeps weights in ${shown(name)}, which is not beside it`,
        'Copy both files',
      )
    checkInside(dirname(file), path)
    const data = readBytes(path)
    read.set(name, data)
    return data
  }
}

/** The model of a graph: of floats, or of whole numbers as they are. */
function modelIn(graph: OnnxGraph, read: ModelConfig): { model: Pretrained; notes: readonly string[] } {
  const whole = wholeWeights(graph)
  if (whole !== null) return quantizedModelOf(read, whole)
  const tensors = Array.from(graphWeights(graph), ([name, weight]) => [name, tensorOf(weight)] as const)
  // A graph has weights as a model has them, whatever form the family's files have.
  const { model, info } = modelOf(graph.file, read, new Map(packed(tensors, read.family)), {})
  return { model, notes: info.notes }
}

/**
 * Reads the file and writes it as a model's folder, with the tokenizer that stands beside its config.json. Both the graph and
 * the model answer a few texts first, and must agree: so a config of another model is noticed. Throws CheckpointError naming
 * the file and what is wrong in it; `out` is as it was then.
 */
export function importOnnx({ file, out, config: given }: ImportOptions): Imported {
  const graph = readOnnx(readBytes(file, MAX_BYTES), file, filesBeside(file))
  const folder = configFolder(file, given)
  const read = readModelConfig(folder)
  const { model, notes } = modelIn(graph, read)
  checkKind(out, model)
  const half = [...graph.tensors.values()].some(({ type }) => type === 'float16')
  const difference = differenceOf(graph, model as Pretrained & Answering, model.config)
  const agrees = isQuantized(model)
    ? difference.whole <= BAR.whole
    : difference.largest <= (half ? BAR.float16 : BAR.float)
  if (!agrees)
    throw new CheckpointError(
      file,
      `computes something else than the model of ${join(folder, 'config.json')}: answers differ by ${difference.largest.toPrecision(2)} of the largest`,
      'Take the config.json that it was exported with',
    )
  const tokenizer = hasTokenizer(folder) ? loadTokenizer(folder) : null
  const left = placeModel(out, pretrainedFiles({ model, tokenizer }))
  return {
    ...{ architecture: model.architecture, parameters: countWeights(model) },
    ...{ producer: graph.producer, opset: graph.opset, config: folder, difference, left, notes },
  }
}
