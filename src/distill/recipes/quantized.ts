// q8bert and lsq: a model is trained on with its weights and inputs on grids, by labels, and by the teacher's soft targets where
// alpha says so. Zafrir et al. 2019, sections 2 and 3: labels alone, rate 2e-5. Esser et al. 2020, sections 2 and 3.4: the steps
// are learned; its best students learn as much from the full-precision model as from the labels, at T 1.
import { stageOf } from '../plan/plan.js'
import { stageQuantization } from '../plan/quantization.js'
import { numberFrom, wholeOrNone } from '../plan/settings.js'
import { defineRecipe, type Occasion, type Recipe, taskData } from './recipe.js'
import { aloneStage, paceFor, softAndHard } from './soft-labels.js'

interface Preset {
  name: 'q8bert' | 'lsq'
  describe: string
  source: string
  /** Of the soft targets. */
  alpha: number
  lr: number
}

function recipeOf({ name, describe, source, alpha: usual, lr }: Preset): Recipe {
  return defineRecipe({
    ...{ name, describe, source, teachers: 'one', student: 'copy' },
    settings: {
      T: numberFrom(0.01, 1000, 1),
      alpha: numberFrom(0, 1, usual),
      /** Left out: the scheme's. */
      weightBits: wholeOrNone(2, 8),
      inputBits: wholeOrNone(2, 8),
    },
    plan: ({ T, alpha, weightBits, inputBits }, occasion) => {
      const quantize = stageQuantization(name, { weightBits, inputBits })
      const trained: Occasion = { ...occasion, pretrained: true }
      const stage = stageOf({
        ...{ name: 'quantized', data: alpha > 0 ? taskData(occasion) : 'labelled', quantize },
        losses: softAndHard({ T, alpha }, occasion, usual),
        fit: { lr, epochs: paceFor(trained).epochs },
      })
      return {
        recipe: name,
        teachers: { of: 'probabilities', weights: 'equal' },
        ...{ stages: [stage], ensemble: [], baseline: { ...aloneStage(trained), quantize } },
      }
    },
  })
}

export const q8bertRecipe = recipeOf({
  name: 'q8bert',
  describe: 'Weights, inputs and outputs of 8 bits, trained on by labels',
  source: 'Zafrir et al. 2019 (arXiv 1910.06188)',
  ...{ alpha: 0, lr: 2e-5 },
})

export const lsqRecipe = recipeOf({
  name: 'lsq',
  describe: 'Weights of 4 bits and inputs of 8, whose steps are learned along',
  source: 'Esser et al. 2020 (arXiv 1902.08153)',
  ...{ alpha: 0.5, lr: 3e-5 },
})
