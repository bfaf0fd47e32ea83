// bilstm and bilstm-code: what a transformer knows into an LSTM that reads texts in both directions. Tang et al. 2019, sections 3
// and 4. The released code (castorini/d-bert, dbert/distill/run/distill_birnn.py) differs from the paper, so there are two recipes:
//
//              bilstm (paper)                         bilstm-code
// loss         alpha MSE + (1 - alpha) CE, alpha 1    MSE + CE, as its confs/base.json has both at 1
// pace         ours; the paper's by paper: true       the paper's
// gradients    norm 1                                 norm 30,000, which is none
//
// Not taken over from the code: the rate 5e-4 of its confs/birnn_sst2*.json, a rate of Adam's size at which Adadelta takes steps a
// two thousandth of its own; the clipping of all but the word vectors.
import { type FitSettings, type LossPlan, type Plan, stageOf } from '../plan/plan.js'
import { flag, numberFrom } from '../plan/settings.js'
import { defineRecipe, type Occasion, taskData } from './recipe.js'
import { aloneStage, besideLabels, paceFor } from './soft-labels.js'

/** Of layers that are drawn: twice what a new transformer takes. */
const LR = 1e-3

/** Section 4.2, and of the lone student too: Adadelta at its own rate, the epoch that is best on dev. */
const paperPace: Partial<FitSettings> = {
  ...{ optimizer: 'adadelta', lr: 1, rho: 0.95, weightDecay: 0 },
  ...{ batchSize: 50, epochs: 30, schedule: 'constant', warmup: 0 },
}

function planOf(
  recipe: string,
  losses: Readonly<Record<string, LossPlan>>,
  pace: Partial<FitSettings> | null,
  occasion: Occasion,
): Plan {
  const fit = pace ?? (occasion.pretrained ? {} : { lr: LR })
  const stage = stageOf({
    ...{ name: 'distil', data: taskData(occasion), losses },
    fit: { ...paceFor(occasion), ...fit },
  })
  const alone = aloneStage(occasion)
  return {
    ...{ recipe, teachers: { of: 'logits', weights: 'equal' } },
    ...{ stages: [stage], ensemble: [], baseline: { ...alone, fit: { ...alone.fit, ...fit } } },
  }
}

const common = { teachers: 'one', student: 'given', preset: 'bilstm', varies: true } as const

export const bilstmRecipe = defineRecipe({
  ...common,
  name: 'bilstm',
  describe: "The teacher's logits into a small LSTM over words, on made texts too",
  source: 'Tang, Lu, Liu, Mou, Vechtomova and Lin 2019 (arXiv 1903.12136)',
  settings: {
    /** The paper's equation 4 has both terms, its experiments the logits alone. */
    alpha: numberFrom(0, 1, 1),
    /** The paper's pace: Adadelta, batches of 50, 30 epochs. */
    paper: flag(false),
  },
  plan: ({ alpha, paper }, occasion: Occasion) =>
    planOf('bilstm', besideLabels(alpha, 'logits'), paper ? paperPace : null, occasion),
})

export const bilstmCodeRecipe = defineRecipe({
  ...common,
  name: 'bilstm-code',
  describe: "bilstm as its authors' code trains it: labels count as much as logits",
  source: "Tang et al. 2019 (arXiv 1903.12136), the released code's settings",
  settings: {},
  plan: (_, occasion: Occasion) =>
    planOf(
      'bilstm-code',
      { logits: { weight: 1, options: {} }, hard: { weight: 1, options: {} } },
      { ...paperPace, maxNorm: 30_000 },
      occasion,
    ),
})
