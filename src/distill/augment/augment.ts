// More texts out of labelled ones, for a student to learn from what its teacher says of them. Jiao et al. 2020 (TinyBERT),
// algorithm 1.

import { keyOf } from '../../tensor/rng.js'
import type { TextRow } from '../../text/rows.js'
import { type AugmentModel, CandidateFinder, type CandidateOptions, type OpenText } from './candidates.js'
import { drawSamples, type Slot } from './draw.js'
import { inCaseOf } from './words.js'

export type { AugmentModel } from './candidates.js'

/** Of augmentRows(): how many rows of each, and how they are varied. */
export interface AugmentOptions extends CandidateOptions {
  /** p_t: chance of a word to be replaced. Default 0.4. */
  p?: number
  /** N_a: samples drawn of a text. Default 20. */
  n?: number
  seed?: number
  /** Number of the first row, where those before it were done by another call. Default 0. */
  first?: number
}

/** A row, and those that were made of it. */
export interface AugmentedRow {
  row: TextRow
  /** Different from the row and from each other. Their label is the row's. */
  samples: Pick<TextRow, 'text' | 'textB'>[]
}

/** Rows whose words are guessed together. */
const BLOCK = 64

/**
 * Each row with its samples, in their order, as a function of seed, row number and text alone. Of a pair each text is
 * augmented while the model reads both, and a sample has one of them new and the other as it was: up to 2 n samples.
 * (The official code goes on with the last new first text there.) As in the paper, not the code, the model does not read
 * the unmasked text besides. What stays as it is: stop words, numbers, punctuation, words without candidates.
 * In memory are 64 rows and the neighbours of the words met. The model is in eval mode afterwards.
 * Throws RangeError for a vocabulary without [MASK] or without whole words.
 */
export function* augmentRows(
  rows: Iterable<TextRow>,
  source: AugmentModel,
  options: AugmentOptions = {},
): Generator<AugmentedRow> {
  const { p = 0.4, n = 20, seed = 1, first = 0 } = options
  const finder = new CandidateFinder(source, options)
  let number = first
  try {
    for (const block of blocksOf(rows, BLOCK)) {
      const open = block.map(({ text, textB }) =>
        [text, textB].map((t) => (t === null ? null : finder.open(t))),
      )
      finder.find(open)
      for (const [i, row] of block.entries()) {
        const [samples, samplesB] = open[i].map((text, side) =>
          text === null
            ? []
            : drawSamples(text.text, slotsOf(text), keyOf(seed, 'augment', number, side), { p, n }),
        )
        const one = samples.map((text) => ({ text, textB: row.textB }))
        const other = samplesB.map((textB) => ({ text: row.text, textB }))
        yield { row, samples: [...one, ...other] }
        number++
      }
    }
  } finally {
    finder.dispose()
  }
}

function* blocksOf<T>(items: Iterable<T>, size: number): Generator<T[]> {
  let block: T[] = []
  for (const item of items) {
    block.push(item)
    if (block.length < size) continue
    yield block
    block = []
  }
  if (block.length > 0) yield block
}

function slotsOf({ words, candidates }: OpenText): Slot[] {
  return words.flatMap(({ word, start }, i) =>
    candidates[i].length === 0
      ? []
      : [{ start, end: start + word.length, candidates: candidates[i].map((c) => inCaseOf(word, c)) }],
  )
}
