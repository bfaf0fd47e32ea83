// A text's pieces and where each stands in it: what Python calls the offset mapping, in UTF-16 units. A record for each tokenizer.
import { TinystillError } from '../../errors.js'
import type { AddedToken } from '../../formats/tokenizers/tokenizer-json.js'
import { type PlainStep, SPACE_SIGN } from '../../formats/tokenizers/unigram-json.js'
import { decompose, lowerEach, normalizeBert, placedWords, withoutMarks } from '../bert-normalizer.js'
import type { Tokenizer } from '../encoding.js'
import { ByteBpeTokenizer, WORD } from '../pieces/byte-bpe.js'
import { Finder } from '../pieces/finder.js'
import { plainSteps, SPACES, UnigramTokenizer } from '../pieces/unigram.js'
import { WordPieceTokenizer } from '../wordpiece.js'
import { PlacedText } from './placed-text.js'

/** The pieces of a text, without special tokens. White space at a piece's ends is not of its place. */
export interface PlacedTokens {
  ids: Int32Array
  /** Where each begins and ends in the text, in UTF-16 units. */
  starts: Int32Array
  ends: Int32Array
}

/** Takes each piece: its id, and its first and last character's units in a text on its way. */
type Take = (id: number, text: PlacedText, start: number, end: number) => void

type Reader = (text: PlacedText, take: Take, first: boolean) => void

/** How texts are normalized and cut, between added tokens. */
interface Reading {
  normal(text: PlacedText): PlacedText
  /** Pieces of a section of the normalized text. first: whether nothing stands before it. */
  cut: Reader
  added: readonly AddedToken[]
  /** Of the added tokens that are sought in the normalized text, whether the spaces beside them are theirs. */
  spaces: boolean
}

/** Each word of a section, by the place at which it begins. */
const wordPiece = (tokenizer: WordPieceTokenizer): Reading => {
  const { spec, vocabulary } = tokenizer
  return {
    added: spec.added,
    spaces: false,
    normal: (text) => {
      // Most texts have no other character, and then nothing moves.
      if (/^[ -~]*$/.test(text.text)) return text.as(normalizeBert(text.text, spec.normalizing))
      return text.each((char) => normalizeBert(char, spec.normalizing))
    },
    cut: (section, take) => {
      for (const [word, start] of placedWords(section.text)) {
        const ids = tokenizer.cut(word)
        let at = start
        ids.forEach((id, i) => {
          const length = vocabulary[id].length - (i === 0 ? 0 : spec.prefix.length)
          const end = ids.length === 1 ? start + word.length : at + length
          take(id, section, at, end)
          at = end
        })
      }
    },
  }
}

const utf8Length = (code: number) => (code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4)

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' })

/** Letters and marks become one character, at the first one's place. */
function composed(text: PlacedText): PlacedText {
  if (text.text.normalize('NFC') === text.text) return text
  const parts = Array.from(graphemes.segment(text.text), ({ segment }) => segment)
  return text.parts(parts.map((part) => [part, part.normalize('NFC')]))
}

const byteBpe = (tokenizer: ByteBpeTokenizer): Reading => {
  const { spec, vocabulary } = tokenizer
  return {
    added: spec.added,
    spaces: true,
    normal: (text) => (spec.nfc ? composed(text) : text),
    cut: (given, take) => {
      const section = spec.prefixSpace && !given.text.startsWith(' ') ? given.after(' ') : given
      for (const { 0: word, index } of section.text.matchAll(WORD)) {
        // The unit that each byte is of.
        const units: number[] = []
        let at = index
        for (const char of word) {
          const bytes = utf8Length(char.codePointAt(0) as number)
          for (let i = 0; i < bytes; i++) units.push(at)
          at += char.length
        }
        let byte = 0
        for (const id of tokenizer.cut(word)) {
          const end = byte + vocabulary[id].length
          take(id, section, units[byte], units[end - 1] + 1)
          byte = end
        }
      }
    },
  }
}

