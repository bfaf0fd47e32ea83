// tinybert and tinybert-code: first the layers, by hidden states and attention, then the prediction; before both, where there is
// plain text, the layers on that. Jiao et al. 2020; the official code differs from its paper, so there are two recipes:
//
//                 tinybert (paper)                    tinybert-code
// projection      embeddings apart, no bias           one for all, with a bias
// padding         does not count                      counts in every mean, to 128 tokens (padTo)
// prediction      CE / rows                           CE / (rows classes)
// optimizer       AdamW                               no bias correction, each gradient clipped by itself
// random weights  begin at ten times the rate;        as trained ones
//                 without plain text no attention
//
// Not taken over from the code: the teacher's dropout, which it leaves on (--config: stages: { intermediate: { teacherDropout:
// true } }); relu on the pooler's output; a last batch left out when it is not full.
import { type FitSettings, type LossPlan, type Plan, stageOf } from '../plan/plan.js'
import { flag, numberFrom, type Values } from '../plan/settings.js'
import { defineRecipe, type Occasion, plainText, taskData } from './recipe.js'
import { aloneStage, paceFor } from './soft-labels.js'

/** The attention's weight, and the rates of both stages. */
interface Pace {
  attention: number
  layers: number
  prediction: number
}

const usual: Pace = { attention: 1, layers: 5e-5, prediction: 3e-5 }

interface Preset {
  name: string
  layers: Readonly<Record<string, LossPlan>>
  soft: LossPlan['options']
  fit: Partial<FitSettings>
  padTo: number | null
  /** Of a student of random weights that learns from the task's rows alone. */
  raw: Pace
}

const paper: Preset = {
  name: 'tinybert',
  layers: {
    hidden: { weight: 1, options: { projection: 'embeddings-apart', bias: false } },
    attention: { weight: 1, options: {} },
  },
  soft: { form: 'ce', tSquared: false },
  fit: {},
  padTo: null,
  // Without plain text first, attention costs a new student 10 points on WordNet (3,500 rows, 3 seeds) and 15 on TREC (1,000 rows),
  // and gains none on SST-2. A smaller weight cures nothing, 0.01 costs as much as 1: queries and keys learn from little else,
  // and Adam takes steps of one size from gradients of any. docs/results/tinybert.md tells what it costs.
  raw: { attention: 0, layers: 5e-4, prediction: 3e-4 },
}

const code: Preset = {
  name: 'tinybert-code',
  layers: {
    hidden: { weight: 1, options: { projection: 'shared', bias: true, padding: true } },
    attention: { weight: 1, options: { padding: true } },
  },
  soft: { form: 'ce', tSquared: false, reduction: 'mean-elements' },
  fit: { eps: 1e-6, biasCorrection: false, clip: 'each' },
  // Its max_seq_length. With a fifth of that the attention, a mean over squares, weighs five times as much beside hidden states.
  padTo: 128,
  raw: usual,
}

const settings = {
  T: numberFrom(0.01, 1000, 1),
  /** Whether plain text, where there is some, comes first. */
  general: flag(true),
}

function planOf(preset: Preset, { T, general }: Values<typeof settings>, occasion: Occasion): Plan {
  const { name, layers, soft, fit, padTo, raw } = preset
  const { text, task } = plainText(occasion)
  const first = general && text
  const data = taskData(task)
  const pace = first || occasion.pretrained ? usual : raw
  // The layers' losses say nothing of classes: the last epoch is kept, not the one that guesses best.
  const alone = { ...fit, keep: 'last' as const }
  const generalStage = stageOf({
    ...{ name: 'general', data: 'text', teacher: 'general', losses: layers, padTo },
    ...{ layerMap: 'uniform', fit: { ...alone, lr: (occasion.pretrained ? usual : raw).layers, epochs: 3 } },
  })
  const intermediate = stageOf({
    ...{
      ...{ name: 'intermediate', data, padTo, layerMap: 'uniform', start: first ? 'general' : 0 },
      losses: { ...layers, attention: { ...layers.attention, weight: pace.attention } },
    },
    fit: { ...alone, lr: pace.layers, epochs: 10, schedule: 'constant', warmup: 0 },
  })
  // The paper's 3 epochs, where the rows are as many as the paper's.
  const { epochs } = paceFor({ ...task, pretrained: first || occasion.pretrained })
  const prediction = stageOf({
    ...{ name: 'prediction', data, start: 'intermediate' },
    losses: { soft: { weight: 1, options: { T, ...soft } } },
    fit: { ...fit, lr: pace.prediction, epochs },
  })
  return {
    recipe: name,
    teachers: { of: 'probabilities', weights: 'equal' },
    stages: [...(first ? [generalStage] : []), intermediate, prediction],
    ...{ ensemble: [], baseline: aloneStage(occasion) },
  }
}

const recipeOf = (preset: Preset, describe: string, source: string) =>
  defineRecipe({
    ...{ name: preset.name, describe, source, teachers: 'one', student: 'given', settings },
    plan: (own, occasion) => planOf(preset, own, occasion),
  })

export const tinybertRecipe = recipeOf(
  paper,
  'Hidden states and attention first, then soft targets',
  'Jiao et al. 2020 (arXiv 1909.10351)',
)

export const tinybertCodeRecipe = recipeOf(
  code,
  "tinybert as its authors' code computes it",
  "Jiao et al. 2020 (arXiv 1909.10351), the official code's settings",
)
