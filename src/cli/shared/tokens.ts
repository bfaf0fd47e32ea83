// What a command says of how a tokenizer reads texts, before figures are believed.
import { Pretrained } from '../../nn/models/pretrained.js'
import type { Module } from '../../nn/module.js'
import type { Tokenizer } from '../../text/encoding.js'
import type { TextRow } from '../../text/rows.js'
import { someOf, unknownWarning } from '../../text/unknown.js'
import type { Output } from './output.js'

export interface Read {
  /** Of the model, or what else says where the tokenizer comes from. */
  folder: string
  model: Module
  tokenizer: Tokenizer
}

/** Rows of a file as texts; of two they are both. */
export function textsOf(texts: readonly string[], pairs: readonly (string | null)[] | null): string[] {
  return someOf(texts.map((text, row) => [text, pairs?.[row] ?? null]))
    .flat()
    .filter((text) => text !== null)
}

/** Of the first rows of a stream. */
export function firstTexts(rows: Iterable<Pick<TextRow, 'text' | 'textB'>>, most = 1000): string[] {
  const found: string[] = []
  for (const { text, textB } of rows) {
    if (found.length >= most) break
    found.push(text, ...(textB === null ? [] : [textB]))
  }
  return found
}

/** A line where the model knows tokens that its tokenizer does not have, and one where much of `texts` is unknown. */
export function tellTokens(
  output: Output,
  { folder, model, tokenizer }: Read,
  of: string,
  texts: readonly string[],
): void {
  const size = model instanceof Pretrained ? model.config.vocabSize : tokenizer.vocabSize
  if (size > tokenizer.vocabSize)
    output.info(
      `${folder}: config.json says vocab_size ${size}, the tokenizer has ${tokenizer.vocabSize} tokens; were tokens added for training, bring its tokenizer.json or added_tokens.json`,
    )
  const warning = unknownWarning(tokenizer, texts, { of, folder })
  if (warning !== null) output.info(warning)
}
