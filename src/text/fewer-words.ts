// A vocabulary without the pieces that no text needs, with which the texts that were looked at become the same pieces as before.
import { ArgumentError, TinystillError } from '../errors.js'
import type { PiecedSpec, TemplatePart } from '../formats/tokenizers/tokenizer-json.js'
import type { PiecedRules, PiecedTokenizer } from './pieces/base.js'
import { neededOf, type Used } from './pieces/needed.js'

/** A smaller vocabulary, and the ids that it keeps. */
export interface FewerWords<T = PiecedTokenizer> {
  tokenizer: T
  /** The old id of each new one, in rising order. */
  kept: number[]
}

/** Whether fewerWords() takes it: WordPiece, byte-level BPE and Unigram. */
export const hasFewerWords = (tokenizer: object): tokenizer is PiecedTokenizer =>
  neededOf(tokenizer) !== undefined

/** What stays of a vocabulary, beside what texts cannot be read without. */
export interface FewerWordsOptions {
  /** Pieces that the texts have fewer times go too, and their words fall into shorter ones. Default 1: none goes that is used. */
  minCount?: number | undefined
}

/**
 * The pieces of `texts` and those on the way to them, the special and added tokens, and the single characters (of BPE the bytes)
 * of the alphabet that the texts are written in, so that a new word can still be spelled. Ids keep their order. Throws
 * ArgumentError for tokenizers of whole words.
 */
export function fewerWords<T extends PiecedTokenizer>(
  tokenizer: T,
  texts: Iterable<string>,
  { minCount = 1 }: FewerWordsOptions = {},
): FewerWords<T> {
  const kind = neededOf(tokenizer)
  if (kind === undefined)
    throw new ArgumentError('fewerWords', `a ${tokenizer.constructor.name} has no pieces to leave out`)
  const all = [...texts]
  const pieces = all.map((text) => tokenizer.pieces(text))
  const letters = [...new Set(kind.letters(tokenizer, { texts: all, pieces }))]
  const own = { tokenizer, kept: tokenizer.vocabulary.map((_, id) => id) }
  let now = look(own, kind, { texts: all, pieces }, letters, minCount)
  while (now.rare.size > 0) {
    // What a rare piece falls into may be of no other text: only in the end all goes that no text has.
    const { rare } = now
    const next = part(now, kind, (id) => !rare.has(id))
    const falls = (before: Int32Array) => before.some((id) => rare.has(id))
    const after = now.pieces.map((before, i) =>
      falls(before) ? next.tokenizer.pieces(all[i]) : before.map(next.moved),
    )
    now = look(next, kind, { texts: all, pieces: after }, letters, minCount)
  }
  const { stay } = now
  const { moved, ...fewer } = part(now, kind, (id) => stay.has(id))
  for (const [i, text] of all.entries()) {
    const after = fewer.tokenizer.pieces(text)
    if (now.pieces[i].length !== after.length || now.pieces[i].some((id, j) => moved(id) !== after[j]))
      throw new TinystillError(
        `fewerWords: a text would become other pieces: ${JSON.stringify(text.slice(0, 80))}`,
        'Keep the vocabulary as it is, and report the text',
      )
  }
  return fewer
}

type Kind = NonNullable<ReturnType<typeof neededOf>>

/** Of a vocabulary what stays, and what of it texts have fewer than minCount times though nothing else needs it. */
function look<T extends PiecedTokenizer>(
  own: FewerWords<T>,
  kind: Kind,
  { texts, pieces }: Pick<Used, 'texts' | 'pieces'>,
  letters: readonly string[],
  minCount: number,
) {
  const { spec, vocabulary, specialIds, unkId } = own.tokenizer
  const ids = new Map(vocabulary.map((token, id) => [token, id]))
  const stay = new Set<number>([...specialIds, ...spec.added.map(({ id }) => id), unkId])
  for (const part of [...spec.single, ...spec.pair])
    if ('ids' in part) for (const id of part.ids) stay.add(id)
  const keep = (needed: Iterable<string>) => {
    for (const piece of needed) {
      const id = ids.get(piece)
      if (id !== undefined) stay.add(id)
    }
  }
  keep(letters)
  const counts = new Int32Array(vocabulary.length)
  for (const own of pieces) for (const id of own) counts[id]++
  const common = pieces.map((own) => own.filter((id) => counts[id] >= minCount || stay.has(id)))
  for (const own of common) for (const id of own) stay.add(id)
  keep(kind.needed(own.tokenizer, { texts, pieces: common, idOf: (piece) => ids.get(piece) }))
  const rare = new Set<number>()
  for (const [id, count] of counts.entries()) if (count > 0 && !stay.has(id)) rare.add(id)
  return { ...own, pieces, stay, rare }
}

/** The tokenizer with some of its pieces, and what ids became. */
function part<T extends PiecedTokenizer>(
  { tokenizer, kept }: FewerWords<T>,
  kind: Kind,
  stays: (id: number) => boolean,
) {
  const rising = tokenizer.vocabulary.map((_, id) => id).filter(stays)
  const now = new Map(rising.map((old, id) => [old, id]))
  const moved = (id: number) => now.get(id) as number
  const fewer = kind.fewer(tokenizer, commonOf(tokenizer, rising, moved), rising, rulesOf(tokenizer)) as T
  return { tokenizer: fewer, kept: rising.map((id) => kept[id]), moved }
}

/** What all specs share, of the ids that stay. */
function commonOf(
  { spec, vocabulary }: PiecedTokenizer,
  kept: readonly number[],
  moved: (id: number) => number,
): PiecedSpec {
  const template = (parts: readonly TemplatePart[]) =>
    parts.map((part) => ('ids' in part ? { ...part, ids: part.ids.map(moved) } : part))
  return {
    vocabulary: kept.map((id) => vocabulary[id]),
    modelSize: kept.filter((id) => id < spec.modelSize).length,
    added: spec.added.map((token) => ({ ...token, id: moved(token.id) })),
    unk: spec.unk,
    ...{ single: template(spec.single), pair: template(spec.pair) },
  }
}

function rulesOf({
  vocabulary,
  truncationSide,
  modelMaxLength,
  padId,
  clsId,
  sepId,
  maskId,
}: PiecedTokenizer): PiecedRules {
  const names = Object.fromEntries(
    Object.entries({ pad: padId, cls: clsId, sep: sepId, mask: maskId }).flatMap(([role, id]) =>
      id === null ? [] : [[role, vocabulary[id]]],
    ),
  )
  return { names, truncationSide, modelMaxLength }
}
