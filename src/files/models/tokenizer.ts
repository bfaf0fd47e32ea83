// A tokenizer as files of a model folder, as Python's transformers reads and writes them.
import { CheckpointError } from '../../errors.js'
import { Fields } from '../../formats/document.js'
import {
  checkAdded,
  declaredTokens,
  roleTokens,
  type TokenFiles,
  withAdded,
} from '../../formats/tokenizers/added-tokens.js'
import { bpeDocument } from '../../formats/tokenizers/bpe-files.js'
import { readByteBpe } from '../../formats/tokenizers/bpe-json.js'
import {
  bertNormalizing,
  checkModel,
  checkNormalizing,
  checkPlainSteps,
  checkPrefixSpace,
  givesTypes,
  modelMaxLength,
  type Reading,
  type TokenizerClass,
  tokenizerClass,
  truncationSide,
} from '../../formats/tokenizers/tokenizer-config.js'
import {
  bertTemplates,
  type PiecedSpec,
  readWordPiece,
  robertaTemplates,
  type WordPieceSpec,
} from '../../formats/tokenizers/tokenizer-json.js'
import { readUnigram } from '../../formats/tokenizers/unigram-json.js'
import { type RoleNames, vocabularySpec } from '../../formats/tokenizers/vocabulary.js'
import type { Tokenizer } from '../../text/encoding.js'
import { gpt2Roles, type PiecedTokenizer, robertaRoles } from '../../text/pieces/base.js'
import { ByteBpeTokenizer } from '../../text/pieces/byte-bpe.js'
import { UnigramTokenizer } from '../../text/pieces/unigram.js'
import { WordTokenizer } from '../../text/tokenizer.js'
import { WordPieceTokenizer } from '../../text/wordpiece.js'
import type { FileContent } from '../disk.js'
import { type ModelFolder, readJsonIn } from './model-folder.js'

/** Sets of files that each hold a tokenizer, the first that is whole before the others. */
export const tokenizerFileSets: readonly (readonly string[])[] = [
  ['tokenizer.json'],
  ['vocab.json', 'merges.txt'],
  ['vocab.txt'],
]

export const hasTokenizerIn = (folder: ModelFolder): boolean =>
  tokenizerFileSets.some((set) => set.every((name) => folder.has(name)))

/**
 * The tokenizer of a folder, as Python's AutoTokenizer: from tokenizer.json (WordPiece, byte-level BPE, Unigram or WordLevel), or
 * where there is none from vocab.json and merges.txt, or vocab.txt; with tokenizer_config.json, special_tokens_map.json, added_tokens.json and config.json's tokenizer_class.
 * Throws CheckpointError that names the file and the field, where they say what is not read or contradict each other.
 */
