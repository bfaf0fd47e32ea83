// hinton: a student matches its teacher's softened outputs, on the labelled rows or on these and a transfer set.
// Hinton, Vinyals and Dean 2015, sections 2 and 3. With a transfer set soft targets count alone, unless alpha says otherwise.
import { stageOf } from '../plan/plan.js'
import { defineRecipe, type Occasion } from './recipe.js'
import { aloneStage, paceFor, softAndHard, softSettingsByClasses } from './soft-labels.js'

export const hintonRecipe = defineRecipe({
  name: 'hinton',
  describe: 'Soft targets at temperature T, and labels where there are',
  source: 'Hinton, Vinyals and Dean 2015 (arXiv 1503.02531)',
  teachers: 'one',
  student: 'given',
  varies: true,
  settings: softSettingsByClasses,
  plan: (settings, occasion: Occasion) => {
    const fit = paceFor(occasion)
    const stage = stageOf({
      name: 'distil',
      data: occasion.transfer ? 'transfer' : 'labelled',
      losses: softAndHard(settings, occasion, 0.9),
      fit,
    })
    return {
      recipe: 'hinton',
      teachers: { of: 'probabilities', weights: 'equal' },
      ...{ stages: [stage], ensemble: [], baseline: aloneStage(occasion) },
    }
  },
})
