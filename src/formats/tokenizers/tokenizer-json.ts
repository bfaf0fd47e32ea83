// BERT's tokenizer as a document: tokenizer.json checked field by field, and written.

import { Fields } from '../document.js'
import { shown } from '../json.js'

/** What BERT's normalizer does to a text. */
export interface BertNormalizing {
  /** Controls out, every space a plain one. */
  cleanText: boolean
  /** Spaces around Chinese characters. */
  chineseChars: boolean
  stripAccents: boolean
  lowercase: boolean
}

export interface AddedToken {
  id: number
  content: string
  special: boolean
  /** Looked for in the normalized text. */
  normalized: boolean
  /** Whether the spaces on its left, and on its right, are its own. */
  lstrip: boolean
  rstrip: boolean
}

/** One step of a template: a text, or tokens that are always there. */
export type TemplatePart = { text: 'A' | 'B'; type: number } | { ids: readonly number[]; type: number }

/** What all tokenizers of pieces have. */
export interface PiecedSpec {
  /** Token of each id: the model's, then those that were only added. Of a token that stands twice the last id counts. */
  vocabulary: readonly string[]
  /** How many of them are the model's. */
  modelSize: number
  added: readonly AddedToken[]
  /** null: nothing is unknown. */
  unk: string | null
  single: readonly TemplatePart[]
  pair: readonly TemplatePart[]
}

/** What a tokenizer of BERT's is made of. */
export interface WordPieceSpec extends PiecedSpec {
  normalizing: BertNormalizing
  unk: string
  /** Before a piece inside a word. */
  prefix: string
  /** A longer word is unknown as a whole. */
  maxChars: number
}

export const MOST_TOKENS = 2 ** 21
export const MOST_ADDED = 10_000
export const MOST_CHARS = 1000
/** A word is tried in all its lengths: the library takes time with the square of this. */
const LONGEST_WORD = 512
const MOST_PARTS = 16
export const KINDS = 'tinystill reads the tokenizers of the BERT and RoBERTa families'

/** The spec in a tokenizer.json. Throws CheckpointError that names `file` and the field. */
export function readWordPiece(json: unknown, file: string): WordPieceSpec {
  const root = rootOf(json, file)
  const model = root.at('model')
  // Files of 2020 name no type.
  if (model.missing || !(model.at('type').missing && !model.at('continuing_subword_prefix').missing))
    typeOf(model, ['WordPiece'])
  const tokens = readVocabulary(model.at('vocab'))
  const modelSize = tokens.length
  const added = readAdded(root.at('added_tokens'), tokens)
  const unk = model.at('unk_token').text()
  // One that was only added does not count: Python's tokenizers then fail at the first unknown word.
  if (!tokens.slice(0, modelSize).includes(unk))
    model.at('unk_token').refuse(`is ${shown(unk)}, which is not in model.vocab`)
  typeOf(root.at('pre_tokenizer'), ['BertPreTokenizer'])
  if (!root.at('decoder').missing) typeOf(root.at('decoder'), ['WordPiece'])
  return {
    ...{ vocabulary: tokens, modelSize, added, unk },
    normalizing: readNormalizer(root.at('normalizer')),
    prefix: model.at('continuing_subword_prefix').text(16),
    maxChars: model.at('max_input_chars_per_word').whole(1, LONGEST_WORD),
    ...readTemplates(root.at('post_processor'), tokens.length),
  }
}

/** The document, which must have all that a tokenizer has. */
export function rootOf(json: unknown, file: string): Fields {
  const root = new Fields(file, '', json)
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    root.refuse('must hold one JSON object')
  // Each may be null. Python's tokenizers and JavaScript's differ over files without them, which neither writes.
  for (const name of ['normalizer', 'pre_tokenizer', 'post_processor', 'decoder'])
    if (root.at(name).value === undefined) root.refuse(`has no ${name}`)
  return root
}

export function typeOf(field: Fields, known: readonly string[]): string {
  const type = field.missing ? null : field.at('type').value
  if (typeof type === 'string' && known.includes(type)) return type
  return field.refuse(
    `must be of type ${known.join(' or ')}, it is ${typeof type === 'string' ? shown(type) : 'missing'}`,
    KINDS,
  )
}

