// distilgpt2: a student of half of GPT-2's layers learns on plain text to say the next word as the teacher does, by three losses.
// Sanh et al. 2019, whose weights, temperature and pace these are: those that DistilGPT2 itself was trained with are not published.
import { stageOf } from '../plan/plan.js'
import { numberFrom } from '../plan/settings.js'
import { defineRecipe } from './recipe.js'

export const distilgpt2Recipe = defineRecipe({
  name: 'distilgpt2',
  describe: "Half of GPT-2's layers, taught to say the next word",
  source: 'Sanh et al. 2019 (arXiv 1910.01108); DistilGPT2',
  teachers: 'one',
  student: 'distilbert',
  settings: {
    T: numberFrom(0.01, 1000, 2),
    ce: numberFrom(0, 1000, 5),
    clm: numberFrom(0, 1000, 2),
    cos: numberFrom(0, 1000, 1),
  },
  plan: ({ T, ce, clm, cos }) => {
    const words = (own: Parameters<typeof stageOf>[0]) =>
      stageOf({
        ...{ ...own, task: 'next', data: 'text' },
        fit: {
          ...{ epochs: 3, batchSize: 5, accumulate: 50, lr: 5e-4, betas: [0.9, 0.98], eps: 1e-6 },
          ...{ weightDecay: 0, warmup: 0.05, maxNorm: 5, keep: 'last' },
        },
      })
    return {
      recipe: 'distilgpt2',
      teachers: { of: 'probabilities', weights: 'equal' },
      stages: [
        words({
          ...{ name: 'words', teacher: 'given' },
          losses: { soft: { weight: ce, options: { T } }, words: { weight: clm }, cosine: { weight: cos } },
        }),
      ],
      ensemble: [],
      baseline: words({ name: 'alone', losses: { words: { weight: 1 } } }),
    }
  },
})
