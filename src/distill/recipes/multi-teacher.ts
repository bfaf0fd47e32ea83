// multi-teacher: one student of several teachers, whose softened probabilities or logits are averaged row by row: alike,
// by their accuracy on the dev set, or each row by how sure they are of it (exp(-entropy)). Their ensemble is judged too.
// Hinton, Vinyals and Dean 2015, section 1, average distributions; You et al. 2017 (KDD) several teachers' soft targets.
import { stageOf } from '../plan/plan.js'
import { oneOf } from '../plan/settings.js'
import { defineRecipe } from './recipe.js'
import { aloneStage, paceFor, softAndHard, softSettingsByClasses } from './soft-labels.js'

export const multiTeacherRecipe = defineRecipe({
  name: 'multi-teacher',
  describe: 'The mean of several teachers as soft targets',
  source: 'Hinton, Vinyals and Dean 2015 (arXiv 1503.02531)',
  teachers: 'many',
  student: 'given',
  varies: true,
  settings: {
    ...softSettingsByClasses,
    mean: oneOf<'probabilities' | 'logits'>(['probabilities', 'logits'], 'probabilities'),
    weights: oneOf<'equal' | 'accuracy' | 'entropy'>(['equal', 'accuracy', 'entropy'], 'equal'),
  },
  plan: ({ mean, weights, ...soft }, occasion) => {
    const stage = stageOf({
      name: 'distil',
      data: occasion.transfer ? 'transfer' : 'labelled',
      losses: softAndHard(soft, occasion, 0.9),
      fit: paceFor(occasion),
    })
    return {
      recipe: 'multi-teacher',
      teachers: { of: mean, weights },
      ...{ stages: [stage], ensemble: [], baseline: aloneStage(occasion) },
    }
  },
})
