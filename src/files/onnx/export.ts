// A model's folder as one that transformers.js and onnxruntime load: config.json, the tokenizer, and onnx/model.onnx.
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { CheckpointError } from '../../errors.js'
import { type Answering, type Difference, differenceOf } from '../../formats/onnx/compare.js'
import { type ExportOnnxOptions, exportOnnxPieces } from '../../formats/onnx/export.js'
import { readOnnx } from '../../formats/onnx/graph.js'
import { QUANTIZED } from '../../formats/quantized.js'
import { isPythons } from '../../nn/models/family.js'
import { QuantizedLinear } from '../../nn/quantized/layers.js'
import { isQuantized, quantize, quantizedLayers } from '../../nn/quantized/quantize.js'
import { type FileContent, readBytes, readText } from '../disk.js'
import { hashFile } from '../hash.js'
import { placeModel } from '../model-place.js'
import { INDEX, SINGLE } from '../models/checkpoint.js'
import { besideTextModel, OWN_MODEL_TYPE } from '../models/folder.js'
import { loadPretrained, loadTextModel, readModelFields } from '../models/on-disk.js'
import { besideWeights } from '../models/pretrained.js'
import { writeStaged } from '../staged.js'

/** How weights are stored: q8 are whole numbers of 8 bits. */
export type OnnxDtype = 'fp32' | 'fp16' | 'q8'

/** By dtype: the name that transformers.js looks for, and how far all answers together may be from the model's. */
const dtypes: Readonly<Record<OnnxDtype, { file: string; bar: number }>> = {
  fp32: { file: 'model.onnx', bar: 1e-4 },
  fp16: { file: 'model_fp16.onnx', bar: 0.03 },
  // Our kernels round an input to 7 bits and the graph to 8: on texts without meaning that adds up.
  q8: { file: 'model_quantized.onnx', bar: 0.6 },
}

export const onnxDtypes = Object.keys(dtypes) as OnnxDtype[]

export interface ExportFolderOptions extends Pick<ExportOnnxOptions, 'inputs'> {
  model: string
  out: string
  /** Default: q8 of a quantized model, else fp32. */
  dtype?: OnnxDtype | undefined
}

export interface Exported {
  dtype: OnnxDtype
  /** Path of the graph. */
  file: string
  bytes: number
  /** Operations in the graph. */
  nodes: number
  inputs: readonly string[]
  /** Of the file's answers from the model's own. */
  difference: Difference
  notes: readonly string[]
}

interface Source {
  model: Answering
  vocabSize: number
  maxLength: number
  beside: FileContent[]
  notes: string[]
}

const unknownThere = (folder: string, model: string) =>
  `${folder}: transformers.js does not know a ${model}; onnxruntime runs it`

function open(folder: string): Source {
  if (readModelFields(folder).get('model_type') === OWN_MODEL_TYPE) {
    const content = loadTextModel(folder)
    const { vocabSize, maxLength } = content.model.config
    const notes = [unknownThere(folder, OWN_MODEL_TYPE)]
    return { model: content.model, vocabSize, maxLength, beside: besideTextModel(content), notes }
  }
  const { model, tokenizer, config, info } = loadPretrained(folder, { prefer: 'sequence-classification' })
  const notes = [...info.notes]
  if (!isPythons(model.family)) notes.push(unknownThere(folder, model.architecture))
  if (tokenizer === null) notes.push(`${folder}: has no tokenizer, which transformers.js will ask for`)
  return { model: model as Answering, ...config, beside: besideWeights({ model, tokenizer }), notes }
}

/** The model as it is to be stored. */
function prepared({ model, notes }: Source, folder: string, asked: OnnxDtype | undefined): OnnxDtype {
  const whole = isQuantized(model)
  const dtype = asked ?? (whole ? 'q8' : 'fp32')
  if (whole && dtype !== 'q8')
    throw new CheckpointError(
      folder,
      `holds a quantized model, which has no form in ${dtype}`,
      'Export the float model that it was made of, or take --dtype q8',
    )
  if (!whole && dtype === 'q8') quantize(model)
  const fine = [...quantizedLayers(model)].some(
    ([, layer]) => layer instanceof QuantizedLinear && layer.bits === 8,
  )
  if (fine)
    notes.push(
      `${folder}: has weights of 8 bits, whose products on x64 processors without VNNI are cut off inside onnxruntime; those of 7 bits are not`,
    )
  return dtype
}

/** Whether files that go beside the graph are there as they would be written. */
const holds = (out: string, beside: readonly FileContent[]): boolean =>
  beside.every(([name, text]) => existsSync(join(out, name)) && readText(join(out, name), 2 ** 28) === text)

/** Throws CheckpointError where weights lie in a folder to which another model's graph would come. */
function checkBeside(folder: string, out: string, beside: readonly FileContent[]): void {
  const weights = [SINGLE, QUANTIZED, INDEX].find((name) => existsSync(join(out, name)))
  if (weights === undefined) return
  const own = join(folder, weights)
  const same = existsSync(own) && hashFile(own).sha256 === hashFile(join(out, weights)).sha256
  if (!same || !holds(out, beside))
    throw new CheckpointError(out, `holds ${weights} of another model`, 'Choose another folder')
}

/**
 * Writes the folder. The graph is read back and run on a few texts, and must answer as the model does, before the first file
 * takes its place; until then `out` is as it was. Into the model's own folder the graph alone is written. Throws CheckpointError.
 */
export function exportFolder({ model: folder, out, dtype: asked, inputs }: ExportFolderOptions): Exported {
  const source = open(folder)
  const dtype = prepared(source, folder, asked)
  if (inputs !== undefined && dtype !== 'q8')
    throw new RangeError(`--inputs goes with whole numbers, --dtype q8: weights are ${dtype}`)
  const { model, notes } = source
  const { file, bar } = dtypes[dtype]
  const { size, pieces } = exportOnnxPieces(model, {
    dtype: dtype === 'fp16' ? 'fp16' : 'fp32',
    ...(inputs && { inputs }),
  })
  const name = join('onnx', file)
  const path = join(out, name)
  const beside = resolve(folder) === resolve(out) ? [] : source.beside
  if (beside.length > 0) checkBeside(folder, out, beside)
  let found: Pick<Exported, 'nodes' | 'inputs' | 'difference'> | undefined
  const check = (staged: string) => {
    const graph = readOnnx(readBytes(join(staged, name)), path)
    const difference = differenceOf(graph, model, source)
    if (!(difference.whole <= bar))
      throw new CheckpointError(
        path,
        `answers otherwise than the model, by ${difference.whole.toPrecision(2)} of them`,
        'Please report it: nothing was written',
      )
    found = { nodes: graph.nodes.length, inputs: graph.inputs.map((input) => input.name), difference }
  }
  const files: FileContent[] = [...beside, [name, pieces]]
  // Graphs of other dtypes stay beside it, but not those of another model.
  if (holds(out, beside)) writeStaged(out, files, check)
  else
    for (const left of placeModel(out, files, { check }))
      notes.push(`${out} holds ${left}, which is not of this model`)
  return { dtype, file: path, bytes: size, ...(found as NonNullable<typeof found>), notes }
}
