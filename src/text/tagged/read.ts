// Files of sentences whose words have a tag each: columns with an empty line between sentences (CoNLL's, BIO files), CoNLL-U, or a
// sentence a line as JSON.
import { DataError } from '../../errors.js'
import { shown } from '../../formats/json.js'
import { parseJson } from '../../formats/parse-json.js'
import { labelIds, labelNamesOf } from '../labels.js'
import type { DataOptions } from '../rows/columns.js'
import { linesIn } from '../rows/lines.js'
import type { Fail, Line } from '../rows/records.js'
import type { TextSet } from '../rows/text-set.js'

/** Of taggedSetIn(): where words and tags stand. */
export interface TaggedOptions
  extends Pick<DataOptions, 'textColumn' | 'labelColumn' | 'delimiter' | 'note'> {
  /** 'none': tags that are there are passed over, and a .txt file is a sentence a line. Default 'tags'. */
  labels?: 'tags' | 'none'
  /** Names of the tags in a model's order. Without them they are collected from the file. */
  labelNames?: readonly string[]
}

/** A TextSet whose labels are of words; each text is its words with spaces between. */
export type TaggedSet = TextSet & { words: string[][] }

interface Sentence {
  words: string[]
  tags: (string | number)[]
  /** Of each word, from 1. */
  lines: number[]
}

type Reader = (lines: Iterable<Line>, options: TaggedOptions, fail: Fail) => Iterable<Sentence>

/** A column by its place from 1, or by one of `names`. */
function columnAt(
  asked: string | undefined,
  names: readonly string[],
  usual: number,
  option: string,
): number {
  if (asked === undefined) return usual
  const named = names.indexOf(asked.toLowerCase())
  if (named >= 0) return named
  if (/^[1-9]\d{0,3}$/.test(asked)) return Number(asked) - 1
  throw new RangeError(
    `${option} ${asked}: columns of words and tags are counted from 1${names.length > 0 ? `, or named ${names.join(', ')}` : ''}`,
  )
}

interface Layout {
  names: readonly string[]
  word: number
  /** null: the last. */
  tag: number | null
  /** Whether a line that begins with # is a comment, in a file with TABs between fields or without. */
  comment(line: string, tabbed: boolean): boolean
  /** Whether a line is a word: of others, as CoNLL-U's 1-2 for 'don't', there are the words themselves. */
  counts(fields: readonly string[]): boolean
}

/** As CoNLL-U begins its sentences. A word # has its tag behind a space, and no more. */
const NAMED = /^# (?:\S+ = |new(?:doc|par)\b)/

const columns: Layout = {
  ...{ names: [], word: 0, tag: null, counts: () => true },
  comment: (line, tabbed) => line.startsWith('#') && !line.includes('\t') && (tabbed || NAMED.test(line)),
}
const conllu: Layout = {
  names: ['id', 'form', 'lemma', 'upos', 'xpos', 'feats', 'head', 'deprel', 'deps', 'misc'],
  ...{ word: 1, tag: 3, comment: (line: string) => line.startsWith('#') },
  counts: ([id]) => /^\d+$/.test(id),
}

const inColumns = (layout: Layout): Reader =>
  function* (lines, { textColumn, labelColumn, delimiter, labels }, fail) {
    const word = columnAt(textColumn, layout.names, layout.word, '--text-column')
    const tagged = labels !== 'none'
    let tag = columnAt(labelColumn, layout.names, layout.tag ?? -1, '--label-column')
    let [width, between] = [0, delimiter]
    let sentence: Sentence = { words: [], tags: [], lines: [] }
    for (const { text, number } of lines) {
      const document = text.startsWith('-DOCSTART-')
      if (document || text.trim() === '') {
        if (sentence.words.length > 0) yield sentence
        sentence = { words: [], tags: [], lines: [] }
        continue
      }
      if (layout.comment(text, between === '\t')) continue
      if (width === 0) between ??= text.includes('\t') ? '\t' : undefined
      const fields = between === undefined ? text.trim().split(/[ \t]+/) : text.split(between)
      if (width === 0) {
        width = fields.length
        const needed = Math.max(word, tagged ? Math.max(1, tag) : 0) + 1
        if (width < needed)
          fail(
            number,
            `has ${width} ${width === 1 ? 'field' : 'fields'}, a word and its tag are in ${needed} or more`,
            'Columns have a TAB or spaces between: --delimiter, --text-column and --label-column tell others',
          )
        if (tag < 0) tag = width - 1
      }
      if (fields.length !== width)
        fail(
          number,
          `has ${fields.length} ${fields.length === 1 ? 'field' : 'fields'}, the first word's line ${width}`,
        )
      if (!layout.counts(fields)) continue
      const [own, label] = [fields[word].trim(), tagged ? fields[tag].trim() : '']
      if (own === '') fail(number, 'has no word')
      if (tagged && label === '') fail(number, 'has no tag')
      sentence.words.push(own)
      sentence.tags.push(label)
      sentence.lines.push(number)
    }
    if (sentence.words.length > 0) yield sentence
  }

