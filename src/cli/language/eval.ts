// tinystill eval of a model that writes texts: perplexity.
import { DataError } from '../../errors.js'
import { streamTexts } from '../../files/data/texts.js'
import { countWeights } from '../../nn/quantized/quantize.js'
import { runningData } from '../../text/corpus.js'
import { usualLength } from '../../text/encoding.js'
import { nextWordFigures } from '../../train/language/next-words.js'
import type { CommonOptions, Context } from '../shared/command.js'
import { bytesOfFolder, figureTable } from '../shared/figures.js'
import { type DataFileOptions, dataOptions } from '../shared/options.js'
import { bytes, count } from '../shared/table.js'
import { openLanguageModel } from './open.js'

interface EvalLanguageOptions extends DataFileOptions {
  model: string
  data: string
  maxLength?: number
  batchSize: number
}

/** Rows of a batch: each of their words has logits of the whole vocabulary. */
const MOST_ROWS = 8

export async function evalLanguage(
  options: EvalLanguageOptions & CommonOptions,
  { output, progress, now }: Context,
): Promise<void> {
  const { model: folder, data: file, maxLength: asked, batchSize, seed } = options
  const { model, tokenizer } = openLanguageModel(folder, output)
  const most = usualLength(tokenizer, model.config.maxLength)
  const maxLength = Math.min(asked ?? most, model.config.maxLength)
  const texts = Array.from(
    streamTexts(file, { ...dataOptions(options, output), labelUse: 'unused' }),
    ({ text }) => text,
  )
  const data = runningData(texts, tokenizer, { maxLength })
  if (data.size === 0) throw new DataError(file, 'has no two words that follow each other')
  progress.start('evaluating', data.size)
  const began = now()
  const figures = await nextWordFigures(model, data, {
    batchSize: Math.min(batchSize, MOST_ROWS),
    onBatch: (done) => progress.update(done, {}),
  })
  const seconds = (now() - began) / 1000
  progress.finish('')
  const size = { params: countWeights(model), bytes: bytesOfFolder(folder) }
  output.print(figureTable({ [file]: figures }))
  output.print(
    `\n${count(texts.length)} texts, in rows of ${count(maxLength)} tokens, in ${seconds.toFixed(1)} s; ${count(size.params)} parameters, ${bytes(size.bytes)}`,
  )
  output.json({ ...figures, ...size, maxLength, seconds, seed })
}
