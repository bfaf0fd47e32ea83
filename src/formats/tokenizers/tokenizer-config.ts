// tokenizer_config.json, and what config.json says of a tokenizer: which of Python's classes reads the folder, and how.
import type { Fields } from '../document.js'
import { shown } from '../json.js'
import type { BertNormalizing } from './tokenizer-json.js'
import type { PlainStep } from './unigram-json.js'

/** Python's classes of BERT's own pipeline, which they make anew of tokenizer_config.json. */
const berts = [
  ...['BertTokenizer', 'DistilBertTokenizer', 'ElectraTokenizer', 'MobileBertTokenizer'],
  ...[
    'SqueezeBertTokenizer',
    'ConvBertTokenizer',
    'LayoutLMTokenizer',
    'LxmertTokenizer',
    'RetriBertTokenizer',
  ],
]
/** Those of RoBERTa's and XLM-R's: they make the pipeline anew, and take the space in front from tokenizer_config.json. */
const robertas = ['RobertaTokenizer']
const gpt2s = ['GPT2Tokenizer']
const sentencePieces = ['XLMRobertaTokenizer', 'CamembertTokenizer']
/** BERT's pieces in RoBERTa's templates. */
const mpnets = ['MPNetTokenizer']
const alberts = ['AlbertTokenizer']
const debertas = ['DebertaV2Tokenizer']
/** These go by tokenizer.json alone. */
const asWritten = ['PreTrainedTokenizerFast', 'TokenizersBackend']

/**
 * bert, mpnet, roberta, gpt2, sentencepiece, albert, deberta: by tokenizer_config.json; as-written: by tokenizer.json; unsaid: no file says, and Python asks.
 */
export type Reading =
  | 'bert'
  | 'mpnet'
  | 'roberta'
  | 'gpt2'
  | 'sentencepiece'
  | 'albert'
  | 'deberta'
  | 'as-written'
  | 'unsaid'

/** What Python's classes know of models in tokenizer.json, and where models name no class theirs. */
const modelOf: Readonly<Partial<Record<Reading, string>>> = {
  bert: 'WordPiece',
  mpnet: 'WordPiece',
  roberta: 'BPE',
  gpt2: 'BPE',
  sentencepiece: 'Unigram',
  albert: 'Unigram',
  deberta: 'Unigram',
}
const readingOf: ReadonlyMap<unknown, Reading> = new Map<unknown, Reading>([
  ['roberta', 'roberta'],
  ['gpt2', 'gpt2'],
  ['mpnet', 'mpnet'],
  ['xlm-roberta', 'sentencepiece'],
  ['camembert', 'sentencepiece'],
  ['albert', 'albert'],
  ['modernbert', 'as-written'],
  ['deberta-v2', 'deberta'],
])

export interface TokenizerClass {
  name: string | null
  reading: Reading
}

/**
 * The class that Python takes. Throws CheckpointError for one that splits texts otherwise than BERT, naming the file.
 */
export function tokenizerClass(config: Fields | null, model: Fields | null): TokenizerClass {
  for (const file of [config, model]) {
    const field = file?.at('tokenizer_class')
    if (field === undefined || field.missing) continue
    const name = field.text()
    if (asWritten.includes(name)) return { name, reading: 'as-written' }
    const slow = name.replace(/Fast$/, '')
    if (berts.includes(slow)) return { name, reading: 'bert' }
    if (mpnets.includes(slow)) return { name, reading: 'mpnet' }
    if (robertas.includes(slow)) return { name, reading: 'roberta' }
    if (gpt2s.includes(slow)) return { name, reading: 'gpt2' }
    if (alberts.includes(slow)) return { name, reading: 'albert' }
    if (debertas.includes(slow)) return { name, reading: 'deberta' }
    if (sentencePieces.includes(slow)) return { name, reading: 'sentencepiece' }
    field.refuse(
      `is ${shown(name)}, which splits texts otherwise than BERT, RoBERTa and XLM-R`,
      `Read are ${berts[0]}, ${berts[1]}, their like, ${[...mpnets, ...robertas, ...gpt2s, ...sentencePieces, ...alberts, ...debertas].join(', ')}, and ${asWritten[0]}`,
    )
  }
  const type = model?.at('model_type').value
  if (type === undefined || type === null) return { name: null, reading: 'unsaid' }
  return { name: null, reading: readingOf.get(type) ?? 'bert' }
}

