// Tokenizer folders as users have them: what is in which file, the same ids as Python's AutoTokenizer, or a refusal.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CheckpointError } from '../../src/errors.js'
import { loadTokenizer, saveTokenizer } from '../../src/files/models/on-disk.js'
import type { WordPieceTokenizer } from '../../src/text/wordpiece.js'

type Case = [text: string, pair: string | null, maxLength: number | null, ids: number[], typeIds: number[]]
type Document = Record<string, unknown>
interface Folder {
  name: string
  /** Of vocab.txt a list of lines; '$json': the document with the changes. */
  files: Record<string, Document | string[] | '$json'>
  changes?: [path: (string | number)[], value: unknown][]
  cases: Case[]
  size: number
  side: string
  most: number | null
}

const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, '../golden/tokenizer_folders.json'), 'utf8'),
) as { vocab: string[]; json: Document; folders: Folder[] }

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tinystill-tokenizer-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function write({ files, changes = [] }: Pick<Folder, 'files' | 'changes'>): void {
  const json = structuredClone(golden.json)
  for (const [path, value] of changes) {
    const node = path.slice(0, -1).reduce((at, key) => at[key] as Document, json)
    node[path.at(-1) as string] = value
  }
  for (const [name, content] of Object.entries(files)) {
    const text = Array.isArray(content)
      ? content.map((line) => `${line}\n`).join('')
      : JSON.stringify(content === '$json' ? json : content)
    writeFileSync(join(folder, name), text)
  }
}

function ours(tokenizer: WordPieceTokenizer, cases: readonly Case[]): Case[] {
  return cases.map(([text, pair, maxLength]) => {
    const { ids, typeIds } = tokenizer.encode(text, pair, maxLength === null ? {} : { maxLength })
    return [text, pair, maxLength, [...ids], [...typeIds]]
  })
}

describe('ids and types as of AutoTokenizer', () => {
  it.each(golden.folders.map((one) => [one.name, one] as const))('%s', (_, one) => {
    write(one)
    const tokenizer = loadTokenizer(folder) as WordPieceTokenizer
    expect(ours(tokenizer, one.cases)).toEqual(one.cases)
    expect([tokenizer.truncationSide, tokenizer.modelMaxLength]).toEqual([one.side, one.most])
    // Saved, and read again, by the files that were written alone.
    rmSync(folder, { recursive: true })
    saveTokenizer(folder, tokenizer)
    const again = loadTokenizer(folder) as WordPieceTokenizer
    expect(ours(again, one.cases)).toEqual(one.cases)
    expect([again.truncationSide, again.modelMaxLength]).toEqual([one.side, one.most])
  })
})

const bert = { 'config.json': { model_type: 'bert' } }
const lines = { 'vocab.txt': golden.vocab }
const json = { 'tokenizer.json': '$json' } as const
const config = (fields: Document) => ({ 'tokenizer_config.json': fields })
const cased: Folder['changes'] = [[['normalizer', 'lowercase'], false]]

