// Where the words of texts begin among a model's tokens: the places that models of different tokenizers have in common.
import { byteCharacters } from '../../formats/tokenizers/bpe-json.js'
import { SPACE_SIGN } from '../../formats/tokenizers/unigram-json.js'
import type { Tokenizer } from '../encoding.js'
import type { PiecedTokenizer, PlacedPieces } from '../pieces/base.js'
import { placing } from '../questions/placed-pieces.js'
import type { TextSet } from '../rows/text-set.js'
import { wordRows } from './words.js'

/** A space by itself, as tokens have it. */
const signs = [SPACE_SIGN, byteCharacters()[0x20]]

/**
 * Of each row of a set, a text or a window of one, [CLS], or <s>, where its tokens begin with it, then the first token of each word, counted in the encoded text;
 * -1 for one that is not there, or was cut off. Words are those of the set, or what stands between spaces, of a pair the second text's
 * behind the first's: rows of two tokenizers are as long. A word's first token is the one that wordPieces() begins with: the sign
 * of the space before it, where that is a token. Throws TinystillError for a tokenizer that does not say where its pieces stand.
 */
export function wordPlaces(
  {
    texts,
    pairs,
    words,
    docStride,
    readings,
  }: Pick<TextSet, 'texts' | 'pairs' | 'words' | 'docStride' | 'readings'>,
  tokenizer: PiecedTokenizer,
  maxLength: number,
): Int32Array[] {
  const behind = (ids: Int32Array, places: readonly Int32Array[]) =>
    Int32Array.from([ids[0] === tokenizer.clsId ? 0 : -1, ...places.flatMap((own) => [...own])])
  if (words !== undefined)
    return wordRows(words, { tokenizer, maxLength }, { docStride, readings }).map(({ ids, places }) =>
      behind(ids, [places]),
    )
  const read = reading(tokenizer)
  return texts.map((text, i) => {
    const own = [text, pairs?.[i] ?? null].filter((part) => part !== null).map(read)
    const encoded = tokenizer.encodePieces(own[0].ids, own[1]?.ids ?? null, { maxLength })
    return behind(
      encoded.ids,
      own.map(({ first }, which) => placed(first, encoded.texts[which])),
    )
  })
}

/** A text's pieces, and which of them is each word's first; -1 for a word without one. */
function reading(tokenizer: PiecedTokenizer): (text: string) => { ids: Int32Array; first: Int32Array } {
  const place = placing(tokenizer)
  return (text) => {
    const { ids, starts, ends } = place(text)
    const counts = (piece: number) =>
      ends[piece] > starts[piece] || signs.includes(tokenizer.vocabulary[ids[piece]])
    let piece = 0
    const first = Array.from(text.matchAll(/\P{White_Space}+/gu), ({ 0: word, index }) => {
      while (piece < ids.length && (starts[piece] < index || !counts(piece))) piece++
      return piece < ids.length && starts[piece] < index + word.length ? piece : -1
    })
    return { ids, first: Int32Array.from(first) }
  }
}

const placed = (pieces: Int32Array, { start, length, skipped }: PlacedPieces): Int32Array =>
  pieces.map((piece) => (piece >= skipped && piece < skipped + length ? start + piece - skipped : -1))

/** Whether its texts begin with [CLS], or <s>. */
export const opensTexts = (tokenizer: Pick<Tokenizer, 'clsId' | 'encode'>): boolean =>
  tokenizer.encode('').ids[0] === tokenizer.clsId
