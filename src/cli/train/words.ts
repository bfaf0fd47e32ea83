// The tasks of tinystill train that learn from plain text: words that are masked, or the next word.
import { DataError } from '../../errors.js'
import { streamTexts } from '../../files/data/texts.js'
import type { Started } from '../../files/models/start.js'
import type { DataSet } from '../../nn/data.js'
import type { TextInput } from '../../nn/models/input.js'
import { corpusData, runningData } from '../../text/corpus.js'
import { maskingOf } from '../../text/masking.js'
import type { DataOptions } from '../../text/rows/columns.js'
import { type NextWordModel, nextWordFigures, trainNextWords } from '../../train/language/next-words.js'
import {
  type MaskedFigures,
  type MaskedJudging,
  maskedFigures,
  trainMasked,
  type WordGuesser,
} from '../../train/masked.js'
import type { Figures, FitResult } from '../../train/reports.js'
import type { FitOptions } from '../../train/trainer.js'
import { count } from '../shared/table.js'
import type { TrainOptions } from './options.js'
import { type Held, judging, lengthFor, metricOf, type TaskPlan } from './tasks.js'

type Rows = DataSet<TextInput>

/** What is learnt from texts that are rows by now. */
interface WordLessons {
  data: Rows
  /** Other texts, as rows like these. */
  rows(texts: readonly string[]): Rows
  /** For people: what became of the texts. */
  told: string
  fit(
    options: FitOptions,
    dev: { dev: Rows; onDev: MaskedJudging['onBatch'] } | undefined,
  ): Promise<FitResult>
  figures(set: Rows, onBatch: MaskedJudging['onBatch']): Promise<MaskedFigures>
}

interface WordTask {
  as: 'masked-lm' | 'causal-lm'
  /** 'trained to ...' */
  learns: string
  lessons(options: TrainOptions, started: Started, texts: readonly string[], maxLength: number): WordLessons
}

const masked: WordTask = {
  as: 'masked-lm',
  learns: 'guess masked words',
  lessons: (options, { model: started, tokenizer }, texts, maxLength) => {
    const model = started as unknown as WordGuesser
    const rows = (own: readonly string[]) => corpusData(own, tokenizer, { maxLength })
    const data = rows(texts)
    const { maskPower: power, maskRatio: ratio } = options
    const masking = maskingOf(tokenizer, { counts: data.counts, power, ratio })
    return {
      ...{ data, rows, told: `${count(data.dropped)} too short or unknown` },
      fit: (fit, dev) => trainMasked(model, data, masking, { ...fit, ...dev }),
      figures: (set, onBatch) => maskedFigures(model, set, masking, onBatch && { onBatch }),
    }
  },
}

const next: WordTask = {
  as: 'causal-lm',
  learns: 'say the next word',
  lessons: (_, { model: started, tokenizer }, texts, maxLength) => {
    const model = started as unknown as NextWordModel
    const rows = (own: readonly string[]) => runningData(own, tokenizer, { maxLength })
    const data = rows(texts)
    return {
      ...{ data, rows, told: `one behind the other, ${maxLength} tokens each` },
      fit: (fit, dev) => trainNextWords(model, data, { ...fit, ...dev }),
      figures: (set, onBatch) => nextWordFigures(model, set, onBatch && { onBatch }),
    }
  },
}

/** Those of tinystill train, by name. */
export const wordTasks = { mlm: masked, lm: next } as const

/** The words of plain text. */
export function wordTask(options: TrainOptions, reading: DataOptions, task: WordTask): TaskPlan {
  if (options.labels !== undefined) throw new RangeError('--labels: words of plain text have none')
  const read = (file: string) =>
    Array.from(streamTexts(file, { ...reading, labelUse: 'unused' }), ({ text }) => text)
  const texts = read(options.train)
  if (texts.length === 0) throw new DataError(options.train, 'has no rows')
  return {
    start: { as: task.as, labels: ['LABEL_0', 'LABEL_1'], texts },
    prepare: (started, progress) => {
      const maxLength = lengthFor(options, started)
      const metric = metricOf(options)
      const lessons = task.lessons(options, started, texts, maxLength)
      const { data, told } = lessons
      const held = (['dev', 'test'] as const).flatMap((name) => {
        const file = options[name]
        return file === undefined ? [] : [[name, lessons.rows(read(file))] as const]
      })
      const dev = held.find(([name]) => name === 'dev')?.[1]
      const onBatch = (name: Held, { size }: Rows) => judging(progress, name, size)
      return {
        notes: [],
        maxLength,
        data: [`${options.train}: ${count(texts.length)} texts make ${count(data.size)} rows; ${told}`],
        fit: (fit) => lessons.fit({ ...fit, metric }, dev && { dev, onDev: onBatch('dev', dev) }),
        figures: async () => {
          const figures: Record<string, Figures> = {}
          for (const [name, set] of held) figures[name] = await lessons.figures(set, onBatch(name, set))
          return figures
        },
        report: () => ({
          title: options.out,
          intro: `${options.model}, trained to ${task.learns} on ${count(data.size)} rows of ${options.train}; ${told}.`,
        }),
      }
    },
  }
}