describe('a folder is refused', () => {
  it.each<[string, Folder['files'], string, Folder['changes']?]>([
    [
      'for a class of another kind',
      { ...lines, ...config({ tokenizer_class: 'BertJapaneseTokenizer' }) },
      'tokenizer_config.json: tokenizer_class is "BertJapaneseTokenizer", which splits texts otherwise than BERT, RoBERTa and XLM-R. Read are BertTokenizer, ',
    ],
    [
      'for a class of another kind beside tokenizer.json',
      { ...json, ...config({ tokenizer_class: 'HerbertTokenizerFast' }) },
      'tokenizer_class is "HerbertTokenizerFast"',
    ],
    [
      'for a class in config.json',
      { ...lines, 'config.json': { model_type: 'bert', tokenizer_class: 'T5Tokenizer' } },
      'config.json: tokenizer_class is "T5Tokenizer"',
    ],
    [
      'for a class that reads no vocab.txt',
      { ...lines, 'config.json': { model_type: 'bert', tokenizer_class: 'XLMRobertaTokenizer' } },
      'has no tokenizer.json, which XLMRobertaTokenizer goes by',
    ],
    [
      'for a class that reads another model',
      { ...json, ...config({ tokenizer_class: 'RobertaTokenizer' }) },
      'model.type is "WordPiece", and RobertaTokenizer reads BPE',
    ],
    [
      'for a class that goes by tokenizer.json, without one',
      { ...lines, ...config({ tokenizer_class: 'PreTrainedTokenizerFast' }) },
      'has no tokenizer.json, which PreTrainedTokenizerFast goes by',
    ],
    [
      'for another casing that is written',
      { ...json, ...config({ do_lower_case: true }) },
      'tokenizer_config.json: do_lower_case is true, tokenizer.json says false',
      cased,
    ],
    [
      'for another casing that Python takes where none is written',
      { ...json, ...config({}) },
      'tokenizer_config.json: says nothing of do_lower_case: Python takes true, tokenizer.json says false. Write "do_lower_case": false into tokenizer_config.json',
      cased,
    ],
    [
      'for another casing without tokenizer_config.json',
      json,
      'has no tokenizer_config.json that says do_lower_case: Python takes true',
      cased,
    ],
    [
      'for other accents',
      { ...json, ...config({ strip_accents: false }) },
      'strip_accents is false, tokenizer.json says true',
    ],
    [
      'for accents that only tokenizer.json keeps',
      { ...json, ...config({ strip_accents: null }) },
      'says nothing of strip_accents: Python takes true, tokenizer.json says false',
      [[['normalizer', 'strip_accents'], false]],
    ],
    [
      'for other Chinese characters',
      { ...json, ...config({ tokenize_chinese_chars: false }) },
      'tokenize_chinese_chars is false, tokenizer.json says true',
    ],
    [
      'for an id that leaves a gap',
      { ...lines, 'added_tokens.json': { '<user>': 500 } },
      'added_tokens.json: "<user>" gives "<user>" the id 500, the next free one is 81',
    ],
    [
      'for an id that is taken',
      { ...lines, ...config({ added_tokens_decoder: { 7: { content: '<user>' } } }) },
      'added_tokens_decoder.7 gives "<user>" the id 7, the next free one is 81',
    ],
    [
      'for another id than the vocabulary has',
      { ...lines, 'added_tokens.json': { movie: 81 } },
      'gives "movie" the id 81, in the vocabulary it has 7',
    ],
    [
      'for a token added behind one that stands twice',
      { 'vocab.txt': [...golden.vocab, 'movie'], 'added_tokens.json': { '<user>': 82 } },
      'adds "<user>" to a vocabulary that has a token twice',
    ],
    [
      'for a token that the decoder does not have',
      { ...json, ...config({ added_tokens_decoder: { 81: { content: '<user>', normalized: true } } }) },
      'added_tokens_decoder has no "<url>", which',
    ],
    [
      'for a token that the decoder looks for elsewhere',
      {
        ...json,
        ...config({
          added_tokens_decoder: {
            81: { content: '<user>', normalized: false },
            82: { content: '<url>', normalized: true },
          },
        }),
      },
      'added_tokens_decoder.81.normalized is false,',
    ],
    [
      'for tokens that are words',
      { ...lines, ...config({ added_tokens_decoder: { 81: { content: 'user', single_word: true } } }) },
      'single_word must be false',
    ],
    [
      'for ids that are none',
      { ...lines, ...config({ added_tokens_decoder: { x: { content: 'user' } } }) },
      'added_tokens_decoder.x must have an id for its name',
    ],
    [
      'for ids that are texts',
      { ...lines, 'added_tokens.json': { '<user>': '81' } },
      'must be a whole number from 0 to',
    ],
    [
      'for tokens that are numbers',
      { ...lines, ...config({ additional_special_tokens: [3] }) },
      'additional_special_tokens[0] must be a text, it is 3',
    ],
    ['for roles that are numbers', { ...lines, ...config({ cls_token: 3 }) }, 'cls_token must be a text'],
    ['without [CLS]', { 'vocab.txt': golden.vocab.filter((token) => token !== '[CLS]') }, 'has no "[CLS]"'],
    [
      'with an unknown token that is only added',
      { 'vocab.txt': golden.vocab.slice(2), 'added_tokens.json': { '[PAD]': 79, '[UNK]': 80 } },
      'vocab.txt: has no "[UNK]"',
    ],
    [
      'for a third side',
      { ...lines, ...config({ truncation_side: 'middle' }) },
      'truncation_side must be left',
    ],
    [
      'for a length of none',
      { ...lines, ...config({ model_max_length: 0 }) },
      'model_max_length must be a number',
    ],
    ['for a length of text', { ...lines, ...config({ max_len: '512' }) }, 'max_len must be a number'],
    [
      'for inputs that are no list',
      { ...lines, ...config({ model_input_names: 'input_ids' }) },
      'model_input_names must be a list',
    ],
  ])('%s', (_, files, text, changes) => {
    write({ files: { ...bert, ...files }, ...(changes && { changes }) })
    expect(() => loadTokenizer(folder)).toThrow(CheckpointError)
    expect(() => loadTokenizer(folder)).toThrow(text)
  })

  it('not for names without a place in the model, which no text of its training held', () => {
    const named = config({ mask_token: '[MASK]', bos_token: '<s>', additional_special_tokens: ['<user>'] })
    const without = { 'vocab.txt': golden.vocab.filter((token) => token !== '[MASK]') }
    write({ files: { 'config.json': { model_type: 'bert', vocab_size: 81 }, ...without, ...named } })
    const { vocabSize, maskId, vocabulary } = loadTokenizer(folder)
    // Python's order: <s> comes before [MASK].
    expect([vocabSize, maskId, vocabulary[80]]).toEqual([81, null, '<s>'])
  })

  it('not for a casing that no file contradicts and no model goes by', () => {
    write({ files: json, changes: cased })
    const { spec } = loadTokenizer(folder) as WordPieceTokenizer
    expect(spec.normalizing.lowercase).toBe(false)
  })
})

