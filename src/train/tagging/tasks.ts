// The tasks of models that answer for words, beside those of models that answer for texts: entities, classes of words, and answers.
import type { ProblemType } from '../../nn/models/config.js'
import type { Kind } from '../../nn/models/family.js'
import { areBilou, type taskOfTags } from '../../text/tagged/entities.js'
import { labelLoss } from '../labels.js'
import { answers } from '../outputs/answers.js'
import { spans } from '../questions/task.js'
import type { Figures } from '../reports.js'
import { type Task, tasks, type Wanted } from '../tasks.js'
import {
  countEntities,
  entityFigures,
  figuresOf,
  lossOf,
  type SentenceTags,
  sentencesOf,
  sumOf,
  typesOf,
} from './figures.js'

/** What a model may give: of texts config.json says which, of words the names of its tags; or answers that stand in texts. */
export type TaskType = ProblemType | WordTask | 'spans'
export type WordTask = ReturnType<typeof taskOfTags>

/** Two numbers of each row of a set, in whose sums' quotient a figure lies: twice the right entities, and all said and all there. */
export interface RowShares {
  over: Int32Array
  of: Int32Array
}

/** A task of words is judged by sentences: `shares` say what each adds to the figure that decides. */
export interface AnyTask extends Task {
  /** The head that it takes. */
  readonly kind: HeadKind
  shares?(logits: ArrayLike<number>, set: Wanted, names: readonly string[]): RowShares
}

/** Heads that are judged with labels. */
export type HeadKind = Extract<
  Kind,
  'sequence-classification' | 'token-classification' | 'question-answering'
>

/** Whether labels are of words. */
export const isOfWords = (type: TaskType): type is WordTask => type === 'entities' || type === 'tags'

/** Whether a single text has a class, a set of classes or numbers: what config.json has a word for. */
export const isOfTexts = (type: TaskType): type is ProblemType => Object.hasOwn(tasks, type)

const words = {
  kind: 'token-classification',
  labels: 'classes',
  answer: answers.single_label_classification,
  loss: labelLoss,
} as const

function judged(logits: ArrayLike<number>, { labels, answers: own }: Wanted, names: readonly string[]) {
  if (!labels || !own) throw new RangeError('judge: words need labels, and their sentences')
  const sentences = sentencesOf(logits, labels, own.items ?? own.starts, names)
  const right = sentences.map(({ said, there }) =>
    said.reduce((n, tag, i) => n + (tag === there[i] ? 1 : 0), 0),
  )
  const accuracy = right.reduce((a, b) => a + b, 0) / labels.length
  return { sentences, right, accuracy, loss: lossOf(logits, labels, names.length) }
}

/** Of data whose words are all answered, or have a tag O for those that are not. */
const withNames = (sentences: readonly { said: (string | null)[]; there: string[] }[]) =>
  sentences as readonly SentenceTags[]

const entities: AnyTask = {
  ...{ name: 'entities', ...words, metrics: ['entityF1', 'precision', 'recall', 'accuracy', 'loss'] },
  gives: (names) => `entities of ${typesOf(names).length} types`,
  judge: (logits, set, names) => {
    const { sentences, accuracy, loss } = judged(logits, set, names)
    const { all, each } = entityFigures(withNames(sentences), areBilou(names))
    const { f1: entityF1, precision, recall } = all
    return { figures: { entityF1, precision, recall, accuracy, loss }, each }
  },
  shares: (logits, set, names) => {
    const bilou = areBilou(names)
    const each = withNames(judged(logits, set, names).sentences).map((tags) =>
      sumOf(countEntities(tags, bilou).values()),
    )
    return {
      over: Int32Array.from(each, ({ right }) => 2 * right),
      of: Int32Array.from(each, ({ said, there }) => said + there),
    }
  },
}

const tags: AnyTask = {
  ...{ name: 'tags', ...words, metrics: ['accuracy', 'f1', 'loss'] },
  gives: (names) => `tags of words, ${names.length} different ones`,
  judge: (logits, set, names) => {
    const { sentences, accuracy, loss } = judged(logits, set, names)
    const each = new Map(names.map((name) => [name, { right: 0, said: 0, there: 0 }]))
    for (const { said, there } of sentences)
      there.forEach((tag, i) => {
        const own = each.get(tag)
        const other = each.get(said[i] ?? '')
        if (own) own.there++
        if (other) other.said++
        if (own && said[i] === tag) own.right++
      })
    const rows: [string, Figures][] = [...each].flatMap(([name, { right, said, there }]) =>
      said + there === 0 ? [] : [[name, { ...figuresOf({ right, said, there }), words: there }]],
    )
    const f1 = rows.reduce((sum, [, own]) => sum + own.f1, 0) / rows.length
    return { figures: { accuracy, f1, loss }, each: Object.fromEntries(rows) }
  },
  shares: (logits, set, names) => {
    const { right, sentences } = judged(logits, set, names)
    return { over: Int32Array.from(right), of: Int32Array.from(sentences, ({ there }) => there.length) }
  },
}

const ofTexts = (type: ProblemType): AnyTask => ({ kind: 'sequence-classification', ...tasks[type] })

/** All of them. A page that classifies texts loads those of texts alone. */
export const everyTask: Readonly<Record<TaskType, AnyTask>> = {
  single_label_classification: ofTexts('single_label_classification'),
  multi_label_classification: ofTexts('multi_label_classification'),
  regression: ofTexts('regression'),
  ...{ entities, tags, spans: { kind: 'question-answering', ...spans } },
}
