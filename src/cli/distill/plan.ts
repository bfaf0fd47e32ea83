// The plan of a distillation: the recipe's, with what options and a settings file change in it.
import { partConfig, withConfig, withFit } from '../../distill/plan/config.js'
import { type Plan, type StagePlan, withTask } from '../../distill/plan/plan.js'
import { roundsOf, withPruning } from '../../distill/plan/pruned.js'
import { type StagePruning, stagePruning } from '../../distill/plan/pruning.js'
import { stageQuantization } from '../../distill/plan/quantization.js'
import type { Given } from '../../distill/plan/settings.js'
import type { Recipe } from '../../distill/recipes/recipe.js'
import { ArgumentError } from '../../errors.js'
import { readSettings } from '../../files/settings-file.js'
import { pruneMethods } from '../../nn/prune/methods.js'
import { everyTask, type TaskType } from '../../train/tagging/tasks.js'
import { flagOf } from '../shared/options.js'
import { countRows, type Texts } from './data.js'
import type { DistillOptions, PruneFlags } from './options.js'
import type { StudentSource } from './students.js'

/** Flags that change how stages are trained, as --config names them. */
const fitFlags = ['epochs', 'steps', 'lr', 'batchSize', 'warmup'] as const

const given = (options: DistillOptions) => {
  const names = fitFlags.filter((name) => options[name] !== undefined)
  return Object.fromEntries(names.map((name) => [name, options[name]]))
}

/** What those flags change, for people; null where there are none. */
export function flagsLine(
  options: DistillOptions,
  { stages }: Plan,
  { sameAlone = false }: Pick<Recipe, 'sameAlone'>,
): string | null {
  const own = Object.entries(given(options)).map(([name, value]) => `${flagOf(name)} ${value}`)
  if (own.length === 0) return null
  const names = stages.map(({ name }) => name)
  const where = names.length === 1 ? `the stage ${names[0]}` : `each of the stages ${names.join(', ')}`
  const lone = !options.baseline
    ? ''
    : sameAlone
      ? '; for the lone student too'
      : `; the lone student keeps its own schedule${options.batchSize === undefined ? '' : ', but for the batches'}`
  return `${own.join(', ')}: for ${where}${lone}`
}

/**
 * The plan with --epochs, --steps, --lr, --batch-size and --warmup for all stages of the recipe. The lone student's own
 * schedule is not of the recipe: of these only the size of batches is its too, but where the recipe trains it as the others.
 */
function withFlags(plan: Plan, options: DistillOptions, { sameAlone = false }: Recipe): Plan {
  const { batchSize } = options
  const alone = sameAlone ? given(options) : batchSize === undefined ? {} : { batchSize }
  const change = (flags: Given) => (stage: StagePlan) => ({
    ...stage,
    fit: withFit(stage.fit, flags, { file: 'options' }),
  })
  return {
    ...plan,
    stages: plan.stages.map(change(given(options))),
    baseline: change(alone)(plan.baseline),
  }
}

/** The plan with --quantize-aware in all its stages, and for the lone student: what differs is what they learn from. */
function quantized(plan: Plan, { quantizeAware }: DistillOptions): Plan {
  if (quantizeAware === undefined) return plan
  const own = plan.stages.find(({ quantize }) => quantize !== null)
  if (own !== undefined)
    throw new RangeError(
      `--quantize-aware: the recipe ${plan.recipe} quantizes by a scheme of its own, ${own.quantize?.scheme}`,
    )
  const change = (stage: StagePlan) => ({ ...stage, quantize: stageQuantization(quantizeAware) })
  return { ...plan, stages: plan.stages.map(change), baseline: change(plan.baseline) }
}

