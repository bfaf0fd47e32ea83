// Folders of models that write texts.
import { otherHead, trainingOf } from '../../files/models/match.js'
import { loadPretrained, saysHead } from '../../files/models/on-disk.js'
import { tokenizerOf } from '../../files/models/pretrained.js'
import type { NextWords } from '../../nn/models/heads.js'
import type { Tokenizer } from '../../text/encoding.js'
import type { Output } from '../shared/output.js'

export interface LanguageFolder {
  model: NextWords
  tokenizer: Tokenizer
  /** Ids behind which a text is at its end. */
  ends: readonly number[]
}

/** Whether a folder says that its model writes texts. Throws CheckpointError where there is none. */
export const writesTexts = (folder: string): boolean => saysHead(folder, 'LMHeadModel')

/** Its notes are told. Throws CheckpointError: another kind of model, no tokenizer, or files that do not fit. */
export function openLanguageModel(folder: string, output: Pick<Output, 'info'>): LanguageFolder {
  const loaded = loadPretrained(folder, { prefer: 'causal-lm' })
  const { model, info, config } = loaded
  for (const note of info.notes) output.info(`note: ${note}`)
  if (model.kind !== 'causal-lm')
    throw otherHead(folder, {
      ...{ found: model.kind, wanted: 'causal-lm' },
      remedy: `Take a GPT-2, or train one: ${trainingOf('causal-lm', 'config.json')}`,
    })
  const tokenizer = tokenizerOf(folder, loaded)
  const said = config.extra.get('eos_token_id')
  const given = (Array.isArray(said) ? said : [said]).filter((id) => Number.isInteger(id)) as number[]
  const ends = given.length > 0 ? given : [tokenizer.sepId].filter((id) => id !== null)
  return { model: model as NextWords, tokenizer, ends }
}
