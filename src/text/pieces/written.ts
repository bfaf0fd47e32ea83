// Text out of ids, piece by piece as they are generated: what encoding did, undone.
import { bytesOf } from '../../formats/tokenizers/bpe-json.js'
import type { Tokenizer } from '../encoding.js'
import { WordPieceTokenizer } from '../wordpiece.js'
import { ByteBpeTokenizer } from './byte-bpe.js'

/** Takes ids one after the other and gives the text that is sure by then. */
export interface Writer {
  /** The text that this id adds. Empty for special tokens, and until the last byte of a character has come. */
  push(id: number): string
  /** What is left at the end: U+FFFD for bytes that are no character. */
  end(): string
}

/**
 * A writer of one text, as Python's `tokenizer.decode(ids, skip_special_tokens=True)`. null for tokenizers whose pieces do not tell
 * what the text was. Throws RangeError in push() for ids outside the vocabulary.
 */
export function writerOf(tokenizer: Tokenizer): Writer | null {
  if (tokenizer instanceof ByteBpeTokenizer) return byteWriter(tokenizer)
  return tokenizer instanceof WordPieceTokenizer ? wordWriter(tokenizer) : null
}

/** The whole text at once; null as of writerOf(). */
export function textOf(tokenizer: Tokenizer, ids: Iterable<number>): string | null {
  const writer = writerOf(tokenizer)
  return writer && Array.from(ids, (id) => writer.push(id)).join('') + writer.end()
}

function pieceOf({ vocabulary }: Tokenizer, id: number): string {
  if (vocabulary[id] === undefined)
    throw new RangeError(`writer: id ${id} is outside a vocabulary of ${vocabulary.length}`)
  return vocabulary[id]
}

function byteWriter(tokenizer: ByteBpeTokenizer): Writer {
  const added = new Set(tokenizer.spec.added.map(({ id }) => id))
  const special = new Set(tokenizer.specialIds)
  const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })
  return {
    push(id) {
      const piece = pieceOf(tokenizer, id)
      if (special.has(id)) return ''
      if (added.has(id)) return utf8.decode() + piece
      return utf8.decode(bytesOf(piece), { stream: true })
    },
    end: () => utf8.decode(),
  }
}

/** Words get a space between them; where the text had none, as before a full stop, none can be known. */
function wordWriter(tokenizer: WordPieceTokenizer): Writer {
  const special = new Set(tokenizer.specialIds)
  const { prefix } = tokenizer.spec
  let begun = false
  return {
    push(id) {
      const piece = pieceOf(tokenizer, id)
      if (special.has(id)) return ''
      const before = begun
      begun = true
      if (before && piece.startsWith(prefix)) return piece.slice(prefix.length)
      return before ? ` ${piece}` : piece
    },
    end: () => '',
  }
}