/** What --prune and the options beside it ask for. Throws RangeError. */
export function pruningAsked({ prune, sparsity, ...options }: PruneFlags): StagePruning | null {
  const { prunePattern, pruneSchedule, pruneBegin, pruneHold, scores, scoreLr, threshold, penalty } = options
  const own = { pattern: prunePattern, schedule: pruneSchedule, begin: pruneBegin, hold: pruneHold }
  const asked = Object.entries({ ...own, sparsity, scores, scoreLr, threshold, penalty }).filter(
    ([, value]) => value !== undefined,
  )
  if (prune !== undefined) {
    const runs = prunePattern?.includes(':') === true
    if (sparsity === undefined && pruneMethods[prune].keeps !== 'above' && !runs)
      throw new RangeError(`--sparsity: ${prune} needs the share of weights that become 0, as 0.9`)
    try {
      return stagePruning(prune, Object.fromEntries(asked))
    } catch (error) {
      // A pattern is a text of any kind, and here a value of an option.
      throw error instanceof ArgumentError ? new RangeError(error.message) : error
    }
  }
  if (asked.length > 0) throw new RangeError(`--${asked[0][0]} goes with --prune METHOD`)
  return null
}

/** The plan with --prune. */
function pruned(plan: Plan, options: DistillOptions): Plan {
  const pruning = pruningAsked(options)
  if (pruning === null) return plan
  const grid = plan.stages.find(({ quantize }) => quantize !== null)
  if (grid !== undefined)
    throw new RangeError(
      `--prune: the stage ${grid.name} quantizes its student; prune first, and quantize what comes of it`,
    )
  if (roundsOf(pruning) > 0 && options.baseline)
    throw new RangeError(
      `--baseline: ${pruning.method} is a row of trainings; run it without the teacher on its own, tinystill prune`,
    )
  return withPruning(plan, pruning, options.pruneRounds)
}

/** Throws RangeError for what gives a share to all classes: where those are a row's tokens, padding is among them. */
function refuseOverTokens({ stages, baseline }: Plan): void {
  for (const { name, losses } of [...stages, baseline])
    for (const [loss, { options }] of Object.entries(losses)) {
      const what = loss === 'dkpp' ? 'its permuted answers' : options.labelSmoothing ? 'labelSmoothing' : null
      if (what !== null)
        throw new RangeError(
          `the stage ${name}: ${what} would be of padding too, where answers in texts are learnt`,
        )
    }
}

/** Options go before the file's settings of the recipe, and how stages are trained is theirs to say last. */
export function planFor(
  recipe: Recipe,
  options: DistillOptions,
  source: StudentSource,
  texts: Texts,
  problemType: TaskType,
): Plan {
  const { config: file, text, quick } = options
  const given = file === undefined ? {} : readSettings(file)
  const { options: own, rest } = partConfig(file ?? 'options', given, recipe.settings)
  const flags = (['T', 'alpha'] as const).filter((name) => options[name] !== undefined)
  const unknown = flags.find((name) => !Object.hasOwn(recipe.settings, name))
  if (unknown !== undefined) throw new RangeError(`--${unknown}: the recipe ${recipe.name} has no ${unknown}`)
  const settings = { ...own, ...Object.fromEntries(flags.map((name) => [name, options[name]])) }
  const occasion = {
    ...{ pretrained: source.pretrained, ...countRows(texts) },
    ...{ transfer: texts.transfer !== null || texts.varied !== null },
    ...{ text: texts.text !== null, general: options.generalTeacher !== undefined },
    ...(problemType === 'single_label_classification' && { classes: texts.train.labelNames.length }),
  }
  const planned = recipe.plan(settings, occasion, file ?? 'options')
  const drawn = pruned(quantized(planned, options), options)
  const common = withConfig(drawn, file ?? 'options', rest)
  const plan = withTask(common, everyTask[problemType].labels)
  if (problemType === 'spans') refuseOverTokens(plan)
  if (text !== undefined && !plan.stages.some((stage) => stage.data === 'text'))
    throw new RangeError(
      `--text: the recipe ${recipe.name} has no stage that learns from plain text${recipe.name === 'distilbert' ? ' without --general-teacher' : ''}`,
    )
  if (problemType !== 'single_label_classification' && plan.ensemble.length > 0)
    throw new RangeError(
      `the recipe ${recipe.name} judges its models together, which is for one class a text, not for ${everyTask[problemType].name}`,
    )
  if (!quick) return withFlags(plan, options, recipe)
  const short = (stage: StagePlan) => ({ ...stage, fit: { ...stage.fit, epochs: 1, steps: null } })
  return withFlags(
    { ...plan, stages: plan.stages.map(short), baseline: short(plan.baseline) },
    options,
    recipe,
  )
}
