// What a weight file, a model folder or a run folder holds, told without loading it: headers, figures of the elements
// read piece by piece, and what the JSON files beside say.
import { readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { CheckpointError, TinystillError } from '../errors.js'
import { QUANTIZED } from '../formats/quantized.js'
import { explain, readText } from './disk.js'
import { hashFile } from './hash.js'
import { readFields, readJson } from './json-file.js'
import { INDEX, SINGLE } from './models/checkpoint.js'
import { openCheckpoint } from './models/on-disk.js'
import { noModel } from './models/other-folders.js'
import { isPickle } from './models/pickles.js'
import type { WeightFile } from './models/weights.js'

/** Of the elements that are finite; NaN where there are none. */
export interface Figures {
  mean: number
  /** Of the whole, not of a sample: divided by n. */
  std: number
  min: number
  max: number
  nan: number
  infinite: number
}

export interface TensorFacts {
  name: string
  /** As the file calls it: F32, BF16, I64 ... */
  dtype: string
  shape: readonly number[]
  bytes: number
  /** The file that holds it. */
  file: string
  /** null where elements cannot be read; `problem` says why. */
  figures: Figures | null
  problem?: string
}

export interface WeightFacts {
  tensors: TensorFacts[]
  /** Elements of floating-point tensors. */
  params: number
  /** Of all tensors. */
  bytes: number
  /** Tensors by dtype. */
  dtypes: Record<string, number>
  metadata: Record<string, string>
}

export interface FileFacts {
  name: string
  bytes: number
  sha256: string
}

/** What inspect() finds in a file or a folder. */
export interface Inspection {
  path: string
  /** config.json's model_type and architectures. */
  modelType: string | null
  architectures: string[]
  /** Numbers and choices of config.json that make the model's shape. */
  settings: Record<string, number | string>
  labels: string[]
  tokenizer: { kind: string; words: number; file: string } | null
  /** Of a sentence-transformers folder: its modules in order. */
  modules: string[]
  /** run.json's own figures, where the folder is a run's. */
  run: Record<string, unknown> | null
  weights: WeightFacts | null
  files: FileFacts[]
  /** What a reader should know: pickles that are not read, NaN, JSON that is broken. */
  notes: string[]
}

/** One pass: sums of differences from the first finite element, so that a large mean costs no digits. */
function figuresOf(pieces: Iterable<ArrayLike<number>>): Figures {
  let [n, origin, sum, squares, nan, infinite] = [0, 0, 0, 0, 0, 0]
  let [min, max] = [Infinity, -Infinity]
  for (const piece of pieces) {
    for (let i = 0; i < piece.length; i++) {
      const x = piece[i]
      if (x - x !== 0) {
        if (Number.isNaN(x)) nan++
        else infinite++
        continue
      }
      if (n === 0) origin = x
      n++
      const d = x - origin
      sum += d
      squares += d * d
      if (x < min) min = x
      if (x > max) max = x
    }
  }
  if (n === 0) return { mean: NaN, std: NaN, min: NaN, max: NaN, nan, infinite }
  const std = Math.sqrt(Math.max(0, squares / n - (sum / n) * (sum / n)))
  return { mean: origin + sum / n, std, min, max, nan, infinite }
}

function factsOf(file: WeightFile): TensorFacts[] {
  return file.header.entries.map((entry) => {
    const { name, code, shape, begin, end } = entry
    const facts = { name, dtype: code, shape, bytes: end - begin, file: basename(file.path) }
    try {
      return { ...facts, figures: figuresOf(file.values(entry)) }
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error
      return { ...facts, figures: null, problem: error.message }
    }
  })
}

function weightsOf(path: string): WeightFacts {
  const files = openCheckpoint(path)
  try {
    const tensors = files.flatMap(factsOf)
    const dtypes = new Map<string, number>()
    for (const { dtype } of tensors) dtypes.set(dtype, (dtypes.get(dtype) ?? 0) + 1)
    const floats = files.flatMap((f) => f.header.entries).filter((e) => e.format.dtype !== 'int32')
    return {
      tensors,
      params: floats.reduce((n, { begin, end, format }) => n + (end - begin) / format.width, 0),
      bytes: tensors.reduce((n, t) => n + t.bytes, 0),
      dtypes: Object.fromEntries(dtypes),
      metadata: Object.fromEntries(files.toReversed().flatMap((f) => [...f.header.metadata])),
    }
  } finally {
    for (const file of files) file.close()
  }
}

/** config.json's fields that say how large a model is, under the names of the families. */
const SETTINGS = [
  ...['hidden_size', 'dim', 'num_hidden_layers', 'n_layers', 'num_attention_heads', 'n_heads'],
  ...['intermediate_size', 'hidden_dim', 'vocab_size', 'max_position_embeddings', 'type_vocab_size'],
  ...['hidden_act', 'activation', 'layer_norm_eps', 'hidden_dropout_prob', 'dropout', 'pooling', 'norm'],
]

const strings = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((x) => typeof x === 'string') : []

function labelsOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  const entries = Object.entries(value).filter(([id, name]) => /^\d+$/.test(id) && typeof name === 'string')
  return entries.sort(([a], [b]) => Number(a) - Number(b)).map(([, name]) => String(name))
}

