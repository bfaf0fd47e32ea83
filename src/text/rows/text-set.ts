// Texts with their labels, whole: out of rows, wherever these come from, or out of a file's bytes. For browsers too.
import { DataError } from '../../errors.js'
import { shown } from '../../formats/json.js'
import { classProblems } from '../classes.js'
import type { Label } from '../label-parts.js'
import { labelSets, sayYesOrNo, setNames } from '../label-sets.js'
import { type LabelKind, labelFinder, labelIds, labelNamesOf, labelTargets, oneLabel } from '../labels.js'
import type { Question, QuestionRules } from '../questions/question.js'
import { readRows, type TextFormat, type TextRow } from '../rows.js'
import type { SentenceReading } from '../tagged/windows.js'
import { type DataOptions, REMEDY } from './columns.js'
import { linesIn } from './lines.js'

/** How a file of texts is written. */
export type DataFormat = TextFormat | 'parquet'

const formats: Record<string, DataFormat> = {
  '.tsv': 'tsv',
  '.csv': 'csv',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.json': 'json',
  '.parquet': 'parquet',
  '.txt': 'txt',
}

/** pandas writes a list of objects as one line. */
export const MAX_JSON_LINE = 2 ** 28

/** Of a name, without .gz behind it. Throws DataError for one that ends otherwise. */
export function textFormat(path: string): DataFormat {
  const ending = /\.[^./\\]*$/.exec(path.replace(/\.gz$/i, ''))?.[0].toLowerCase() ?? ''
  if (Object.hasOwn(formats, ending) && !(formats[ending] === 'parquet' && /\.gz$/i.test(path)))
    return formats[ending]
  throw new DataError(
    path,
    ending === '' ? 'has no ending that tells its format' : `files that end in ${shown(ending)} are not read`,
    'Data are .tsv (text TAB label), .csv with a header, .jsonl ({"text", "label"}), .json (a list of those), all of these also .gz, .parquet, or .txt (a text a line, no labels)',
  )
}

/** Options whose notes begin with the file's name. */
export function notedAs<O extends Pick<DataOptions, 'note'>>(file: string, options: O): O {
  const { note } = options
  return { ...options, ...(note && { note: (line: string) => note(`${file}: ${line}`) }) }
}

/** Of textSetIn() and readTexts(): where texts and labels stand. */
export interface TextSetOptions extends DataOptions {
  /**
   * 'classes' (default): one a row; 'sets' of classes; 'numbers' to be predicted; or 'none': labels that are there are
   * passed over.
   */
  labels?: LabelKind | 'none'
  /** Names of the classes or numbers in a model's order. Without them they are collected from the file. */
  labelNames?: readonly string[]
}

/** Texts with their labels, where they have some. */
export interface TextSet {
  texts: string[]
  /** Second texts; null where no row has one. */
  pairs: (string | null)[] | null
  /** Index into labelNames of each row, or of each word; null where a row has no single class. */
  labels: Int32Array | null
  /** The words of each text, where labels are of words: those of all texts one after the other. */
  words?: readonly (readonly string[])[] | undefined
  /** Tokens that windows of those sentences have in common, where that was asked for; and how several models read them. */
  docStride?: number | undefined
  readings?: readonly SentenceReading[] | undefined
  /** Questions, whose texts are the second ones, where labels are places of answers in these; and how they are read and judged. */
  questions?: { readonly each: readonly Question[]; readonly rules: QuestionRules } | undefined
  /** Of each row a number for each of labelNames: 1 or 0 of sets; null unless asked for. */
  targets: Float32Array | null
  labelNames: readonly string[]
  /** Whether rows give a number for each of several names in turn, so that all hangs on the order of the names. */
  inTurn: boolean
  /** The line each row begins on, from 1. */
  lines: number[]
}

/**
 * The texts in a file's bytes, or in its text; `file` is its name, whose ending tells the format and which errors begin with.
 * Throws DataError naming file and line: a bad row, a row without label, an unknown label, no rows.
 */
export function textSetIn(content: Uint8Array | string, file: string, options: TextSetOptions = {}): TextSet {
  const format = textFormat(file)
  if (format === 'parquet' || /\.gz$/i.test(file))
    throw new DataError(file, 'is packed', 'Unpack it, or save it as .tsv, .csv or .jsonl')
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
  const lines = linesIn(bytes, file, format === 'json' ? MAX_JSON_LINE : undefined)
  return textSetOf((reading) => readRows(lines, format, file, notedAs(file, reading)), file, options)
}