const unigramSteps: Readonly<Record<PlainStep, (text: PlacedText) => PlacedText>> = {
  backquotes: (text) => text.replaced(/``/g, '"'),
  quotes: (text) => text.replaced(/''/g, '"'),
  nfkd: (text) => {
    const each = text.each((char) => decompose(char, 'NFKD'))
    const whole = plainSteps.nfkd(text.text)
    // Marks of several characters may change places; they stand beside each other.
    return each.text.length === whole.length ? each.as(whole) : each
  },
  accents: (text) => text.each(withoutMarks),
  lower: (text) => text.each(lowerEach),
  spaces: (text) => text.replaced(/\p{White_Space}{2,}|[\n\r\t]/gu, ' '),
  nfc: composed,
  strip: (text) => {
    const start = text.text.length - text.text.replace(/^\p{White_Space}+/u, '').length
    return unigramSteps['strip-right'](text.slice(start, text.text.length))
  },
  'strip-right': (text) => text.slice(0, plainSteps['strip-right'](text.text).length),
}

const unigram = (tokenizer: UnigramTokenizer): Reading => {
  const { spec } = tokenizer
  const { splitsSpaces, prepend } = spec
  return {
    added: spec.added,
    spaces: true,
    normal: (given) => {
      let text = spec.before.reduce((own, step) => unigramSteps[step](own), given)
      const changed = tokenizer.changed(text.text)
      if (changed !== null) text = text.parts(changed)
      return spec.oneSpace ? text.replaced(/ {2,}/g, ' ') : text
    },
    cut: (section, take, first) => {
      let at = 0
      const parts = splitsSpaces ? section.text.split(SPACES) : [section.text]
      parts.forEach((part, i) => {
        const start = section.text.indexOf(part, at)
        at = start + part.length
        if (part === '') return
        const own = section.slice(start, at).as(part.replaceAll(' ', SPACE_SIGN))
        const wants = prepend === 'always' || (prepend === 'first' && first && i === 0)
        const signed = wants && !own.text.startsWith(SPACE_SIGN) ? own.after(SPACE_SIGN) : own
        let before = 0
        for (const word of signed.text.split(/(?=\u2581)/)) {
          const units: number[] = [before]
          for (const char of word) units.push(units[units.length - 1] + char.length)
          const { ids, ends } = tokenizer.cut(word)
          ids.forEach((id, k) => {
            take(id, signed, units[k === 0 ? 0 : ends[k - 1]], units[ends[k]])
          })
          before += word.length
        }
      })
    },
  }
}

function readingOf(tokenizer: Tokenizer): Reading {
  if (tokenizer instanceof WordPieceTokenizer) return wordPiece(tokenizer)
  if (tokenizer instanceof ByteBpeTokenizer) return byteBpe(tokenizer)
  if (tokenizer instanceof UnigramTokenizer) return unigram(tokenizer)
  throw new TinystillError(
    'answers in texts need a tokenizer that says where its pieces stand, as those of BERT, RoBERTa, XLM-R and their kin do',
  )
}

const SPACE = /\p{White_Space}/u

/**
 * What says of texts which pieces they have and where: ids those of the tokenizer's pieces(). Throws TinystillError for a tokenizer
 * of whole words.
 */
export function placing(tokenizer: Tokenizer): (text: string) => PlacedTokens {
  const { normal, cut, added, spaces } = readingOf(tokenizer)
  const sought = (tokens: readonly AddedToken[]) =>
    tokens.map(({ id, content, lstrip, rstrip }) =>
      spaces ? { id, content, lstrip, rstrip } : { id, content },
    )
  const raw = new Finder(sought(added.filter(({ normalized }) => !normalized)))
  const late = added.filter(({ normalized }) => normalized)
  const normalized = new Finder(
    sought(late).map((own) => ({ ...own, content: normal(PlacedText.of(own.content)).text })),
  )
  return (given) => {
    const [ids, starts, ends]: [number[], number[], number[]] = [[], [], []]
    const put = (id: number, from: number, to: number) => {
      let [start, end] = [from, to]
      while (start < end && SPACE.test(given[start])) start++
      while (end > start && SPACE.test(given[end - 1])) end--
      ids.push(id)
      starts.push(start)
      ends.push(end)
    }
    const take: Take = (id, { from, to }, start, end) => put(id, from[start], to[end - 1])
    let first = true
    for (const [part, start, end] of raw.placed(given)) {
      if (typeof part === 'number') {
        put(part, start, end)
        first = false
        continue
      }
      const text = normal(PlacedText.of(part, start))
      for (const [section, from, to] of normalized.placed(text.text)) {
        if (typeof section === 'number') take(section, text, from, to)
        else if (section !== '') cut(text.slice(from, to), take, first)
        if (section !== '') first = false
      }
    }
    return { ids: Int32Array.from(ids), starts: Int32Array.from(starts), ends: Int32Array.from(ends) }
  }
}
