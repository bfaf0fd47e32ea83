// Recipes for sentence encoders, as data: what the student is made of, which loss brings its vectors to the teacher's, how fast.
// Reimers' sentence-transformers, examples of distillation; Reimers and Gurevych 2020.
import type { FitSettings } from '../plan/plan.js'

export const embedLosses = ['cosine', 'mse', 'l2'] as const
export type EmbedLoss = (typeof embedLosses)[number]

export interface EmbedRecipe {
  name: string
  /** One line. */
  describe: string
  source: string
  /** Where none is named: some of the teacher's layers; none: one must be named; the teacher itself, of which nothing is trained. */
  student: 'layers' | 'given' | 'teacher'
  /** null: nothing is trained. */
  loss: EmbedLoss | null
  /** Whether rows are a source and a target text, both to become the teacher's vector of the source. */
  pairs: boolean
  fit: Pick<FitSettings, 'epochs' | 'batchSize' | 'lr' | 'warmup' | 'weightDecay'>
}

const fit = { epochs: 1, batchSize: 64, lr: 1e-4, warmup: 0.1, weightDecay: 0.01 }

export const embedRecipes: readonly EmbedRecipe[] = [
  {
    name: 'embed-layers',
    describe: 'Sentence embeddings by every third layer of the teacher, from plain text',
    source: 'sentence-transformers, model_distillation.py',
    ...{ student: 'layers', loss: 'mse', pairs: false, fit },
  },
  {
    name: 'embed-small',
    describe: 'Sentence embeddings by any smaller model, from plain text',
    source: 'sentence-transformers, model_distillation.py; the cosine of Sanh et al. 2019',
    ...{ student: 'given', loss: 'cosine', pairs: false, fit },
  },
  {
    name: 'embed-multilingual',
    describe: 'Sentence embeddings in another language, from pairs of a text and its translation',
    source: 'Reimers and Gurevych 2020 (arXiv 2004.09813)',
    ...{ student: 'given', loss: 'mse', pairs: true, fit: { ...fit, epochs: 5, lr: 2e-5 } },
  },
  {
    name: 'embed-pca',
    describe: 'The same sentence embeddings in fewer numbers: their principal components',
    source: 'sentence-transformers, dimensionality_reduction.py',
    ...{ student: 'teacher', loss: null, pairs: false, fit },
  },
]

/** Layers 0, 3, 6, ... of the teacher. */
export const everyThird = (depth: number): number[] =>
  Array.from({ length: Math.ceil(depth / 3) }, (_, i) => 3 * i)
