// tinystill predict: classes of texts by a saved model. A stream: no more than a few hundred texts are in memory.
import { type Command, Option } from 'commander'
import { best, probabilities } from '../distill/metrics.js'
import { predict } from '../distill/predict.js'
import { DataError } from '../errors.js'
import { loadTextModel } from '../nn/io/folder.js'
import { textData } from '../nn/text/dataset.js'
import type { CommandSpec } from './main.js'
import { whole } from './options.js'
import { percent } from './table.js'

interface PredictOptions {
  model: string
  text?: string[]
  top: number
  jsonl: boolean
}

/** Texts taken from standard input before they are answered together. */
const CHUNK = 256

/** What predict needs of a model. */
interface TextPredictor {
  classes: readonly string[]
  /** Logits [texts, classes]. */
  logits(texts: readonly string[]): Float32Array
}

function load(folder: string): TextPredictor {
  const { model, tokenizer, classes } = loadTextModel(folder)
  return {
    classes,
    logits: (texts) => predict(model, textData(texts, null, tokenizer, model.config.maxLength)),
  }
}

/** In groups; an empty line is no text. */
async function* chunks(lines: AsyncIterable<string>): AsyncGenerator<string[]> {
  let waiting: string[] = []
  for await (const line of lines) {
    if (line.trim() !== '') waiting.push(line)
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
    command
      .requiredOption('--model <dir>', 'folder of the model')
      .option('--text <text...>', 'what to classify; without it, one text a line on standard input')
      .option('--top <n>', 'classes to show', whole(1), 3)
      .addOption(
        new Option('--jsonl', 'one line of JSON a text on standard output').default(false).conflicts('json'),
      ),
  run: async (options, { output, lines }) => {
    const { classes, logits } = load(options.model)
    const n = classes.length
    const list = output.jsonList('predictions')
    let answered = 0
    for await (const texts of options.text ? [options.text] : chunks(lines())) {
      const z = logits(texts)
      texts.forEach((text, row) => {
        const p = probabilities(z, row * n, n)
        const item = {
          text,
          label: classes[best(z, row * n, n)],
          probabilities: Object.fromEntries(classes.map((name, c) => [name, p[c]])),
        }
        if (options.jsonl) output.jsonLine(item)
        else {
          list.add(item)
          const top = [...p.keys()].sort((a, b) => p[b] - p[a]).slice(0, options.top)
          output.print(`${top.map((c) => `${classes[c]} ${percent(p[c])}`).join('  ')}  |  ${text}`)
        }
      })
      answered += texts.length
      await output.drained()
    }
    if (answered === 0)
      throw new DataError('standard input', 'no text to classify', 'Pass --text, or one text a line')
    if (!options.jsonl) list.end()
  },
}