/** What the file says of normalizing; null for what it does not say. */
export interface WrittenNormalizing {
  do_lower_case: boolean | null
  strip_accents: boolean | null
  tokenize_chinese_chars: boolean | null
}

const NORMALIZING = ['do_lower_case', 'strip_accents', 'tokenize_chinese_chars'] as const

function writtenNormalizing(config: Fields | null): WrittenNormalizing {
  const read = (name: string) => {
    const field = config?.at(name)
    return field === undefined || field.missing ? null : field.flag()
  }
  const [do_lower_case, strip_accents, tokenize_chinese_chars] = NORMALIZING.map(read)
  return { do_lower_case, strip_accents, tokenize_chinese_chars }
}

/** What Python's classes of BERT make of it. Throws CheckpointError for fields of another kind. */
export function bertNormalizing(config: Fields | null): BertNormalizing {
  const { do_lower_case: lowercase, strip_accents, tokenize_chinese_chars } = writtenNormalizing(config)
  return {
    cleanText: true,
    chineseChars: tokenize_chinese_chars ?? true,
    // Where nothing is said, accents go with lower-casing.
    stripAccents: strip_accents ?? lowercase ?? true,
    lowercase: lowercase ?? true,
  }
}

/**
 * Throws CheckpointError where Python's class would normalize otherwise than tokenizer.json says, whose name is `file`:
 * other readers go by that.
 */
export function checkNormalizing(
  config: Fields | null,
  reading: Reading,
  { lowercase, stripAccents, chineseChars }: BertNormalizing,
  folder: Fields,
): void {
  const written = writtenNormalizing(config)
  if (reading === 'as-written') return
  const python = bertNormalizing(config)
  const rows = [
    ['do_lower_case', python.lowercase, lowercase],
    ['strip_accents', python.stripAccents, stripAccents],
    ['tokenize_chinese_chars', python.chineseChars, chineseChars],
  ] as const
  for (const [name, theirs, ours] of rows) {
    if (theirs === ours) continue
    if (written[name] !== null)
      config
        ?.at(name)
        .refuse(
          `is ${theirs}, tokenizer.json says ${ours}`,
          'Python goes by the first, other readers by the second: make them agree',
        )
    // Where no file names a class, no class makes anything anew.
    if (reading === 'bert' || reading === 'mpnet')
      (config ?? folder).refuse(
        `${config === null ? 'has no tokenizer_config.json that says' : 'says nothing of'} ${name}: Python takes ${theirs}, tokenizer.json says ${ours}`,
        `Write "${name}": ${ours} into tokenizer_config.json, or ${theirs} into tokenizer.json, as the model was trained`,
      )
  }
}

/** The end at which long texts are cut. */
export type TruncationSide = 'left' | 'right'

/** Which end of a text is cut off: by tokenizer_config.json, or else as tokenizer.json has it. */
export function truncationSide(config: Fields | null, document: Fields | null): TruncationSide {
  const field = config?.at('truncation_side')
  if (field !== undefined && !field.missing) {
    const { value } = field
    return value === 'left' || value === 'right' ? value : field.refuse('must be left or right')
  }
  const truncation = document?.at('truncation')
  if (truncation === undefined || truncation.missing) return 'right'
  return truncation.at('direction').value === 'Left' ? 'left' : 'right'
}

/** Tokens of a text that the model was made for; Python writes a number without end where nobody said. */
export function modelMaxLength(config: Fields | null): number | null {
  for (const name of ['model_max_length', 'max_len']) {
    const field = config?.at(name)
    if (field === undefined || field.missing) continue
    const { value } = field
    if (typeof value !== 'number' || !(value >= 3))
      return field.refuse('must be a number of tokens, 3 or more', 'Leave it out where there is no limit')
    return value < 2 ** 31 ? Math.floor(value) : null
  }
  return null
}

