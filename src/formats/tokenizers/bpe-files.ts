// vocab.json and merges.txt, which GPT-2 and RoBERTa had before there was tokenizer.json: Radford et al. 2019, encoder.py.
import { CheckpointError } from '../../errors.js'
import { shown } from '../json.js'

/** The text of vocab.json parsed, of merges.txt as it is, and where they stand. */
export interface BpeFiles {
  vocab: unknown
  merges: string
  /** Of vocab.json and merges.txt, for errors. */
  files: readonly [vocab: string, merges: string]
}

/** What else Python's class goes by. */
export interface BpeClass {
  /** Of texts that begin with no space. */
  prefixSpace: boolean
  /** Special tokens that the class knows, in any order. */
  special: readonly string[]
  /** What stands around a text; null: nothing, as of GPT-2. */
  around: { cls: string; sep: string } | null
}

/** Python's tokenizers passes over lines that begin so, and no others that begin with #: `# #` is a merge of GPT-2's. */
const VERSION = '#version'

/** The tokenizer.json that Python's class makes of the two, to be read as one. Throws CheckpointError. */
export function bpeDocument({ vocab, merges, files }: BpeFiles, own: BpeClass): unknown {
  const [file, mergesFile] = files
  const ids = new Map(Object.entries(vocab ?? {}))
  const named = (token: string): [string, unknown] => {
    if (!ids.has(token))
      throw new CheckpointError(file, `lacks ${shown(token)}`, 'Take all files from the same model')
    return [token, ids.get(token)]
  }
  const lines = merges.split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop()
  const pairs = lines.flatMap((line, i) => {
    if (line.startsWith(VERSION)) return []
    const pair = line.split(' ')
    if (pair.length === 2) return [pair]
    throw new CheckpointError(mergesFile, `line ${i + 1} must be two pieces with a space between`)
  })
  const bytes = { type: 'ByteLevel', add_prefix_space: own.prefixSpace, trim_offsets: true }
  const { around } = own
  return {
    added_tokens: [...new Set(own.special)].map((content) => ({
      ...{ id: named(content)[1], content, single_word: false, lstrip: false, rstrip: false },
      ...{ normalized: false, special: true },
    })),
    normalizer: null,
    pre_tokenizer: { ...bytes, use_regex: true },
    post_processor:
      around === null
        ? bytes
        : { ...bytes, type: 'RobertaProcessing', cls: named(around.cls), sep: named(around.sep) },
    decoder: bytes,
    model: { type: 'BPE', vocab, merges: pairs },
  }
}
