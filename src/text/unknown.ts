// How much of texts a tokenizer does not know. A model can be trained on [UNK] alone, and nothing else would tell.
import { shown } from '../formats/json.js'
import type { Tokenizer } from './encoding.js'
import { WordPieceTokenizer } from './wordpiece.js'

/** Texts that are looked at: enough for a share. */
const LOOKED_AT = 1000
/** Shares above which something is wrong: pieces spell nearly everything, a list of whole words does not. */
const USUAL = { pieces: 0.05, words: 0.3 }
/** A text may hold an odd sign or two. */
const FEW = 3
const EXAMPLES = 3

/** About a thousand of them, from the first to the last. */
export function someOf<T>(rows: readonly T[]): T[] {
  const step = Math.max(1, rows.length / LOOKED_AT)
  return Array.from({ length: Math.ceil(rows.length / step) }, (_, i) => rows[Math.floor(i * step)])
}

export interface Unknown {
  tokens: number
  unknown: number
}

export function countUnknown(tokenizer: Tokenizer, texts: Iterable<string>): Unknown {
  const found = { tokens: 0, unknown: 0 }
  for (const text of texts) {
    const pieces = tokenizer.pieces(text)
    found.tokens += pieces.length
    for (const id of pieces) if (id === tokenizer.unkId) found.unknown++
  }
  return found
}

/** Words of which a token is unknown, the first that differ. */
function examplesOf(tokenizer: Tokenizer, texts: readonly string[]): string[] {
  const found = new Set<string>()
  for (const text of texts) {
    for (const word of text.split(/\s+/)) {
      if (found.size === EXAMPLES) return [...found]
      if (tokenizer.pieces(word).includes(tokenizer.unkId)) found.add(word)
    }
  }
  return [...found]
}

/**
 * A line where more of the texts is unknown than is usual, with what to do about it; else null. `of` names the texts,
 * `folder` the tokenizer's.
 */
export function unknownWarning(
  tokenizer: Tokenizer,
  texts: readonly string[],
  { of, folder }: { of: string; folder: string },
): string | null {
  const pieced = tokenizer instanceof WordPieceTokenizer
  const { tokens, unknown } = countUnknown(tokenizer, texts)
  if (unknown <= Math.max(FEW, tokens * USUAL[pieced ? 'pieces' : 'words'])) return null
  const share = Math.round((100 * unknown) / tokens)
  const examples = examplesOf(tokenizer, texts).map(shown).join(', ')
  const what = `warning: ${share}% of the tokens of ${of} are unknown to the tokenizer of ${folder}${examples && `, as in ${examples}`}`
  if (!pieced) return `${what}. It knows the words alone that its model was trained on`
  const cased = !tokenizer.spec.normalizing.lowercase
  const lowered = cased
    ? countUnknown(
        tokenizer,
        texts.map((text) => text.toLowerCase()),
      ).unknown
    : unknown
  return lowered < unknown / 2
    ? `${what}. In lower case most are known: where the model was trained so, write "do_lower_case": true into tokenizer_config.json, and "lowercase": true into tokenizer.json`
    : `${what}. Take the vocabulary that the model was trained with, or a model of this language`
}
