// A model of the BERT family as a folder that Hugging Face's libraries write and read: config.json, model.safetensors.
import { CheckpointError } from '../../errors.js'
import { configText, type ModelConfig } from '../../formats/config.js'
import { shown } from '../../formats/json.js'
import { kindIn } from '../../formats/kinds.js'
import { canonical, canonicalNames, copiesFor, dropCopies } from '../../formats/names.js'
import { encoderWeights, lstmWeights, weightsIn } from '../../formats/sizes.js'
import { packed, unpack } from '../../formats/stored.js'
import { hollow, normal, undrawn } from '../../nn/init.js'
import { makeModel } from '../../nn/models/bert.js'
import { numberedLabels, type TransformerConfig, tableWidth } from '../../nn/models/config.js'
import {
  classesLayer,
  type Family,
  hasKind,
  type Kind,
  placesBefore,
  wordTable,
} from '../../nn/models/family.js'
import type { Pretrained } from '../../nn/models/pretrained.js'
import { savedState } from '../../nn/stand-ins/ready.js'
import { formatShape, sameShape } from '../../tensor/shape.js'
import { empty, type Tensor } from '../../tensor/tensor.js'
import type { Tokenizer } from '../../text/encoding.js'
import { PiecedTokenizer } from '../../text/pieces/base.js'
import type { FileContent } from '../disk.js'
import { SINGLE, tensorsOf, weightFilesIn } from './checkpoint.js'
import { listed, match } from './match.js'
import { type ModelFolder, modelConfigIn } from './model-folder.js'
import { isQuantizedIn, type QuantizedWeights, type Sized, weightFiles, withQuantized } from './quantized.js'
import { hasTokenizerIn, tokenizerFiles, tokenizerIn } from './tokenizer.js'

/** Of fromPretrained() and fromFiles(). */
export interface LoadOptions {
  /** Default: what it was saved as. A head that the file lacks is drawn. */
  as?: Kind | undefined
  /** A classifier with this many classes; where the file's has another number it is drawn anew. */
  numLabels?: number | undefined
  /** The same, with the names of the classes. The file's own in another order: its head is put into that order. */
  labels?: readonly string[] | undefined
  /** Draws the classifier anew even where the file's has as many classes. */
  newHead?: boolean | undefined
  /** What it is taken for where the file holds that head too and `as` does not say. */
  prefer?: Kind | undefined
}

/** What was noticed while a model was loaded. */
export interface LoadInfo {
  /** Parameters that the file did not have: drawn from the current random scope. */
  fresh: string[]
  /** Parameters in the file that this model has no use for. */
  unused: string[]
  /** What people should know: prefixes taken off, names in the file that are of no model of ours. */
  notes: string[]
}

/** What loading a folder gives. */
export interface Loaded<M extends Pretrained> {
  model: M
  /** null where the folder has none. */
  tokenizer: Tokenizer | null
  config: TransformerConfig
  info: LoadInfo
}

/** Of savePretrained() and toFiles(). */
export interface SaveOptions {
  model: Pretrained
  tokenizer?: Tokenizer | null
  /** Tokens of the texts that it was trained on, kept as model_max_length. Default: the tokenizer's, or all that it takes. */
  maxLength?: number | undefined
}

/** Weights of a classifier that is drawn for the labels of a config.json, where the file's are fewer. */
const LARGEST_DRAWN = 2 ** 24

/** See fromPretrained. */
export function pretrainedIn(folder: ModelFolder, options: LoadOptions = {}): Loaded<Pretrained> {
  const read = modelConfigIn(folder)
  if (isQuantizedIn(folder)) return quantizedIn(folder, read, options)
  const { tensors } = tensorsOf(weightFilesIn(folder))
  const { model, info } = modelOf(folder.at(SINGLE), read, tensors, options)
  const tokenizer = hasTokenizerIn(folder) ? tokenizerIn(folder) : null
  const notes = info.notes.map((note) => `${folder.path}: ${note}`)
  return { model, tokenizer, config: model.config, info: { ...info, notes } }
}

