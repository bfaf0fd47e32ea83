// ternarybert and binarybert: weights of three values, then of two. The student begins as its fine-tuned teacher, so its layers
// stand beside the teacher's one to one, and hidden states need no projection.
//
// ternarybert: all losses at once. Zhang et al. 2020, and the official code: padding counts, no bias correction, no clipping; its
// texts are padded to 64 tokens on SST-2, here to the longest of a batch (padTo).
// binarybert: a ternary model, layers first and then logits; each weight of it split into two binary ones that add up to it, and
// trained so again. Bai et al. 2021, section 3, and the official code: its teacher's dropout is on. The paper's ternary model has
// half the width of the float one that the result is compared with: give such a teacher.
import { type FitSettings, type StageDraft, type StagePlan, stageOf } from '../plan/plan.js'
import { stageQuantization } from '../plan/quantization.js'
import { numberFrom, wholeFrom } from '../plan/settings.js'
import { defineRecipe, type Occasion, taskData } from './recipe.js'
import { aloneStage, paceFor } from './soft-labels.js'

const layers: StageDraft['losses'] = {
  hidden: { options: { projection: 'none', padding: true } },
  attention: { options: { padding: true } },
}

const soft = (T: number): StageDraft['losses'] => ({
  soft: { options: { T, form: 'ce', tSquared: false, reduction: 'mean-elements' } },
})

/** BertAdam without a largest norm. */
const code: Partial<FitSettings> = { eps: 1e-6, biasCorrection: false, maxNorm: 1e9 }

const settings = {
  T: numberFrom(0.01, 1000, 1),
  /** Of inputs and of the products of attention. */
  inputBits: wholeFrom(2, 8, 8),
}

/** A student that is trained weights whatever it was given as: that is what it begins as. */
const trained = (occasion: Occasion): Occasion => ({ ...occasion, pretrained: true })

const common = { teachers: 'one', student: 'copy', settings } as const

const mean = { of: 'probabilities', weights: 'equal' } as const

export const ternarybertRecipe = defineRecipe({
  ...{ ...common, name: 'ternarybert' },
  describe: 'Weights of three values, taught by the float model that they were',
  source: 'Zhang et al. 2020 (arXiv 2009.12812), official code',
  plan: ({ T, inputBits }, occasion) => {
    const quantize = stageQuantization('ternary', { inputBits })
    const stage = stageOf({
      ...{ name: 'ternary', data: taskData(occasion), layerMap: 'uniform', quantize },
      losses: { ...soft(T), ...layers },
      fit: { ...code, lr: 2e-5, epochs: paceFor(trained(occasion)).epochs },
    })
    const baseline = { ...aloneStage(trained(occasion)), quantize }
    return { recipe: 'ternarybert', teachers: mean, stages: [stage], ensemble: [], baseline }
  },
})

export const binarybertRecipe = defineRecipe({
  ...{ ...common, name: 'binarybert' },
  describe: 'A ternary model, split into one whose weights are sums of two binary ones',
  source: 'Bai et al. 2021 (arXiv 2012.15701), official code',
  plan: ({ T, inputBits }, occasion) => {
    const { epochs } = paceFor(trained(occasion))
    const fit = { ...code, lr: 5e-5, epochs }
    const of = (scheme: 'ternary' | 'binary-split', start: number | string): StagePlan[] => {
      const name = scheme === 'ternary' ? 'ternary' : 'binary'
      const shared = {
        ...{ data: taskData(occasion), layerMap: 'uniform' as const, teacherDropout: true },
        quantize: stageQuantization(scheme, { inputBits }),
      }
      return [
        // What looks inside says nothing of classes: the last weights are kept.
        stageOf({ ...shared, name: `${name}-layers`, start, losses: layers, fit: { ...fit, keep: 'last' } }),
        stageOf({ ...shared, name: `${name}-prediction`, start: `${name}-layers`, losses: soft(T), fit }),
      ]
    }
    const stages = [...of('ternary', 0), ...of('binary-split', 'ternary-prediction')]
    const baseline = {
      ...aloneStage(trained(occasion)),
      quantize: stageQuantization('binary-split', { inputBits }),
    }
    return { recipe: 'binarybert', teachers: mean, stages, ensemble: [], baseline }
  },
})
