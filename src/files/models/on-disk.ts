// Models by the paths of their folders: reading them, and writing them so that each file is the old one or the new.
import { basename } from 'node:path'
import { CheckpointError } from '../../errors.js'
import { configOf, type ModelConfig } from '../../formats/config.js'
import type { Fields } from '../../formats/fields.js'
import type { SafetensorsContent } from '../../formats/safetensors/safetensors.js'
import type { Kind } from '../../nn/models/family.js'
import type { Pretrained } from '../../nn/models/pretrained.js'
import type { Module } from '../../nn/module.js'
import type { Tokenizer } from '../../text/encoding.js'
import { PiecedTokenizer } from '../../text/pieces/base.js'
import { readText, writeFolder } from '../disk.js'
import { readFields } from '../json-file.js'
import { writeStaged } from '../staged.js'
import { MAX_INDEX_BYTES, readIndex, tensorsOf, weightFilesIn } from './checkpoint.js'
import { classifierIn, type TextClassifierFolder } from './classifiers.js'
import { diskFolder, isModelFolder, openWeights } from './disk-folder.js'
import { type TextModel, textModelFiles, textModelIn } from './folder.js'
import { otherHead } from './match.js'
import { modelConfigIn, modelFieldsIn } from './model-folder.js'
import { isPickle, refusePickle } from './pickles.js'
import {
  classesIn,
  type Loaded,
  type LoadOptions,
  pretrainedFiles,
  pretrainedIn,
  type SaveOptions,
  tokenizerOf,
} from './pretrained.js'
import { checkKindIn, isQuantizedIn, refuseQuantizedIn } from './quantized.js'
import { hasTokenizerIn, type SaveTokenizerOptions, tokenizerFiles, tokenizerIn } from './tokenizer.js'
import type { WeightFile } from './weights.js'

/** A config.json by its path. Throws what configOf() throws, and where the file is missing or no JSON. */
export const readConfig = (file: string): ModelConfig => configOf(readFields(file))

/** See modelFieldsIn. */
export const readModelFields = (folder: string): Fields => modelFieldsIn(diskFolder(folder))

/** Whether config.json names an architecture that ends so, as in ForTokenClassification. Throws CheckpointError where there is none. */
export function saysHead(folder: string, ending: string): boolean {
  const named = readModelFields(folder).get('architectures')
  return Array.isArray(named) && named.some((name) => typeof name === 'string' && name.endsWith(ending))
}

/** See modelConfigIn. */
export const readModelConfig = (folder: string): ModelConfig => modelConfigIn(diskFolder(folder))

/** See weightFilesIn. A path to one file gives that file. */
export function openCheckpoint(path: string, maxHeaderBytes?: number): WeightFile[] {
  if (isModelFolder(path)) return weightFilesIn(diskFolder(path), maxHeaderBytes)
  return isPickle(basename(path)) ? refusePickle(path) : [openWeights(path, maxHeaderBytes)]
}

/** See readIndex. */
export const readIndexFile = (path: string): Map<string, Set<string>> =>
  readIndex(path, readText(path, MAX_INDEX_BYTES))

/**
 * All tensors of a model folder (model.safetensors, or shards with model.safetensors.index.json) or of one safetensors
 * file, and their metadata; dtypes as readSafetensors. Everything is checked before the first tensor is allocated, and
 * beside the tensors no more than 1 MiB of the files is in memory. Throws a CheckpointError naming file and reason;
 * weights as Python pickles are refused with the line that converts them.
 */
export const readCheckpoint = (
  path: string,
  { maxHeaderBytes }: { maxHeaderBytes?: number } = {},
): SafetensorsContent => tensorsOf(openCheckpoint(path, maxHeaderBytes))

/** See tokenizerIn. */
export const loadTokenizer = (folder: string): ReturnType<typeof tokenizerIn> =>
  tokenizerIn(diskFolder(folder))

export const hasTokenizer = (folder: string): boolean => hasTokenizerIn(diskFolder(folder))

/**
 * Writes tokenizer.json, and for WordPiece vocab.txt, tokenizer_config.json and special_tokens_map.json, which Python's
 * AutoTokenizer reads with the same ids. Throws CheckpointError.
 */
export const saveTokenizer = (folder: string, tokenizer: Tokenizer, options?: SaveTokenizerOptions): void =>
  writeFolder(folder, tokenizerFiles(tokenizer, options))

/** See fromPretrained. */
export const loadPretrained = (folder: string, options?: LoadOptions): Loaded<Pretrained> =>
  pretrainedIn(diskFolder(folder), options)

/** A model of this head with a tokenizer of pieces. Throws CheckpointError naming the file: another head, words for pieces, no tokenizer. */
export function loadPieced(
  folder: string,
  wanted: Kind,
): Loaded<Pretrained> & { tokenizer: PiecedTokenizer } {
  const loaded = loadPretrained(folder, { prefer: wanted })
  const { kind: found } = loaded.model
  if (found !== wanted) throw otherHead(folder, { found, wanted })
  const tokenizer = tokenizerOf(folder, loaded)
  if (!(tokenizer instanceof PiecedTokenizer))
    throw new CheckpointError(
      folder,
      'its tokenizer knows whole words alone',
      'Take a model of pieces of words',
    )
  return { ...loaded, tokenizer }
}

/** See savePretrained. */
export function writePretrained(folder: string, options: SaveOptions): void {
  checkKind(folder, options.model)
  writeStaged(folder, pretrainedFiles(options))
}

/** See classesIn. */
export const classesOf = (
  folder: string,
  wanted?: Parameters<typeof classesIn>[1],
): readonly string[] | null => classesIn(diskFolder(folder), wanted)

/** Reads what saveTextModel wrote. Throws CheckpointError that names the file and what is wrong in it. */
export const loadTextModel = (folder: string): TextModel => textModelIn(diskFolder(folder))

/** Writes the folder, making it where it is missing. Throws CheckpointError, and what was there before is whole. */
export function saveTextModel(folder: string, content: TextModel): void {
  checkKind(folder, content.model)
  writeStaged(folder, textModelFiles(content))
}

/** Throws CheckpointError naming the file: a folder without a classifier or tokenizer, or files that do not fit. */
export const loadClassifier = (folder: string): TextClassifierFolder => classifierIn(diskFolder(folder))

/** Throws CheckpointError for a folder that holds a float model too: which of the two is meant? */
export const isQuantizedFolder = (folder: string): boolean => isQuantizedIn(diskFolder(folder))

/** Refuses a folder of quantized weights where a model is to learn. */
export const refuseQuantized = (folder: string): void => refuseQuantizedIn(diskFolder(folder))

/** See checkKindIn. */
export const checkKind = (folder: string, model: Module): void => checkKindIn(diskFolder(folder), model)
