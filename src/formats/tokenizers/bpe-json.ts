// A byte-level BPE tokenizer as a document (RoBERTa, GPT-2, ModernBERT: Radford et al. 2019): tokenizer.json checked field by field, and
// written.
import type { Fields } from '../document.js'
import { shown } from '../json.js'
import {
  commonDocument,
  KINDS,
  MOST_TOKENS,
  type PiecedSpec,
  readAdded,
  readTemplates,
  readVocabulary,
  rootOf,
  typeOf,
  vocabOf,
} from './tokenizer-json.js'

/** What a byte-level BPE tokenizer is made of. */
export interface ByteBpeSpec extends PiecedSpec {
  unk: null
  /** Pairs of pieces that become one, the first the soonest. */
  merges: readonly (readonly [string, string])[]
  /** Whether letters and marks that are one character become it first: ModernBERT's. */
  nfc: boolean
  /** Whether a text that begins with no space gets one. */
  prefixSpace: boolean
}

/** Each byte is a character of this many, and all of them must be in the vocabulary: nothing is unknown then. */
const BYTES = 256

/** The characters that stand for bytes: printable ones for themselves, the others from U+0100 on. Radford et al. 2019, encoder.py. */
export function byteCharacters(): string[] {
  const printable = (b: number) => (b > 32 && b < 127) || (b > 160 && b < 256 && b !== 173)
  let next = BYTES
  return Array.from({ length: BYTES }, (_, b) => String.fromCharCode(printable(b) ? b : next++))
}

/** The bytes that a piece stands for; a question mark for a character of an added token that stands for none. */
export function bytesOf(piece: string): Uint8Array {
  byteOf ??= new Map(byteCharacters().map((char, byte) => [char, byte]))
  return Uint8Array.from(piece, (char) => byteOf?.get(char) ?? 63)
}
let byteOf: ReadonlyMap<string, number> | undefined

/** The spec in a tokenizer.json. Throws CheckpointError that names `file` and the field. */
export function readByteBpe(json: unknown, file: string): ByteBpeSpec {
  const root = rootOf(json, file)
  const model = root.at('model')
  typeOf(model, ['BPE'])
  for (const name of ['dropout', 'unk_token', 'continuing_subword_prefix', 'end_of_word_suffix']) {
    const field = model.at(name)
    if (!field.missing && field.value !== '') field.refuse('must be null', KINDS)
  }
  for (const name of ['byte_fallback', 'ignore_merges'])
    if (model.at(name).flag(false)) model.at(name).refuse('must be false', KINDS)
  const nfc = !root.at('normalizer').missing
  if (nfc) typeOf(root.at('normalizer'), ['NFC'])
  const before = root.at('pre_tokenizer')
  typeOf(before, ['ByteLevel'])
  if (!before.at('use_regex').flag(true)) before.at('use_regex').refuse('must be true', KINDS)
  if (!root.at('decoder').missing) typeOf(root.at('decoder'), ['ByteLevel'])
  const tokens = readVocabulary(model.at('vocab'))
  const modelSize = tokens.length
  const known = new Set(tokens)
  const lacking = byteCharacters().find((char) => !known.has(char))
  if (lacking !== undefined)
    model.at('vocab').refuse(`lacks ${shown(lacking)}, which stands for a byte`, KINDS)
  const merges = readMerges(model.at('merges'), known)
  const added = readAdded(root.at('added_tokens'), tokens)
  return {
    ...{ vocabulary: tokens, modelSize, added, unk: null, merges, nfc },
    prefixSpace: before.at('add_prefix_space').flag(true),
    ...readTemplates(root.at('post_processor'), tokens.length),
  }
}

/** Older files have "a b", newer ones ["a", "b"]. What a merge takes and gives must be in the vocabulary. */
function readMerges(list: Fields, known: ReadonlySet<string>): [string, string][] {
  return list.items(MOST_TOKENS).map((field) => {
    const parts = Array.isArray(field.value)
      ? field.items(2).map((part) => part.text())
      : field.text(2000).split(' ')
    if (parts.length !== 2) field.refuse('must be two pieces')
    const [a, b] = parts
    const strange = [a, b, a + b].find((piece) => !known.has(piece))
    if (strange !== undefined) field.refuse(`speaks of ${shown(strange)}, which is not in model.vocab`)
    return [a, b]
  })
}

/** The document for tokenizer.json; readByteBpe gives the same spec back. */
export function writeByteBpe(spec: ByteBpeSpec): unknown {
  const bytes = { type: 'ByteLevel', trim_offsets: true, use_regex: true }
  return {
    ...commonDocument(spec),
    normalizer: spec.nfc ? { type: 'NFC' } : null,
    pre_tokenizer: { ...bytes, add_prefix_space: spec.prefixSpace },
    decoder: { ...bytes, add_prefix_space: true },
    model: {
      type: 'BPE',
      ...{ dropout: null, unk_token: null, continuing_subword_prefix: '', end_of_word_suffix: '' },
      ...{ fuse_unk: false, byte_fallback: false, ignore_merges: false },
      ...{ vocab: vocabOf(spec), merges: spec.merges },
    },
  }
}
