// The plan of a distillation: the recipe's, with what options and a settings file change in it.
import { partConfig, withConfig } from '../../distill/plan/config.js'
import { type Plan, withTask } from '../../distill/plan/plan.js'
import type { Recipe } from '../../distill/recipes/recipe.js'
import { readSettings } from '../../files/settings-file.js'
import type { ProblemType } from '../../nn/models/config.js'
import { tasks } from '../../train/tasks.js'
import { countRows, type Texts } from './data.js'
import type { DistillOptions } from './options.js'
import type { StudentSource } from './students.js'

/** Options go before the file's settings of the recipe; what the file says of stages is the last word. */
export function planFor(
  recipe: Recipe,
  options: DistillOptions,
  source: StudentSource,
  texts: Texts,
  problemType: ProblemType,
): Plan {
  const { config: file, quick } = options
  const given = file === undefined ? {} : readSettings(file)
  const { options: own, rest } = partConfig(file ?? 'options', given, recipe.settings)
  const flags = (['T', 'alpha'] as const).filter((name) => options[name] !== undefined)
  const unknown = flags.find((name) => !Object.hasOwn(recipe.settings, name))
  if (unknown !== undefined) throw new RangeError(`--${unknown}: the recipe ${recipe.name} has no ${unknown}`)
  const settings = { ...own, ...Object.fromEntries(flags.map((name) => [name, options[name]])) }
  const occasion = {
    ...{ transfer: texts.transfer !== null, pretrained: source.pretrained, ...countRows(texts) },
    general: options.generalTeacher !== undefined,
  }
  const common = withConfig(recipe.plan(settings, occasion, file ?? 'options'), file ?? 'options', rest)
  const plan = withTask(common, tasks[problemType].labels)
  if (problemType !== 'single_label_classification' && plan.ensemble.length > 0)
    throw new RangeError(
      `the recipe ${recipe.name} judges its models together, which is for one class a text, not for ${tasks[problemType].name}`,
    )
  if (!quick) return plan
  const short = <S extends Plan['baseline']>(stage: S): S => ({ ...stage, fit: { ...stage.fit, epochs: 1 } })
  return { ...plan, stages: plan.stages.map(short), baseline: short(plan.baseline) }
}
