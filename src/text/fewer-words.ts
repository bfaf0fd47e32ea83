// A vocabulary without the pieces that no text needs, with which the texts that were looked at become the same pieces as before.
import { TinystillError } from '../errors.js'
import type { TemplatePart } from '../formats/tokenizers/tokenizer-json.js'
import { normalizeBert, splitBert } from './bert-normalizer.js'
import { WordPieceTokenizer } from './wordpiece.js'

/** A smaller vocabulary, and the ids that it keeps. */
export interface FewerWords {
  tokenizer: WordPieceTokenizer
  /** The old id of each new one, in rising order. */
  kept: number[]
}

/**
 * The pieces of `texts`, the special and added tokens, and the single characters of the alphabet that the texts are written in, so
 * that a new word can still be spelled. A text's pieces are looked for longest first: what stays of them stays the longest. In a
 * word that was unknown all pieces stay that could begin anywhere, or it might become known. Ids keep their order.
 */
export function fewerWords(tokenizer: WordPieceTokenizer, texts: Iterable<string>): FewerWords {
  const { spec, vocabulary, specialIds, unkId } = tokenizer
  const idOf = new Map(vocabulary.map((token, id) => [token, id]))
  const kept = new Set<number>([...specialIds, ...spec.added.map(({ id }) => id), unkId])
  for (const part of [...spec.single, ...spec.pair])
    if ('ids' in part) for (const id of part.ids) kept.add(id)
  const letters = new Set<string>()
  const keep = (token: string) => {
    const id = idOf.get(token)
    if (id !== undefined) kept.add(id)
  }
  const all = [...texts]
  for (const text of all) {
    const ids = tokenizer.pieces(text)
    for (const id of ids) kept.add(id)
    const normal = normalizeBert(text, spec.normalizing)
    for (const letter of normal) letters.add(letter)
    if (!ids.includes(unkId)) continue
    for (const word of splitBert(normal))
      if (tokenizer.pieces(word).includes(unkId))
        for (const piece of within(word)) {
          keep(piece)
          keep(spec.prefix + piece)
        }
  }
  for (const letter of letters) {
    keep(letter)
    keep(spec.prefix + letter)
  }
  return smaller(
    tokenizer,
    all,
    [...kept].sort((a, b) => a - b),
  )
}

/** The longest word that is looked through: longer ones are unknown as a whole. */
const LONGEST = 100

/** Every run of characters in a word. */
function* within(word: string): Generator<string> {
  const characters = [...word].slice(0, LONGEST)
  for (let from = 0; from < characters.length; from++)
    for (let to = from + 1; to <= characters.length; to++) yield characters.slice(from, to).join('')
}

function smaller(tokenizer: WordPieceTokenizer, texts: readonly string[], kept: number[]): FewerWords {
  const { spec, vocabulary, truncationSide, modelMaxLength, padId, clsId, sepId, maskId } = tokenizer
  const now = new Map(kept.map((old, id) => [old, id]))
  const moved = (id: number) => now.get(id) as number
  const template = (parts: readonly TemplatePart[]) =>
    parts.map((part) => ('ids' in part ? { ...part, ids: part.ids.map(moved) } : part))
  const names = Object.fromEntries(
    Object.entries({ pad: padId, cls: clsId, sep: sepId, mask: maskId }).flatMap(([role, id]) =>
      id === null ? [] : [[role, vocabulary[id]]],
    ),
  )
  const own = {
    ...spec,
    vocabulary: kept.map((id) => vocabulary[id]),
    modelSize: kept.filter((id) => id < spec.modelSize).length,
    added: spec.added.map((token) => ({ ...token, id: moved(token.id) })),
    ...{ single: template(spec.single), pair: template(spec.pair) },
  }
  const fewer = WordPieceTokenizer.fromSpec(own, 'the smaller vocabulary', {
    names,
    truncationSide,
    modelMaxLength,
  })
  for (const text of texts) {
    const [before, after] = [tokenizer.pieces(text), fewer.pieces(text)]
    if (before.length !== after.length || before.some((id, i) => moved(id) !== after[i]))
      throw new TinystillError(
        `fewerWords: a text would become other pieces: ${JSON.stringify(text.slice(0, 80))}`,
        'Keep the vocabulary as it is, and report the text',
      )
  }
  return { tokenizer: fewer, kept }
}
