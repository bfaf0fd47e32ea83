// minilm and minilm2: the last layer's attention alone teaches, by probabilities and relations between values (version 1), or by
// relations among queries, keys and values in heads of their own (version 2); then the task by soft targets. Widths and depths
// need not fit; version 1 needs equal heads. On plain text where there is some, else on the labelled rows.
// Wang et al. 2020 and 2021. A teacher assistant is a run of its own: its student is the next run's teacher.
import { type FitSettings, type LossPlan, type Plan, stageOf } from '../plan/plan.js'
import { type Settings, type Values, wholeOrNone } from '../plan/settings.js'
import { defineRecipe, type Occasion, plainText, taskData } from './recipe.js'
import { aloneStage, paceFor, softAndHard, softSettings } from './soft-labels.js'

const shared = {
  ...softSettings(2),
  /** From 0; left out: the last. Large models of 24 layers: 20 for BERT, 18 for RoBERTa. */
  teacherLayer: wholeOrNone(0, 1000),
}

function planOf(
  recipe: string,
  losses: Readonly<Record<string, LossPlan>>,
  fit: Partial<FitSettings>,
  soft: Values<typeof shared>,
  occasion: Occasion,
): Plan {
  const { text, task: left } = plainText(occasion)
  const relations = stageOf({
    ...{ name: 'relations', losses, teacher: 'general', data: text ? 'text' : 'labelled' },
    // The papers count steps, 400,000 of them; here epochs.
    fit: { epochs: 10, warmup: 0.01, keep: 'last', ...fit },
  })
  const seen = { ...left, pretrained: true }
  const task = stageOf({
    ...{ name: 'task', start: 'relations', data: taskData(seen) },
    ...{ losses: softAndHard(soft, seen, 0.5), fit: paceFor(seen) },
  })
  return {
    recipe,
    teachers: { of: 'probabilities', weights: 'equal' },
    ...{ stages: [relations, task], ensemble: [], baseline: aloneStage(occasion) },
  }
}

const common = { teachers: 'one', student: 'given' } as const

export const minilmRecipe = defineRecipe({
  ...{ ...common, name: 'minilm', settings: shared satisfies Settings },
  describe: "The last layer's attention and relations between values, then the task",
  source: 'Wang et al. 2020 (arXiv 2002.10957)',
  plan: (soft, occasion) => {
    const { teacherLayer } = soft
    const losses = {
      attentionProbs: { weight: 1, options: { teacherLayer } },
      relation: { weight: 1, options: { of: 'v', teacherLayer } },
    }
    return planOf('minilm', losses, { lr: 5e-4 }, soft, occasion)
  },
})

export const minilm2Recipe = defineRecipe({
  ...{ ...common, name: 'minilm2' },
  describe: 'Relations among queries, keys and values of one layer, then the task',
  source: 'Wang et al. 2021 (arXiv 2012.15828)',
  settings: {
    ...shared,
    /** Relation heads, which must divide both widths; left out: the student's heads. The paper: 48 for base models. */
    relationHeads: wholeOrNone(1, 4096),
  },
  plan: ({ relationHeads: heads, ...soft }, occasion) => {
    const { teacherLayer } = soft
    const losses = { relation: { weight: 1, options: { of: 'qkv', heads, teacherLayer } } }
    return planOf('minilm2', losses, { lr: 6e-4, eps: 1e-6 }, soft, occasion)
  },
})
