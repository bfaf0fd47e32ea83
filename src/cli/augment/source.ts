// What augment makes texts with: the model that guesses, words that stay, vectors, settings; and what the result follows from.

import { englishStopWords } from '../../distill/augment/stop-words.js'
import { contentWords } from '../../distill/augment/words.js'
import { sha256, teacherFacts } from '../../files/cache/facts.js'
import { readVectors, type WordVectors } from '../../files/data/vectors.js'
import { hashFile } from '../../files/hash.js'
import { readLines } from '../../files/lines.js'
import { loadWordGuesser, type WordGuesserFolder } from '../../files/models/guesser.js'
import { splitBert } from '../../text/bert-normalizer.js'
import type { PiecedTokenizer } from '../../text/pieces/base.js'
import type { TextRow } from '../../text/rows.js'
import type { PartsOptions } from '../parts/each.js'
import type { CommonOptions, Context } from '../shared/command.js'
import { type DataFileOptions, settleBackend } from '../shared/options.js'
import type { AugmentFacts } from './file.js'

export interface AugmentOptions extends DataFileOptions, PartsOptions {
  model: string
  data?: string
  out: string
  vectors?: string
  stopWords: string
  topK: number
  p: number
  n: number
  batchSize: number
  resume: boolean
}

export const ENGLISH = 'english'
export const NONE = 'none'

function stopWordsOf({ stopWords: name }: AugmentOptions): ReadonlySet<string> {
  if (name === ENGLISH) return englishStopWords
  if (name === NONE) return new Set()
  return new Set(Array.from(readLines(name), ({ text }) => text.trim().toLowerCase()).filter(Boolean))
}

/** The file's words as the tokenizer has them, those alone that may stand in a text. */
function vectorsOf(
  { vectors: file }: AugmentOptions,
  tokenizer: PiecedTokenizer,
  stopWords: ReadonlySet<string>,
): WordVectors | null {
  if (file === undefined) return null
  const may = contentWords(stopWords)
  return readVectors(file, {
    keep: (word) => {
      const normal = tokenizer.normal(word)
      return may(normal) ? normal : null
    },
  })
}

/** A row's words as the tokenizer has them. */
export const wordsIn = ({ text, textB }: TextRow, tokenizer: PiecedTokenizer): string[] =>
  splitBert(tokenizer.normal(`${text} ${textB ?? ''}`))

/** What texts are made with. */
export interface Source extends Pick<WordGuesserFolder, 'model' | 'tokenizer'> {
  /** Tokens that the model reads. */
  maxLength: number
  vectors: WordVectors | null
  stopWords: ReadonlySet<string>
  /** What they follow from, but for the rows. */
  facts: AugmentFacts
}

export function sourceOf(options: AugmentOptions & CommonOptions, { output }: Context): Source {
  const { model: folder, vectors: file } = options
  settleBackend(output)
  const { model, tokenizer, notes } = loadWordGuesser(folder)
  for (const note of notes) output.info(`note: ${note}`)
  const stopWords = stopWordsOf(options)
  const { batchSize: _, ...settings } = settingsOf(options)
  const { ids, ...facts } = teacherFacts(folder, tokenizer)
  return {
    ...{ model, tokenizer, stopWords, maxLength: model.config.maxLength },
    vectors: vectorsOf(options, tokenizer, stopWords),
    facts: {
      model: { ...facts, tokenizer: ids },
      vectors: file === undefined ? { sha256: null } : { file, ...hashFile(file) },
      settings: { ...settings, stopWords: sha256([...stopWords].sort().join('\n')) },
    },
  }
}

export const settingsOf = ({ topK, p, n, seed, batchSize }: AugmentOptions & CommonOptions) => ({
  ...{ topK, p, n, seed, batchSize },
})
