// What a model of words says of texts: each word's tag and how sure it is, and the entities that tags make.
import type { TextInput } from '../../nn/models/input.js'
import type { PiecedTokenizer } from '../../text/pieces/base.js'
import { areBilou, areEntityTags, entitiesOf } from '../../text/tagged/entities.js'
import { startsOf, wordData } from '../../text/tagged/words.js'
import { best, probabilities } from '../metrics.js'
import { type Classifier, predict } from '../predict.js'
import { isAnswered, tagsSaid } from './figures.js'

/** A model of words, and how it reads them. */
export interface Tagger {
  model: Classifier<TextInput>
  tokenizer: PiecedTokenizer
  /** Names of its tags in the order of its logits. */
  classes: readonly string[]
  /** Of longer sentences windows are read, which have `docStride` tokens in common. */
  maxLength: number
  docStride?: number | undefined
}

/** A word and where it stands in its text, in UTF-16 units. */
export interface PlacedWord {
  word: string
  start: number
  end: number
}

export interface TaggedWord extends PlacedWord {
  /** O, or null where there is no such tag, for a word without a token. */
  tag: string | null
  /** Probability of the tag; null for those words. */
  score: number | null
}

/** An entity as transformers' pipeline has it with aggregation_strategy 'first': the score is the mean of its words'. */
export interface FoundEntity {
  type: string
  text: string
  start: number
  end: number
  score: number
}

/** The words of a text, as its tokenizer has them. */
export const placedIn = (text: string, tokenizer: PiecedTokenizer): PlacedWord[] =>
  tokenizer.wordsOf(text).map(([word, start]) => ({ word, start, end: start + word.length }))

/** Words of sentences with their tags, each word answered for by its first token. */
export function tagWords(
  { model, tokenizer, classes, maxLength, docStride }: Tagger,
  sentences: readonly (readonly PlacedWord[])[],
): TaggedWord[][] {
  const words = sentences.map((own) => own.map(({ word }) => word))
  const logits = predict(model, wordData(words, null, tokenizer, maxLength, { docStride }))
  const n = classes.length
  const starts = startsOf(words)
  const tags = tagsSaid(logits, classes, starts[sentences.length])
  return sentences.map((own, row) =>
    own.map((word, i) => {
      const at = starts[row] + i
      const score = isAnswered(logits, at, n)
        ? probabilities(logits, at * n, n)[best(logits, at * n, n)]
        : null
      return { ...word, tag: tags[at], score }
    }),
  )
}

/** The entities of a text's words; null where tags are of none. */
export function entitiesIn(
  text: string,
  words: readonly TaggedWord[],
  classes: readonly string[],
): FoundEntity[] | null {
  if (!areEntityTags(classes)) return null
  const tags = words.map(({ tag }) => tag as string)
  return entitiesOf(tags, { bilou: areBilou(classes) }).map(({ type, start, end }) => {
    const own = words.slice(start, end)
    const [from, to] = [own[0].start, own[own.length - 1].end]
    const score = own.reduce((sum, word) => sum + (word.score ?? 0), 0) / own.length
    return { type, text: text.slice(from, to), start: from, end: to, score }
  })
}