/** A model out of a config and the tensors of `file`, which are disposed of. Throws CheckpointError. */
export function modelOf(
  file: string,
  read: ModelConfig,
  tensors: ReadonlyMap<string, Tensor>,
  options: LoadOptions,
): Pick<Loaded<Pretrained>, 'model' | 'info'> {
  const { family } = read
  const { found, notes } = canonical(file, tensors, family)
  unpack(file, found, family)
  const { kind, told } = kindFor(options, read, new Set(found.keys()))
  if (!hasKind(family, kind))
    throw new CheckpointError(
      file,
      `is of a ${family.className}, of which there is no ${kind} model`,
      'Take a model of another family, such as BERT, for this task',
    )
  const relabelled = options.labels !== undefined || options.numLabels !== undefined
  const config = { ...read.config, labels: labelsFor(options, read.config.labels) }

  const named = hasLabels(kind) && !relabelled
  checkSize(file, config, family, found, named ? config.labels.length : null)
  notes.push(...told, ...dropCopies(file, found, family, config.tied))
  const head = ['weight', 'bias'].map((leaf) => `${classesLayer(family, kind)}.${leaf}`)
  const taken = relabelled ? takeMisfits(found, head, config, options) : []
  notes.push(...reorder(found, head, read.config.labels, config.labels))
  const pooler = found.has(`${family.prefix}.${family.names.pooler}.weight`)
  const model = undrawn(() => makeModel(family, kind, config, { pooler }))

  const { state, fresh, unused } = match(file, model, kind, found, relabelled || options.as !== undefined)
  model.loadStateDict(state, { from: file })
  const strange = unused.filter((name) => !family.headNames.test(name))
  if (strange.length > 0) notes.push(`not used, no parameters of the model: ${listed(strange)}`)
  drawAnew(model, fresh)
  for (const t of [...tensors.values(), ...found.values()]) t.dispose()
  return { model: model.eval(), info: { fresh, unused: [...taken, ...unused], notes } }
}

/** A quantized model is what it was saved as: its head can be neither drawn anew nor put into another order. */
function quantizedIn(folder: ModelFolder, read: ModelConfig, options: LoadOptions): Loaded<Pretrained> {
  const { config } = read
  const { as, labels, numLabels, newHead = false, prefer } = options
  const others = labels !== undefined && String(labels) !== String(config.labels)
  const refuse = (what: string): never => {
    throw new CheckpointError(
      folder.path,
      `holds a quantized model, ${what}`,
      'Change the float model that it was made of, and quantize that',
    )
  }
  if (newHead || others || (numLabels ?? config.labels.length) !== config.labels.length)
    refuse(`whose classes are ${listed(config.labels.map(shown))}, in this order`)
  return withQuantized(folder, (weights) => {
    const { model, notes } = quantizedModelOf(read, weights, {
      prefer,
      fits: (kind) => {
        if (as !== undefined && as !== kind) refuse(`a ${kind} one, and not a ${as} one`)
      },
    })
    const tokenizer = hasTokenizerIn(folder) ? tokenizerIn(folder) : null
    const info = { fresh: [], unused: [], notes: notes.map((note) => `${folder.path}: ${note}`) }
    return { model, tokenizer, config: model.config, info }
  })
}

/** A model out of a config and whole numbers, wherever they come from. `fits` may throw for a kind. Throws CheckpointError. */
export function quantizedModelOf(
  read: ModelConfig,
  { path, sizes, fill }: QuantizedWeights,
  { prefer, fits = () => {} }: { prefer?: Kind | undefined; fits?: (kind: Kind) => void } = {},
): { model: Pretrained; notes: string[] } {
  const { family, config } = read
  const { kind, notes } = kindIn(read, new Set(sizes.keys()), prefer)
  fits(kind)
  // Of an encoder alone the names have no prefix.
  const found = new Map(
    Array.from(sizes, ([name, size]) => [kind === 'base' ? `${family.prefix}.${name}` : name, size]),
  )
  checkSize(path, config, family, found, hasLabels(kind) ? config.labels.length : null)
  const pooler = found.has(`${family.prefix}.${family.names.pooler}.weight`)
  const model = hollow(() => makeModel(family, kind, config, { pooler }))
  fill(model)
  return { model, notes }
}

/** Whether a model's last layer has a row for each of config.json's labels. */
const hasLabels = (kind: Kind) => kind.endsWith('classification') || kind === 'question-answering'

/** What the weights are loaded as. Asked for classes, they get a classifier whatever they were. */
function kindFor(
  { as, prefer, labels, numLabels }: LoadOptions,
  read: ModelConfig,
  names: ReadonlySet<string>,
): { kind: Kind; told: string[] } {
  if (as !== undefined) return { kind: as, told: [] }
  const { kind, notes } = kindIn(read, names, prefer)
  const classes = labels !== undefined || numLabels !== undefined
  return classes && !hasLabels(kind) ? { kind: 'sequence-classification', told: [] } : { kind, told: notes }
}

/**
 * Names of the classes of a folder's classifier, of texts or of tokens; null where it has none. The weights' headers alone are read.
 * Throws CheckpointError.
 */
export function classesIn(
  folder: ModelFolder,
  wanted: Kind = 'sequence-classification',
): readonly string[] | null {
  const read = modelConfigIn(folder)
  if (isQuantizedIn(folder)) return read.kinds.includes(wanted) ? read.config.labels : null
  const files = weightFilesIn(folder)
  try {
    const entries = files.flatMap(({ header }) => header.entries)
    const { names } = canonicalNames(
      folder.at(SINGLE),
      entries.map(({ name }) => name),
      read.family,
    )
    const { labels } = read.config
    const head = entries.find(({ name }) => names.get(name) === `${classesLayer(read.family, wanted)}.weight`)
    const { kind } = kindIn(read, new Set(names.values()), wanted)
    return kind === wanted && head?.shape[0] === labels.length ? labels : null
  } finally {
    for (const file of files) file.close()
  }
}