describe('a text that is cut on the left', () => {
  it('keeps its last pieces, and says how many went', () => {
    write({ files: { ...bert, ...lines, ...config({ truncation_side: 'left' }) } })
    const tokenizer = loadTokenizer(folder) as WordPieceTokenizer
    const both = ['the a movie film is was good', 'a bad film'].map((text) => tokenizer.pieces(text))
    const { ids, texts } = tokenizer.encodePieces(both[0], both[1], { maxLength: 10 })
    expect(texts.map(({ length, skipped }) => [length, skipped])).toEqual([
      [4, 3],
      [3, 0],
    ])
    texts.forEach(({ start, length, skipped }, i) => {
      expect(ids.subarray(start, start + length)).toEqual(both[i].subarray(skipped))
    })
  })
})

describe('files for Python', () => {
  it.each([
    ['BertTokenizer', ['input_ids', 'token_type_ids', 'attention_mask']],
    ['DistilBertTokenizer', ['input_ids', 'attention_mask']],
  ])('name the inputs of %s, for a class that goes by tokenizer.json too', (pythonClass, names) => {
    write({ files: { ...bert, ...json } })
    const plain = loadTokenizer(folder)
    write({ files: json, changes: [[['normalizer', 'clean_text'], false]] })
    for (const tokenizer of [plain, loadTokenizer(folder)]) {
      saveTokenizer(folder, tokenizer, { pythonClass })
      const saved = JSON.parse(readFileSync(join(folder, 'tokenizer_config.json'), 'utf8'))
      expect(saved.model_input_names).toEqual(names)
      expect(saved.tokenizer_class).toBe(tokenizer === plain ? pythonClass : 'PreTrainedTokenizerFast')
    }
  })

  it('keep the length that is asked for, and else their own', () => {
    write({ files: { ...bert, ...lines, ...config({ model_max_length: 16 }) } })
    const tokenizer = loadTokenizer(folder)
    const lengthOf = () =>
      JSON.parse(readFileSync(join(folder, 'tokenizer_config.json'), 'utf8')).model_max_length
    saveTokenizer(folder, tokenizer)
    expect(lengthOf()).toBe(16)
    saveTokenizer(folder, tokenizer, { maxLength: 12 })
    expect(lengthOf()).toBe(12)
  })
})
