// Tokens that were added to a vocabulary, out of every file that may name them, with the ids that Python gives them.
import type { Fields } from '../document.js'
import { shown } from '../json.js'
import { type AddedToken, MOST_ADDED, readAddedToken } from './tokenizer-json.js'

/** The files beside tokenizer.json and vocab.txt; null where there is none. */
export interface TokenFiles {
  /** tokenizer_config.json */
  config: Fields | null
  /** special_tokens_map.json */
  special: Fields | null
  /** added_tokens.json */
  added: Fields | null
}

export interface DeclaredToken extends Omit<AddedToken, 'id'> {
  /** As it is written; null where a file only names the token. */
  id: number | null
  field: Fields
}

/** What stands for what in Python's tokenizers, in the order in which new ones get their ids. */
const ROLES = ['bos', 'eos', 'unk', 'sep', 'pad', 'cls', 'mask'].map((role) => `${role}_token`)

/** Where Python finds these, it looks into neither special_tokens_map.json nor added_tokens.json. */
const decoderOf = ({ config }: TokenFiles): Fields | null => {
  const field = config?.at('added_tokens_decoder')
  return field === undefined || field.missing ? null : field
}

/** Where names are looked up, the later the stronger. */
const namingFiles = (files: TokenFiles): Fields[] =>
  [files.config, decoderOf(files) === null ? files.special : null].filter((file) => file !== null)

const isNamed = ({ value }: Fields) =>
  typeof value === 'string' || (typeof value === 'object' && value !== null && !Array.isArray(value))

/** Of a token that a file only names. */
const plain = { lstrip: false, rstrip: false }

/** A token that a file names: a text, or an object with its content. Named tokens are special. */
function namedToken(field: Fields): DeclaredToken {
  const { value } = field
  if (typeof value === 'object' && value !== null) return { id: null, field, ...readAddedToken(field, true) }
  return { id: null, field, content: field.text(), special: true, ...plain, normalized: false }
}

/** The tokens with a role, as 'cls_token', and those of a model's own making. Throws CheckpointError for roles of other kinds. */
export function roleTokens(files: TokenFiles): Map<string, DeclaredToken> {
  const found = new Map<string, DeclaredToken>()
  for (const file of namingFiles(files)) {
    for (const [key, field] of file.entries(MOST_ADDED)) {
      const known = ROLES.includes(key) && !field.missing
      if (field.value === '' || !(known || (key.endsWith('_token') && isNamed(field)))) continue
      found.set(key, namedToken(field))
    }
  }
  const known = ROLES.flatMap((role): [string, DeclaredToken][] => {
    const token = found.get(role)
    return token === undefined ? [] : [[role, token]]
  })
  return new Map([...known, ...found])
}

/** Special tokens without a role: additional_special_tokens, in transformers 5 extra_special_tokens. */
function extraTokens(files: TokenFiles): DeclaredToken[] {
  return namingFiles(files).flatMap((file) =>
    ['extra_special_tokens', 'additional_special_tokens'].flatMap((key) => {
      const list = file.at(key)
      if (list.missing) return []
      const fields = Array.isArray(list.value)
        ? list.items(MOST_ADDED)
        : list.entries(MOST_ADDED).map(([, field]) => field)
      return fields.filter(({ value }) => value !== '').map(namedToken)
    }),
  )
}

/** Tokens with their ids: added_tokens_decoder of tokenizer_config.json, or else added_tokens.json. */
function numberedTokens(files: TokenFiles, named: readonly DeclaredToken[]): DeclaredToken[] {
  const decoder = decoderOf(files)
  if (decoder !== null)
    return decoder.entries(MOST_ADDED).map(([key, field]) => {
      if (!/^\d{1,9}$/.test(key)) field.refuse('must have an id for its name')
      return { id: Number(key), field, ...readAddedToken(field) }
    })
  const special = new Set(named.map(({ content }) => content))
  return (files.added?.entries(MOST_ADDED) ?? []).map(([content, field]) => {
    if (content === '') field.refuse('is empty')
    const own = special.has(content)
    return { id: field.whole(0, 999_999_999), field, content, special: own, ...plain, normalized: !own }
  })
}

/** All tokens that the files name, in the order in which Python adds them. Throws CheckpointError. */
export function declaredTokens(files: TokenFiles): DeclaredToken[] {
  const named = [...roleTokens(files).values(), ...extraTokens(files)]
  const numbered = numberedTokens(files, named)
  return [...numbered.sort((a, b) => (a.id as number) - (b.id as number)), ...named]
}

export interface AddedVocabulary {
  /** The model's tokens, then those that were only added. */
  vocabulary: readonly string[]
  modelSize: number
  added: readonly AddedToken[]
}

/**
 * With the declared tokens added: one that is there keeps its id, a new one gets the next. `room`: tokens that the model has,
 * above which a name alone adds nothing. Throws CheckpointError where a file says another id than that.
 */
export function withAdded(
  before: AddedVocabulary,
  declared: readonly DeclaredToken[],
  room: number,
): AddedVocabulary {
  const { modelSize } = before
  const vocabulary = [...before.vocabulary]
  const ids = new Map(vocabulary.map((token, id) => [token, id]))
  const added = new Map(before.added.map((token) => [token.content, token]))
  const doubled = new Set(vocabulary.slice(0, modelSize)).size < modelSize
  for (const { field, id: written, ...token } of declared) {
    const known = ids.get(token.content)
    // As [MASK] or <s> where no text of the training held one: Python gives an id, and fails where it is met.
    if (known === undefined && written === null && vocabulary.length >= room) continue
    if (known === undefined && doubled)
      field.refuse(
        `adds ${shown(token.content)} to a vocabulary that has a token twice`,
        'Python gives it an id that is taken: take the lines out of vocab.txt that stand twice, or save the tokenizer.json that the model was trained with',
      )
    const id = known ?? vocabulary.length
    if (written !== null && written !== id)
      field.refuse(
        `gives ${shown(token.content)} the id ${written}, ${known === undefined ? 'the next free one is' : 'in the vocabulary it has'} ${id}`,
        'Take all files of the tokenizer from the same model',
      )
    if (known === undefined) {
      vocabulary.push(token.content)
      ids.set(token.content, id)
    }
    if (!added.has(token.content)) added.set(token.content, { id, ...token })
  }
  return { vocabulary, modelSize, added: [...added.values()].sort((a, b) => a.id - b.id) }
}

/**
 * Throws CheckpointError where added_tokens_decoder of tokenizer_config.json and tokenizer.json differ over the tokens that
 * are added: classes of Python that go by the first leave out what it has not. `declared`: what Python adds.
 */
export function checkAdded(
  files: TokenFiles,
  declared: readonly DeclaredToken[],
  added: readonly AddedToken[],
): void {
  const decoder = decoderOf(files)
  if (decoder === null) return
  const there = new Map(declared.toReversed().map((token) => [token.content, token]))
  const hint = 'Python goes by the first, other readers by the second: make them agree'
  for (const { content, normalized } of added) {
    const token =
      there.get(content) ?? decoder.refuse(`has no ${shown(content)}, which tokenizer.json adds`, hint)
    if (token.id === null || token.normalized === normalized) continue
    token.field.at('normalized').refuse(`is ${token.normalized}, tokenizer.json says ${normalized}`, hint)
  }
}
