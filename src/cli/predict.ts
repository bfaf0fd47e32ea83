// tinystill predict: classes of texts by a saved model. A stream: no more than a few hundred texts are in memory.
import { type Command, Option } from 'commander'
import { DataError } from '../errors.js'
import { loadClassifier } from '../files/models/classifiers.js'
import { textData } from '../text/dataset.js'
import { best, probabilities } from '../train/metrics.js'
import { predict } from '../train/predict.js'
import type { CommandSpec } from './shared/command.js'
import { addDataOptions, type DataFileOptions, dataOptions, whole } from './shared/options.js'
import { type InputRow, inputReader } from './shared/predict-input.js'
import { count, percent } from './shared/table.js'

interface PredictOptions extends Omit<DataFileOptions, 'labelColumn'> {
  model: string
  text?: string[]
  pairs: boolean
  maxLength?: number
  top: number
  jsonl: boolean
}

/** Texts taken from standard input before they are answered together. */
const CHUNK = 256

/** What predict needs of a model. */
interface TextPredictor {
  classes: readonly string[]
  regression: boolean
  /** Logits [texts, classes]. */
  logits(texts: readonly InputRow[]): Float32Array
}

function load({ model: folder, maxLength: asked }: PredictOptions): TextPredictor {
  const { model, tokenizer, classes, regression, maxLength: most } = loadClassifier(folder)
  const maxLength = Math.min(asked ?? most, most)
  return {
    ...{ classes, regression },
    logits: (texts) => {
      const first = texts.map(({ text }) => text ?? '')
      const second = texts.map(({ textB }) => textB)
      const pairs = second.some((text) => text !== null) ? second : null
      return predict(model, textData(first, null, tokenizer, maxLength, { pairs }))
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
  describe: 'Classify texts by a saved model',
  options: (command: Command) =>
    addDataOptions(command, { labels: false })
      .requiredOption('--model <dir>', 'folder of the model')
      .option(
        '--text <text...>',
        'what to classify; without it, one text or JSON object a line on standard input, an answer for each line',
      )
      .option('--pairs', 'a text is two, with a TAB between', false)
      .option('--max-length <n>', "tokens of a text; default: the model's limit", whole(2))
      .option('--top <n>', 'classes to show', whole(1), 3)
      .addOption(
        new Option('--jsonl', 'one line of JSON a text on standard output').default(false).conflicts('json'),
      ),
  run: async (options, { output, lines }) => {
    const predictor = load(options)
    const list = output.jsonList('predictions')
    const read = inputReader(
      options.text ? '--text' : 'standard input',
      options.pairs,
      dataOptions(options, output),
    )
    let [answered, empty] = [0, 0]
    for await (const given of options.text ? [options.text] : chunks(lines())) {
      const rows = given.map(read)
      const texts = rows.filter(({ text }) => text !== null)
      const z = texts.length > 0 ? predictor.logits(texts) : new Float32Array(0)
      let done = 0
      for (const { shown, text } of rows) {
        const { item, line } =
          text === null
            ? { item: { text: shown, label: null }, line: '' }
            : answer(predictor, shown, z, done++, options.top)
        if (options.jsonl) output.jsonLine(item)
        else {
          list.add(item)
          output.print(line)
        }
      }
      answered += texts.length
      empty += rows.length - texts.length
      await output.drained()
    }
    if (answered === 0)
      throw new DataError('standard input', 'no text to classify', 'Pass --text, or one text a line')
    if (empty > 0)
      output.info(`${count(empty)} empty ${empty === 1 ? 'line has' : 'lines have'} an empty answer`)
    if (!options.jsonl) list.end()
  },
}

/** A text's answer as a document and as a line. */
function answer(
  { classes, regression }: TextPredictor,
  text: string,
  z: Float32Array,
  row: number,
  shown: number,
): { item: object; line: string } {
  if (regression)
    return {
      item: { text, value: z[row] },
      line: `${z[row].toPrecision(5)}  |  ${text.replaceAll('\n', ' ')}`,
    }
  const n = classes.length
  const p = probabilities(z, row * n, n)
  const top = [...p.keys()].sort((a, b) => p[b] - p[a]).slice(0, shown)
  return {
    item: {
      text,
      label: classes[best(z, row * n, n)],
      probabilities: Object.fromEntries(classes.map((name, c) => [name, p[c]])),
    },
    line: `${top.map((c) => `${classes[c]} ${percent(p[c])}`).join('  ')}  |  ${text.replaceAll('\n', ' ')}`,
  }
}
