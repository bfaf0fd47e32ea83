// The options of tinystill distill.
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type EmbedLoss, embedLosses, embedRecipes } from '../../distill/embedding/recipes.js'
import type { BesideMethod } from '../../distill/plan/variants.js'
import { languageRecipes, recipes } from '../../distill/recipes/index.js'
import { presetNames } from '../../nn/models/presets.js'
import { type PruneMethodName, pruneMethodNames } from '../../nn/prune/methods.js'
import type { ScoreStart } from '../../nn/prune/prepare.js'
import { type PruneScheduleName, pruneScheduleNames } from '../../nn/prune/schedule.js'
import { type SchemeName, schemeNames } from '../../nn/quantize-aware/schemes.js'
import { dimList } from '../embed/dims.js'
import type { CommonOptions } from '../shared/command.js'
import { orderOption } from '../shared/labels-option.js'
import {
  addDataOptions,
  addPaceOptions,
  addQuestionOptions,
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

/** How a student is pruned. */
export interface PruneFlags {
  prune?: PruneMethodName
  sparsity?: number
  prunePattern?: string
  pruneSchedule?: PruneScheduleName
  pruneBegin?: number
  pruneHold?: number
  /** Of lottery tickets. */
  pruneRounds?: number
  scores?: ScoreStart
  scoreLr?: number
  threshold?: number
  penalty?: number
}

export interface DistillOptions
  extends CommonOptions,
    RunCommandOptions,
    DataFileOptions,
    PaceOptions,
    PruneFlags {
  recipe: string
  teacher: string[]
  generalTeacher?: string
  student?: string
  tokenizer?: string
  fromLayers?: number[]
  embeddings: 'teacher' | 'new'
  labels?: string[]
  train: string
  transfer?: string
  text?: string
  augment?: number
  dev?: string
  test?: string
  out: string
  config?: string
  T?: number
  alpha?: number
  quantizeAware?: SchemeName
  /** Of tinystill prune: methods that are compared. */
  beside?: readonly BesideMethod[]
  maxLength?: number
  baseline: boolean
  ablate: boolean
  seeds: number
  onNonfinite: OnNonfinite
  quick: boolean
  force: boolean
  /** Of sentence embeddings. */
  task?: 'embed'
  loss?: EmbedLoss
  matryoshka?: number[]
  dim?: number
}

const OWN = "default: the recipe's, stage by stage"
const PACE = { epochs: OWN, lr: OWN, batchSize: `; ${OWN}`, warmup: `; ${OWN}` }

function layerList(text: string): number[] {
  if (!/^\d+(,\d+)*$/.test(text)) throw new InvalidArgumentError('It must be layers from 0 on: 0,2,4.')
  return text.split(',').map(Number)
}

export function distillOptions(command: Command): Command {
  const all = [...recipes, ...languageRecipes, ...embedRecipes]
  const names = all.map((r) => r.name)
  command
    .addOption(
      new Option('--recipe <name>', all.map((r) => `${r.name}: ${r.describe}`).join('; '))
        .choices(names)
        .makeOptionMandatory(),
    )
    .requiredOption(
      '--teacher <dir...>',
      'folder of a fine-tuned teacher, or of a cache that tinystill label wrote; multi-teacher takes several',
    )
    .option(
      '--general-teacher <dir>',
      'folder of a pretrained model that teaches on plain text before the task; for distilbert one that guesses masked words',
    )
    .option('--student <source>', `folder, config.json, or a preset: ${presetNames}`)
    .addOption(
      new Option(
        '--from-layers <list>',
        'student of these layers of the teacher, and its embeddings and head: 0,2,4',
      )
        .argParser(layerList)
        .conflicts('student'),
    )
    .addOption(
      new Option(
        '--tokenizer <dir>',
        "whose tokenizer a new student takes; default: the teacher's, which a cache does not hold",
      ).conflicts('fromLayers'),
    )
    .addOption(
      new Option(
        '--embeddings <which>',
        "words of a new student: the teacher's in the directions in which they vary most, or new ones",
      )
        .choices(['teacher', 'new'])
        .default('teacher'),
    )
    .requiredOption('--train <file>', 'labelled texts: .tsv, .csv, .jsonl, .json or .parquet')
    .addOption(orderOption())
    .option('--transfer <file>', 'more texts, without labels, for the teacher to label: also .txt')
    .option(
      '--text <file>',
      'plain text for recipes that begin with it; default: the texts of --transfer, which then teach nothing else',
    )
    .option(
      '--augment <n>',
      'texts made of those of --train for the teacher to answer: words left out or replaced, halves joined; default for a new student: up to 20,000 rows with those; 0 for none',
      whole(0, 1e7),
    )
    .option('--dev <file>', 'judged after each epoch; decides which weights are kept')
    .option('--test <file>', 'judged once, at the end')
    .requiredOption('--out <dir>', "the run's folder")
    .option(
      '--config <file>',
      'JSON or YAML that changes the plan: { epochs, lr, stages: { NAME: { losses } } }',
    )
    .option('--T <x>', "temperature; default: the recipe's", numberIn(0.01, 1000))
    .option('--alpha <x>', 'weight of the soft targets, 1 - alpha that of the labels', numberIn(0, 1))
    .addOption(
      new Option(
        '--quantize-aware [scheme]',
        "trains with the student's weights and inputs on grids; without a name int8, tinystill's own",
      )
        .choices(schemeNames)
        .preset('int8'),
    )
    .addOption(
      new Option(
        '--prune <method>',
        'makes most weights of the student 0 while it is trained; more of it in --config',
      ).choices(pruneMethodNames),
    )
    .option('--sparsity <x>', 'with --prune: the share of weights that become 0', numberIn(0, 0.9999))
    .option('--prune-pattern <p>', 'with --prune: blocks as 32x32, or n of m as 2:4; default single weights')
    .addOption(
      new Option('--prune-schedule <name>', 'with --prune: how they become more; default cubic').choices(
        pruneScheduleNames,
      ),
    )
  addPaceOptions(command, PACE)
    .option('--max-length <n>', 'tokens of a text; default 128, or fewer where a model takes fewer', whole(2))
    .option(
      '--baseline',
      'trains the same student without the teacher too; of embed recipes by pairs alone, where there are some, and judges words alone',
      false,
    )
    .option('--ablate', 'trains it without each of the losses too', false)
    .option(
      '--seeds <n>',
      'repeats all of it with so many seeds, from --seed on; --out is the first',
      whole(1, 100),
      1,
    )
    .addOption(nonfiniteOption())
    .addOption(answersOption())
    .option('--quick', 'one epoch on a small part of the data, to see that all works', false)
    .option('--force', 'goes on in spite of what is found wrong', false)
    .addOption(
      new Option('--task <name>', 'embed: refuses a recipe that does not learn sentence embeddings').choices([
        'embed',
      ]),
    )
    .addOption(
      new Option(
        '--loss <name>',
        "of embed recipes: between the student's vectors and the teacher's; default: the recipe's",
      ).choices(embedLosses),
    )
    .addOption(
      new Option(
        '--matryoshka <list>',
        'of embed recipes: so many first numbers of a vector are to say what the whole does: 192,96',
      ).argParser(dimList),
    )
    .option('--dim <k>', 'of embed-pca: numbers of a vector', whole(1, 65_536))
  return addRunOptions(addQuestionOptions(addDataOptions(command)))
}
