// tinystill eval of a sentence encoder: agreement with scored pairs, partners found, a teacher's neighbours found again.
import { countWeights } from '../../nn/quantized/quantize.js'
import { textData } from '../../text/dataset.js'
import { embed } from '../../train/embedding/vectors.js'
import type { CommonOptions, Context } from '../shared/command.js'
import { bytesOfFolder, figureTable } from '../shared/figures.js'
import { type DataFileOptions, dataOptions } from '../shared/options.js'
import { measureSpeeds, type Speed, shownSpeed } from '../shared/speed.js'
import { bytes, count } from '../shared/table.js'
import { judgePairs, neighbourTexts, openEmbedder, readPairs } from './data.js'

export interface EvalVectorsOptions extends DataFileOptions {
  model: string
  data: string
  teacher?: string
  maxLength?: number
  batchSize: number
}

export async function evalVectors(
  options: EvalVectorsOptions & CommonOptions,
  context: Context,
): Promise<void> {
  const { output, progress, now } = context
  const { model: folder, data: file, teacher: other, maxLength, batchSize, seed } = options
  const own = openEmbedder(folder, maxLength, output)
  const set = readPairs(file, dataOptions(options, output))
  if (set.pairs === null && other === undefined)
    throw new RangeError(
      `${file} holds single texts: --teacher names the model whose neighbours are to be found again`,
    )
  const theirs = other === undefined ? null : openEmbedder(other, maxLength, output)
  progress.start('evaluating', set.texts.length)
  const began = now()
  const vectors = theirs && (await embed(theirs, neighbourTexts(set), { batchSize }))
  const figures = await judgePairs(own, set, vectors, (done) => progress.update(done, {}))
  const seconds = (now() - began) / 1000
  progress.finish('')
  const few = (n: number) => textData(set.texts.slice(0, n), null, own.tokenizer, own.maxLength)
  const timed = { model: own.model, few, batchSize }
  const speed = (await measureSpeeds(new Map([[folder, timed]]), context)).get(folder) as Speed
  const size = { params: countWeights(own.model), bytes: bytesOfFolder(folder), size: own.model.size }
  output.print(figureTable({ [file]: figures }))
  output.print(
    `\n${count(set.texts.length)} rows in ${seconds.toFixed(1)} s; ${count(speed.examplesPerSecond)} \u00b1 ${count(speed.examplesSpread)} texts a second in batches of ${batchSize}; one alone ${shownSpeed(speed)} ms; ${count(size.params)} parameters, ${bytes(size.bytes)}, vectors of ${size.size} numbers`,
  )
  output.json({ ...figures, ...size, ...speed, seconds, seed })
}
