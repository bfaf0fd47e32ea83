// Data files of texts: read as a stream of rows, or whole with their labels.
import { DataError } from '../../errors.js'
import { shown } from '../../formats/json.js'
import type { Label } from '../../text/label-parts.js'
import { labelSets, sayYesOrNo, setNames } from '../../text/label-sets.js'
import { type LabelKind, labelIds, labelNamesOf, labelTargets, oneLabel } from '../../text/labels.js'
import { readRows, type TextFormat, type TextRow } from '../../text/rows.js'
import { type LineOptions, readLines } from '../lines.js'

const formats: Record<string, TextFormat> = {
  '.tsv': 'tsv',
  '.csv': 'csv',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.txt': 'txt',
}

/** Throws DataError for a name that ends otherwise. */
export function textFormat(path: string): TextFormat {
  const ending = /\.[^./\\]*$/.exec(path)?.[0].toLowerCase() ?? ''
  if (Object.hasOwn(formats, ending)) return formats[ending]
  throw new DataError(
    path,
    ending === '' ? 'has no ending that tells its format' : `files that end in ${shown(ending)} are not read`,
    'Data are .tsv (text TAB label), .csv with a header, .jsonl ({"text", "label"}) or .txt (a text a line, no labels)',
  )
}

/** The rows of a file one after the other, whatever its size in memory of one chunk. Throws DataError: see readRows. */
export function streamTexts(path: string, options: LineOptions = {}): Generator<TextRow> {
  const format = textFormat(path)
  return readRows(readLines(path, options), format, path)
}

export interface ReadTextsOptions extends LineOptions {
  /**
   * 'classes' (default): one a row; 'sets' of classes; 'numbers' to be predicted; or 'none': labels that are there are
   * passed over.
   */
  labels?: LabelKind | 'none'
  /** Names of the classes or numbers in a model's order. Without them they are collected from the file. */
  labelNames?: readonly string[]
}

export interface TextSet {
  texts: string[]
  /** Second texts; null where no row has one. */
  pairs: (string | null)[] | null
  /** Index into labelNames of each row; null where a row has no single class. */
  labels: Int32Array | null
  /** Of each row a number for each of labelNames: 1 or 0 of sets; null unless asked for. */
  targets: Float32Array | null
  labelNames: readonly string[]
  /** Whether rows give a number for each of several names in turn, so that all hangs on the order of the names. */
  inTurn: boolean
  /** The line each row begins on, from 1. */
  lines: number[]
}

/** A whole file. Throws DataError naming the file and line: a bad row, a row without label, an unknown label, no rows. */
export function readTexts(
  path: string,
  { labels: kind = 'classes', labelNames, ...options }: ReadTextsOptions = {},
): TextSet {
  if (kind !== 'none' && textFormat(path) === 'txt')
    throw new DataError(
      path,
      'a .txt file has a text a line and no labels',
      "Give labels in a .tsv file: text TAB label. Files like TREC's, with the label in front, must be turned around first",
    )
  const texts: string[] = []
  const pairs: (string | null)[] = []
  const found: Label[] = []
  const tabled = textFormat(path) !== 'jsonl'
  let labelled = 0
  const lines: number[] = []
  for (const { text, textB, label, line } of streamTexts(path, options)) {
    texts.push(text)
    pairs.push(textB)
    lines.push(line)
    if (kind === 'none') continue
    // Of sets, an empty field of a table is the empty one.
    if (label === null && !(kind === 'sets' && tabled)) throw new DataError(`${path}:${line}`, 'has no label')
    if (kind === 'classes' && typeof label === 'number' && !Number.isSafeInteger(label))
      throw new DataError(
        `${path}:${line}`,
        `label ${label} is no whole number`,
        'To predict numbers, ask for regression: --task regression',
      )
    if (label !== null) labelled++
    found.push(label ?? [])
  }
  if (texts.length === 0) throw new DataError(path, 'has no rows')
  if (kind !== 'none' && labelled === 0) throw new DataError(path, 'no row has a label')
  return {
    texts,
    pairs: pairs.some((pair) => pair !== null) ? pairs : null,
    ...(kind === 'none' ? noLabels : read[kind](found, labelNames, path, lines)),
    lines,
  }
}

type ReadLabels = Pick<TextSet, 'labels' | 'targets' | 'labelNames' | 'inTurn'>

const noLabels: ReadLabels = { labels: null, targets: null, labelNames: [], inTurn: false }

const read: Record<
  LabelKind,
  (found: readonly Label[], known: readonly string[] | undefined, file: string, lines: number[]) => ReadLabels
> = {
  classes: (found, known, file, lines) => {
    const own = found.map((label, i) => oneLabel(label, `${file}:${lines[i]}`))
    const labelNames = known ?? labelNamesOf(own)
    return { labels: labelIds(own, labelNames, file, lines), targets: null, labelNames, inTurn: false }
  },
  sets: (found, known, file, lines) => {
    const labelNames = known ?? setNames(found, file, lines)
    const inTurn = labelNames.length > 1 && sayYesOrNo(found, labelNames)
    return { labels: null, targets: labelSets(found, labelNames, file, lines), labelNames, inTurn }
  },
  numbers: (found, known, file, lines) => {
    const targets = labelTargets(found, file, lines, known?.length)
    const labelNames = known ?? valueNames(targets.length / found.length)
    return { labels: null, targets, labelNames, inTurn: labelNames.length > 1 }
  },
}

/** Of numbers that have no names. */
const valueNames = (n: number) => (n === 1 ? ['value'] : Array.from({ length: n }, (_, i) => `value_${i}`))
