// A sentence-transformers folder: a transformer's own files, modules.json, and a folder for each module behind it. Read as the
// library reads it, and written so that every version of it gives the same vectors.
import { CheckpointError } from '../../errors.js'
import { shown } from '../../formats/json.js'
import { safetensorsPieces } from '../../formats/safetensors/safetensors.js'
import {
  folderOfModule,
  MODULES,
  type ModuleEntry,
  modulesOf,
  modulesText,
} from '../../formats/sentence/modules.js'
import {
  denseOf,
  denseText,
  maxLengthIn,
  type Prompts,
  poolingOf,
  poolingText,
  promptsIn,
} from '../../formats/sentence/settings.js'
import { undrawn } from '../../nn/init.js'
import { Dense, Normalize, SentenceEncoder, type SentenceStep } from '../../nn/models/sentence.js'
import type { Transformer } from '../../nn/models/transformer.js'
import { formatShape, sameShape } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import { type Tokenizer, usualLength } from '../../text/encoding.js'
import type { FileContent } from '../disk.js'
import { SINGLE, tensorsOf } from '../models/checkpoint.js'
import { diskFolder } from '../models/disk-folder.js'
import { type ModelFolder, readFieldsIn, readJsonIn } from '../models/model-folder.js'
import { besideWeights, pretrainedIn, tokenizerOf } from '../models/pretrained.js'
import { checkKindIn } from '../models/quantized.js'
import { writeStaged } from '../staged.js'

const BERT_CONFIG = 'sentence_bert_config.json'
const LIBRARY = 'config_sentence_transformers.json'

/** A sentence encoder as its folder has it. */
export interface SentenceFolder {
  model: SentenceEncoder
  tokenizer: Tokenizer
  /** Longest text in tokens that the model takes. */
  maxLength: number
  /** Tokens of a text where nobody asks for another number: the folder's max_seq_length. */
  usualLength: number
  prompts: Prompts
  /** What people should know of the folder. */
  notes: readonly string[]
}

const noPrompts: Prompts = { named: new Map(), usual: null }

/** Whether a folder says what its vectors are. */
export const isSentenceFolder = (folder: string): boolean => diskFolder(folder).has(MODULES)

/** A module's own folder inside, with names as they stand in it. */
function within(folder: ModelFolder, path: string): ModelFolder {
  if (path === '') return folder
  const own = (name: string) => `${path}/${name}`
  return {
    ...folder,
    path: folder.at(path),
    at: (name) => folder.at(own(name)),
    has: (name) => folder.has(own(name)),
    text: (name, maxBytes) => folder.text(own(name), maxBytes),
    weights: (name, options) => folder.weights(own(name), { ...options, inside: true }),
  }
}

/**
 * What embeds texts in a folder: by its modules.json, or without one an encoder of the BERT family whose words' mean is taken, as
 * sentence-transformers takes it. Throws CheckpointError naming the file: modules, settings and weights that are not read.
 */
export function sentenceIn(folder: ModelFolder): SentenceFolder {
  const modules: ModuleEntry[] = folder.has(MODULES)
    ? modulesOf(folder.at(MODULES), readJsonIn(folder, MODULES))
    : [{ kind: 'Transformer', path: '' }]
  const own = within(folder, modules[0].path)
  const loaded = pretrainedIn(own, { as: 'base' })
  const tokenizer = tokenizerOf(own.path, loaded)
  const base = loaded.model as Transformer
  const { maxLength, width } = base.config
  const fieldsOf = (from: ModelFolder, name: string) => (from.has(name) ? readFieldsIn(from, name) : null)
  const pooling =
    modules.length > 1
      ? poolingOf(readFieldsIn(within(folder, modules[1].path), 'config.json'), width)
      : 'mean'
  const steps = modules.slice(2).map((entry) => stepIn(within(folder, entry.path), entry))
  const settings = fieldsOf(own, BERT_CONFIG)
  const length = settings === null ? null : maxLengthIn(settings)
  lowerCased(settings?.get('do_lower_case') === true, own, tokenizer)
  const library = fieldsOf(folder, LIBRARY)
  return {
    ...{ model: encoderOf(folder, base, pooling, steps), tokenizer, maxLength },
    usualLength: Math.min(length ?? usualLength(tokenizer, maxLength), maxLength),
    prompts: library === null ? noPrompts : promptsIn(library),
    notes: [
      ...loaded.info.notes,
      ...(modules.length > 1
        ? []
        : [`${folder.path}: has no ${MODULES}, so the mean of its last states is taken, not normalized`]),
    ],
  }
}

/** See sentenceIn. */
export const loadSentenceEncoder = (folder: string): SentenceFolder => sentenceIn(diskFolder(folder))

