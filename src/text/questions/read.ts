// Questions about texts, in whose words the answer stands: SQuAD's documents, and rows as the hub has them. Hostile until checked.
import { DataError } from '../../errors.js'
import { shown } from '../../formats/json.js'
import { parseJson } from '../../formats/parse-json.js'
import { numberedLabels } from '../../nn/models/config.js'
import { linesIn } from '../rows/lines.js'
import type { Line } from '../rows/records.js'
import { MAX_JSON_LINE, type TextSet } from '../rows/text-set.js'
import type { Question, QuestionRules, SpanAnswer } from './question.js'

/** Of questionSetOf(). */
export interface QuestionOptions {
  /** 'none': answers that are there are passed over, and none need be. Default 'spans'. */
  labels?: 'spans' | 'none'
  labelNames?: readonly string[] | undefined
  rules?: QuestionRules | undefined
  /** Is told how many answers were not where they should be. */
  note?: ((line: string) => void) | undefined
}

/** A TextSet of questions with their texts behind them. */
export type QuestionSet = TextSet & { questions: NonNullable<TextSet['questions']> }

/** Refuses what stands at a place of a file. */
type Refuse = (where: string, reason: string, hint?: string) => never

type Row = Readonly<Record<string, unknown>>

const FORMS =
  'SQuAD\'s document, {"data": [{"paragraphs": [{"context", "qas"}]}]}, or rows, {"question", "context", "answers": {"text": [...], "answer_start": [...]}}'

const isRow = (value: unknown): value is Row =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function rowOf(value: unknown, where: string, refuse: Refuse): Row {
  return isRow(value) ? value : refuse(where, 'must be an object', `A file of questions holds ${FORMS}`)
}

function listOf(row: Row, name: string, where: string, refuse: Refuse): readonly unknown[] {
  const value = row[name]
  return Array.isArray(value) ? value : refuse(where, `has no list ${shown(name)}`)
}

function textOf(row: Row, name: string, where: string, refuse: Refuse): string {
  const value = row[name]
  if (typeof value !== 'string') return refuse(where, `has no text ${shown(name)}`, `Questions are ${FORMS}`)
  return value.trim() === '' ? refuse(where, `its ${shown(name)} is empty`) : value
}

/** A question's answers by their texts and beginnings, in code points, of either form. */
function answersIn(row: Row, where: string, refuse: Refuse): [text: string, start: number][] {
  const { answers, is_impossible: impossible } = row
  if (answers === undefined && impossible === true) return []
  const rows: readonly Row[] = Array.isArray(answers)
    ? answers.map((own, i) => rowOf(own, `${where}, answer ${i + 1}`, refuse))
    : isRow(answers)
      ? joined(answers, where, refuse)
      : refuse(where, 'has no "answers"', 'Of a question without answer they are an empty list')
  const found = rows.map((own, i): [string, number] => {
    const at = `${where}, answer ${i + 1}`
    const { answer_start: start } = own
    if (!Number.isSafeInteger(start) || (start as number) < 0)
      return refuse(at, `its "answer_start" must be a whole number from 0 on`)
    return [textOf(own, 'text', at, refuse), start as number]
  })
  if (impossible === true && found.length > 0) refuse(where, 'is said to be impossible, and has answers')
  return found
}

function joined(answers: Row, where: string, refuse: Refuse): Row[] {
  const [texts, starts] = ['text', 'answer_start'].map((name) => listOf(answers, name, where, refuse))
  if (texts.length !== starts.length)
    refuse(where, `has ${texts.length} answers and ${starts.length} beginnings`)
  return texts.map((text, i) => ({ text, answer_start: starts[i] }))
}

/** The place nearest to `near` at which a text has another one; -1 where it has none. */
function nearest(context: string, text: string, near: number): number {
  const before = context.lastIndexOf(text, near)
  const behind = context.indexOf(text, near)
  if (before < 0 || behind < 0) return Math.max(before, behind)
  return near - before <= behind - near ? before : behind
}

/** Units of the first `points` code points. */
function unitsOf(text: string, points: number): number {
  if (!/[\ud800-\udbff]/.test(text)) return points
  let at = 0
  for (let i = 0; i < points && at < text.length; i++) at += (text.codePointAt(at) as number) > 0xffff ? 2 : 1
  return at
}

class Reader {
  readonly questions: Question[] = []
  readonly lines: number[] = []
  #moved = 0
  #lost = 0

  constructor(
    readonly options: QuestionOptions,
    readonly refuse: Refuse,
  ) {}

  take(row: Row, context: string, where: string, line: number): void {
    const { refuse, options } = this
    const question = textOf(row, 'question', where, refuse).trimStart()
    const { id } = row
    if (id !== undefined && typeof id !== 'string' && !Number.isSafeInteger(id))
      refuse(where, 'its "id" must be a text or a whole number')
    const known = options.labels !== 'none'
    const answers = known
      ? answersIn(row, where, refuse).map(([text, start]) => this.#placed(context, text, start))
      : null
    this.questions.push({ id: String(id ?? this.questions.length + 1), question, context, answers })
    this.lines.push(line)
  }

  #placed(context: string, text: string, points: number): SpanAnswer {
    const start = unitsOf(context, points)
    if (context.startsWith(text, start)) return { text, start }
    const near = nearest(context, text, start)
    if (near < 0) this.#lost++
    else this.#moved++
    return { text, start: near }
  }

