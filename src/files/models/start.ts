// What a training begins with: a folder's weights, or a new model of a size, with a vocabulary made of the texts.
import { existsSync } from 'node:fs'
import { CheckpointError } from '../../errors.js'
import { activationFields } from '../../formats/head.js'
import type { TransformerConfig } from '../../nn/models/config.js'
import type { Family, Kind } from '../../nn/models/family.js'
import { newModel } from '../../nn/models/new-model.js'
import { PAD_FIELD } from '../../nn/models/pooling.js'
import { presetNames, presetOf } from '../../nn/models/presets.js'
import type { Pretrained } from '../../nn/models/pretrained.js'
import type { Tokenizer } from '../../text/encoding.js'
import { WordPieceTokenizer } from '../../text/wordpiece.js'
import { trainWordPiece } from '../../text/wordpiece-train.js'
import { isFolder } from '../disk.js'
import { hasTokenizer, loadPretrained, loadTokenizer, readConfig, refuseQuantized } from './on-disk.js'
import { type LoadInfo, tokenizerOf } from './pretrained.js'

export interface StartOptions {
  as: Kind
  /** Names of the classes; one for a regression. */
  labels: readonly string[]
  /** Whether a folder's classifier is drawn anew even where it has as many classes: its classes are others. */
  newHead?: boolean
  problemType?: TransformerConfig['problemType']
  /** For a new model: what its vocabulary is made of. */
  texts: Iterable<string>
  /** For a new model. Default 8192. */
  vocabSize?: number
  /** A folder whose tokenizer a new model takes, instead of a vocabulary of its own. */
  tokenizer?: string | undefined
}

export interface Started {
  model: Pretrained
  tokenizer: Tokenizer
  /** null: a new model. */
  info: LoadInfo | null
}

/**
 * `source`: a model folder, the name of a preset, or a config.json. The weights of a new model and of missing heads come
 * from the random scope. Throws CheckpointError for anything else, and for a folder without tokenizer; BackendError, before
 * it makes anything, for a new model that is too large to be trained.
 */
export function startModel(source: string, options: StartOptions): Started {
  const started = begun(source, options)
  sayPadding(started)
  return started
}

function begun(source: string, options: StartOptions): Started {
  if (isFolder(source)) return fromFolder(source, options)
  const preset = presetOf(source)
  if (preset !== null)
    return fresh(source, preset.family, { ...preset.family.defaults, ...preset.settings }, options)
  if (existsSync(source)) {
    const { family, config } = readConfig(source)
    return fresh(source, family, config, options)
  }
  throw new CheckpointError(
    source,
    'is no folder, no config.json and no preset',
    `Presets are ${presetNames}; tinystill pull gets a model from the hub`,
  )
}

/** Where a text's last word tells its classes, Python takes batches only if config.json says which token is no word. */
function sayPadding({ model: { kind, config }, tokenizer: { padId } }: Started): void {
  const asked = kind === 'sequence-classification' && config.textState === 'last'
  if (asked && typeof config.extra.get(PAD_FIELD) !== 'number')
    config.extra = new Map([...config.extra, [PAD_FIELD, padId]])
}

function fromFolder(folder: string, { as, labels, newHead, problemType }: StartOptions): Started {
  refuseQuantized(folder)
  const labelled = as.endsWith('classification') || as === 'question-answering'
  const loaded = loadPretrained(folder, labelled ? { as, labels, newHead } : { as })
  const { model, info } = loaded
  const tokenizer = tokenizerOf(folder, loaded)
  if (problemType !== undefined) setProblemType(model, problemType)
  return { model, tokenizer, info }
}

/** What a model is trained for: what its folder said of the answers before goes. */
export function setProblemType(
  { config }: Pick<Pretrained, 'config'>,
  problemType: TransformerConfig['problemType'],
): void {
  config.problemType = problemType
  const gone: readonly string[] = activationFields
  config.extra = new Map([...config.extra].filter(([field]) => !gone.includes(field)))
}

function fresh(source: string, family: Family, config: TransformerConfig, options: StartOptions): Started {
  const { as, labels, problemType = null, texts, vocabSize = 8192, tokenizer: folder } = options
  const tokenizer =
    folder === undefined
      ? paddedFor(family, trainWordPiece(texts, { size: vocabSize }))
      : loadTokenizer(checked(folder))
  const { padId: pad, vocabSize: size } = tokenizer
  // Where config.json has no word for padding, all words learn.
  const padId = family.settings.padId === undefined ? config.padId : pad
  const settings = { ...config, vocabSize: size, padId, labels, problemType }
  return { model: newModel(source, family, as, settings), tokenizer, info: null }
}

/** With padding where the family's models have it, whatever config.json says: MPNet's at 1. */
function paddedFor(family: Family, tokenizer: WordPieceTokenizer): WordPieceTokenizer {
  const [padId] = family.fixed[family.settings.padId ?? ''] ?? []
  if (typeof padId !== 'number' || padId === tokenizer.padId) return tokenizer
  const tokens = [...tokenizer.vocabulary]
  tokens[tokenizer.padId] = tokens[padId]
  tokens[padId] = tokenizer.vocabulary[tokenizer.padId]
  return WordPieceTokenizer.fromVocabulary(tokens)
}

function checked(folder: string): string {
  if (hasTokenizer(folder)) return folder
  throw new CheckpointError(folder, 'has no tokenizer.json or vocab.txt')
}