export function tokenizerIn(
  folder: ModelFolder,
): WordTokenizer | WordPieceTokenizer | ByteBpeTokenizer | UnigramTokenizer {
  /** Not checked yet; null where there is none. */
  const read = (name: string) =>
    folder.has(name) ? new Fields(folder.at(name), '', readJsonIn(folder, name)) : null
  const files: FolderFiles = {
    ...{ config: read('tokenizer_config.json'), special: read('special_tokens_map.json') },
    ...{ added: read('added_tokens.json'), model: read('config.json') },
  }
  const python = tokenizerClass(files.config, files.model)
  const document = read('tokenizer.json') ?? bpeFilesIn(folder, files, python)
  const model = document?.at('model')
  if (document !== null && model?.missing === false && model.at('type').value === 'WordLevel')
    return WordTokenizer.fromJSON(document.value, document.file)
  const names = { ...rolesOf[python.reading], ...namesOf(files) }
  const rules = {
    names,
    truncationSide: truncationSide(files.config, document),
    modelMaxLength: modelMaxLength(files.config),
  }
  if (document !== null && model?.missing === false) {
    checkModel(document, python)
    const type = model.at('type').value
    const agree = (prefixSpace: boolean | null) =>
      checkPrefixSpace(files.config, python.reading, prefixSpace, new Fields(folder.path, '', null))
    const added = (spec: PiecedSpec) => withAdded(spec, declaredTokens(files), roomOf(files))
    if (type === 'BPE') {
      const spec = readByteBpe(document.value, document.file)
      agree(spec.prefixSpace)
      return ByteBpeTokenizer.fromSpec({ ...spec, ...added(spec) }, document.file, rules)
    }
    if (type === 'Unigram') {
      const spec = readUnigram(document.value, document.file)
      checkPlainSteps(files.config, python.reading, spec.before, new Fields(folder.path, '', null))
      // DeBERTa's classes keep spaces, and put one before the first word alone where they are told to put none.
      const [splits, without] = python.reading === 'deberta' ? [false, 'first'] : [true, 'never']
      const known = spec.splitsSpaces === splits && ['always', without].includes(spec.prepend)
      agree(known ? spec.prepend === 'always' : null)
      return UnigramTokenizer.fromSpec({ ...spec, ...added(spec) }, document.file, rules)
    }
  }
  const [spec, file] =
    document === null
      ? vocabularyFile(folder, files, python, names)
      : [documentSpec(document, files, python.reading, folder.path), document.file]
  const typed = givesTypes(files.config, files.model, python)
  return WordPieceTokenizer.fromSpec(typed ? spec : withoutTypes(spec), file, rules)
}

/** What Python's class makes of vocab.json and merges.txt; null where those are not there, or not what it goes by. */
function bpeFilesIn(folder: ModelFolder, files: FolderFiles, { reading }: TokenizerClass): Fields | null {
  const plain = reading === 'gpt2'
  if (!plain && reading !== 'roberta') return null
  const names = ['vocab.json', 'merges.txt'] as const
  if (!names.every((name) => folder.has(name))) return null
  const [file, merges] = names.map((name) => folder.at(name))
  const given = { vocab: readJsonIn(folder, 'vocab.json'), merges: folder.text('merges.txt') }
  const roles = { ...(plain ? gpt2Roles : robertaRoles), ...namesOf(files) }
  const { cls, sep } = { ...robertaRoles, ...roles }
  const document = bpeDocument(
    { ...given, files: [file, merges] },
    {
      prefixSpace: files.config?.at('add_prefix_space').flag(false) ?? false,
      ...{ special: Object.values(roles), around: plain ? null : { cls, sep } },
    },
  )
  return new Fields(file, '', document)
}

interface FolderFiles extends TokenFiles {
  /** config.json */
  model: Fields | null
}

function namesOf(files: TokenFiles): RoleNames & { unk?: string } {
  const tokens = roleTokens(files)
  const named = (['unk', 'pad', 'cls', 'sep', 'mask'] as const).flatMap((role) => {
    const token = tokens.get(`${role}_token`)
    return token === undefined ? [] : [[role, token.content]]
  })
  return Object.fromEntries(named)
}

/** vocab_size of config.json, which is checked where the model is read. */
function roomOf({ model }: FolderFiles): number {
  const size = model?.at('vocab_size').value
  return typeof size === 'number' ? size : Infinity
}

const DEFAULT_ROLES = { unk: '[UNK]', sep: '[SEP]', pad: '[PAD]', cls: '[CLS]', mask: '[MASK]' }
const MPNET_ROLES = { ...robertaRoles, unk: '[UNK]' }
/** Of classes that call tokens otherwise than is usual for their kind of pieces. */
const rolesOf: Readonly<Partial<Record<Reading, RoleNames & { unk?: string }>>> = {
  mpnet: MPNET_ROLES,
  gpt2: { ...gpt2Roles },
  albert: { ...DEFAULT_ROLES, unk: '<unk>', pad: '<pad>' },
  deberta: DEFAULT_ROLES,
}