  /** Throws DataError where no answer is anywhere in its text. */
  tell(file: string): void {
    const { note } = this.options
    const all = this.questions.reduce((n, { answers }) => n + (answers?.length ?? 0), 0)
    if (this.#lost > 0 && this.#lost === all)
      throw new DataError(file, 'none of its answers is in the text of its question')
    if (this.#moved > 0)
      note?.(
        `${file}: ${this.#moved} of ${all} answers do not begin where "answer_start" says; the nearest place that has them is taken`,
      )
    if (this.#lost > 0)
      note?.(
        `${file}: ${this.#lost} of ${all} answers are not in the texts of their questions, and nothing is learnt from them`,
      )
  }
}

function readDocument(document: Row, reader: Reader): void {
  const { refuse } = reader
  listOf(document, 'data', 'the document', refuse).forEach((own, i) => {
    const article = rowOf(own, `data[${i}]`, refuse)
    listOf(article, 'paragraphs', `data[${i}]`, refuse).forEach((part, k) => {
      const where = `data[${i}].paragraphs[${k}]`
      const paragraph = rowOf(part, where, refuse)
      const context = textOf(paragraph, 'context', where, refuse)
      listOf(paragraph, 'qas', where, refuse).forEach((row, q) => {
        const at = `${where}.qas[${q}]`
        reader.take(rowOf(row, at, refuse), context, at, 1)
      })
    })
  })
}

function readRow(value: unknown, where: string, line: number, reader: Reader): void {
  const row = rowOf(value, where, reader.refuse)
  reader.take(row, textOf(row, 'context', where, reader.refuse), where, line)
}

/** Rows in an object's list of data, or the object as the only one; null where there are articles with paragraphs. */
function rowsIn(value: unknown): readonly unknown[] | null {
  if (!isRow(value)) return null
  if (!Array.isArray(value.data)) return 'question' in value ? [value] : null
  return value.data.some((own) => isRow(own) && 'question' in own) ? value.data : null
}

/** The lines of a .json file as one document; null where each of several lines is a row, which many call .json too. */
function documentOf(lines: readonly Line[], file: string): string | null {
  const own = lines.filter(({ text }) => text.trim() !== '')
  if (own.length > 1 && /^\s*\{.*\}\s*$/.test(own[0].text)) return null
  const size = lines.reduce((n, { text }) => n + text.length + 1, 0)
  if (size > MAX_JSON_LINE)
    throw new DataError(
      file,
      `has ${size} characters, at most ${MAX_JSON_LINE} are read as one document`,
      'Write a row a line (.jsonl)',
    )
  return lines.map(({ text }) => text).join('\n')
}

/**
 * Questions of a file's lines; errors begin with `file`, whose ending tells the format. Throws DataError naming file and place: what is
 * no question with its text, an answer without its beginning, no questions, no answer that is in its text.
 */
export function questionSetOf(
  lines: Iterable<Line>,
  file: string,
  options: QuestionOptions = {},
): QuestionSet {
  const refuse: Refuse = (where, reason, hint) => {
    throw new DataError(
      where.startsWith(':') ? `${file}${where}` : file,
      where.startsWith(':') ? reason : `${where} ${reason}`,
      hint,
    )
  }
  const reader = new Reader(options, refuse)
  const ending = /\.[^./\\]*$/.exec(file.replace(/\.gz$/i, ''))?.[0].toLowerCase() ?? ''
  if (!['.json', '.jsonl', '.ndjson'].includes(ending))
    throw new DataError(
      file,
      `${ending === '' ? 'a name without ending is' : `files that end in ${shown(ending)} are`} not read as questions`,
      `Those are .json or .jsonl, also .gz: ${FORMS}`,
    )
  const held = ending === '.json' ? [...lines] : null
  const document = held && documentOf(held, file)
  if (document !== null) {
    const value = parseJson(document, (reason) => {
      throw new DataError(file, reason)
    })
    const rows = Array.isArray(value) ? value : rowsIn(value)
    if (rows === null) readDocument(rowOf(value, 'the document', refuse), reader)
    else for (const [i, row] of rows.entries()) readRow(row, `[${i}]`, 1, reader)
  } else
    for (const { text, number } of held ?? lines) {
      if (text.trim() === '') continue
      const value = parseJson(text, (reason) => refuse(`:${number}`, reason))
      readRow(value, `:${number}`, number, reader)
    }
  const { questions } = reader
  if (questions.length === 0) throw new DataError(file, 'has no questions')
  reader.tell(file)
  const { rules = {} } = options
  return {
    texts: questions.map(({ question }) => question),
    pairs: questions.map(({ context }) => context),
    ...{ labels: null, targets: null, inTurn: false, lines: reader.lines },
    labelNames: options.labelNames ?? numberedLabels(2),
    questions: { each: questions, rules },
  }
}

/** The same of a file's bytes, or of its text: for browsers too. */
export function questionSetIn(
  content: Uint8Array | string,
  file: string,
  options: QuestionOptions = {},
): QuestionSet {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
  return questionSetOf(linesIn(bytes, file, MAX_JSON_LINE), file, options)
}