/** Whether Python gives this model token types, which tell a second text from the first. */
export function givesTypes(config: Fields | null, model: Fields | null, { name }: TokenizerClass): boolean {
  // DistilBERT has no use for them: what its tokenizer does is left to the next model that takes it.
  if (model?.at('model_type').value === 'distilbert') return true
  const names = config?.at('model_input_names')
  if (names !== undefined && !names.missing)
    return names.items(100).some((field) => field.text() === 'token_type_ids')
  // PreTrainedTokenizerFast gives them in transformers 4. The other name is of transformers 5, where it does not.
  const untyped = ['DistilBertTokenizer', ...mpnets]
  return name !== 'TokenizersBackend' && !untyped.includes(name?.replace(/Fast$/, '') ?? '')
}

/** Throws CheckpointError where Python's class reads another model than that of tokenizer.json. */
export function checkModel(document: Fields, { name, reading }: TokenizerClass): void {
  const known = modelOf[reading]
  const type = document.at('model').at('type')
  // Files of 2020 name no type: all of them are WordPiece.
  const found = type.missing ? 'WordPiece' : type.value
  if (known === undefined || found === known || !Object.values(modelOf).includes(found as string)) return
  type.refuse(
    `is ${shown(String(found))}, and ${name ?? 'the class that Python takes for this model_type'} reads ${known}`,
    'Name the class of the tokenizer as tokenizer_class in tokenizer_config.json',
  )
}

/**
 * Throws CheckpointError where Python's class would begin a text otherwise than tokenizer.json says. `prefixSpace`: whether a text
 * gets a space in front there; null: now and then, as no class of Python's has it.
 */
export function checkPrefixSpace(
  config: Fields | null,
  reading: Reading,
  prefixSpace: boolean | null,
  folder: Fields,
): void {
  if (!['roberta', 'gpt2', 'sentencepiece', 'albert', 'deberta'].includes(reading)) return
  const usual = reading !== 'roberta' && reading !== 'gpt2'
  const field = config?.at('add_prefix_space')
  const python = field === undefined ? usual : field.flag(usual)
  if (python === prefixSpace) return
  const where = field === undefined || field.missing ? (config ?? folder) : field
  where.refuse(
    `${where === field ? `is ${python}` : `says nothing of add_prefix_space: Python takes ${python}`}, tokenizer.json says ${prefixSpace ?? 'something else'}`,
    'Python goes by the first, other readers by the second: make them agree',
  )
}

/** Throws CheckpointError where Python's class would make something else of characters than tokenizer.json says. */
export function checkPlainSteps(
  config: Fields | null,
  reading: Reading,
  steps: readonly PlainStep[],
  folder: Fields,
): void {
  if (reading !== 'sentencepiece' && reading !== 'albert' && reading !== 'deberta') return
  const flag = (name: string, usual: boolean) => config?.at(name).flag(usual) ?? usual
  const albert: PlainStep[] = [
    ...(['backquotes', 'quotes'] as const),
    ...(flag('keep_accents', false) ? [] : (['nfkd', 'accents'] as const)),
    ...(flag('do_lower_case', true) ? (['lower'] as const) : []),
  ]
  const lower: PlainStep[] = flag('do_lower_case', false) ? ['lower'] : []
  const deberta: PlainStep[] = [...lower, 'spaces', 'nfc', 'strip-right']
  // As transformers 4 made it of DeBERTa's table; 5 makes another one, and models were trained with this.
  if (reading === 'deberta' && String(steps) === String([...lower, 'strip'])) return
  const python = { albert, deberta, sentencepiece: [] }[reading]
  if (String(python) === String(steps)) return
  const told = (list: readonly PlainStep[]) => list.join(', ') || 'nothing'
  ;(config ?? folder).refuse(
    `makes Python change characters by ${told(python)}, tokenizer.json says ${told(steps)}`,
    'Make do_lower_case and keep_accents agree with tokenizer.json, or name PreTrainedTokenizerFast as tokenizer_class',
  )
}
