// A tokenizer as files of a model folder, as Python's transformers reads and writes them.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CheckpointError } from '../../errors.js'
import { Fields } from '../../formats/document.js'
import { bertTemplates } from '../../formats/tokenizer-json.js'
import type { Tokenizer } from '../../text/encoding.js'
import { WordTokenizer } from '../../text/tokenizer.js'
import { type RoleNames, WordPieceTokenizer } from '../../text/wordpiece.js'
import { type FileContent, readText, writeFolder } from '../disk.js'
import { readJson } from '../json-file.js'

/** Of vocab.txt: the largest vocabularies of the BERT family take 5 MB. */
const MAX_BYTES = 64 * 2 ** 20

/** A JSON file not checked yet; null where there is none. Throws CheckpointError. */
function readJsonFields(file: string): Fields | null {
  return existsSync(file) ? new Fields(file, '', readJson(file)) : null
}

/**
 * The tokenizer of a folder: from tokenizer.json (WordPiece or WordLevel), or where there is none from vocab.txt with
 * tokenizer_config.json's do_lower_case. Throws CheckpointError that names the file and the field.
 */
export function loadTokenizer(folder: string): WordTokenizer | WordPieceTokenizer {
  const document = readJsonFields(join(folder, 'tokenizer.json'))
  const config = readJsonFields(join(folder, 'tokenizer_config.json'))
  if (document === null) return fromVocabularyFile(folder, config)
  const model = document.at('model')
  if (!model.missing && model.at('type').value === 'WordLevel')
    return WordTokenizer.fromJSON(document.value, document.file)
  if (config === null) return WordPieceTokenizer.fromJSON(document.value, document.file)
  const tokenizer = WordPieceTokenizer.fromJSON(document.value, document.file, roles(config))
  const { lowercase } = tokenizer.spec.normalizing
  const field = config.at('do_lower_case')
  if (field.flag(lowercase) !== lowercase)
    field.refuse(
      `is ${!lowercase}, tokenizer.json says ${lowercase}`,
      'Python goes by the first, other readers by the second: make them agree',
    )
  return tokenizer
}

/** The tokens that tokenizer_config.json names: each a text, or an object with its content. */
function roles(config: Fields): RoleNames {
  const names: RoleNames = {}
  for (const role of ['pad', 'cls', 'sep', 'mask'] as const) {
    const field = config.at(`${role}_token`)
    if (!field.missing) names[role] = (typeof field.value === 'string' ? field : field.at('content')).text()
  }
  return names
}

function fromVocabularyFile(folder: string, config: Fields | null): WordPieceTokenizer {
  const file = join(folder, 'vocab.txt')
  if (!existsSync(file))
    throw new CheckpointError(
      folder,
      'has no tokenizer.json and no vocab.txt',
      'Save the tokenizer beside the model, in Python by tokenizer.save_pretrained',
    )
  const lines = readText(file, MAX_BYTES).split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop()
  if (config === null) return WordPieceTokenizer.fromVocabulary(lines, {}, file)
  const lowercase = config.at('do_lower_case').flag(true)
  return WordPieceTokenizer.fromVocabulary(
    lines,
    {
      lowercase,
      stripAccents: config.at('strip_accents').flag(lowercase),
      chineseChars: config.at('tokenize_chinese_chars').flag(true),
    },
    file,
  )
}

export interface SaveTokenizerOptions {
  /** Longest input of the model. */
  maxLength?: number
  /** Python's class. Default BertTokenizer; DistilBertTokenizer gives no token types, which its model does not take. */
  pythonClass?: string
}

/** Of another pipeline than BERT's, which BertTokenizer would make anew: this one goes by tokenizer.json alone. */
const AS_IT_IS = 'PreTrainedTokenizerFast'

/** What saveTokenizer() writes, before it is written. */
export function tokenizerFiles(
  tokenizer: Tokenizer,
  { maxLength, pythonClass = 'BertTokenizer' }: SaveTokenizerOptions = {},
): FileContent[] {
  const json = (name: string, document: unknown): FileContent => [
    name,
    `${JSON.stringify(document, null, 1)}\n`,
  ]
  const whole = json('tokenizer.json', tokenizer.toJSON())
  if (!(tokenizer instanceof WordPieceTokenizer)) return [whole]
  const { vocabulary, spec } = tokenizer
  const named = (id: number | null) => (id === null ? undefined : vocabulary[id])
  const special = {
    unk_token: spec.unk,
    sep_token: named(tokenizer.sepId),
    pad_token: named(tokenizer.padId),
    cls_token: named(tokenizer.clsId),
    mask_token: named(tokenizer.maskId),
  }
  const { lowercase, stripAccents, chineseChars } = spec.normalizing
  const config = {
    ...special,
    tokenizer_class: isBerts(tokenizer) ? pythonClass : AS_IT_IS,
    do_lower_case: lowercase,
    strip_accents: stripAccents === lowercase ? null : stripAccents,
    tokenize_chinese_chars: chineseChars,
    ...(maxLength === undefined ? {} : { model_max_length: maxLength }),
  }
  const model = vocabulary.slice(0, spec.modelSize)
  // A file of lines cannot hold it; tokenizer.json does.
  const lines = model.some((token) => /[\r\n]/.test(token))
  return [
    whole,
    json('special_tokens_map.json', special),
    json('tokenizer_config.json', config),
    ...(lines ? [] : [['vocab.txt', `${model.join('\n')}\n`] as const]),
  ]
}

/**
 * Writes tokenizer.json, and for WordPiece vocab.txt, tokenizer_config.json and special_tokens_map.json, which Python's
 * AutoTokenizer reads with the same ids. Throws CheckpointError.
 */
export function saveTokenizer(folder: string, tokenizer: Tokenizer, options?: SaveTokenizerOptions): void {
  writeFolder(folder, tokenizerFiles(tokenizer, options))
}

function isBerts({ spec, clsId, sepId }: WordPieceTokenizer): boolean {
  const { normalizing, prefix, maxChars, single, pair } = spec
  if (!normalizing.cleanText || prefix !== '##' || maxChars !== 100 || clsId === null || sepId === null)
    return false
  return JSON.stringify({ single, pair }) === JSON.stringify(bertTemplates(clsId, sepId))
}
