// The options of tinystill prune.
import { type Command, Option } from 'commander'
import { type BesideMethod, besideMethods } from '../../distill/plan/variants.js'
import type { PruneMethodName } from '../../nn/prune/methods.js'
import { type ScoreStart, scoreStarts } from '../../nn/prune/prepare.js'
import { type PruneScheduleName, pruneScheduleNames } from '../../nn/prune/schedule.js'
import { orderOption } from '../shared/labels-option.js'
import {
  addDataOptions,
  addPaceOptions,
  addRunOptions,
  answersOption,
  type DataFileOptions,
  nonfiniteOption,
  numberIn,
  type OnNonfinite,
  type PaceOptions,
  type RunCommandOptions,
  whole,
} from '../shared/options.js'
import { pruneMethods } from './methods.js'

export interface PruneOptions extends RunCommandOptions, DataFileOptions, PaceOptions {
  model: string
  out: string
  method: PruneMethodName
  sparsity?: number
  pattern?: string
  schedule?: PruneScheduleName
  begin?: number
  hold?: number
  rounds?: number
  scores?: ScoreStart
  scoreLr?: number
  threshold?: number
  penalty?: number
  train?: string
  dev?: string
  test?: string
  transfer?: string
  teacher?: string
  T?: number
  alpha?: number
  labels?: string[]
  maxLength?: number
  baseline: boolean
  beside?: BesideMethod[]
  seeds: number
  onNonfinite: OnNonfinite
  force: boolean
}

const PACE = {
  epochs: '3 at least, and some 300 steps; 0 prunes without training',
  lr: 'default 3e-5',
  batchSize: '; default 32',
  warmup: '; default 0.1',
}

export function pruneOptions(command: Command): Command {
  const ways = Object.values(pruneMethods)
  command
    .requiredOption('--model <dir>', 'folder of the model')
    .requiredOption('--out <dir>', 'folder for the pruned one')
    .addOption(
      new Option('--method <name>', ways.map(({ name, help }) => `${name}: ${help}`).join('; '))
        .choices(ways.map(({ name }) => name))
        .makeOptionMandatory(),
    )
    .option(
      '--sparsity <x>',
      "share of the weights in the layers' matrices that become 0: 0.9; of soft-movement the penalty decides",
      numberIn(0, 0.9999),
    )
    .option(
      '--pattern <p>',
      'weights that go together: blocks as 32x32 or 4x1, or 2:4, which leaves 2 of each 4 in a row; default single',
    )
    .option('--train <file>', 'labelled texts to train on meanwhile; without it the weights go at once')
    .option('--dev <file>', 'judged after each epoch; decides which weights are kept')
    .option('--test <file>', 'judged once, at the end')
    .option(
      '--teacher <dir>',
      'whose soft targets it learns from too: the model itself, or another of the same classes',
    )
    .option('--T <x>', 'temperature of the soft targets; default 2', numberIn(0.01, 1000))
    .option(
      '--alpha <x>',
      'weight of the soft targets, 1 - alpha that of the labels; default 0.5 with --teacher',
      numberIn(0, 1),
    )
    .option('--transfer <file>', 'more texts, without labels, for the teacher to label: also .txt')
    .addOption(
      new Option(
        '--schedule <name>',
        'how the zeros become more with the steps; default cubic; once: all before the first',
      ).choices(pruneScheduleNames),
    )
    .option('--begin <n>', 'steps, or below 1 their share, before it begins; default 0.1', numberIn(0, 1e9))
    .option('--hold <n>', 'the same in the end, with all of them; default 0.2', numberIn(0, 1e9))
    .option('--rounds <n>', 'of lottery: trainings before the last one; default 10', whole(1, 1000))
    .addOption(
      new Option(
        '--scores <how>',
        'what learned scores begin as: size, as the weights do, the default of movement; zero, as in its paper, for long trainings',
      ).choices(scoreStarts),
    )
    .option('--score-lr <x>', 'of movement: rate of the scores; default 0.01', numberIn(0, 10))
    .option('--penalty <x>', 'of soft-movement: weight of the mean score; default 400', numberIn(0, 1e9))
    .option(
      '--threshold <x>',
      'of soft-movement: sigmoid(score) at which a weight stays; default 0.1',
      numberIn(1e-6, 0.999999),
    )
    .addOption(orderOption())
  addPaceOptions(command, PACE, { leastEpochs: 0 })
    .option(
      '--max-length <n>',
      'tokens of a text; default 128, or fewer where the model takes fewer',
      whole(2),
    )
    .option('--baseline', 'trains the same without the teacher too', false)
    .addOption(
      new Option(
        '--beside <method...>',
        'prunes as much by these methods too, by the same schedule and teacher, for a verdict',
      ).choices(besideMethods),
    )
    .option('--seeds <n>', 'repeats all of it with so many seeds', whole(1, 100), 1)
    .addOption(nonfiniteOption())
    .addOption(answersOption())
    .option('--force', 'goes on in spite of what is found wrong', false)
  return addRunOptions(addDataOptions(command))
}
