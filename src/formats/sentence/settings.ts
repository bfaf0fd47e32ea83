// The settings of a sentence-transformers folder's modules, hostile until checked: which pooling, which layer, how many tokens,
// which words stand before a text.
import type { PoolingMode } from '../../nn/models/pooling.js'
import type { DenseActivation } from '../../nn/models/sentence.js'
import { counted, type Fields } from '../fields.js'

/** Of the old flags; newer files have one name in pooling_mode. */
const flags: Readonly<Record<string, string>> = {
  pooling_mode_cls_token: 'cls',
  pooling_mode_mean_tokens: 'mean',
  pooling_mode_max_tokens: 'max',
  pooling_mode_mean_sqrt_len_tokens: 'mean_sqrt_len_tokens',
  pooling_mode_weightedmean_tokens: 'weightedmean',
  pooling_mode_lasttoken: 'lasttoken',
}

const modes: readonly PoolingMode[] = ['mean', 'cls', 'max']

const WIDTH = counted(1, 2 ** 16)

/** Of 1_Pooling/config.json, for states `width` wide. Throws CheckpointError naming the field. */
export function poolingOf(given: Fields, width: number): PoolingMode {
  for (const field of ['word_embedding_dimension', 'embedding_dimension'])
    if (given.has(field) && given.number(field, WIDTH) !== width)
      given.refuse(field, `${width}, the width of the transformer`)
  given.oneOf('include_prompt', [true], true)
  if (given.has('pooling_mode')) return given.oneOf('pooling_mode', modes)
  const on = Object.keys(flags).filter((flag) => given.oneOf(flag, [true, false], false))
  const mode = modes.find((name) => on.length === 1 && name === flags[on[0]])
  if (mode !== undefined) return mode
  // Without a flag the library's own default is the mean.
  if (on.length === 0 && !Object.keys(flags).some((flag) => given.has(flag))) return 'mean'
  return given.refuse(
    on.find((flag) => !modes.some((name) => name === flags[flag])) ?? on[1] ?? 'pooling_mode_mean_tokens',
    'false where another is true: one of mean, cls and max is read',
  )
}

/** Flags rather than a name: every version of sentence-transformers reads them. */
export function poolingText(mode: PoolingMode, width: number): string {
  const document = {
    word_embedding_dimension: width,
    ...Object.fromEntries(Object.entries(flags).map(([flag, name]) => [flag, name === mode])),
    include_prompt: true,
  }
  return `${JSON.stringify(document, null, 2)}\n`
}

const activations: Readonly<Record<DenseActivation, string>> = {
  identity: 'torch.nn.modules.linear.Identity',
  tanh: 'torch.nn.modules.activation.Tanh',
}

export interface DenseSettings {
  inFeatures: number
  outFeatures: number
  bias: boolean
  activation: DenseActivation
}

/** Of a Dense module's config.json. Throws CheckpointError naming the field. */
export function denseOf(given: Fields): DenseSettings {
  for (const field of ['module_input_name', 'module_output_name'])
    given.oneOf(field, ['sentence_embedding', null], null)
  const name = given.oneOf('activation_function', Object.values(activations), activations.tanh)
  return {
    inFeatures: given.number('in_features', WIDTH) as number,
    outFeatures: given.number('out_features', WIDTH) as number,
    bias: given.oneOf('bias', [true, false], true),
    activation: (Object.keys(activations) as DenseActivation[]).find(
      (own) => activations[own] === name,
    ) as DenseActivation,
  }
}

export function denseText({ inFeatures, outFeatures, bias, activation }: DenseSettings): string {
  const document = {
    ...{ in_features: inFeatures, out_features: outFeatures, bias },
    activation_function: activations[activation],
  }
  return `${JSON.stringify(document, null, 2)}\n`
}

/** Tokens of a text out of sentence_bert_config.json; null where it does not say, as since version 6. */
export function maxLengthIn(given: Fields): number | null {
  given.oneOf('transformer_task', ['feature-extraction'], 'feature-extraction')
  given.oneOf('module_output_name', ['token_embeddings'], 'token_embeddings')
  return given.number('max_seq_length', { ...counted(2, 2 ** 24), optional: true }, null)
}

/** The longest prompt that is believed. */
const LONGEST = 10_000

/** Texts that are put before texts. */
export interface Prompts {
  /** What stands before a text, by what the text is: 'query'. */
  named: ReadonlyMap<string, string>
  /** Of a text of which nobody says what it is; null: nothing. */
  usual: string | null
}

/** Of config_sentence_transformers.json. Throws CheckpointError naming the field. */
export function promptsIn(given: Fields): Prompts {
  const named = new Map<string, string>()
  if (given.has('prompts') && given.get('prompts') !== null)
    for (const [name, prompt] of given.inner('prompts').document) {
      if (typeof prompt !== 'string' || prompt.length > LONGEST || named.size >= 100)
        given.refuse('prompts', `an object of at most 100 texts, each of at most ${LONGEST} characters`)
      named.set(name, prompt as string)
    }
  const usual = given.oneOf('default_prompt_name', [null, ...named.keys()], null)
  return { named, usual }
}
