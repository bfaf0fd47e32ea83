// Word vectors from a text file as GloVe's: a word and its numbers a line, the commonest words first.
import { DataError } from '../../errors.js'
import { shown } from '../../formats/json.js'
import { readLines } from '../lines.js'

/** Words and their vectors. */
export interface WordVectors {
  words: readonly string[]
  width: number
  /** [words, width] */
  table: Float32Array
}

/** Of readVectors(). */
export interface VectorOptions {
  /** Lines read at most: what follows are rare words. Default 100,000, as TinyBERT's code. */
  most?: number
  /** A word of the file as it is to be kept, null for one that is not wanted. Of those that become alike the first stays. */
  keep?: (word: string) => string | null
}

const WIDEST = 4096
/** Nothing else: Number() also reads hexadecimal digits, blanks and Infinity. */
const NUMBERS = /^[-+.\deE ]+$/

/**
 * The vectors of a file that is read line by line; only words that are kept take memory. A first line of two whole numbers,
 * as word2vec's, is passed over, and so are vectors of zeros. Throws DataError naming file and line for a line of another
 * width and for what is no number, and for a file without vectors.
 */
export function readVectors(
  file: string,
  { most = 100_000, keep = (word) => word }: VectorOptions = {},
): WordVectors {
  const places = new Map<string, number>()
  let width = 0
  let table = new Float32Array(0)
  let read = 0
  for (const { text, number } of readLines(file)) {
    const line = text.trimEnd()
    if (line === '' || (number === 1 && /^\d+ \d+$/.test(line))) continue
    const fail = (reason: string): never => {
      throw new DataError(
        `${file}:${number}`,
        reason,
        'A line is a word and its numbers, with spaces between',
      )
    }
    if (width === 0) {
      width = line.split(' ').length - 1
      if (width < 1 || width > WIDEST) fail(`has ${width} numbers, 1 to ${WIDEST} are read`)
    }
    if (read++ === most) break
    // From behind: a word of GloVe's may have spaces in it.
    const cut = placeBefore(line, width)
    if (cut < 1) fail(`has fewer than ${width} numbers, which the first line has`)
    if (/ [-+]?\d*\.?\d+$/.test(line.slice(0, cut)))
      fail(`has more than ${width} numbers, which the first line has`)
    const numbers = line.slice(cut + 1)
    if (!NUMBERS.test(numbers)) fail(`${shown(line.slice(0, cut))} is followed by what is no number`)
    const word = keep(line.slice(0, cut))
    if (word === null || places.has(word)) continue
    const place = places.size
    if ((place + 1) * width > table.length) table = widened(table, (place + 1) * width)
    const row = table.subarray(place * width, (place + 1) * width)
    row.set(numbers.split(' ').map((field) => (field === '' ? Number.NaN : Number(field))))
    if (!row.every(Number.isFinite)) fail(`${shown(word)} has what is no number, or none that float32 holds`)
    if (row.some((x) => x !== 0)) places.set(word, place)
  }
  if (places.size === 0) throw new DataError(file, 'has no vectors of words that could be used')
  return { words: [...places.keys()], width, table: table.slice(0, places.size * width) }
}

/** Where the space before the last `n` fields is; -1 where there are fewer. */
function placeBefore(line: string, n: number): number {
  let at = line.length
  for (let i = 0; i < n && at >= 0; i++) at = at === 0 ? -1 : line.lastIndexOf(' ', at - 1)
  return at
}

function widened(table: Float32Array, least: number): Float32Array<ArrayBuffer> {
  const wider = new Float32Array(Math.max(least, Math.ceil(1.5 * table.length)))
  wider.set(table)
  return wider
}
