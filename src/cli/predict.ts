// tinystill predict: classes or numbers of texts by a saved model. A stream: no more than a few hundred texts are in memory.
import { type Command, Option } from 'commander'
import { DataError } from '../errors.js'
import { loadClassifier } from '../files/models/on-disk.js'
import { isAnswerer } from '../files/questions/answerer.js'
import { isTagger } from '../files/tagging/tagger.js'
import type { ProblemType } from '../nn/models/config.js'
import { textData } from '../text/dataset.js'
import { type Prediction, predictions } from '../train/outputs/predictions.js'
import { predict } from '../train/predict.js'
import { tasks } from '../train/tasks.js'
import { embedOption, embeds } from './embed/data.js'
import { predictVectors, promptOption, vectorsOption } from './embed/predict.js'
import { predictAnswers } from './questions/predict.js'
import type { CommandSpec } from './shared/command.js'
import { cutIn, cutText } from './shared/data-report.js'
import {
  addDataOptions,
  addQuestionOptions,
  answerLengthOption,
  type DataFileOptions,
  dataOptions,
  goesWith,
  questionNames,
  whole,
} from './shared/options.js'
import type { Output } from './shared/output.js'
import { type InputRow, inputReader } from './shared/predict-input.js'
import { count, percent } from './shared/table.js'
import { tellTokens } from './shared/tokens.js'
import { predictTags } from './tagging/predict.js'

interface PredictOptions extends Omit<DataFileOptions, 'labelColumn'> {
  model: string
  text?: string[]
  pairs: boolean
  maxLength?: number
  top: number
  jsonl: boolean
  task?: 'embed'
  vectors?: string
  question?: string[]
  context?: string
  prompt?: string
}

/** Texts taken from standard input before they are answered together. */
const CHUNK = 256

/** What predict needs of a model. */
interface TextPredictor {
  classes: readonly string[]
  problemType: ProblemType
  /** Says what is odd about how the texts are read. */
  tell(output: Output, texts: readonly string[]): void
  /** Longest text in tokens. */
  maxLength: number
  /** Logits [texts, classes], and how many of the texts lost tokens. */
  read(texts: readonly InputRow[]): { logits: Float32Array; cut: number }
}

function load({ model: folder, maxLength: asked }: PredictOptions, output: Output): TextPredictor {
  const { model, tokenizer, classes, problemType, notes, ...lengths } = loadClassifier(folder)
  for (const note of notes) output.info(`note: ${note}`)
  const maxLength = Math.min(asked ?? lengths.usualLength, lengths.maxLength)
  return {
    ...{ classes, problemType, maxLength },
    tell: (output, texts) => tellTokens(output, { folder, model, tokenizer }, 'the first texts', texts),
    read: (texts) => {
      const first = texts.map(({ text }) => text ?? '')
      const second = texts.map(({ textB }) => textB)
      const pairs = second.some((text) => text !== null) ? second : null
      const data = textData(first, null, tokenizer, maxLength, { pairs })
      return { logits: predict(model, data), cut: cutIn({ texts: first, pairs }, data, tokenizer, maxLength) }
    },
  }
}

/** In groups. */
async function* chunks(lines: AsyncIterable<string>): AsyncGenerator<string[]> {
  let waiting: string[] = []
  for await (const line of lines) {
    waiting.push(line)
    if (waiting.length < CHUNK) continue
    yield waiting
    waiting = []
  }
  if (waiting.length > 0) yield waiting
}