/** Of tokenizer.json, where the other files agree with it, and with what they add. */
function documentSpec(document: Fields, files: FolderFiles, reading: Reading, folder: string): WordPieceSpec {
  const spec = readWordPiece(document.value, document.file)
  checkNormalizing(files.config, reading, spec.normalizing, new Fields(folder, '', null))
  const declared = declaredTokens(files)
  if (reading === 'bert' || reading === 'mpnet') {
    // Python's class adds what it has a role for, whether or not a file says so.
    const usual = reading === 'bert' ? DEFAULT_ROLES : MPNET_ROLES
    const roles = Object.values({ ...usual, ...namesOf(files) })
    for (const content of roles.filter((token) => spec.vocabulary.includes(token)))
      declared.push({
        id: null,
        field: document,
        content,
        special: true,
        normalized: false,
        lstrip: false,
        rstrip: false,
      })
    checkAdded(files, declared, spec.added)
  }
  return { ...spec, ...withAdded(spec, declared, roomOf(files)) }
}

function vocabularyFile(
  folder: ModelFolder,
  files: FolderFiles,
  { name, reading }: TokenizerClass,
  names: RoleNames & { unk?: string },
): [WordPieceSpec, string] {
  const file = folder.at('vocab.txt')
  if (!folder.has('vocab.txt'))
    throw new CheckpointError(
      folder.path,
      'has no tokenizer.json and no vocab.txt',
      'Save the tokenizer beside the model, in Python by tokenizer.save_pretrained',
    )
  if (reading !== 'bert' && reading !== 'unsaid')
    throw new CheckpointError(
      folder.path,
      `has no tokenizer.json, which ${name ?? 'the class that Python takes for this model_type'} goes by`,
      "Copy it from the model's own folder, or name BertTokenizer as tokenizer_class to go by vocab.txt",
    )
  const lines = folder.text('vocab.txt').split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop()
  const settings = {
    ...{ normalizing: bertNormalizing(files.config), names, declared: declaredTokens(files) },
    room: roomOf(files),
  }
  return [vocabularySpec(lines, settings, file), file]
}

/** Both texts of the first type, as a model reads them whose tokenizer gives it no types. */
function withoutTypes(spec: WordPieceSpec): WordPieceSpec {
  const flat = (parts: WordPieceSpec['pair']) => parts.map((part) => ({ ...part, type: 0 }))
  return { ...spec, single: flat(spec.single), pair: flat(spec.pair) }
}