export function readVocabulary(vocab: Fields): string[] {
  const entries = vocab.entries(MOST_TOKENS)
  const tokens: string[] = []
  for (const [token, field] of entries) {
    if (token.length > MOST_CHARS)
      vocab.refuse(`holds a token of ${token.length} characters, at most ${MOST_CHARS} are read`)
    const id = field.whole(0, MOST_TOKENS - 1)
    if (tokens[id] !== undefined) field.refuse(`is ${id}, which ${shown(tokens[id])} has too`)
    tokens[id] = token
  }
  // Python writes a vocab.txt in which a token stood twice with the id of its last line alone. The last token stands for the
  // ids in between, as if it had stood there: a later id counts.
  return entries.length === tokens.length ? tokens : Array.from(tokens, (token) => token ?? tokens.at(-1))
}

/** What files say of a token that was added, but for its id. */
export function readAddedToken(
  field: Fields,
  special = field.at('special').flag(false),
): Omit<AddedToken, 'id'> {
  const content = field.at('content').text(MOST_CHARS)
  if (content === '') field.at('content').refuse('is empty')
  if (field.at('single_word').flag(false)) field.at('single_word').refuse('must be false', KINDS)
  const [lstrip, rstrip] = ['lstrip', 'rstrip'].map((side) => field.at(side).flag(false))
  return { content, special, normalized: field.at('normalized').flag(!special), lstrip, rstrip }
}

/** The added tokens; those that the model lacks are put behind `tokens`, where their ids must lead on. */
export function readAdded(list: Fields, tokens: string[]): AddedToken[] {
  const modelSize = tokens.length
  const seen = new Set(tokens)
  const added = list.items(MOST_ADDED).map((field) => {
    const token = readAddedToken(field)
    return { field, id: field.at('id').whole(0, modelSize + MOST_ADDED), ...token }
  })
  added.sort((a, b) => a.id - b.id)
  return added.map(({ field, ...token }) => {
    const { id, content } = token
    if (id < modelSize) {
      if (tokens[id] !== content)
        field.refuse(`is ${shown(content)}, model.vocab has ${shown(tokens[id])} for ${id}`)
    } else {
      if (id !== tokens.length) field.at('id').refuse(`must be ${tokens.length}, it is ${id}`)
      if (seen.has(content)) field.at('content').refuse('is in model.vocab with another id')
      tokens.push(content)
      seen.add(content)
    }
    return token
  })
}

function readNormalizer(field: Fields): BertNormalizing {
  if (field.missing) return { cleanText: false, chineseChars: false, stripAccents: false, lowercase: false }
  typeOf(field, ['BertNormalizer'])
  const lowercase = field.at('lowercase').flag()
  return {
    cleanText: field.at('clean_text').flag(),
    chineseChars: field.at('handle_chinese_chars').flag(),
    // Where nothing is said, accents go with lower-casing.
    stripAccents: field.at('strip_accents').flag(lowercase),
    lowercase,
  }
}

export function readTemplates(field: Fields, size: number): Pick<PiecedSpec, 'single' | 'pair'> {
  // ByteLevel says where words stand in a text, and adds nothing.
  if (field.missing || field.at('type').value === 'ByteLevel')
    return {
      single: [{ text: 'A', type: 0 }],
      pair: [
        { text: 'A', type: 0 },
        { text: 'B', type: 1 },
      ],
    }
  const type = typeOf(field, ['TemplateProcessing', 'BertProcessing', 'RobertaProcessing'])
  if (type !== 'TemplateProcessing') {
    const [cls, sep] = ['cls', 'sep'].map((role) =>
      field
        .at(role)
        .at(1)
        .whole(0, size - 1),
    )
    return type === 'BertProcessing' ? bertTemplates(cls, sep) : robertaTemplates(cls, sep)
  }
  const special = new Map(field.at('special_tokens').entries(MOST_PARTS))
  const read = (name: string, texts: string) => {
    const template = field.at(name)
    const parts = template.items(MOST_PARTS).map((part): TemplatePart => {
      const sequence = part.at('Sequence')
      const source = sequence.missing ? part.at('SpecialToken') : sequence
      const type = source.at('type_id').whole(0, 1)
      const id = source.at('id').text()
      if (!sequence.missing)
        return id === 'A' || id === 'B' ? { text: id, type } : sequence.refuse('must be A or B')
      const ids = special.get(id)?.at('ids').items(MOST_PARTS) ?? source.refuse('is not in special_tokens')
      return { ids: ids.map((x) => x.whole(0, size - 1)), type }
    })
    const found = parts.flatMap((part) => ('text' in part ? [part.text] : [])).join('')
    if (found !== texts)
      template.refuse(`must hold the texts ${[...texts].join(' and ')} once, in this order`)
    return parts
  }
  return { single: read('single', 'A'), pair: read('pair', 'AB') }
}