export const predictCommand: CommandSpec<PredictOptions> = {
  name: 'predict',
  describe: 'Classify texts by a saved model, tag their words, find answers in them, or embed them',
  options: (command: Command) =>
    addQuestionOptions(addDataOptions(command, { labels: false }))
      .requiredOption('--model <dir>', 'folder of the model')
      .option(
        '--text <text...>',
        'what to classify; without it, one text or JSON object a line on standard input, an answer for each line; for a model of words also {"tokens": [...]}',
      )
      .option(
        '--question <text...>',
        'of a model that finds answers: what to ask of --context; without both {"question", "context"} a line on standard input',
      )
      .option('--context <text>', 'of a model that finds answers: the text in which they stand')
      .option('--pairs', 'a text is two, with a TAB between', false)
      .addOption(answerLengthOption())
      .addOption(embedOption())
      .addOption(vectorsOption().conflicts('jsonl'))
      .addOption(promptOption())
      .option('--top <n>', 'classes, or numbers of a vector, to show in plain text', whole(1), 3)
      .addOption(
        new Option('--jsonl', 'one line of JSON a text on standard output').default(false).conflicts('json'),
      ),
  run: async (options, { output, lines }) => {
    if (embeds(options.model, options.task)) {
      if (options.pairs) throw new RangeError('--pairs: each text has a vector of its own')
      return predictVectors(options, options.text ? [options.text] : chunks(lines()), { output })
    }
    goesWith(options, ['vectors', 'prompt'], 'a model of embeddings', false)
    if (isAnswerer(options.model)) {
      if (options.pairs || options.text)
        throw new RangeError(
          `${options.pairs ? '--pairs' : '--text'}: ${options.model} answers questions, --question and --context`,
        )
      return predictAnswers(options, chunks(lines()), { output })
    }
    goesWith(options, ['question', 'context', ...questionNames], 'a model that finds answers', false)
    if (isTagger(options.model)) {
      if (options.pairs) throw new RangeError('--pairs: words of a text have tags, of one by itself')
      return predictTags(options, options.text ? [options.text] : chunks(lines()), { output })
    }
    goesWith(options, ['docStride'], 'a model of words, or one that finds answers', false)
    const predictor = load(options, output)
    const { problemType } = predictor
    const n = predictor.classes.length
    const list = output.jsonList('predictions')
    const read = inputReader(
      options.text ? '--text' : 'standard input',
      options.pairs,
      dataOptions(options, output),
    )
    let [answered, empty, cut] = [0, 0, 0]
    for await (const given of options.text ? [options.text] : chunks(lines())) {
      const rows = given.map(read)
      const texts = rows.filter(({ text }) => text !== null)
      if (answered === 0)
        predictor.tell(
          output,
          texts.map(({ shown }) => shown),
        )
      const { logits: z, cut: own } =
        texts.length > 0 ? predictor.read(texts) : { logits: new Float32Array(0), cut: 0 }
      cut += own
      let done = 0
      for (const { shown, text } of rows) {
        const values = text === null ? null : tasks[problemType].answer(z, n * done++, n)
        const said: Prediction =
          values === null ? { label: null } : predictions[problemType](predictor.classes, values)
        const item = { text: shown, ...said }
        if (options.jsonl) output.jsonLine(item)
        else {
          list.add(item)
          const line = values && `${lineOf[problemType](predictor, values, options.top, said)}  |  ${shown}`
          // A text out of JSON may have line breaks of its own.
          output.print((line ?? '').replace(/\r\n|[\n\r\u2028\u2029]/g, ' '))
        }
      }
      answered += texts.length
      empty += rows.length - texts.length
      await output.drained()
    }
    if (answered === 0)
      throw new DataError('standard input', 'no text to classify', 'Pass --text, or one text a line')
    if (cut > 0) output.info(cutText(cut, answered, predictor.maxLength))
    if (empty > 0)
      output.info(`${count(empty)} empty ${empty === 1 ? 'line has' : 'lines have'} an empty answer`)
    if (!options.jsonl) list.end()
  },
}

/** Classes from the most probable on, the first `shown`. */
function ranked({ classes }: TextPredictor, p: readonly number[], shown: number): string {
  const top = [...p.keys()].sort((a, b) => p[b] - p[a]).slice(0, shown)
  return top.map((c) => `${classes[c]} ${percent(p[c])}`).join('  ')
}

/** How the answers of each task read; `values` are those of one text, one a class or number. */
const lineOf: Record<
  ProblemType,
  (predictor: TextPredictor, values: readonly number[], shown: number, said: Prediction) => string
> = {
  single_label_classification: ranked,
  multi_label_classification: (predictor, values, shown, { labels = [] }) => {
    if (values.length === 1) return values[0].toPrecision(5)
    return `${labels.join(', ') || 'none'}: ${ranked(predictor, values, shown)}`
  },
  regression: ({ classes }, values) => {
    if (values.length === 1) return values[0].toPrecision(5)
    return classes.map((name, c) => `${name} ${values[c].toPrecision(5)}`).join('  ')
  },
}
