// A model takes the place of another one in a folder, and with that one goes what commands wrote about it: its figures, its
// card, its graphs would be read, and pushed, as the new one's.
import { closeSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { CheckpointError } from '../errors.js'
import { explain, type FileContent, type FileSystem, fillFrom, isFolder, openFile } from './disk.js'
import { BOARD, removeEventFiles } from './event-files.js'
import { readFields } from './json-file.js'
import { writeStaged } from './staged.js'

/** Names of what a model needs beside its weights. */
export const SMALL = [
  ...['tokenizer.json', 'tokenizer_config.json', 'vocab.txt', 'vocab.json', 'merges.txt'],
  ...['special_tokens_map.json', 'added_tokens.json'],
  ...['modules.json', '1_Pooling/config.json', 'sentence_bert_config.json'],
  ...['config_sentence_transformers.json', '2_Dense/config.json', '2_Dense/model.safetensors'],
  ...['3_Dense/config.json', '3_Dense/model.safetensors'],
]

/** What commands write about a model, and words by which a file of that name is known as theirs. */
const RECORDS: Readonly<Record<string, string>> = {
  'run.json': '"tinystill":',
  'metrics.jsonl': '{"type":',
  'report.html': '<h2>About this run</h2>',
  'README.md': 'All figures are in run.json.',
  'shrink.json': '"identity":',
  ...Object.fromEntries(
    ['model', 'model_fp16', 'model_quantized'].map((name) => [`onnx/${name}.onnx`, 'tinystill']),
  ),
}

/** Records that a training writes about the model that it is making. */
const OF_RUNS = ['run.json', 'metrics.jsonl']

/** Of a larger file the words are looked for in the first of these bytes: an ONNX file's writer stands there. */
const LOOKED_AT = 2 ** 24

function isOurs(path: string, words: string): boolean {
  const { file, size } = openFile(path)
  try {
    const bytes = Buffer.alloc(Math.min(size, LOOKED_AT))
    fillFrom(path, file, bytes, 0)
    return bytes.includes(words)
  } finally {
    closeSync(file)
  }
}

export interface PlaceOptions {
  /** Looks at the files before they take their places; one that throws leaves the folder as it was. */
  check?: (staged: string) => void
  /** Written by a training, which has its own records in the folder already. */
  run?: boolean
  fs?: FileSystem
}

/** Throws CheckpointError for a folder with a run that was cut off: its records are what it goes on with. */
export function checkNoRun(folder: string): void {
  const record = join(folder, 'run.json')
  const checkpoints = join(folder, 'checkpoints')
  if (!existsSync(record) || !isFolder(checkpoints) || readdirSync(checkpoints).length === 0) return
  if (!isOurs(record, RECORDS['run.json']) || readFields(record).get('status') === 'done') return
  throw new CheckpointError(
    folder,
    'holds a run that is not finished',
    'Go on with it by --resume, remove the folder, or choose another one',
  )
}

/**
 * Writes a model's folder: all of it or nothing, as writeStaged() does. Records and graphs that tinystill wrote about the
 * model before go, as does a tokenizer of which the new model has no part; what others wrote stays. Returns the names of
 * files that stay and would be taken for the new model's. Throws CheckpointError.
 */
export function placeModel(
  folder: string,
  files: readonly FileContent[],
  { check = () => {}, run = false, fs }: PlaceOptions = {},
): string[] {
  if (!run) checkNoRun(folder)
  const written = new Set([...files.map(([name]) => name), ...(run ? OF_RUNS : [])])
  const there = (name: string) => !written.has(name) && isFile(join(folder, name))
  const records = Object.entries(RECORDS).filter(([name]) => there(name))
  const stale = [
    ...records.filter(([name, words]) => isOurs(join(folder, name), words)).map(([name]) => name),
    ...SMALL.filter(there),
  ]
  const put = (staged: string) => {
    check(staged)
    // Before the new files are in their places: a kill in between leaves a model without records, not one with false ones.
    for (const name of stale) remove(join(folder, name))
    if (!run) removeEventFiles(join(folder, BOARD))
  }
  writeStaged(folder, files, put, fs)
  return records.map(([name]) => name).filter((name) => !stale.includes(name))
}

const isFile = (path: string) => statSync(path, { throwIfNoEntry: false })?.isFile() === true

function remove(path: string): void {
  try {
    rmSync(path)
  } catch (error) {
    throw explain(path, 'removed', error)
  }
}