/** Of saveTokenizer(). */
export interface SaveTokenizerOptions {
  /** Tokens of a text, as model_max_length. Default: the tokenizer's own, where it has one. */
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
  if (tokenizer instanceof ByteBpeTokenizer) {
    const prefixSpace = tokenizer.spec.prefixSpace
    if (isPlainText(tokenizer))
      return [whole, json('tokenizer_config.json', gpt2Config(tokenizer, maxLength))]
    const own = robertaConfig(tokenizer, 'RobertaTokenizer', prefixSpace, maxLength)
    return [whole, json('tokenizer_config.json', own)]
  }
  if (tokenizer instanceof UnigramTokenizer) {
    const { before, splitsSpaces, prepend } = tokenizer.spec
    const name = before.length === 0 && splitsSpaces && prepend !== 'first' ? 'XLMRobertaTokenizer' : AS_IT_IS
    return [
      whole,
      json('tokenizer_config.json', robertaConfig(tokenizer, name, prepend === 'always', maxLength)),
    ]
  }
  if (!(tokenizer instanceof WordPieceTokenizer)) return [whole]
  const { vocabulary, spec } = tokenizer
  const special = specialTokens(tokenizer)
  const { lowercase, stripAccents, chineseChars } = spec.normalizing
  const mpnets = isPlain(tokenizer, robertaTemplates)
  const berts = pythonClass !== 'GPT2Tokenizer'
  const typed = mpnets || !berts || pythonClass === 'DistilBertTokenizer' ? [] : ['token_type_ids']
  const own = berts && isPlain(tokenizer, bertTemplates) ? pythonClass : AS_IT_IS
  const config = {
    ...special,
    ...(mpnets && { bos_token: special.cls_token, eos_token: special.sep_token }),
    tokenizer_class: mpnets ? 'MPNetTokenizer' : own,
    // Of AS_IT_IS transformers 5 would give no types where nothing is said.
    model_input_names: ['input_ids', ...typed, 'attention_mask'],
    do_lower_case: lowercase,
    strip_accents: stripAccents === lowercase ? null : stripAccents,
    tokenize_chinese_chars: chineseChars,
    ...lengths(tokenizer, maxLength),
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

function specialTokens({ vocabulary, spec, unkId, sepId, padId, clsId, maskId }: PiecedTokenizer) {
  const named = (id: number | null) => (id === null ? undefined : vocabulary[id])
  // Of bytes nothing is unknown, and still there may be a token for it.
  const unk = spec.unk ?? (unkId === padId ? null : vocabulary[unkId])
  return {
    ...(unk !== null && { unk_token: unk }),
    sep_token: named(sepId),
    pad_token: named(padId),
    cls_token: named(clsId),
    mask_token: named(maskId),
  }
}

function lengths({ modelMaxLength, truncationSide }: PiecedTokenizer, maxLength?: number) {
  const length = maxLength ?? modelMaxLength
  return {
    ...(length !== null && { model_max_length: length }),
    ...(truncationSide === 'left' && { truncation_side: 'left' }),
  }
}

/** Whether nothing stands around a text, as of GPT-2, whose one token for all roles ends it. */
const isPlainText = ({ spec: { single }, clsId, sepId }: PiecedTokenizer) =>
  clsId === null && sepId !== null && single.length === 1

function gpt2Config(tokenizer: ByteBpeTokenizer, maxLength?: number) {
  const { vocabulary, sepId, padId } = tokenizer
  const end = vocabulary[sepId as number]
  return {
    ...{ bos_token: end, eos_token: end, unk_token: end },
    ...(padId !== sepId && { pad_token: vocabulary[padId] }),
    ...{ tokenizer_class: 'GPT2Tokenizer', add_prefix_space: tokenizer.spec.prefixSpace },
    ...lengths(tokenizer, maxLength),
  }
}

/** tokenizer_config.json of RoBERTa's kin; of other templates than theirs Python's class goes by tokenizer.json alone. */
function robertaConfig(
  tokenizer: ByteBpeTokenizer | UnigramTokenizer,
  pythonClass: string,
  prefixSpace: boolean,
  maxLength?: number,
) {
  const { spec, clsId, sepId, vocabulary } = tokenizer
  const { single, pair } = spec
  const robertas =
    clsId !== null &&
    sepId !== null &&
    JSON.stringify({ single, pair }) === JSON.stringify(robertaTemplates(clsId, sepId))
  const ends = robertas && { bos_token: vocabulary[clsId], eos_token: vocabulary[sepId] }
  return {
    ...{ ...specialTokens(tokenizer), ...ends },
    tokenizer_class: robertas ? pythonClass : AS_IT_IS,
    model_input_names: [
      'input_ids',
      ...(pair.some(({ type }) => type === 1) ? ['token_type_ids'] : []),
      'attention_mask',
    ],
    add_prefix_space: prefixSpace,
    ...lengths(tokenizer, maxLength),
  }
}

/** Whether Python's class of these templates makes the same pipeline anew. */
function isPlain({ spec, clsId, sepId }: WordPieceTokenizer, templates: typeof bertTemplates): boolean {
  const { normalizing, prefix, maxChars, single, pair } = spec
  if (!normalizing.cleanText || prefix !== '##' || maxChars !== 100 || clsId === null || sepId === null)
    return false
  return JSON.stringify({ single, pair }) === JSON.stringify(templates(clsId, sepId))
}
