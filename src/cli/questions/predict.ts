// tinystill predict of a model that finds answers: of a question the words of its text that answer it, and where they stand.
import { DataError } from '../../errors.js'
import { loadAnswerer } from '../../files/questions/answerer.js'
import { shown } from '../../formats/json.js'
import { questionData } from '../../text/questions/data.js'
import type { Question, QuestionRules } from '../../text/questions/question.js'
import { predict } from '../../train/predict.js'
import { type FoundAnswer, surestAnswer, windowsByQuestion } from '../../train/questions/best.js'
import type { Context } from '../shared/command.js'
import { type DataFileOptions, dataOptions } from '../shared/options.js'
import { percent } from '../shared/table.js'
import { tellTokens } from '../shared/tokens.js'

export interface PredictAnswersOptions extends DataFileOptions {
  model: string
  question?: string[]
  context?: string
  maxLength?: number
  jsonl: boolean
}

/** A line of input; null: an empty one. */
type Given = (Pick<Question, 'question' | 'context'> & { id?: string | number }) | null

const HINT = 'A line is {"question": "...", "context": "..."}, or pass --question and --context'

function givenIn(line: string, where: string): Given {
  if (line.trim() === '') return null
  const fail = (reason: string): never => {
    throw new DataError(where, reason, HINT)
  }
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return fail('is no JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail('must be an object')
  const row = new Map<string, unknown>(Object.entries(value))
  const text = (name: string): string => {
    const own = row.get(name)
    return typeof own === 'string' && own.trim() !== '' ? own : fail(`has no text ${shown(name)}`)
  }
  const id = row.get('id')
  return {
    ...((typeof id === 'string' || typeof id === 'number') && { id }),
    ...{ question: text('question'), context: text('context') },
  }
}

/** Lines of questions with their one text. */
function asked({ question, context }: PredictAnswersOptions): string[] | null {
  if (question === undefined && context === undefined) return null
  if (question === undefined || context === undefined)
    throw new RangeError('--question and --context go together: one text, and questions about it')
  return question.map((own) => JSON.stringify({ question: own, context }))
}

const oneLine = (text: string) => text.replace(/\r\n|[\n\r\u2028\u2029]/g, ' ')

/** groups: the lines as they come. Each has an answer, an empty one an empty answer. */
export async function predictAnswers(
  options: PredictAnswersOptions,
  groups: AsyncIterable<readonly string[]>,
  { output }: Pick<Context, 'output'>,
): Promise<void> {
  const { model: folder, jsonl, maxLength: most } = options
  const own = asked(options)
  const loaded = loadAnswerer(folder)
  const { model, tokenizer } = loaded
  for (const note of loaded.notes) output.info(`note: ${note}`)
  const maxLength = Math.min(most ?? loaded.usualLength, loaded.maxLength)
  const { questions: rules = {} } = dataOptions(options, output)
  const list = output.jsonList('predictions')
  const name = own === null ? 'standard input' : '--question'
  let [line, answered] = [0, 0]
  for await (const texts of own === null ? groups : [own]) {
    const rows = texts.map((text) => givenIn(text, `${name}:${++line}`))
    const there = rows.filter((row) => row !== null)
    if (answered === 0)
      tellTokens(
        output,
        { folder, model, tokenizer },
        'the first texts',
        there.flatMap(({ question, context }) => [question, context]),
      )
    const found = answersTo(there, { model, tokenizer, maxLength }, rules)
    answered += found.length
    let next = 0
    for (const row of rows) {
      const said = row === null ? { answer: null } : found[next++]
      const item = { ...(row?.id !== undefined && { id: row.id }), question: row?.question ?? '', ...said }
      if (jsonl) output.jsonLine(item)
      else {
        list.add(item)
        output.print(row === null ? '' : `${shownAnswer(said as FoundAnswer)}  |  ${oneLine(row.question)}`)
      }
    }
    await output.drained()
  }
  if (answered === 0) throw new DataError(name, 'no question to answer', HINT)
  if (!jsonl) list.end()
}

const shownAnswer = ({ answer, score }: FoundAnswer) =>
  `${answer === '' ? 'no answer' : oneLine(answer)} ${percent(score)}`

function answersTo(
  given: readonly Pick<Question, 'question' | 'context'>[],
  { model, tokenizer, maxLength }: Pick<ReturnType<typeof loadAnswerer>, 'model' | 'tokenizer' | 'maxLength'>,
  rules: QuestionRules,
): FoundAnswer[] {
  if (given.length === 0) return []
  const each = given.map((own, i) => ({ ...own, id: String(i), answers: null }))
  const data = questionData(each, rules, tokenizer, maxLength)
  const { spans, answers } = data
  if (spans === undefined || answers === undefined) return []
  const logits = { logits: predict(model, data), starts: answers.starts, windows: spans.windows }
  return windowsByQuestion(spans.windows, each.length).map((rows, i) =>
    surestAnswer(logits, rows, each[i], spans.rules),
  )
}