const MAX_VOCABULARY = 2 ** 26

function tokenizerOf(folder: string, has: (name: string) => boolean): Inspection['tokenizer'] {
  if (has('tokenizer.json')) {
    const model = readFields(join(folder, 'tokenizer.json')).document.get('model')
    const fields = new Map(Object.entries(typeof model === 'object' && model !== null ? model : {}))
    const vocab = fields.get('vocab')
    const words = typeof vocab === 'object' && vocab !== null ? Object.keys(vocab).length : 0
    return { kind: String(fields.get('type') ?? 'unknown'), words, file: 'tokenizer.json' }
  }
  if (has('vocab.json') && has('merges.txt')) {
    const words = readFields(join(folder, 'vocab.json')).document.size
    return { kind: 'BPE', words, file: 'vocab.json' }
  }
  if (!has('vocab.txt')) return null
  const lines = readText(join(folder, 'vocab.txt'), MAX_VOCABULARY).split('\n')
  return { kind: 'WordPiece', words: lines.filter((line) => line !== '').length, file: 'vocab.txt' }
}

/** The parts of a run's record that are numbers or texts; the rest is in the file. */
function plainFields(record: ReadonlyMap<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    [...record].filter(([, value]) => ['number', 'string', 'boolean'].includes(typeof value)),
  )
}

const EMPTY = { modelType: null, architectures: [], settings: {}, labels: [], tokenizer: null, modules: [] }

/**
 * What is at `path`: a safetensors file, or a folder as Hugging Face, sentence-transformers or tinystill write them.
 * Broken JSON and unreadable tensors become notes. Throws a CheckpointError where nothing is known about the path.
 */
export function inspect(path: string): Inspection {
  let folder: boolean
  try {
    folder = statSync(path).isDirectory()
  } catch (error) {
    throw explain(path, 'read', error)
  }
  const notes: string[] = []
  if (!folder) {
    const weights = weightsOf(path)
    const files = [{ name: basename(path), ...hashFile(path) }]
    return { path, ...EMPTY, run: null, weights, files, notes: notes.concat(warnings(weights)) }
  }
  const names = readdirSync(path, { withFileTypes: true })
    .filter(
      (e) =>
        e.isFile() ||
        (e.isSymbolicLink() && statSync(join(path, e.name), { throwIfNoEntry: false })?.isFile()),
    )
    .map((e) => e.name)
    .sort()
  const has = (name: string) => names.includes(name)
  const pickles = names.filter(isPickle)
  if (
    !['config.json', 'run.json', 'tokenizer.json', SINGLE, INDEX, QUANTIZED].some(has) &&
    pickles.length === 0
  )
    throw noModel(path, 'config.json')

  /** What `read` gives, or `otherwise` and a note. */
  const or = <T>(otherwise: T, read: () => T): T => {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof TinystillError)) throw error
      notes.push(error.message)
      return otherwise
    }
  }
  const none: ReadonlyMap<string, unknown> = new Map()
  const json = (name: string) => (has(name) ? or(none, () => readFields(join(path, name)).document) : none)
  const config = json('config.json')
  const settings = SETTINGS.map((name) => [name, config.get(name)] as const)
  const modelType = config.get('model_type')
  const weights =
    [SINGLE, INDEX, QUANTIZED].some(has) || pickles.length > 0 ? or(null, () => weightsOf(path)) : null
  return {
    path,
    modelType: typeof modelType === 'string' ? modelType : null,
    architectures: strings(config.get('architectures')),
    settings: {
      ...Object.fromEntries(
        settings.filter((s): s is [string, number | string] => ['number', 'string'].includes(typeof s[1])),
      ),
      ...byLayer(config.get('tinystill_blocks')),
    },
    labels: labelsOf(config.get('id2label')),
    tokenizer: or(null, () => tokenizerOf(path, has)),
    modules: has('modules.json') ? or([], () => modulesOf(join(path, 'modules.json'))) : [],
    run: has('run.json') ? plainFields(json('run.json')) : null,
    weights,
    files: names.map((name) => ({ name, ...hashFile(join(path, name)) })),
    notes: notes.concat(weights ? warnings(weights) : []),
  }
}

/** Of a model that parts were cut out of what each layer has. */
function byLayer(blocks: unknown): Record<string, string> {
  if (typeof blocks !== 'object' || blocks === null) return {}
  return Object.fromEntries(
    Object.entries(blocks).flatMap(([name, list]) =>
      Array.isArray(list) && list.every((n) => typeof n === 'number')
        ? [[`${name} by layer`, list.join(' ')]]
        : [],
    ),
  )
}

function modulesOf(file: string): string[] {
  const list = readJson(file)
  if (!Array.isArray(list)) return []
  return list.flatMap((m) => (typeof m?.type === 'string' ? [m.type.split('.').at(-1) ?? ''] : []))
}

function warnings({ tensors }: WeightFacts): string[] {
  return tensors.flatMap(({ name, figures, problem }) => {
    if (problem !== undefined) return [problem]
    const bad = (figures?.nan ?? 0) + (figures?.infinite ?? 0)
    return bad > 0 ? [`${name} holds ${bad} values that are NaN or infinite`] : []
  })
}