/** The same of rows, which `read` gives when it is told how they are to be read. */
export function textSetOf(
  read: (reading: DataOptions) => Iterable<TextRow>,
  path: string,
  { labels: kind = 'classes', labelNames, ...options }: TextSetOptions,
): TextSet {
  const texts: string[] = []
  const pairs: (string | null)[] = []
  const found: Label[] = []
  const { note } = options
  const tabled = ['tsv', 'csv'].includes(textFormat(path))
  let labelled = 0
  const lines: number[] = []
  const classIds: (number | undefined)[] = []
  for (const { text, textB, label, line, classId } of read({
    ...options,
    labelUse: kind === 'none' ? 'unused' : 'needed',
  })) {
    // Of sets, an empty field of a table is the empty one.
    if (kind !== 'none' && label === null && !(kind === 'sets' && tabled))
      throw unlabelled(path, line, lines.length === 0)
    texts.push(text)
    pairs.push(textB)
    lines.push(line)
    if (kind === 'none') continue
    if (label !== null) labelled++
    found.push(label ?? [])
    classIds.push(classId)
  }
  if (texts.length === 0) throw new DataError(path, 'has no rows')
  if (kind !== 'none' && labelled === 0) throw new DataError(path, 'no row has a label')
  if (kind === 'classes')
    dropUndecided({ texts, pairs, found, lines, classIds }, (line) => note?.(`${path}: ${line}`))
  return {
    texts,
    pairs: pairs.some((pair) => pair !== null) ? pairs : null,
    ...(kind === 'none'
      ? noLabels
      : readLabels[kind]({ file: path, found, classIds, lines, note }, labelNames)),
    lines,
  }
}

type ReadLabels = Pick<TextSet, 'labels' | 'targets' | 'labelNames' | 'inTurn'>

const noLabels: ReadLabels = { labels: null, targets: null, labelNames: [], inTurn: false }

interface Found {
  file: string
  /** Of each row that is kept. */
  found: readonly Label[]
  /** Its number in the data's own list of classes, where there is one. */
  classIds: readonly (number | undefined)[]
  lines: number[]
  note: DataOptions['note']
}

const readLabels: Record<LabelKind, (rows: Found, known: readonly string[] | undefined) => ReadLabels> = {
  classes: ({ file, found, classIds, lines, note }, known) => {
    const own = found.map((label, i) => oneLabel(label, `${file}:${lines[i]}`))
    if (known === undefined) checkClasses(file, own, lines, note)
    const { names, labels } = classesOf(own, classIds, known ?? null)
    return {
      labels: labelIds(labels, names, file, lines),
      targets: null,
      labelNames: names,
      inTurn: false,
    }
  },
  sets: ({ file, found, lines }, known) => {
    const labelNames = known ?? setNames(found, file, lines)
    const inTurn = labelNames.length > 1 && sayYesOrNo(found, labelNames)
    return { labels: null, targets: labelSets(found, labelNames, file, lines), labelNames, inTurn }
  },
  numbers: ({ file, found, lines }, known) => {
    const targets = labelTargets(found, file, lines, known?.length)
    const labelNames = known ?? valueNames(targets.length / found.length)
    return { labels: null, targets, labelNames, inTurn: labelNames.length > 1 }
  },
}

/** Of numbers that have no names. */
const valueNames = (n: number) => (n === 1 ? ['value'] : Array.from({ length: n }, (_, i) => `value_${i}`))

function unlabelled(path: string, line: number, first: boolean): DataError {
  if (textFormat(path) === 'txt')
    return new DataError(
      path,
      'a .txt file has a text a line and no labels',
      "Give labels in a .tsv file: text TAB label. Files like TREC's, with the label in front, must be turned around first",
    )
  return new DataError(`${path}:${line}`, 'has no label', first ? REMEDY : undefined)
}

/** The classes' names, and each row's label as one of them or as its number. */
function classesOf(
  found: readonly (string | number)[],
  ids: readonly (number | undefined)[],
  given: readonly string[] | null,
): { names: readonly string[]; labels: readonly (string | number)[] } {
  const numbered = ids.length > 0 && ids.every((id) => id !== undefined)
  if (!numbered) return { names: given ?? labelNamesOf(found), labels: found }
  if (given === null) {
    const byId = new Map(ids.map((id, row) => [id as number, String(found[row])]))
    return { names: [...byId].sort(([a], [b]) => a - b).map(([, name]) => name), labels: found }
  }
  // A model may have other names for them than the data set.
  const find = labelFinder(given)
  return { names: given, labels: found.every((label) => find(label) !== null) ? found : (ids as number[]) }
}

/** SNLI writes - where its annotators did not agree: everyone leaves those rows out. */
function dropUndecided(
  lists: Record<'texts' | 'pairs' | 'found' | 'lines' | 'classIds', unknown[]>,
  note: (line: string) => void,
): void {
  const { found } = lists
  if (!found.includes('-') || !found.includes('entailment')) return
  const keep = Array.from(found, (label) => label !== '-')
  const left = keep.filter((yes) => !yes).length
  for (const list of Object.values(lists)) {
    let kept = 0
    for (let row = 0; row < keep.length; row++) if (keep[row]) list[kept++] = list[row]
    list.length = kept
  }
  note(
    `${left} ${left === 1 ? 'row is' : 'rows are'} left out whose label is -: no agreement among the annotators`,
  )
}

function checkClasses(
  path: string,
  found: readonly (string | number)[],
  lines: readonly number[],
  note: DataOptions['note'],
): void {
  for (const { row, reason, hint, refused } of classProblems(found)) {
    const place = row < 0 ? path : `${path}:${lines[row]}`
    if (refused) throw new DataError(place, reason, hint)
    note?.(`${place}: ${reason}. ${hint}`)
  }
}
