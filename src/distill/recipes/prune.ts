// prune: a model is trained on while most of its weights become 0, by soft targets and labels, or by labels alone where alpha is 0.
// Sanh et al. 2020, section 6: 0.5 T^2 KL + 0.5 CE at T 2; with another method of src/nn/prune/methods.ts by --prune.
import { stageOf } from '../plan/plan.js'
import { withPruning } from '../plan/pruned.js'
import { stagePruning } from '../plan/pruning.js'
import { numberFrom } from '../plan/settings.js'
import { defineRecipe, type Occasion, taskData } from './recipe.js'
import { aloneStage, paceFor, softAndHard } from './soft-labels.js'

/** Of the soft targets. */
const ALPHA = 0.5

export const pruneRecipe = defineRecipe({
  name: 'prune',
  describe:
    'A copy of the teacher of which most weights become 0 while it is trained on: --prune, --sparsity',
  source: 'Sanh et al. 2020 (arXiv 2005.07683), Zhu and Gupta 2017 (arXiv 1710.01878)',
  ...{ teachers: 'one', student: 'copy', sameAlone: true },
  settings: {
    T: numberFrom(0.01, 1000, 2),
    alpha: numberFrom(0, 1, ALPHA),
  },
  plan: ({ T, alpha }, occasion) => {
    const trained: Occasion = { ...occasion, pretrained: true }
    const { epochs } = paceFor(trained)
    const stage = stageOf({
      ...{ name: 'pruned', data: alpha > 0 ? taskData(occasion) : 'labelled' },
      losses: softAndHard({ T, alpha }, occasion, ALPHA),
      fit: { lr: 3e-5, epochs },
    })
    const plan = {
      recipe: 'prune',
      teachers: { of: 'probabilities', weights: 'equal' } as const,
      ...{ stages: [stage], ensemble: [], baseline: aloneStage(trained) },
    }
    return withPruning(plan, stagePruning('movement', { sparsity: 0.9 }))
  },
})
