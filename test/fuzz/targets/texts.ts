// Data files: tables as people and programs write them, rightly or not, against readers that go letter by letter.
import { join } from 'node:path'
import { streamTexts } from '../../../src/files/data/texts.js'
import type { TextRow } from '../../../src/text/rows.js'
import type { Dice } from '../../io/mutants.js'
import { hostileTexts, pick, struck } from '../bytes.js'
import { spoilt, treeOf } from '../documents.js'
import { plainCsv, plainJson, textIn } from '../plain.js'
import { slot } from '../slot.js'
import type { Target } from '../target.js'

const utf8 = (text: string) => new TextEncoder().encode(text)
const someTexts = [
  'a fine film',
  'dull',
  'a, b',
  'she said "no"',
  'two\nlines',
  'tab\there',
  '北京',
  ' x ',
  "it's",
  '',
]
const labels = ['0', '1', 'yes', 'no', '-1', '0.5', '', ' ', '1e400', 'NaN', '__proto__', 'constructor']
const headers = [
  ['text', 'label'],
  ['label', 'Sentence'],
  ['idx', 'text', 'text_b', 'label'],
  ['premise', 'hypothesis', 'score'],
  ['text'],
  ['a', 'b'],
  ['__proto__', 'text', 'constructor'],
]

const fieldOf = (roll: Dice) =>
  roll(3) === 0 ? pick(roll, labels) : roll(5) === 0 ? pick(roll, hostileTexts) : pick(roll, someTexts)

function table(roll: Dice): string[][] {
  const header = pick(roll, headers)
  const rows = Array.from({ length: roll(6) }, () => header.map(() => fieldOf(roll)))
  if (roll(6) === 0 && rows.length > 0) pick(roll, rows).push('more')
  return roll(6) === 0 ? rows : [header, ...rows]
}

const lineEnd = (roll: Dice) => pick(roll, ['\n', '\n', '\n', '\r\n', '\n\n', '\n \n', '\r'])

