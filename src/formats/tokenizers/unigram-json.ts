// A Unigram tokenizer of sentencepiece's as a document (XLM-R, CamemBERT, ALBERT, DeBERTa: Kudo 2018): tokenizer.json checked field by
// field, and written.
import type { Fields } from '../document.js'
import { shown } from '../json.js'
import { type Charsmap, readCharsmap } from './charsmap.js'
import {
  commonDocument,
  KINDS,
  MOST_CHARS,
  MOST_TOKENS,
  type PiecedSpec,
  readAdded,
  readTemplates,
  rootOf,
  typeOf,
} from './tokenizer-json.js'

/** Where a word gets the sign of a space in front: each, the text's first, or none. */
export type PrependScheme = 'always' | 'first' | 'never'

/**
 * What is made of characters before the table: ALBERT's quotes, decomposed letters, no accents, lower case; of DeBERTa one space
 * for several and for ends of lines, composed letters, no spaces at the ends.
 */
export type PlainStep =
  | 'backquotes'
  | 'quotes'
  | 'nfkd'
  | 'accents'
  | 'lower'
  | 'spaces'
  | 'nfc'
  | 'strip'
  | 'strip-right'

/** As tokenizer.json spells each. */
const plainSteps: Readonly<Record<PlainStep, object>> = {
  backquotes: { type: 'Replace', pattern: { String: '``' }, content: '"' },
  quotes: { type: 'Replace', pattern: { String: "''" }, content: '"' },
  nfkd: { type: 'NFKD' },
  accents: { type: 'StripAccents' },
  lower: { type: 'Lowercase' },
  spaces: { type: 'Replace', pattern: { Regex: '\\s{2,}|[\\n\\r\\t]' }, content: ' ' },
  nfc: { type: 'NFC' },
  strip: { type: 'Strip', strip_left: true, strip_right: true },
  'strip-right': { type: 'Strip', strip_left: false, strip_right: true },
}

/** What a Unigram tokenizer is made of. */
export interface UnigramSpec extends PiecedSpec {
  unk: string
  /** Logarithm of each of the model's pieces' probability. */
  scores: readonly number[]
  /** In their order. */
  before: readonly PlainStep[]
  /** What is made of characters first; null: nothing. */
  charsmap: Charsmap | null
  /** Whether several spaces become one then. */
  oneSpace: boolean
  /** Whether any white space separates words; else the space alone, which is never lost. */
  splitsSpaces: boolean
  prepend: PrependScheme
}

/** Stands for a space. */
export const SPACE_SIGN = '\u2581'

/** The spec in a tokenizer.json. Throws CheckpointError that names `file` and the field. */
export function readUnigram(json: unknown, file: string): UnigramSpec {
  const root = rootOf(json, file)
  const model = root.at('model')
  typeOf(model, ['Unigram'])
  if (model.at('byte_fallback').flag(false)) model.at('byte_fallback').refuse('must be false', KINDS)
  const pieces = model.at('vocab').items(MOST_TOKENS)
  const tokens = pieces.map((piece) => piece.at(0).text(MOST_CHARS))
  const scores = pieces.map((piece) => {
    const { value } = piece.at(1)
    return typeof value === 'number' && Number.isFinite(value)
      ? value
      : piece.at(1).refuse('must be a number')
  })
  const modelSize = tokens.length
  const unk = tokens[model.at('unk_id').whole(0, modelSize - 1)]
  const added = readAdded(root.at('added_tokens'), tokens)
  if (!root.at('decoder').missing) typeOf(root.at('decoder'), ['Metaspace'])
  return {
    ...{ vocabulary: tokens, modelSize, added, unk, scores },
    ...normalizing(root.at('normalizer')),
    ...splitting(root.at('pre_tokenizer')),
    ...readTemplates(root.at('post_processor'), tokens.length),
  }
}

/** One step, or a sequence of them. */
function stepsOf(field: Fields, list: string): Fields[] {
  if (field.missing) return []
  return field.at('type').value === 'Sequence' ? field.at(list).items(8) : [field]
}

