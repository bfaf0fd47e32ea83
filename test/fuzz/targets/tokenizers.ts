// tokenizer.json, held to @huggingface/tokenizers, and vocab.txt.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as huggingface from '@huggingface/tokenizers'
import { loadTokenizer } from '../../../src/files/models/on-disk.js'
import type { Tokenizer } from '../../../src/text/encoding.js'
import { WordTokenizer } from '../../../src/text/tokenizer.js'
import { WordPieceTokenizer } from '../../../src/text/wordpiece.js'
import type { Dice } from '../../io/mutants.js'
import { hostileTexts, pick, struck } from '../bytes.js'
import { plainJson, textIn } from '../plain.js'
import { slot } from '../slot.js'
import type { Target } from '../target.js'
import { spoiler } from './models.js'

const pieces = [
  '[PAD]',
  '[UNK]',
  '[CLS]',
  '[SEP]',
  '[MASK]',
  'a',
  'dog',
  'do',
  '##g',
  '##s',
  '.',
  '__proto__',
  '##og',
]
const wordPiece = WordPieceTokenizer.fromVocabulary(pieces).toJSON()
const words = WordTokenizer.build(['a dog dogs constructor'])
/** With a token of its own behind the model's. */
const added = JSON.parse(JSON.stringify(wordPiece))
added.added_tokens.push({
  ...{ id: pieces.length, content: '<ent>', single_word: false, lstrip: false, rstrip: false },
  ...{ normalized: false, special: true },
})

/** Plain letters, where characters and added tokens do not part the library from Python. */
const probes = ['a dog', 'dogs a', 'A DOG.', 'dog zebra ado', 'doggs']

interface Library {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] }
}

function judgeJson(bytes: Uint8Array, tokenizer: Tokenizer): string | null {
  const document = plainJson(bytes)?.value as
    | { added_tokens?: unknown[]; model: { vocab: object } }
    | undefined
  if (typeof document !== 'object') return 'it is no JSON, or names a field twice'
  const { vocab } = document.model
  for (const [token, id] of Object.entries(vocab))
    if (tokenizer.vocabulary[id] !== token) return `${JSON.stringify(token)} is not ${id}`
  if (tokenizer instanceof WordTokenizer) return null
  let library: Library
  try {
    library = new huggingface.Tokenizer(document, {}) as unknown as Library
  } catch (error) {
    return `the library refuses it: ${error}`
  }
  for (const text of probes) {
    const theirs = library.encode(text, { add_special_tokens: false }).ids.join(' ')
    const ours = tokenizer.pieces(text).join(' ')
    if (ours !== theirs) return `${text} is ${ours}, in the library ${theirs}`
  }
  return null
}

export const tokenizerTarget: Target = {
  name: 'tokenizer',
  share: 8,
  open(folder) {
    const fill = slot(join(folder, 'tokenizer.json'))
    return {
      make: spoiler([wordPiece, added, words.toJSON()]),
      read: (bytes) => {
        fill(bytes)
        return loadTokenizer(folder)
      },
      judge: (bytes, value) => judgeJson(bytes, value as Tokenizer),
    }
  },
}

const settings = spoiler([
  { do_lower_case: true, strip_accents: null, tokenize_chinese_chars: true, pad_token: '[PAD]' },
  { pad_token: { content: '[PAD]' }, cls_token: '[CLS]', do_lower_case: false },
  {
    ...{ added_tokens_decoder: { 13: { content: 'x y', special: true } }, truncation_side: 'left' },
    ...{ tokenizer_class: 'BertTokenizer', model_max_length: 16, additional_special_tokens: ['<a>'] },
  },
])

/** Lines of tokens, some lost, doubled or hostile. */
function vocabulary(roll: Dice): Uint8Array {
  const lines = [...pieces]
  for (let n = roll(3); n > 0; n--) {
    const at = roll(lines.length + 1)
    lines.splice(at, roll(2), roll(3) === 0 ? pick(roll, pieces) : pick(roll, hostileTexts))
  }
  const text = new TextEncoder().encode(
    lines.join(pick(roll, ['\n', '\n', '\r\n'])) + (roll(2) === 0 ? '\n' : ''),
  )
  return roll(3) === 0 ? struck(text, roll) : text
}

export const vocabularyTarget: Target = {
  name: 'vocab',
  share: 6,
  open(folder) {
    const fill = slot(join(folder, 'vocab.txt'))
    return {
      make: vocabulary,
      read: (bytes) => {
        fill(bytes)
        return loadTokenizer(folder)
      },
      judge: (bytes, value) => {
        const text = textIn(bytes)
        if (text === null) return 'it is not UTF-8'
        const whole = text.replace(/\r\n/g, '\n').replace(/\n$/, '').split('\n')
        const lines = whole.map((line) => line.replace(/\p{White_Space}+$/u, ''))
        const { vocabulary } = value as Tokenizer
        if (JSON.stringify(lines) !== JSON.stringify(vocabulary)) return 'other tokens'
        // [MASK], the last of them, may be missing.
        return pieces.slice(0, 4).every((role) => lines.includes(role)) ? null : 'a role is missing'
      },
    }
  },
}

/** A file beside vocab.txt that names tokens, held to nothing but its refusals. */
const tokensTarget = (name: string, file: string, documents: object[]): Target => {
  const make = spoiler(documents)
  return {
    name,
    share: 3,
    open(folder) {
      writeFileSync(join(folder, 'vocab.txt'), pieces.join('\n'))
      const fill = slot(join(folder, file))
      return {
        make,
        read: (bytes) => {
          fill(bytes)
          return loadTokenizer(folder)
        },
        judge: (_, value) => {
          const { vocabulary } = value as Tokenizer
          const same = pieces.every((token, id) => vocabulary[id] === token)
          return same && vocabulary.every((token) => typeof token === 'string') ? null : 'other tokens'
        },
      }
    },
  }
}

export const addedTokensTarget = tokensTarget('added-tokens', 'added_tokens.json', [
  { '<a>': pieces.length, '<b>': pieces.length + 1, dog: 6 },
])

export const specialTokensTarget = tokensTarget('special-tokens', 'special_tokens_map.json', [
  {
    ...{ unk_token: '[UNK]', cls_token: { content: '[CLS]', lstrip: false }, user_token: '<a>' },
    additional_special_tokens: ['<b>', { content: 'a dog', normalized: true }],
  },
])

export const tokenizerConfigTarget: Target = {
  name: 'tokenizer-config',
  share: 5,
  open(folder) {
    writeFileSync(join(folder, 'vocab.txt'), pieces.join('\n'))
    const fill = slot(join(folder, 'tokenizer_config.json'))
    return {
      make: settings,
      read: (bytes) => {
        fill(bytes)
        return loadTokenizer(folder)
      },
      judge: (bytes, value) => {
        const given = plainJson(bytes)?.value as Record<string, unknown> | undefined
        if (typeof given !== 'object') return 'it is no JSON, or names a field twice'
        const { lowercase } = (value as WordPieceTokenizer).spec.normalizing
        return lowercase === (given.do_lower_case ?? true) ? null : 'do_lower_case'
      },
    }
  },
}