/** Quoted where it must be, everywhere, or wrongly. */
function csvField(field: string, roll: Dice): string {
  const way = roll(12)
  if (way === 0) return field
  if (way === 1) return `"${field}"`
  if (way === 2 || /[",\r\n]/.test(field)) return `"${field.replaceAll('"', '""')}"`
  return field
}

function csv(roll: Dice): string {
  return table(roll)
    .map((row) => row.map((field) => csvField(field, roll)).join(',') + lineEnd(roll))
    .join('')
}

function tsv(roll: Dice): string {
  return table(roll)
    .map((row) => row.join('\t') + lineEnd(roll))
    .join('')
}

const objects = [
  { text: 'a fine film', label: 1 },
  { sentence1: 'a', text_b: 'b', label: 'yes', idx: 7 },
  { text: 'x', label: null, more: { deep: [1, 2, { a: 1 }] } },
].map(treeOf)

function jsonl(roll: Dice): string {
  return Array.from({ length: roll(5) }, () => {
    const text =
      roll(3) === 0 ? spoilt(pick(roll, objects), roll) : JSON.stringify({ text: fieldOf(roll), label: 1 })
    return text + lineEnd(roll)
  }).join('')
}

const txt = (roll: Dice) => Array.from({ length: roll(5) }, () => fieldOf(roll) + lineEnd(roll)).join('')

type Row = [text: string, textB: string | null, label: string | number | null]

/** Rows, null for what must be refused, nothing where a plain reader cannot tell. */
type Verdict = Row[] | null | undefined

/** Fields by the names of a header, as the README and readRows say it, where it has those that everyone knows. */
function named(records: readonly string[][], must: boolean): Verdict {
  const roles = [
    ['text', 'sentence', 'text_a', 'sentence1', 'text1', 'premise', 'question1'],
    ['text_b', 'sentence2', 'text2', 'hypothesis', 'question2'],
    ['label', 'labels', 'class', 'score', 'target'],
  ]
  if (records.length === 0) return []
  const [first] = records
  const names = first.map((name) => name.trim().toLowerCase())
  const [a, b, c] = roles.map((role) => names.indexOf(role.find((name) => names.includes(name)) ?? '\0'))
  const isHeader = a >= 0 && (first.length === 1 || b >= 0 || c >= 0)
  // Other names that may be known, and R's rows of one field more than the header.
  if (!isHeader && (must || names.some((name) => /[a-z]{2}/.test(name)))) return undefined
  if (isHeader && records.length > 1 && records[1].length === first.length + 1) return undefined
  if (!isHeader && first.length > 3) return null
  const plain = [
    [0, -1, -1],
    [0, -1, 1],
    [0, 1, 2],
  ][first.length - 1]
  const [text, textB, label] = isHeader ? [a, b, c] : plain
  const rows = isHeader ? records.slice(1) : records
  if (rows.some((row) => row.length !== first.length || row[text].trim() === '')) return null
  return rows.map((row) => [row[text], row[textB] ?? null, (label < 0 ? '' : row[label].trim()) || null])
}

/** Lines without their ends, where the bytes are text. */
export function linesIn(bytes: Uint8Array): string[] | null {
  const text = textIn(bytes)
  if (text === null || text.includes('\0')) return null
  return text.replace(/\r\n/g, '\n').replace(/\r$/, '').split('\n')
}

const blank = (text: string) => text.trim() === ''

/** Of the lines that are not blank; what may be quotes, escapes or other separators is left to other tests. */
function tableIn(bytes: Uint8Array, unclear: RegExp): string[] | null | undefined {
  const lines = linesIn(bytes)
  return lines?.some((line) => unclear.test(line)) ? undefined : lines
}

const plain: Record<string, (bytes: Uint8Array) => Verdict> = {
  txt: (bytes) => {
    const lines = linesIn(bytes)?.filter((line) => !blank(line)) ?? null
    return lines?.[0]?.includes('\t') ? undefined : lines?.map((line): Row => [line, null, null])
  },
  tsv: (bytes) => {
    const lines = tableIn(bytes, /["\\]/)
    return (
      lines &&
      named(
        lines.filter((line) => !blank(line)).map((line) => line.split('\t')),
        false,
      )
    )
  },
  csv: (bytes) => {
    const lines = tableIn(bytes, /[\\;\t|]/)
    const records = lines && plainCsv(lines.join('\n'))
    // A field of blanks alone on a line is an empty line.
    return (
      records &&
      named(
        records.filter((row) => row.length > 1 || !blank(row[0])),
        true,
      )
    )
  },
  jsonl: (bytes) => {
    const lines = linesIn(bytes)
    if (lines === null) return null
    const rows: Row[] = []
    for (const line of lines.filter((l) => !blank(l))) {
      const value = plainJson(utf8(line.replace(/^\ufeff/, '')))?.value as Record<string, unknown> | undefined
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
      const find = (names: string[]) => {
        const name = names.find((n) => Object.hasOwn(value, n))
        return name === undefined ? null : value[name]
      }
      const text = find(['text', 'sentence', 'text_a', 'sentence1', 'text1', 'premise', 'question1'])
      const textB = find(['text_b', 'sentence2', 'text2', 'hypothesis', 'question2'])
      const label = find(['label', 'labels', 'class', 'score', 'target'])
      if (text === null) return undefined
      if (typeof text !== 'string' || blank(text)) return null
      rows.push([
        text,
        textB as string | null,
        (typeof label === 'string' ? label.trim() || null : label) as string | null,
      ])
    }
    return rows
  },
}

const makers: Record<string, (roll: Dice) => string> = { csv, tsv, jsonl, txt }

export const textTargets: readonly Target[] = Object.keys(makers).map((format) => ({
  name: format,
  share: format === 'txt' ? 4 : 8,
  open(folder) {
    const file = join(folder, `data.${format}`)
    const fill = slot(file)
    return {
      make: (roll) => {
        const bytes = utf8(makers[format](roll))
        return roll(3) === 0 ? struck(bytes, roll) : bytes
      },
      read: (bytes) => {
        fill(bytes)
        return [...streamTexts(file, { chunk: 64 })]
      },
      judge: (bytes, value) => {
        const wanted = plain[format](bytes)
        if (wanted === undefined) return null
        if (wanted === null) return 'a plain reader refuses it'
        const rows = (value as TextRow[]).map(
          ({ text, textB, label }): Row => [text, textB, label as string | number | null],
        )
        const [ours, theirs] = [JSON.stringify(rows), JSON.stringify(wanted)]
        return ours === theirs ? null : `it reads ${ours}, a plain reader ${theirs}`
      },
    }
  },
}))