/** A loaded folder's tokenizer, for those who cannot do without. Throws CheckpointError where there is none, or too large a one. */
export function tokenizerOf(
  folder: string,
  { tokenizer, config }: Pick<Loaded<Pretrained>, 'tokenizer' | 'config'>,
): Tokenizer {
  if (tokenizer === null)
    throw new CheckpointError(folder, 'has no tokenizer.json or vocab.txt', "Copy the model's own into it")
  if (tokenizer.vocabSize <= config.vocabSize) return tokenizer
  const added = tokenizer instanceof PiecedTokenizer && tokenizer.spec.modelSize <= config.vocabSize
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
  family: Family,
  found: ReadonlyMap<string, Sized>,
  labels: number | null,
): void {
  const name = wordTable(family)
  const want = [c.vocabSize, tableWidth(c)]
  const words = found.get(name)
  const refuse = (what: string, wanted: string): never => {
    throw new CheckpointError(
      file,
      `${what}, config.json asks for ${wanted}`,
      'Take both files from the same model',
    )
  }
  if (words === undefined)
    throw new CheckpointError(
      file,
      `holds no ${name}, and no table of words under another prefix. It has ${found.size} tensors: ${listed([...found.keys()].map(shown))}`,
      `Is it a model of the family ${family.modelType}, as config.json says?`,
    )
  if (!sameShape(words.shape, want)) refuse(`${name} is ${formatShape(words.shape)}`, formatShape(want))
  const layers = layersIn(found.keys())
  if (layers > 0 && layers < c.layers)
    throw new CheckpointError(
      file,
      `holds ${layers} layers, config.json asks for ${c.layers}`,
      `Set ${family.settings.layers} to ${layers} in config.json if that is meant, else download or save the folder again`,
    )
  const once = family.sharesLayers && { layers: Math.min(1, c.layers), blocks: c.blocks?.slice(0, 1) ?? null }
  const places = Object.hasOwn(family.names, 'positions') ? c.maxLength + placesBefore(family, c) : 0
  const needed =
    family.body === 'lstm' ? lstmWeights(c) : encoderWeights({ ...c, ...once, maxLength: places })
  const there = weightsIn(found)
  if (needed > there) refuse(`holds ${there} weights`, `${needed} in the encoder alone`)
  // A classifier that the file lacks is drawn.
  if (labels !== null && labels * c.width > Math.max(there, LARGEST_DRAWN))
    refuse(`holds ${there} weights`, `${labels} labels`)
}

/** Layers that have any tensor, as far as they follow each other. */
function layersIn(names: Iterable<string>): number {
  const there = new Set(Array.from(names, (name) => Number(/\.(?:layers?|h)\.(\d+)\./.exec(name)?.[1] ?? -1)))
  let n = 0
  while (there.has(n)) n++
  return n
}

/** Takes a classifier's weight and bias, which are not to be kept, out of the file's tensors, and gives their names. */
function takeMisfits(
  found: Map<string, Tensor>,
  head: readonly string[],
  { labels }: TransformerConfig,
  { newHead = false }: LoadOptions,
): string[] {
  if (!newHead && (found.get(head[0])?.shape[0] ?? labels.length) === labels.length) return []
  return head.filter((name) => found.delete(name))
}

/** Puts the rows of a classifier into the order of `labels`, where those are the same names as `before` in another one. */
function reorder(
  found: Map<string, Tensor>,
  head: readonly string[],
  before: readonly string[],
  labels: readonly string[],
): string[] {
  const order = labels.map((name) => before.indexOf(name))
  const same = before.length === labels.length && new Set(order).size === labels.length && !order.includes(-1)
  if (!same || order.every((from, to) => from === to)) return []
  for (const name of head) {
    const t = found.get(name)
    if (t?.shape[0] !== labels.length) continue
    const width = t.numel / labels.length
    const rows = empty(t.shape, t.dtype)
    for (const [to, from] of order.entries())
      rows.elements.set(t.elements.subarray(from * width, (from + 1) * width), to * width)
    t.dispose()
    found.set(name, rows)
  }
  return [`the rows of the head are put into the order of the classes ${listed(labels.map(shown))}`]
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
export function pretrainedFiles(options: SaveOptions): FileContent[] {
  const parameters = savedState(options.model)
  const tensors = [...parameters, ...copiesFor(options.model.family, parameters)]
  const stored = packed(tensors, options.model.family)
  return [...besideWeights(options), ...weightFiles(options.model, stored, [['format', 'pt']])]
}

/** All of a folder but the weights. */
export function besideWeights({ model, tokenizer, maxLength }: SaveOptions): FileContent[] {
  const rules = {
    maxLength: Math.min(maxLength ?? tokenizer?.modelMaxLength ?? Infinity, model.config.maxLength),
    pythonClass: model.family.tokenizer,
  }
  return [['config.json', configText(model)], ...(tokenizer ? tokenizerFiles(tokenizer, rules) : [])]
}
