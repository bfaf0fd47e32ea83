// A model of the BERT family as a folder that Hugging Face's libraries write and read: config.json, model.safetensors.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CheckpointError } from '../../errors.js'
import { configText, kindOf } from '../../formats/config.js'
import { shown } from '../../formats/json.js'
import { canonical, copiesFor, dropCopies } from '../../formats/names.js'
import { safetensorsPieces } from '../../formats/safetensors/safetensors.js'
import { encoderWeights, weightsIn } from '../../formats/sizes.js'
import { normal, undrawn } from '../../nn/init.js'
import { makeModel } from '../../nn/models/bert.js'
import { numberedLabels, type TransformerConfig } from '../../nn/models/config.js'
import type { Family, Kind } from '../../nn/models/family.js'
import type { Pretrained } from '../../nn/models/pretrained.js'
import { formatShape, sameShape } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { Tokenizer } from '../../text/encoding.js'
import { WordPieceTokenizer } from '../../text/wordpiece.js'
import { type FileContent, writeFolder } from '../disk.js'
import { readCheckpoint } from './checkpoint.js'
import { readConfig } from './config-file.js'
import { loadTokenizer, tokenizerFiles } from './tokenizer.js'

export interface LoadOptions {
  /** Default: what it was saved as. A head that the file lacks is drawn. */
  as?: Kind | undefined
  /** A classifier with this many classes; where the file's has another number it is drawn anew. */
  numLabels?: number | undefined
  /** The same, with the names of the classes. */
  labels?: readonly string[] | undefined
}

export interface LoadInfo {
  /** Parameters that the file did not have: drawn from the current random scope. */
  fresh: string[]
  /** Parameters in the file that this model has no use for. */
  unused: string[]
}

/** What loading a folder gives. */
export interface Loaded<M extends Pretrained> {
  model: M
  /** null where the folder has none. */
  tokenizer: Tokenizer | null
  config: TransformerConfig
  info: LoadInfo
}

export interface SaveOptions {
  model: Pretrained
  tokenizer?: Tokenizer | null
  /** Tokens of the texts that it was trained on, kept as model_max_length. Default: the tokenizer's, or all that it takes. */
  maxLength?: number | undefined
}

const WEIGHTS = 'model.safetensors'

/** Weights of a classifier that is drawn for the labels of a config.json, where the file's are fewer. */
const LARGEST_DRAWN = 2 ** 24

/** See fromPretrained. */
export function loadPretrained(folder: string, options: LoadOptions = {}): Loaded<Pretrained> {
  const configFile = join(folder, 'config.json')
  const read = readConfig(configFile)
  const { family } = read
  const relabelled = options.labels !== undefined || options.numLabels !== undefined
  const classifies = read.kind === 'sequence-classification' || read.kind === 'token-classification'
  const kind =
    options.as ?? (relabelled && !classifies ? 'sequence-classification' : kindOf(configFile, read))
  const config = { ...read.config, labels: labelsFor(options, read.config.labels) }

  const file = join(folder, WEIGHTS)
  const { tensors } = readCheckpoint(folder)
  const found = canonical(file, tensors, family)
  const named = kind.endsWith('classification') && !relabelled
  checkSize(file, config, family, found, named ? config.labels.length : null)
  dropCopies(file, found, family, config.tied)
  const unused = relabelled ? takeMisfits(found, config) : []
  const pooler = found.has(`${family.modelType}.pooler.dense.weight`)
  const model = undrawn(() => makeModel(family, kind, config, { pooler }))

  const asked = relabelled || options.as !== undefined
  const { state, fresh, rest } = match(model, kind, found, asked)
  model.loadStateDict(new Map([...state, ...rest.filter(([name]) => !family.headNames.test(name))]), {
    from: file,
  })
  unused.push(...rest.map(([name]) => name).filter((name) => family.headNames.test(name)))
  drawAnew(model, fresh)
  for (const t of tensors.values()) t.dispose()
  const tokenizer = hasTokenizer(folder) ? loadTokenizer(folder) : null
  return { model: model.eval(), tokenizer, config: model.config, info: { fresh, unused } }
}

export function hasTokenizer(folder: string): boolean {
  return ['tokenizer.json', 'vocab.txt'].some((name) => existsSync(join(folder, name)))
}

/** A loaded folder's tokenizer, for those who cannot do without. Throws CheckpointError where there is none, or too large a one. */
export function tokenizerOf(
  folder: string,
  { tokenizer, config }: Pick<Loaded<Pretrained>, 'tokenizer' | 'config'>,
): Tokenizer {
  if (tokenizer === null)
    throw new CheckpointError(folder, 'has no tokenizer.json or vocab.txt', "Copy the model's own into it")
  if (tokenizer.vocabSize <= config.vocabSize) return tokenizer
  const added = tokenizer instanceof WordPieceTokenizer && tokenizer.spec.modelSize <= config.vocabSize
  const example = added ? `, as ${shown(tokenizer.vocabulary[config.vocabSize])} that was added` : ''
  throw new CheckpointError(
    folder,
    `its tokenizer has ${tokenizer.vocabSize} tokens${example}, config.json says vocab_size ${config.vocabSize}`,
    'Take all files from the same model',
  )
}

