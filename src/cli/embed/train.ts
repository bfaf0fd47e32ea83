// tinystill train --task embed: a sentence encoder learns from pairs of texts, scored by people or only known to belong together.
import { randomScope } from '../../autograd/random.js'
import { learnPairs } from '../../distill/embedding/learn-pairs.js'
import { DataError } from '../../errors.js'
import { isFolder } from '../../files/disk.js'
import { checkKind } from '../../files/models/on-disk.js'
import { startModel } from '../../files/models/start.js'
import {
  loadSentenceEncoder,
  type SentenceFolder,
  sentenceFiles,
} from '../../files/sentence/sentence-folder.js'
import { Normalize, SentenceEncoder } from '../../nn/models/sentence.js'
import type { Transformer } from '../../nn/models/transformer.js'
import { freeze } from '../../nn/optim/groups.js'
import { keyOf } from '../../tensor/rng.js'
import { textData } from '../../text/dataset.js'
import type { Embedder } from '../../train/embedding/vectors.js'
import type { Figures } from '../../train/reports.js'
import type { Context } from '../shared/command.js'
import { bytesOfFolder, figureTable } from '../shared/figures.js'
import { place } from '../shared/model-folder.js'
import { dataOptions, given, settleBackend } from '../shared/options.js'
import { RunFolder } from '../shared/run-folder.js'
import { bytes, count, duration } from '../shared/table.js'
import { watched } from '../shared/training-progress.js'
import { freezeRules } from '../train/freeze.js'
import type { TrainOptions } from '../train/options.js'
import { embedLength, judgePairs, type PairSet, readPairs } from './data.js'

type Start = Pick<SentenceFolder, 'model' | 'tokenizer' | 'prompts' | 'usualLength' | 'notes'>

/** A folder's encoder, or a new one with the mean of its words at length 1. */
function startOf(
  { model: source, seed, vocabSize, tokenizer }: TrainOptions,
  texts: readonly string[],
): Start {
  if (isFolder(source)) return loadSentenceEncoder(source)
  const started = randomScope(keyOf(seed, 'init'), () =>
    startModel(source, { as: 'base', labels: ['embedding'], texts, vocabSize, tokenizer }),
  )
  const base = started.model as Transformer
  const model = new SentenceEncoder(base, { pooling: 'mean', steps: [new Normalize()] })
  const usualLength = base.config.maxLength
  return {
    model,
    tokenizer: started.tokenizer,
    usualLength,
    prompts: { named: new Map(), usual: null },
    notes: [],
  }
}

export async function trainEmbeddings(options: TrainOptions, context: Context): Promise<void> {
  const { output } = context
  settleBackend(output)
  const reading = dataOptions(options, output)
  const set = readPairs(options.train, reading)
  const { pairs, scores } = set
  if (pairs === null)
    throw new DataError(
      options.train,
      'has no second texts: embeddings are learnt from pairs, with scores or without',
      'From plain text a teacher teaches: tinystill distill --recipe embed-layers',
    )
  const held = (file: string | undefined) => (file === undefined ? null : readPairs(file, reading))
  const sets = { dev: held(options.dev), test: held(options.test) }
  const started = startOf(options, [...set.texts, ...pairs])
  const { model, tokenizer } = started
  for (const note of started.notes) output.info(`note: ${note}`)
  checkKind(options.out, model)
  if (options.freeze) freeze(model, freezeRules(options.freeze))
  const maxLength = Math.min(options.maxLength ?? embedLength(started), model.config.maxLength)
  const own: Embedder = { model, tokenizer, maxLength }
  const rule =
    scores === null
      ? 'which second text belongs to a first, of all in the batch'
      : "the score, by the two vectors' cosine"
  output.info(
    `${count(set.texts.length)} pairs; learnt is ${rule}; ${count(model.countParameters())} parameters, vectors of ${model.size} numbers`,
  )
  const length =
    options.steps === undefined
      ? { epochs: options.epochs ?? (isFolder(options.model) ? 1 : 5) }
      : { steps: options.steps }
  const lr = options.lr ?? (isFolder(options.model) ? 2e-5 : 5e-4)
  const run = new RunFolder(
    options.out,
    {
      ...{ command: 'train', seed: options.seed, options: { ...options, ...length, lr, maxLength } },
      data: given({ train: options.train, dev: options.dev, test: options.test }),
      models: given({ model: options.model, tokenizer: options.tokenizer }),
    },
    context,
    options,
  )
  if (run.done) return run.leave()
  try {
    const [a, b] = [set.texts, pairs].map((texts) => textData(texts, null, tokenizer, maxLength))
    const rules = { scores, matryoshka: options.matryoshka ?? [] }
    const result = await learnPairs(model, { a, b }, rules, {
      ...{ ...length, lr, seed: options.seed, batchSize: options.batchSize, accumulate: options.accumulate },
      ...{ warmup: options.warmup, schedule: options.schedule, maxNorm: options.maxNorm, keep: options.keep },
      ...{ weightDecay: options.weightDecay, onNonfinite: options.onNonfinite },
      groups: { layerDecay: options.layerDecay, decayAll: options.decayAll },
      ...(options.evalEvery !== undefined && { evaluateEvery: options.evalEvery }),
      ...(options.patience !== undefined && { patience: options.patience }),
      ...(options.metric !== undefined && { metric: options.metric }),
      ...(sets.dev && { evaluate: () => judgePairs(own, sets.dev as PairSet, null) }),
      ...watched(run, context, { name: 'train', label: 'training' }),
    })
    context.progress.finish(`trained for ${duration(run.seconds)}, ${count(result.steps)} steps`)
    place(options.out, sentenceFiles({ ...own, prompts: started.prompts }), output, { run: true })
    const figures: Record<string, Figures> = {}
    for (const [use, held] of Object.entries(sets))
      if (held !== null) figures[use] = await judgePairs(own, held, null)
    const size = { params: model.countParameters(), bytes: bytesOfFolder(options.out), size: model.size }
    run.finish({
      figures,
      more: size,
      report: { title: options.out, intro: 'A sentence encoder, learnt from pairs.' },
    })
    if (Object.keys(figures).length > 0) output.print(figureTable(figures))
    output.print(
      `${options.out}: ${count(size.params)} parameters, ${bytes(size.bytes)}, vectors of ${size.size} numbers; sentence-transformers loads it`,
    )
    output.json({
      ...(figures.test ?? figures.dev),
      ...figures,
      ...size,
      seconds: run.seconds,
      seed: options.seed,
      out: options.out,
    })
  } catch (error) {
    run.fail(error)
    throw error
  }
}