/** [CLS] A [SEP], and [CLS] A [SEP] B [SEP]: devlin et al. 2018. */
export function bertTemplates(cls: number, sep: number): Pick<WordPieceSpec, 'single' | 'pair'> {
  const single: TemplatePart[] = [
    { ids: [cls], type: 0 },
    { text: 'A', type: 0 },
    { ids: [sep], type: 0 },
  ]
  return { single, pair: [...single, { text: 'B', type: 1 }, { ids: [sep], type: 1 }] }
}

/** <s> A </s>, and <s> A </s></s> B </s>, all of one type: Liu et al. 2019. */
export function robertaTemplates(cls: number, sep: number): Pick<PiecedSpec, 'single' | 'pair'> {
  const part = (...ids: number[]): TemplatePart => ({ ids, type: 0 })
  const text = (name: 'A' | 'B'): TemplatePart => ({ text: name, type: 0 })
  const single = [part(cls), text('A'), part(sep)]
  return { single, pair: [...single, part(sep), text('B'), part(sep)] }
}

/** The parts of a tokenizer.json that all kinds write alike. */
export function commonDocument(spec: PiecedSpec) {
  const { vocabulary } = spec
  const name = (ids: readonly number[]) => ids.map((id) => vocabulary[id]).join(' ')
  const template = (parts: readonly TemplatePart[]) =>
    parts.map((part) =>
      'text' in part
        ? { Sequence: { id: part.text, type_id: part.type } }
        : { SpecialToken: { id: name(part.ids), type_id: part.type } },
    )
  const constant = [...spec.single, ...spec.pair].flatMap((part) => ('ids' in part ? [part.ids] : []))
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: spec.added.map(({ id, content, special, normalized, lstrip, rstrip }) => ({
      ...{ id, content, single_word: false, lstrip, rstrip, normalized, special },
    })),
    normalizer: null as unknown,
    pre_tokenizer: null as unknown,
    post_processor: {
      type: 'TemplateProcessing',
      ...{ single: template(spec.single), pair: template(spec.pair) },
      special_tokens: Object.fromEntries(
        constant.map((ids) => [name(ids), { id: name(ids), ids, tokens: ids.map((id) => vocabulary[id]) }]),
      ),
    },
    decoder: null as unknown,
    model: null as unknown,
  }
}

/** The tokens of a model with their ids. fromEntries defines own properties, so that a piece __proto__ is kept. */
export const vocabOf = ({ vocabulary, modelSize }: PiecedSpec) =>
  Object.fromEntries(vocabulary.slice(0, modelSize).map((token, id) => [token, id]))

/** The document for tokenizer.json; readWordPiece gives the same spec back. */
export function writeWordPiece(spec: WordPieceSpec): unknown {
  const { normalizing } = spec
  return {
    ...commonDocument(spec),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: normalizing.cleanText,
      handle_chinese_chars: normalizing.chineseChars,
      strip_accents: normalizing.stripAccents === normalizing.lowercase ? null : normalizing.stripAccents,
      lowercase: normalizing.lowercase,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    decoder: { type: 'WordPiece', prefix: spec.prefix, cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: spec.unk,
      continuing_subword_prefix: spec.prefix,
      max_input_chars_per_word: spec.maxChars,
      vocab: vocabOf(spec),
    },
  }
}