/** The step that a normalizer is; null: none of these. */
function plainStep(step: Fields): PlainStep | null {
  const names = Object.keys(plainSteps) as PlainStep[]
  const same = (field: Fields, want: object): boolean =>
    Object.entries(want).every(([key, value]) =>
      typeof value === 'object' ? same(field.at(key), value) : field.at(key).value === value,
    )
  return names.find((name) => same(step, plainSteps[name])) ?? null
}

function normalizing(field: Fields): Pick<UnigramSpec, 'before' | 'charsmap' | 'oneSpace'> {
  const steps = stepsOf(field, 'normalizers')
  const before: PlainStep[] = []
  let charsmap: Charsmap | null = null
  let oneSpace = false
  for (const step of steps) {
    const plain = plainStep(step)
    if (plain !== null && charsmap === null && !oneSpace) {
      before.push(plain)
      continue
    }
    const type = typeOf(step, ['Precompiled', 'Replace'])
    if (type === 'Precompiled' && charsmap === null && !oneSpace)
      charsmap = readCharsmap(step.at('precompiled_charsmap'))
    else if (type === 'Replace' && !oneSpace) {
      const { value } = step.at('pattern').at('Regex')
      if (value !== ' {2,}' || step.at('content').value !== ' ')
        step.refuse('must replace several spaces by one', KINDS)
      oneSpace = true
    } else step.refuse(`stands there a second time, or behind what it must stand before`, KINDS)
  }
  return { before, charsmap, oneSpace }
}

function splitting(field: Fields): Pick<UnigramSpec, 'splitsSpaces' | 'prepend'> {
  const steps = stepsOf(field, 'pretokenizers')
  const last = steps.at(-1) ?? field.refuse('must be of type Metaspace', KINDS)
  typeOf(last, ['Metaspace'])
  if (steps.length > 2) field.refuse('has more than WhitespaceSplit and Metaspace', KINDS)
  if (steps.length === 2) typeOf(steps[0], ['WhitespaceSplit'])
  const sign = last.at('replacement')
  if (sign.text() !== SPACE_SIGN) sign.refuse(`must be ${SPACE_SIGN}, it is ${shown(sign.text())}`, KINDS)
  if (!last.at('split').flag(true)) last.at('split').refuse('must be true', KINDS)
  return { splitsSpaces: steps.length === 2, prepend: schemeOf(last) }
}

/** Files of before 2024 say add_prefix_space. */
function schemeOf(metaspace: Fields): PrependScheme {
  const scheme = metaspace.at('prepend_scheme')
  if (scheme.missing) return metaspace.at('add_prefix_space').flag(true) ? 'always' : 'never'
  const { value } = scheme
  return value === 'always' || value === 'first' || value === 'never'
    ? value
    : scheme.refuse('must be always, first or never')
}

/** The document for tokenizer.json; readUnigram gives the same spec back. */
export function writeUnigram(spec: UnigramSpec): unknown {
  const { vocabulary, scores, before, charsmap, oneSpace, splitsSpaces, prepend } = spec
  const steps = [
    ...before.map((name) => plainSteps[name]),
    ...(charsmap === null ? [] : [{ type: 'Precompiled', precompiled_charsmap: charsmap.text }]),
    ...(oneSpace ? [{ type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' }] : []),
  ]
  const metaspace = { type: 'Metaspace', replacement: SPACE_SIGN, prepend_scheme: prepend, split: true }
  return {
    ...commonDocument(spec),
    normalizer: steps.length < 2 ? (steps[0] ?? null) : { type: 'Sequence', normalizers: steps },
    pre_tokenizer: splitsSpaces
      ? { type: 'Sequence', pretokenizers: [{ type: 'WhitespaceSplit' }, metaspace] }
      : metaspace,
    decoder: metaspace,
    model: {
      type: 'Unigram',
      unk_id: vocabulary.slice(0, spec.modelSize).lastIndexOf(spec.unk),
      vocab: scores.map((score, id) => [vocabulary[id], score]),
      byte_fallback: false,
    },
  }
}
