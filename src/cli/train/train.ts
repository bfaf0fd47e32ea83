// tinystill train: a classifier, a regression or a masked-word model from data files into a run folder.
import { randomScope } from '../../autograd/random.js'
import { checkKind } from '../../files/models/on-disk.js'
import { pretrainedFiles } from '../../files/models/pretrained.js'
import { type Started, startModel } from '../../files/models/start.js'
import { isPythons } from '../../nn/models/family.js'
import type { Pretrained } from '../../nn/models/pretrained.js'
import { freeze } from '../../nn/optim/groups.js'
import { keyOf } from '../../tensor/rng.js'
import { trainEmbeddings } from '../embed/train.js'
import type { CommandSpec, Context } from '../shared/command.js'
import { bytesOfFolder, figureTable } from '../shared/figures.js'
import { place } from '../shared/model-folder.js'
import { dataOptions, given, goesWith, noSettings, settleBackend } from '../shared/options.js'
import { RunFolder, type RunResult } from '../shared/run-folder.js'
import { skippedText } from '../shared/skipped.js'
import { count, duration } from '../shared/table.js'
import { tellTokens, textsOf } from '../shared/tokens.js'
import { watched } from '../shared/training-progress.js'
import { freezeRules } from './freeze.js'
import { type TrainOptions, trainOptions } from './options.js'
import { classifyTask, type TaskPlan } from './tasks.js'
import { wordTask, wordTasks } from './words.js'

/** Parameters and where they come from, in a line. */
function describe({ model, tokenizer, info }: Started, frozen: readonly string[]): string {
  const parts = [`${count(model.countParameters())} parameters, ${count(tokenizer.vocabSize)} tokens`]
  if (info === null) parts.push('a new model')
  else if (info.fresh.length > 0) parts.push(`new: ${info.fresh.join(', ')}`)
  if (info !== null && info.unused.length > 0) parts.push(`not used: ${info.unused.join(', ')}`)
  if (frozen.length > 0) parts.push(`${frozen.length} parameters frozen`)
  return parts.join('; ')
}

async function run(options: TrainOptions, context: Context): Promise<void> {
  const { output, progress } = context
  const { seed, out, train, dev, test } = options
  if (options.task === 'embed') return trainEmbeddings(options, context)
  goesWith(options, ['matryoshka'], '--task embed', false)
  settleBackend(output)
  const reading = dataOptions(options, output)
  const plan: TaskPlan =
    options.task === 'mlm' || options.task === 'lm'
      ? wordTask(options, reading, wordTasks[options.task])
      : classifyTask(options, reading)
  const started = randomScope(keyOf(seed, 'init'), () =>
    startModel(options.model, {
      ...plan.start,
      ...{ vocabSize: options.vocabSize, tokenizer: options.tokenizer },
    }),
  )
  const { model, info } = started
  checkKind(out, model)
  const frozen = options.freeze ? freeze(model, freezeRules(options.freeze)) : []
  for (const note of [...(plan.notes ?? []), ...(info?.notes ?? [])]) output.info(`note: ${note}`)
  output.info(describe(started, frozen))
  tellTokens(
    output,
    { ...started, folder: options.tokenizer ?? options.model },
    train,
    textsOf([...plan.start.texts], null),
  )
  const task = plan.prepare(started, progress)
  for (const line of [...task.data, ...task.notes]) output.info(line)
  const { steps } = options
  const length = steps === undefined ? { epochs: options.epochs ?? (info === null ? 5 : 3) } : { steps }
  const lr = options.lr ?? (info === null ? 5e-4 : 3e-5)
  const settings = { ...options, ...length, lr, maxLength: task.maxLength }
  const folder = new RunFolder(
    out,
    {
      ...{ command: 'train', seed, options: settingsOf(settings), data: given({ train, dev, test }) },
      models: given({ model: options.model, tokenizer: options.tokenizer }),
    },
    context,
    options,
  )
  if (folder.done) return folder.leave()
  try {
    const result = await task.fit({
      ...{ ...length, lr, seed, batchSize: options.batchSize, accumulate: options.accumulate },
      ...{ warmup: options.warmup, schedule: options.schedule, maxNorm: options.maxNorm, keep: options.keep },
      weightDecay: options.weightDecay,
      onNonfinite: options.onNonfinite,
      groups: { layerDecay: options.layerDecay, decayAll: options.decayAll },
      ...(options.evalEvery !== undefined && { evaluateEvery: options.evalEvery }),
      ...(options.patience !== undefined && { patience: options.patience }),
      ...watched(folder, context, { name: 'train', label: 'training', epochs: length.epochs }),
    })
    progress.finish(
      `trained for ${duration(folder.seconds)}, ${result.stopped === 'patience' ? 'ended early, ' : ''}kept the weights of epoch ${result.best.epoch}${skippedText(folder.skipped)}`,
    )
    const files = pretrainedFiles({ model, tokenizer: started.tokenizer, maxLength: task.maxLength })
    place(out, files, output, { run: true })
    const figures = await task.figures()
    progress.finish('')
    finish(folder, figures, task.report, model, options, context)
  } catch (error) {
    folder.fail(error)
    throw error
  }
}

/** What does not change the result is no setting. */
function settingsOf(options: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !noSettings.includes(name)))
}

function finish(
  folder: RunFolder,
  figures: RunResult['figures'],
  report: () => RunResult['report'],
  model: Pretrained,
  options: TrainOptions,
  { output }: Context,
): void {
  const size = { params: model.countParameters(), bytes: bytesOfFolder(options.out) }
  folder.finish({ figures, more: size, report: report() })
  if (Object.keys(figures).length > 0) output.print(figureTable(figures))
  output.print(
    `${options.out}: ${count(size.params)} parameters, report.html${isPythons(model.family) ? ", loads in Python's transformers" : ''}`,
  )
  const main = figures.test ?? figures.dev ?? {}
  output.json({ ...main, ...figures, ...size, seconds: folder.seconds, seed: options.seed, out: options.out })
}

export const trainCommand: CommandSpec<TrainOptions> = {
  name: 'train',
  describe: 'Train or fine-tune a model of the BERT family, or GPT-2, on a data file',
  options: trainOptions,
  run,
}
