// A vocabulary without the pieces that no text needs, with which the texts that were looked at become the same pieces as before.
import { ArgumentError, TinystillError } from '../errors.js'
import type { PiecedSpec, TemplatePart } from '../formats/tokenizers/tokenizer-json.js'
import type { PiecedRules, PiecedTokenizer } from './pieces/base.js'
import { neededOf } from './pieces/needed.js'

/** A smaller vocabulary, and the ids that it keeps. */
export interface FewerWords<T = PiecedTokenizer> {
  tokenizer: T
  /** The old id of each new one, in rising order. */
  kept: number[]
}

/** Whether fewerWords() takes it: WordPiece, byte-level BPE and Unigram. */
export const hasFewerWords = (tokenizer: object): tokenizer is PiecedTokenizer =>
  neededOf(tokenizer) !== undefined

/**
 * The pieces of `texts` and those on the way to them, the special and added tokens, and the single characters (of BPE the bytes)
 * of the alphabet that the texts are written in, so that a new word can still be spelled. Ids keep their order. Throws
 * ArgumentError for tokenizers of whole words.
 */
export function fewerWords<T extends PiecedTokenizer>(tokenizer: T, texts: Iterable<string>): FewerWords<T> {
  const kind = neededOf(tokenizer)
  if (kind === undefined)
    throw new ArgumentError('fewerWords', `a ${tokenizer.constructor.name} has no pieces to leave out`)
  const { spec, vocabulary, specialIds, unkId } = tokenizer
  const ids = new Map(vocabulary.map((token, id) => [token, id]))
  const kept = new Set<number>([...specialIds, ...spec.added.map(({ id }) => id), unkId])
  for (const part of [...spec.single, ...spec.pair])
    if ('ids' in part) for (const id of part.ids) kept.add(id)
  const all = [...texts]
  const pieces = all.map((text) => tokenizer.pieces(text))
  for (const own of pieces) for (const id of own) kept.add(id)
  for (const piece of kind.needed(tokenizer, { texts: all, pieces, idOf: (own) => ids.get(own) })) {
    const id = ids.get(piece)
    if (id !== undefined) kept.add(id)
  }
  const rising = [...kept].sort((a, b) => a - b)
  const now = new Map(rising.map((old, id) => [old, id]))
  const moved = (id: number) => now.get(id) as number
  const fewer = kind.fewer(tokenizer, commonOf(tokenizer, rising, moved), rising, rulesOf(tokenizer)) as T
  for (const [i, text] of all.entries()) {
    const after = fewer.pieces(text)
    if (pieces[i].length !== after.length || pieces[i].some((id, j) => moved(id) !== after[j]))
      throw new TinystillError(
        `fewerWords: a text would become other pieces: ${JSON.stringify(text.slice(0, 80))}`,
        'Keep the vocabulary as it is, and report the text',
      )
  }
  return { tokenizer: fewer, kept: rising }
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
