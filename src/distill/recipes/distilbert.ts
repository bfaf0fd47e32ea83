// distilbert: a student of half the teacher's layers learns on plain text to guess masked words as the teacher does, by three
// losses; then the task by soft targets. Without plain text the task alone. Sanh et al. 2019, sections 2 to 4. Weights 5, 2, 1,
// T 2, betas and rates are those of its code.
import { stageOf } from '../plan/plan.js'
import { numberFrom } from '../plan/settings.js'
import { defineRecipe, plainText, taskData } from './recipe.js'
import { aloneStage, paceFor, softAndHard, softSettings } from './soft-labels.js'

export const distilbertRecipe = defineRecipe({
  name: 'distilbert',
  describe: "Half the teacher's layers, taught to guess masked words, then the task",
  source: 'Sanh et al. 2019 (arXiv 1910.01108)',
  teachers: 'one',
  student: 'distilbert',
  settings: {
    ...softSettings(2),
    ce: numberFrom(0, 1000, 5),
    mlm: numberFrom(0, 1000, 2),
    cos: numberFrom(0, 1000, 1),
  },
  plan: ({ ce, mlm, cos, ...soft }, occasion) => {
    const left = plainText(occasion)
    const general = left.text && occasion.general === true
    const words = stageOf({
      ...{ name: 'general', task: 'words', data: 'text', teacher: 'general' },
      losses: {
        soft: { weight: ce, options: { T: soft.T } },
        words: { weight: mlm },
        cosine: { weight: cos },
      },
      fit: {
        ...{ epochs: 3, batchSize: 5, accumulate: 50, lr: 5e-4, betas: [0.9, 0.98], eps: 1e-6 },
        ...{ weightDecay: 0, warmup: 0.05, maxNorm: 5, keep: 'last' },
      },
    })
    const seen = general ? { ...left.task, pretrained: true } : occasion
    const task = stageOf({
      ...{ name: 'task', start: general ? 'general' : 0, data: taskData(seen) },
      losses: softAndHard(soft, seen, 0.5),
      fit: paceFor(seen),
    })
    return {
      recipe: 'distilbert',
      teachers: { of: 'probabilities', weights: 'equal' },
      stages: [...(general ? [words] : []), task],
      ...{ ensemble: [], baseline: aloneStage(occasion) },
    }
  },
})
