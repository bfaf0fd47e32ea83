// BERT's tokenizer out of the tokens of a vocab.txt, which say nothing of lower-casing or of what is added to them.
import { CheckpointError } from '../../errors.js'
import { shown } from '../json.js'
import { type DeclaredToken, withAdded } from './added-tokens.js'
import {
  type BertNormalizing,
  bertTemplates,
  MOST_CHARS,
  MOST_TOKENS,
  type WordPieceSpec,
} from './tokenizer-json.js'

/** The tokens of the roles, where a model names them otherwise. */
export interface RoleNames {
  pad?: string
  cls?: string
  sep?: string
  mask?: string
}

export interface VocabularySettings {
  normalizing: BertNormalizing
  names?: RoleNames & { unk?: string }
  declared?: readonly DeclaredToken[]
  /** Tokens that the model has. Default: any number. */
  room?: number
}

/** Python leaves the spaces at the end of a line out of its token. */
const SPACE_BEHIND = /\p{White_Space}+$/u

/**
 * The spec of BERT's own pipeline on `lines`; of a token that stands twice the last line counts, as in Python. Throws
 * CheckpointError that names `file` where a role other than [MASK] has no token.
 */
export function vocabularySpec(
  lines: readonly string[],
  { normalizing, names = {}, declared = [], room = Infinity }: VocabularySettings,
  file: string,
): WordPieceSpec {
  const refuse = (what: string, hint?: string): never => {
    throw new CheckpointError(file, what, hint)
  }
  if (lines.length > MOST_TOKENS) refuse(`has ${lines.length} tokens, at most ${MOST_TOKENS} are read`)
  const tokens = lines.map((line, id) => {
    if (line.length > MOST_CHARS)
      refuse(`line ${id + 1} has ${line.length} characters, at most ${MOST_CHARS} are read`)
    return line.replace(SPACE_BEHIND, '')
  })
  const modelSize = tokens.length
  const { unk = '[UNK]', cls = '[CLS]', sep = '[SEP]', pad = '[PAD]', mask = '[MASK]' } = names
  const all = withAdded({ vocabulary: tokens, modelSize, added: [] }, declared, room)
  const ids = new Map(all.vocabulary.map((token, id) => [token, id]))
  const idOf = (content: string) =>
    ids.get(content) ?? refuse(`has no ${shown(content)}`, 'It is no vocabulary of the BERT family')
  // An unknown word is a piece of the model: one that was only added is none.
  if (idOf(unk) >= modelSize) refuse(`has no ${shown(unk)}`)
  const added = new Map(all.added.map((token) => [token.id, token]))
  for (const content of [pad, unk, cls, sep, ...(ids.has(mask) ? [mask] : [])]) {
    const id = idOf(content)
    if (!added.has(id))
      added.set(id, { id, content, special: true, normalized: false, lstrip: false, rstrip: false })
  }
  return {
    ...{ vocabulary: all.vocabulary, modelSize, normalizing, unk, prefix: '##', maxChars: 100 },
    added: [...added.values()].sort((a, b) => a.id - b.id),
    ...bertTemplates(idOf(cls), idOf(sep)),
  }
}
