// bilstm: what a transformer knows into an LSTM that reads texts in both directions. Tang et al. 2019, sections 3 and 4.
import { stageOf } from '../plan/plan.js'
import { numberFrom } from '../plan/settings.js'
import { defineRecipe, type Occasion } from './recipe.js'
import { aloneStage, besideLabels, paceFor } from './soft-labels.js'

/** Of layers that are drawn: twice what a new transformer takes. */
const LR = 1e-3

export const bilstmRecipe = defineRecipe({
  name: 'bilstm',
  describe: "The teacher's logits into a small LSTM over words, on made texts too",
  source: 'Tang, Lu, Liu, Mou, Vechtomova and Lin 2019 (arXiv 1903.12136)',
  teachers: 'one',
  student: 'given',
  preset: 'bilstm',
  varies: true,
  // The paper's equation 4 has both terms, its experiments the logits alone.
  settings: { alpha: numberFrom(0, 1, 1) },
  plan: ({ alpha }, occasion: Occasion) => {
    const rate = occasion.pretrained ? {} : { lr: LR }
    const stage = stageOf({
      name: 'distil',
      data: occasion.transfer ? 'transfer' : 'labelled',
      losses: besideLabels(alpha, 'logits'),
      fit: { ...paceFor(occasion), ...rate },
    })
    const alone = aloneStage(occasion)
    return {
      recipe: 'bilstm',
      teachers: { of: 'logits', weights: 'equal' },
      ...{ stages: [stage], ensemble: [], baseline: { ...alone, fit: { ...alone.fit, ...rate } } },
    }
  },
})
