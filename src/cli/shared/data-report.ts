// What a model is about to learn from, in a line or two for each file: rows, classes, lengths, and what is lost.
import type { TextSet } from '../../files/data/texts.js'
import type { DataSet } from '../../nn/data.js'
import type { TextInput } from '../../nn/models/input.js'
import { isCut, type Tokenizer } from '../../text/encoding.js'
import { startsOf } from '../../text/tagged/words.js'
import type { Output } from './output.js'
import { count } from './table.js'
import { type Read, tellTokens, textsOf } from './tokens.js'

/** Classes that are named; of others there is the count. */
const SHOWN = 10

type Shown = Pick<TextSet, 'texts' | 'pairs' | 'labels' | 'labelNames' | 'words' | 'questions'>

/** '1,200 questions about 300 texts, 80 without an answer'. */
function questionsText(each: NonNullable<Shown['questions']>['each']): string {
  const about = new Set(each.map(({ context }) => context)).size
  const none = each.filter(({ answers }) => answers?.length === 0).length
  const n = each.length
  return `${count(n)} ${n === 1 ? 'question' : 'questions'} about ${count(about)} ${about === 1 ? 'text' : 'texts'}${none > 0 ? `, ${count(none)} without an answer` : ''}`
}

/** '1,200 rows; 2 classes: negative 590, positive 610'. Of sets and numbers there are labelFacts(). */
export function rowsLine(
  file: string,
  { texts, pairs, labels, labelNames, words, questions }: Shown,
): string {
  if (questions) return `${file}: ${questionsText(questions.each)}`
  const n = `${count(texts.length)} ${texts.length === 1 ? 'row' : 'rows'}`
  const rows = words
    ? `${n} of ${count(startsOf(words)[words.length])} words`
    : `${n}${pairs === null ? '' : ' of pairs'}`
  if (labels === null) return `${file}: ${rows}`
  const counts = new Array<number>(labelNames.length).fill(0)
  for (const label of labels) if (label >= 0) counts[label]++
  const order = [...counts.keys()]
  if (order.length > SHOWN) order.sort((a, b) => counts[b] - counts[a])
  const named = order.slice(0, SHOWN).map((c) => `${labelNames[c]} ${count(counts[c])}`)
  const rest = order.slice(SHOWN).reduce((sum, c) => sum + counts[c], 0)
  const more = order.length > SHOWN ? `, ${order.length - SHOWN} more ${count(rest)}` : ''
  return `${file}: ${rows}; ${labelNames.length} classes: ${named.join(', ')}${more}`
}

/** How many rows lost tokens. `data` are the texts as the model reads them, from row `first` on. */
export function cutIn(
  { texts, pairs, words, questions }: Pick<Shown, 'texts' | 'pairs' | 'words' | 'questions'>,
  data: DataSet<TextInput>,
  tokenizer: Tokenizer,
  maxLength: number,
  first = 0,
): number {
  // Those are read in windows.
  if (questions || words) return 0
  const length = (row: number) => data.tokens(Int32Array.of(first + row))
  return texts.filter((text, row) => isCut(tokenizer, maxLength, length(row), text, pairs?.[row])).length
}

/** What is said of rows that were cut: '12 of 1,200 rows cut at 128 tokens: --max-length'. */
export const cutText = (cut: number, rows: number, maxLength: number): string =>
  `${count(cut)} of ${count(rows)} ${rows === 1 ? 'row' : 'rows'} cut at ${count(maxLength)} tokens: --max-length`

/** That of a file, none where nothing was cut. */
export function cutLines(
  set: Pick<Shown, 'texts' | 'pairs' | 'words' | 'questions'> & { file: string },
  data: DataSet<TextInput>,
  tokenizer: Tokenizer,
  maxLength: number,
  first = 0,
): string[] {
  const cut = cutIn(set, data, tokenizer, maxLength, first)
  return cut === 0 ? [] : [`${set.file}: ${cutText(cut, set.texts.length, maxLength)}`]
}

/** Before a model answers a set: what its tokenizer makes of the texts, and how many are cut. `data` are they as it reads them. */
export function tellRows(
  output: Output,
  read: Read,
  {
    file,
    texts,
    pairs,
    words,
    questions,
  }: Pick<Shown, 'texts' | 'pairs' | 'words' | 'questions'> & { file: string },
  data: DataSet<TextInput>,
  maxLength: number,
): void {
  tellTokens(output, read, file, textsOf(texts, pairs))
  for (const line of cutLines({ file, texts, pairs, words, questions }, data, read.tokenizer, maxLength))
    output.info(line)
}

/** '4 to 128 tokens a text, half up to 23; 12 cut at 128; 1 without a token'. `data` are the texts as the model reads them. */
export function lengthsLine(
  { texts, pairs, words, questions }: Pick<Shown, 'texts' | 'pairs' | 'words' | 'questions'>,
  data: DataSet<TextInput>,
  tokenizer: Tokenizer,
  maxLength: number,
): string {
  const lengths = Int32Array.from({ length: data.size }, (_, row) => data.tokens(Int32Array.of(row)))
  const sorted = lengths.slice().sort()
  const parts = [
    `${sorted[0]} to ${sorted[sorted.length - 1]} tokens a row, half of them up to ${sorted[(sorted.length - 1) >> 1]}`,
  ]
  const windows = `${count(data.size)} ${data.size === 1 ? 'row is a window' : 'rows are windows'}`
  if (questions) return `${parts[0]}; ${windows} of ${count(texts.length)} questions' texts`
  if (words)
    return data.size > texts.length
      ? `${parts[0]}; ${windows} of ${count(texts.length)} sentences of words`
      : parts[0]
  const cut = cutIn({ texts, pairs }, data, tokenizer, maxLength)
  if (cut > 0) parts.push(`${count(cut)} cut at ${maxLength}`)
  const special = (tokenizer.clsId === null ? 0 : 1) + (tokenizer.sepId === null ? 0 : 1)
  const empty = texts.filter(
    (text, row) => lengths[row] <= special + 1 && tokenizer.pieces(text).length === 0,
  )
  if (empty.length > 0) parts.push(`${count(empty.length)} without a token`)
  return parts.join('; ')
}

/** What is told of words, or questions, that no model learns from. */
export function leftLine(file: string, left: number, { questions }: Pick<Shown, 'questions'>): string[] {
  if (left === 0) return []
  const why = questions
    ? 'questions are not learnt from, as their texts do not have their answers'
    : `words are not learnt from: they are without a token`
  return [`${file}: ${count(left)} ${why}`]
}