function labelsFor({ labels, numLabels }: LoadOptions, before: readonly string[]): readonly string[] {
  const count = numLabels ?? labels?.length ?? before.length
  if (!Number.isInteger(count) || count < 1)
    throw new RangeError(`fromPretrained: numLabels must be a whole number from 1 on, got ${count}`)
  if (labels === undefined) return count === before.length ? before : numberedLabels(count)
  if (labels.length === count) return labels
  throw new RangeError(`fromPretrained: numLabels is ${count}, labels are ${labels.length}`)
}

/** Before the model is made: what config.json asks for must be in the file, or it could ask for all memory. */
function checkSize(
  file: string,
  c: TransformerConfig,
  { modelType }: Family,
  found: Map<string, Tensor>,
  labels: number | null,
): void {
  const name = `${modelType}.embeddings.word_embeddings.weight`
  const want = [c.vocabSize, c.width]
  const words = found.get(name)
  const refuse = (what: string, wanted: string): never => {
    throw new CheckpointError(
      file,
      `${what}, config.json asks for ${wanted}`,
      'Take both files from the same model',
    )
  }
  if (words === undefined || !sameShape(words.shape, want))
    refuse(`${name} is ${words ? formatShape(words.shape) : 'missing'}`, formatShape(want))
  const needed = encoderWeights(c)
  const there = weightsIn(found)
  if (needed > there) refuse(`holds ${there} weights`, `${needed} in the encoder alone`)
  // A classifier that the file lacks is drawn.
  if (labels !== null && labels * c.width > Math.max(there, LARGEST_DRAWN))
    refuse(`holds ${there} weights`, `${labels} labels`)
}

/** Takes a classifier for another number of classes out of the file's tensors, and gives its names. */
function takeMisfits(found: Map<string, Tensor>, { labels }: TransformerConfig): string[] {
  if ((found.get('classifier.weight')?.shape[0] ?? labels.length) === labels.length) return []
  return ['classifier.weight', 'classifier.bias'].filter((name) => found.delete(name))
}

interface Match {
  /** For the model, by its own names; of what is drawn the parameter itself. */
  state: [string, Tensor][]
  fresh: string[]
  /** What the model has no parameter for. */
  rest: [string, Tensor][]
}

/** Which tensor is for which parameter. With `asked`, heads that are missing as a whole are fresh. */
function match(model: Pretrained, kind: Kind, found: Map<string, Tensor>, asked: boolean): Match {
  const { family } = model
  const prefix = kind === 'base' ? `${family.modelType}.` : ''
  const rest = new Map(found)
  const state: [string, Tensor][] = []
  const fresh: string[] = []
  const moduleOf = (name: string) => name.slice(0, name.lastIndexOf('.') + 1)
  const begun = new Set(Array.from(found.keys(), moduleOf))
  for (const [name, p] of model.namedParameters()) {
    const full = prefix + name
    const t = found.get(full)
    rest.delete(full)
    if (t !== undefined) state.push([name, t])
    else if (asked && family.headNames.test(full) && !begun.has(moduleOf(full))) {
      fresh.push(name)
      state.push([name, p])
    }
  }
  return { state, fresh, rest: [...rest] }
}

/** Matrices as the config says; biases and layer norms have their initial values already. */
function drawAnew(model: Pretrained, names: readonly string[]): void {
  const parameters = model.stateDict()
  for (const name of names) {
    const p = parameters.get(name) as Tensor
    if (p.rank < 2) continue
    const drawn = normal(p.shape, model.config.std)
    p.elements.set(drawn.elements)
    drawn.dispose()
  }
}

/** What savePretrained() writes, before it is written. The weights come last. */
export function pretrainedFiles({ model, tokenizer, maxLength }: SaveOptions): FileContent[] {
  const parameters = model.stateDict()
  const { pieces } = safetensorsPieces([...parameters, ...copiesFor(parameters)], {
    metadata: [['format', 'pt']],
  })
  const rules = {
    maxLength: Math.min(maxLength ?? tokenizer?.modelMaxLength ?? Infinity, model.config.maxLength),
    ...(model.family.modelType === 'distilbert' && { pythonClass: 'DistilBertTokenizer' }),
  }
  return [
    ['config.json', configText(model)],
    ...(tokenizer ? tokenizerFiles(tokenizer, rules) : []),
    [WEIGHTS, pieces],
  ]
}

/** See savePretrained. */
export function writePretrained(folder: string, options: SaveOptions): void {
  writeFolder(folder, pretrainedFiles(options))
}