const WORDS = ['tokens', 'words']
const TAGS = ['tags', 'ner_tags', 'pos_tags', 'labels', 'upos']

const inJson: Reader = function* (lines, { textColumn, labelColumn, labels }, fail) {
  const tagged = labels !== 'none'
  for (const { text, number } of lines) {
    if (text.trim() === '') continue
    const value = parseJson(text, (reason) => fail(number, reason))
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      fail(number, 'must be a JSON object with tokens and tags')
    const row = new Map(Object.entries(value as object))
    const list = (names: readonly string[], item: (x: unknown) => boolean, what: string): unknown[] => {
      const name = names.find((own) => row.has(own))
      if (name === undefined)
        return fail(
          number,
          `has no ${what}: none of its fields is ${names.join(', ')}`,
          'Name it by --text-column or --label-column',
        )
      const own = row.get(name)
      return Array.isArray(own) && own.every(item)
        ? own
        : fail(number, `${shown(name)} must be a list of ${what}`)
    }
    const isWord = (x: unknown) => typeof x === 'string' && x.trim() !== ''
    const words = list(textColumn === undefined ? WORDS : [textColumn], isWord, 'words') as string[]
    const isTag = (x: unknown) => isWord(x) || Number.isSafeInteger(x)
    const tags = tagged
      ? (list(labelColumn === undefined ? TAGS : [labelColumn], isTag, 'tags') as (string | number)[])
      : words.map(() => '')
    if (tags.length !== words.length) fail(number, `has ${words.length} words and ${tags.length} tags`)
    if (words.length > 0) yield { words, tags, lines: words.map(() => number) }
  }
}

/** Without tags, one a line. */
const inLines: Reader = function* (lines) {
  for (const { text, number } of lines) {
    const words = text.match(/\P{White_Space}+/gu) ?? []
    if (words.length > 0) yield { words, tags: words.map(() => ''), lines: words.map(() => number) }
  }
}

function readerOf(file: string, labels: TaggedOptions['labels']): Reader {
  const ending = /\.[^./\\]*$/.exec(file.replace(/\.gz$/i, ''))?.[0].toLowerCase() ?? ''
  if (ending === '.jsonl' || ending === '.ndjson') return inJson
  if (ending === '.json' || ending === '.parquet' || ending === '.csv')
    throw new DataError(
      file,
      `files that end in ${ending} are not read as words and tags`,
      'Those are columns with an empty line between sentences (.conll, .bio, .tsv, .txt), CoNLL-U (.conllu), or .jsonl ({"tokens", "tags"}), all of these also .gz',
    )
  if (ending === '.conllu') return inColumns(conllu)
  return ending === '.txt' && labels === 'none' ? inLines : inColumns(columns)
}

/**
 * Sentences of a file's lines; errors begin with `file`, whose ending tells the format. Throws DataError naming file and line: fields
 * that are not as many as before, a word without tag, an unknown tag, no sentence.
 */
export function taggedSetOf(lines: Iterable<Line>, file: string, options: TaggedOptions = {}): TaggedSet {
  const fail: Fail = (line, reason, hint) => {
    throw new DataError(`${file}:${line}`, reason, hint)
  }
  const sentences = Array.from(readerOf(file, options.labels)(lines, options, fail))
  if (sentences.length === 0) throw new DataError(file, 'has no sentences')
  const words = sentences.map((own) => own.words)
  const all = {
    ...{ words, texts: words.map((own) => own.join(' ')), pairs: null, targets: null, inTurn: false },
    lines: sentences.map((own) => own.lines[0]),
  }
  if (options.labels === 'none') return { ...all, labels: null, labelNames: [] }
  const tags = sentences.flatMap((own) => own.tags)
  const lineOf = sentences.flatMap((own) => own.lines)
  const labelNames = options.labelNames ?? namesOf(tags, file, lineOf)
  return { ...all, labels: labelIds(tags, labelNames, file, lineOf), labelNames }
}

function namesOf(tags: readonly (string | number)[], file: string, lines: readonly number[]): string[] {
  const number = tags.findIndex((tag) => typeof tag === 'number')
  if (number >= 0)
    throw new DataError(
      `${file}:${lines[number]}`,
      `the tag ${tags[number]} is a number`,
      'Name the tags in their order: --labels O,B-PER,I-PER',
    )
  return labelNamesOf(tags)
}

/** The same of a file's bytes, or of its text: for browsers too. */
export function taggedSetIn(
  content: Uint8Array | string,
  file: string,
  options: TaggedOptions = {},
): TaggedSet {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
  return taggedSetOf(linesIn(bytes, file), file, options)
}
