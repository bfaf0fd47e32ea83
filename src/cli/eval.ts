// tinystill eval: how good and how fast a saved model is on labelled texts.
import type { Command } from 'commander'
import { loadAnswering } from '../files/tagging/tagger.js'
import { countWeights } from '../nn/quantized/quantize.js'
import { firstRows, setData } from '../text/tagged/set-data.js'
import { predictInTurns } from '../train/predict.js'
import { everyTask } from '../train/tagging/tasks.js'
import { embedOption, embeds } from './embed/data.js'
import { evalVectors } from './embed/eval.js'
import { evalLanguage } from './language/eval.js'
import { writesTexts } from './language/open.js'
import type { CommandSpec } from './shared/command.js'
import { tellRows } from './shared/data-report.js'
import { bytesOfFolder, figureTable } from './shared/figures.js'
import { orderOption, readFor } from './shared/labels-option.js'
import {
  addDataOptions,
  addQuestionOptions,
  answerLengthOption,
  type DataFileOptions,
  dataOptions,
  goesWith,
  whole,
  windowOptions,
} from './shared/options.js'
import { measureSpeeds, type Speed, shownSpeed } from './shared/speed.js'
import { bytes, count } from './shared/table.js'

interface EvalOptions extends DataFileOptions {
  model: string
  data: string
  batchSize: number
  maxLength?: number
  labels?: string[]
  task?: 'embed'
  teacher?: string
}

export const evalCommand: CommandSpec<EvalOptions> = {
  name: 'eval',
  describe:
    'Accuracy, F1, Matthews, calibration, errors of numbers, size and speed of a model on a labelled file; entities found, of a model of words; exact match and F1 of answers; perplexity on plain text',
  options: (command: Command) =>
    addQuestionOptions(
      addDataOptions(
        command
          .requiredOption('--model <dir>', 'folder of the model')
          .requiredOption(
            '--data <file>',
            'labelled texts, for embeddings pairs with scores or without: .tsv, .csv, .jsonl, .json or .parquet; for a model of words .conll, .bio, .tsv, .txt, .conllu or .jsonl; for one that finds answers .json as SQuAD has it, or .jsonl; for a GPT-2 plain texts, .txt too',
          )
          .addOption(orderOption())
          .option('--batch-size <n>', 'rows of a batch', whole(1), 64)
          .addOption(answerLengthOption())
          .addOption(embedOption())
          .option('--teacher <dir>', 'of embeddings: whose neighbours are to be found again'),
      ),
    ),
  run: async (options, context) => {
    if (embeds(options.model, options.task)) return evalVectors(options, context)
    goesWith(options, ['teacher'], 'a model of embeddings', false)
    if (writesTexts(options.model)) return evalLanguage(options, context)
    const { output, progress, now } = context
    const { model: folder, data: file, labels: listed, batchSize, maxLength: asked, seed } = options
    const loaded = loadAnswering(folder)
    for (const note of loaded.notes) output.info(`note: ${note}`)
    const { model, tokenizer, classes, problemType } = loaded
    windowOptions(options, problemType)
    const task = everyTask[problemType]
    const maxLength = Math.min(asked ?? loaded.usualLength, loaded.maxLength)
    const set = readFor(file, loaded, listed, dataOptions(options, output), output)
    const data = setData(set, tokenizer, maxLength)
    tellRows(output, { folder, model, tokenizer }, { ...set, file }, data, maxLength)
    progress.start('evaluating', data.size)
    const began = now()
    const logits = await predictInTurns(model, data, {
      batchSize,
      onBatch: (done) => progress.update(done, {}),
    })
    const seconds = (now() - began) / 1000
    progress.finish('')
    const { figures, each } = task.judge(logits, data, classes)
    const few = (n: number) => setData(firstRows(set, n), tokenizer, maxLength)
    const timed = { model, few, batchSize }
    const speed = (await measureSpeeds(new Map([[folder, timed]]), context)).get(folder) as Speed
    const size = { params: countWeights(model), bytes: bytesOfFolder(folder) }
    output.print(figureTable({ [file]: figures }))
    if (each) output.print(`\n${figureTable(each)}`)
    output.print(
      `\n${count(data.size)} ${set.questions || (set.words && data.size > set.texts.length) ? 'windows' : 'texts'} in ${seconds.toFixed(1)} s; ${count(speed.examplesPerSecond)} \u00b1 ${count(speed.examplesSpread)} a second in batches of ${batchSize}; one alone ${shownSpeed(speed)} ms; ${count(size.params)} parameters, ${bytes(size.bytes)}`,
    )
    output.json({ ...figures, ...(each && { each }), ...size, ...speed, seconds, seed })
  },
}
