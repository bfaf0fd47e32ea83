// The options of tinystill train, as they are given and as they are meant.
import { type Command, InvalidArgumentError, Option } from 'commander'
import { presetNames } from '../../nn/models/presets.js'
import { trainingSchedules } from '../../nn/optim/schedule.js'
import type { TaskType } from '../../train/tagging/tasks.js'
import { dimList } from '../embed/dims.js'
import type { CommonOptions } from '../shared/command.js'
import { labelsOption } from '../shared/labels-option.js'
import {
  addDataOptions,
  addPaceOptions,
  addQuestionOptions,
  addRunOptions,
  type DataFileOptions,
  nonfiniteOption,
  numberIn,
  type OnNonfinite,
  type PaceOptions,
  type RunCommandOptions,
  whole,
} from '../shared/options.js'

/** What each task on labels learns, of words before their tags are seen; null for the others. */
export const taskTypeOf = {
  classify: 'single_label_classification',
  'multi-label': 'multi_label_classification',
  regress: 'regression',
  token: 'tags',
  qa: 'spans',
  mlm: null,
  lm: null,
  embed: null,
} as const satisfies Record<string, TaskType | null>
export type Task = keyof typeof taskTypeOf

/** Tasks by the names that people may give them. */
const taskNames: Readonly<Record<string, Task>> = {
  ...{ classes: 'classify', 'multi-label': 'multi-label', regression: 'regress', mlm: 'mlm', lm: 'lm' },
  ...{ classify: 'classify', regress: 'regress', embed: 'embed' },
  ...{ token: 'token', 'token-classification': 'token', ner: 'token', pos: 'token' },
  ...{ qa: 'qa', 'question-answering': 'qa', squad: 'qa' },
}

function taskOf(name: string): Task {
  if (Object.hasOwn(taskNames, name)) return taskNames[name]
  throw new InvalidArgumentError(`Allowed choices are ${Object.keys(taskNames).join(', ')}.`)
}

export interface TrainOptions extends CommonOptions, RunCommandOptions, DataFileOptions, PaceOptions {
  model: string
  task: Task
  labels?: string[]
  train: string
  dev?: string
  test?: string
  out: string
  batchSize: number
  maxLength?: number
  accumulate: number
  warmup: number
  schedule: keyof typeof trainingSchedules
  weightDecay: number
  decayAll: boolean
  layerDecay: number
  maxNorm: number
  freeze?: string[]
  classWeights?: string
  labelSmoothing: number
  metric?: string
  evalEvery?: number
  patience?: number
  keep: 'best' | 'last'
  onNonfinite: OnNonfinite
  tokenizer?: string
  vocabSize: number
  maskRatio: number
  maskPower: number
  matryoshka?: number[]
}

const PACE = {
  ...{ epochs: 'default 3 from a folder, 5 for a new model', batchSize: '', warmup: '' },
  lr: 'default 3e-5 from a folder, 5e-4 for a new model',
}

export function trainOptions(command: Command): Command {
  command
    .requiredOption('--model <source>', `folder to go on from, config.json, or a preset: ${presetNames}`)
    .requiredOption(
      '--train <file>',
      'training data: .tsv, .csv, .jsonl, .json or .parquet; for mlm and lm also .txt; for token .conll, .bio, .tsv, .txt, .conllu or .jsonl; for qa .json as SQuAD has it, or .jsonl',
    )
    .requiredOption('--out <dir>', "the run's folder")
    .addOption(
      new Option(
        '--task <name>',
        'what is learnt: classes (one a text), multi-label (any number of classes a text), regression (numbers), mlm (masked words), lm (next words), embed (a vector a text, from pairs with scores or without), token (a tag a word: entities or parts of speech; ner, pos and token-classification mean the same), or qa (the words of a text that answer a question; squad and question-answering mean the same)',
      )
        .argParser(taskOf)
        .default('classify', 'classes'),
    )
    .addOption(
      labelsOption(
        'names of the classes or numbers in their order: a,b,c; default: those of the folder or of the training data',
      ),
    )
    .option('--dev <file>', 'judged after each epoch; decides which weights are kept')
    .option('--test <file>', 'judged once, at the end')
  addPaceOptions(command, PACE, { batchSize: 32, warmup: 0.1 })
    .option(
      '--max-length <n>',
      'tokens of a text; default 128, for qa of a window 384, or fewer where the model takes fewer',
      whole(2),
    )
    .option('--accumulate <n>', 'batches of a step', whole(1), 1)
    .addOption(
      new Option('--schedule <name>', 'of the learning rate')
        .choices(Object.keys(trainingSchedules))
        .default('linear'),
    )
    .option('--weight-decay <x>', 'of AdamW, not for biases and layer norms', numberIn(0, 10), 0.01)
    .option('--decay-all', 'weight decay for biases and layer norms too', false)
    .option('--layer-decay <x>', 'factor of the rate from a layer to the one below', numberIn(0.01, 1), 1)
    .option('--max-norm <x>', 'largest norm of the gradient', numberIn(1e-6, 1e9), 1)
    .option(
      '--freeze <what...>',
      "embeddings, a number of lower layers, all-but-head, or beginnings of parameters' names",
    )
    .option(
      '--class-weights <list>',
      'balanced, or a weight a class: 1,2.5; for multi-label what a yes counts',
    )
    .option('--label-smoothing <x>', 'share of the target for all classes', numberIn(0, 0.99), 0)
    .option(
      '--metric <name>',
      'which figure of --dev decides; default accuracy, for multi-label macroF1, for numbers spearman, for entities entityF1, for qa f1, for mlm and lm loss',
    )
    .option('--eval-every <n>', 'judges after so many batches too', whole(1))
    .option('--patience <n>', 'ends after so many judgements without a better one', whole(1))
    .addOption(
      new Option('--keep <which>', 'which weights are saved').choices(['best', 'last']).default('best'),
    )
    .addOption(nonfiniteOption())
    .option(
      '--tokenizer <dir>',
      'whose tokenizer a new model takes; default: a vocabulary made of the training texts',
    )
    .option('--vocab-size <n>', 'of that vocabulary', whole(100, 2 ** 20), 8192)
    .option('--mask-ratio <x>', 'mlm: share of words to guess', numberIn(0.01, 0.9), 0.15)
    .option('--mask-power <x>', 'mlm: words are drawn by count^x; 0: all alike', numberIn(-2, 0), -0.7)
    .addOption(
      new Option(
        '--matryoshka <list>',
        'embed: so many first numbers of a vector are to say what the whole does: 192,96',
      ).argParser(dimList),
    )
  return addRunOptions(addQuestionOptions(addDataOptions(command)))
}
