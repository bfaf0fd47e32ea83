// annealing: the targets go from the teacher's to the labels in a straight line, y = p onehot + (1 - p) softmax(z_t), so
// that the student can pass its teacher in the end. Clark et al. 2019, "BAM! Born-Again Multi-Task Networks", section 3.
// As its official code: T = 1, p = step / total over the whole run; without annealing (anneal: false) both count half.
import { stageOf } from '../plan/plan.js'
import { flag, numberFrom } from '../plan/settings.js'
import { defineRecipe } from './recipe.js'
import { aloneStage, paceFor } from './soft-labels.js'

export const annealingRecipe = defineRecipe({
  name: 'annealing',
  describe: "Targets that go from the teacher's to the labels",
  source: 'Clark et al. 2019 (arXiv 1907.04829), official code',
  teachers: 'one',
  student: 'given',
  varies: true,
  settings: { T: numberFrom(0.01, 1000, 1), anneal: flag(true) },
  plan: ({ T, anneal }, occasion) => {
    const stage = stageOf({
      name: 'distil',
      data: occasion.transfer ? 'transfer' : 'labelled',
      losses: anneal
        ? { annealed: { options: { T } } }
        : { soft: { weight: 0.5, options: { T, tSquared: false } }, hard: { weight: 0.5 } },
      fit: { ...paceFor(occasion), layerDecay: occasion.pretrained ? 0.9 : 1 },
    })
    return {
      recipe: 'annealing',
      teachers: { of: 'probabilities', weights: 'equal' },
      ...{ stages: [stage], ensemble: [], baseline: aloneStage(occasion) },
    }
  },
})