function encoderOf(
  folder: ModelFolder,
  base: Transformer,
  pooling: SentenceEncoder['pooling'],
  steps: readonly SentenceStep[],
): SentenceEncoder {
  try {
    return new SentenceEncoder(base, { pooling, steps }).eval()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new CheckpointError(folder.at(MODULES), error.message, 'Take all files from the same model')
  }
}

/** Lower-casing in front of a tokenizer that does it itself changes nothing. */
function lowerCased(asked: boolean, own: ModelFolder, tokenizer: Tokenizer): void {
  if (!asked || String(tokenizer.pieces('AÉ')) === String(tokenizer.pieces('aé'))) return
  throw new CheckpointError(
    own.at(BERT_CONFIG),
    'do_lower_case is true, and the tokenizer tells capitals apart',
    'Such folders are not read',
  )
}

function stepIn(folder: ModelFolder, { kind }: ModuleEntry): SentenceStep {
  if (kind === 'Normalize') return new Normalize()
  const { inFeatures, outFeatures, bias, activation } = denseOf(readFieldsIn(folder, 'config.json'))
  if (!folder.has(SINGLE)) throw folder.missing(SINGLE)
  const file = folder.at(SINGLE)
  const { tensors } = tensorsOf([folder.weights(SINGLE)])
  const wanted = new Map([
    ['linear.weight', [outFeatures, inFeatures]],
    ...(bias ? [['linear.bias', [outFeatures]] as const] : []),
  ] as [string, number[]][])
  for (const [name, shape] of wanted) {
    const t = tensors.get(name)
    if (t === undefined) throw new CheckpointError(file, `lacks ${name}`)
    if (t.dtype === 'int32' || !sameShape(t.shape, shape))
      throw new CheckpointError(
        file,
        `${name} is ${t.dtype} ${formatShape(t.shape)}, config.json asks for ${formatShape(shape)}`,
      )
  }
  const strange = [...tensors.keys()].find((name) => !wanted.has(name))
  if (strange !== undefined) throw new CheckpointError(file, `holds ${shown(strange)}, which no Dense has`)
  const dense = undrawn(() => new Dense(inFeatures, outFeatures, activation, { bias }))
  dense.loadStateDict(tensors as Map<string, Tensor>, { from: file })
  for (const t of tensors.values()) t.dispose()
  return dense
}

/** Of saveSentenceEncoder(). */
export interface SaveSentenceOptions {
  model: SentenceEncoder
  tokenizer: Tokenizer
  /** Tokens of a text, kept as max_seq_length. Default: the tokenizer's, or all that it takes. */
  maxLength?: number | undefined
  prompts?: Prompts | undefined
}

const json = (name: string, document: unknown): FileContent => [
  name,
  `${JSON.stringify(document, null, 2)}\n`,
]

const piecesOf = (tensors: Iterable<readonly [string, Tensor]>) =>
  safetensorsPieces(tensors, { metadata: [['format', 'pt']] }).pieces

/**
 * Writes a folder that sentence-transformers of any version loads with the same vectors; all of it or nothing. Throws
 * CheckpointError.
 */
export function saveSentenceEncoder(folder: string, options: SaveSentenceOptions): void {
  checkKindIn(diskFolder(folder), options.model)
  writeStaged(folder, sentenceFiles(options))
}

/** What saveSentenceEncoder() writes, before it is written. */
export function sentenceFiles({ model, tokenizer, maxLength, prompts }: SaveSentenceOptions): FileContent[] {
  const { base, steps, pooling } = model
  const length = Math.min(maxLength ?? tokenizer.modelMaxLength ?? Infinity, model.config.maxLength)
  const kinds = steps.map((step) => (step instanceof Dense ? ('Dense' as const) : ('Normalize' as const)))
  const modules = ['Transformer' as const, 'Pooling' as const, ...kinds]
  const dense = steps.flatMap((step, i): FileContent[] => {
    if (!(step instanceof Dense)) return []
    const { inFeatures, outFeatures, bias } = step.linear
    const at = folderOfModule('Dense', i + 2)
    const settings = { inFeatures, outFeatures, bias: bias !== null, activation: step.activation }
    return [
      [`${at}/config.json`, denseText(settings)],
      [`${at}/${SINGLE}`, piecesOf(step.stateDict())],
    ]
  })
  const { named, usual } = prompts ?? noPrompts
  return [
    ...besideWeights({ model: base, tokenizer, maxLength: length }),
    ['modules.json', modulesText(modules)],
    [`${folderOfModule('Pooling', 1)}/config.json`, poolingText(pooling, model.config.width)],
    json(BERT_CONFIG, { max_seq_length: length, do_lower_case: false }),
    json(LIBRARY, {
      ...{ prompts: Object.fromEntries(named), default_prompt_name: usual },
      similarity_fn_name: 'cosine',
    }),
    ...dense,
    [SINGLE, piecesOf(base.stateDict())],
  ]
}
