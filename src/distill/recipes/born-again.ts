// born-again: students of the teacher's own architecture, generation k taught by generation k - 1 from first weights of its
// own; --teacher is generation 0. Furlanello et al. 2018, sections 3 and 4: T = 1. Judged besides: the mean of the
// generations (ensemble), and the controls. CWTM keeps of the teacher only how sure it is of each row, DKPP only its
// largest probability and how the rest is spread, not over which classes; both start as generation 1 does.
import { type StagePlan, stageOf } from '../plan/plan.js'
import { flag, wholeFrom } from '../plan/settings.js'
import { defineRecipe } from './recipe.js'
import { aloneStage, paceFor, softAndHard, softSettings } from './soft-labels.js'

const generation = (k: number) => `generation-${k}`

export const bornAgainRecipe = defineRecipe({
  name: 'born-again',
  describe: "Generations of the teacher's own size, each taught by the one before",
  source: 'Furlanello et al. 2018 (arXiv 1805.04770)',
  teachers: 'one',
  student: 'teacher',
  settings: {
    ...softSettings(1),
    generations: wholeFrom(1, 20, 3),
    ensemble: flag(true),
    controls: flag(true),
  },
  plan: ({ generations, ensemble, controls, ...soft }, occasion) => {
    const fit = paceFor(occasion)
    const data = occasion.transfer ? 'transfer' : 'labelled'
    const born = Array.from(
      { length: generations },
      (_, i): StagePlan =>
        stageOf({
          ...{ name: generation(i + 1), data, fit },
          losses: softAndHard(soft, occasion, 1),
          teacher: i === 0 ? 'given' : generation(i),
          start: i,
        }),
    )
    const control = (name: string) =>
      stageOf({ name, data: 'labelled', fit, losses: { [name]: {} }, role: 'control' })
    return {
      recipe: 'born-again',
      teachers: { of: 'probabilities', weights: 'equal' },
      stages: [...(controls ? ['cwtm', 'dkpp'].map(control) : []), ...born],
      ensemble: ensemble && generations > 1 ? born.map((stage) => stage.name) : [],
      baseline: aloneStage(occasion),
    }
  },
})
