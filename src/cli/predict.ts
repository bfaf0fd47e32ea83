// tinystill predict: classes of texts by a saved model.
import type { Command } from 'commander'
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
}

/** Texts taken from standard input before they are answered together. */
const CHUNK = 256

export const predictCommand: CommandSpec<PredictOptions> = {
  name: 'predict',
  describe: 'Classify texts by a saved model',
  options: (command: Command) =>
    command
      .requiredOption('--model <dir>', 'folder of the model')
      .option('--text <text...>', 'what to classify; without it, one text a line on standard input')
      .option('--top <n>', 'classes to show', whole(1), 3),
  run: async (options, { output, lines }) => {
    const { model, tokenizer, classes } = loadTextModel(options.model)
    const n = classes.length
    const answers: unknown[] = []
    const answer = (texts: string[]) => {
      const logits = predict(model, textData(texts, null, tokenizer, model.config.maxLength))
      texts.forEach((text, row) => {
        const p = probabilities(logits, row * n, n)
        const top = [...p.keys()].sort((a, b) => p[b] - p[a]).slice(0, options.top)
        output.print(`${top.map((c) => `${classes[c]} ${percent(p[c])}`).join('  ')}  |  ${text}`)
        answers.push({
          text,
          label: classes[best(logits, row * n, n)],
          probabilities: Object.fromEntries(classes.map((name, c) => [name, p[c]])),
        })
      })
    }
    if (options.text) answer(options.text)
    else {
      let waiting: string[] = []
      for await (const line of lines()) {
        if (line.trim() !== '') waiting.push(line)
        if (waiting.length < CHUNK) continue
        answer(waiting)
        waiting = []
      }
      if (waiting.length > 0) answer(waiting)
    }
    if (answers.length === 0)
      throw new DataError('standard input', 'no text to classify', 'Pass --text, or one text a line')
    output.json({ predictions: answers })
  },
}
