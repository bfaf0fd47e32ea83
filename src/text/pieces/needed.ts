// What texts need of a vocabulary, so that they become the same pieces with the rest of it gone: a record for each tokenizer.
import { byteCharacters } from '../../formats/tokenizers/bpe-json.js'
import type { PiecedSpec } from '../../formats/tokenizers/tokenizer-json.js'
import { normalizeBert, splitBert } from '../bert-normalizer.js'
import { WordPieceTokenizer } from '../wordpiece.js'
import type { PiecedRules, PiecedTokenizer } from './base.js'
import { ByteBpeTokenizer } from './byte-bpe.js'
import { Merges } from './merges.js'
import { UnigramTokenizer } from './unigram.js'

/** The pieces that texts became. */
export interface Used {
  texts: readonly string[]
  /** Of each text. */
  pieces: readonly Int32Array[]
  /** The id of a piece; undefined where there is none. */
  idOf(piece: string): number | undefined
}

interface Kind<T extends PiecedTokenizer> {
  /** What new words can be spelled with, of the alphabet that the texts are written in. What is in no vocabulary is passed over. */
  letters(tokenizer: T, used: Pick<Used, 'texts' | 'pieces'>): Iterable<string>
  /** Pieces that must stay beside those that the texts became: what their way there needs. What is in no vocabulary is passed over. */
  needed(tokenizer: T, used: Used): Iterable<string>
  /** The tokenizer of what stays. common: the fields that all specs share, of the smaller vocabulary; kept: its old ids. */
  fewer(tokenizer: T, common: PiecedSpec, kept: readonly number[], rules: PiecedRules): T
}

/** made: the class, whose constructor may be its own. */
const kindOf = <T extends PiecedTokenizer>(made: { prototype: T }, kind: Kind<T>) => ({
  prototype: made.prototype as object,
  kind: kind as unknown as Kind<PiecedTokenizer>,
})

const FILE = 'the smaller vocabulary'

/** The longest word that is looked through: longer ones are unknown as a whole. */
const LONGEST = 100

/** Every run of characters in a word. */
function* within(word: string): Generator<string> {
  const characters = [...word].slice(0, LONGEST)
  for (let from = 0; from < characters.length; from++)
    for (let to = from + 1; to <= characters.length; to++) yield characters.slice(from, to).join('')
}

/**
 * Pieces are looked for longest first: what stays of them stays the longest. In a word that was unknown all pieces stay that could
 * begin anywhere, or it might become known.
 */
const wordPiece = kindOf(WordPieceTokenizer, {
  *letters({ spec }, { texts }) {
    const letters = new Set(texts.flatMap((text) => [...new Set(normalizeBert(text, spec.normalizing))]))
    for (const letter of letters) yield* [letter, spec.prefix + letter]
  },
  *needed(tokenizer, { texts, pieces }) {
    const { spec, unkId } = tokenizer
    for (const [i, text] of texts.entries()) {
      if (!pieces[i].includes(unkId)) continue
      for (const word of splitBert(normalizeBert(text, spec.normalizing)))
        if (tokenizer.pieces(word).includes(unkId))
          for (const piece of within(word)) yield* [piece, spec.prefix + piece]
    }
  },
  fewer: ({ spec }, common, _, rules) =>
    WordPieceTokenizer.fromSpec({ ...spec, ...common, unk: spec.unk }, FILE, rules),
})

/** What merges make on the way to a piece stays, and every byte. A merge that no text needed was never in another's way. */
const byteBpe = kindOf(ByteBpeTokenizer, {
  letters: () => byteCharacters(),
  *needed({ spec, vocabulary }, { pieces, idOf }) {
    const single = new Set(byteCharacters())
    const merges = new Merges(spec.merges, (piece) => idOf(piece) as number)
    for (const id of new Set(pieces.flatMap((own) => [...own]))) {
      const characters = [...vocabulary[id]]
      if (!characters.every((character) => single.has(character))) continue
      const made: number[] = []
      merges.apply(
        characters.map((character) => idOf(character) as number),
        (part) => made.push(part),
      )
      for (const part of made) yield vocabulary[part]
    }
  },
  fewer: ({ spec }, common, _, rules) => {
    const there = new Set(common.vocabulary)
    const merges = spec.merges.filter(([a, b]) => there.has(a) && there.has(b) && there.has(a + b))
    return ByteBpeTokenizer.fromSpec({ ...spec, ...common, unk: null, merges }, FILE, rules)
  },
})

/** The best way stays the best. The worst piece of all stays: an unknown character is so much worse than it. */
const unigram = kindOf(UnigramTokenizer, {
  *letters({ vocabulary }, { pieces }) {
    for (const id of new Set(pieces.flatMap((own) => [...own]))) yield* vocabulary[id]
  },
  *needed({ spec, vocabulary }) {
    const worst = spec.scores.reduce((at, score, id) => (score < spec.scores[at] ? id : at), 0)
    yield vocabulary[worst]
  },
  fewer: ({ spec }, common, kept, rules) => {
    const scores = kept.filter((id) => id < spec.modelSize).map((id) => spec.scores[id])
    return UnigramTokenizer.fromSpec({ ...spec, ...common, unk: spec.unk, scores }, FILE, rules)
  },
})

const kinds = [wordPiece, byteBpe, unigram]

/** What is known of this kind of tokenizers; undefined of others. */
export const neededOf = (tokenizer: object): Kind<PiecedTokenizer> | undefined =>
  kinds.find(({ prototype }) => Object.prototype.isPrototypeOf.call(prototype, tokenizer))?.kind
