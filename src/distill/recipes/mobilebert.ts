// mobilebert: every layer's states and attention at once, as its teacher of equal width and heads has them; then the task by soft
// targets and labels. Sun et al. 2020, section 3.5, call it joint knowledge transfer. Their best, a layer at a time with those
// below it all but still, needs rates of single layers, which no stage has; stages with a `layerMap` of a pair each come near it.
import { type Plan, stageOf } from '../plan/plan.js'
import { numberFrom } from '../plan/settings.js'
import { defineRecipe, plainText, taskData } from './recipe.js'
import { aloneStage, paceFor, softAndHard, softSettings } from './soft-labels.js'

export const mobilebertRecipe = defineRecipe({
  ...{ name: 'mobilebert', teachers: 'one', student: 'given' },
  describe: 'States and attention of every layer, then soft targets and labels',
  source: 'Sun et al. 2020 (arXiv 2004.02984), section 3.5, joint transfer; weights: its code',
  settings: {
    ...softSettings(1),
    /** What states, their means and their variances count beside attention. */
    features: numberFrom(0, 1e6, 100),
    means: numberFrom(0, 1e6, 5000),
    variances: numberFrom(0, 1e6, 5),
  },
  plan: ({ features, means, variances, ...soft }, occasion): Plan => {
    const { text, task: left } = plainText(occasion)
    const share = features > 0 ? features : 1
    const transfer = stageOf({
      ...{ name: 'transfer', teacher: 'general', data: text ? 'text' : 'labelled', layerMap: 'uniform' },
      losses: {
        features: { weight: features, options: { mean: means / share, variance: variances / share } },
        attentionMaps: { weight: 1, options: {} },
      },
      fit: { epochs: 10, lr: 5e-4, keep: 'last' },
    })
    const seen = { ...left, pretrained: true }
    const task = stageOf({
      ...{ name: 'task', start: 'transfer', data: taskData(seen) },
      ...{ losses: softAndHard(soft, seen, 0.5), fit: paceFor(seen) },
    })
    return {
      recipe: 'mobilebert',
      teachers: { of: 'probabilities', weights: 'equal' },
      ...{ stages: [transfer, task], ensemble: [], baseline: aloneStage(occasion) },
    }
  },
})
