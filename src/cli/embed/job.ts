// What a distillation of sentence embeddings is asked for.
import type { EmbedRecipe } from '../../distill/embedding/recipes.js'
import type { DistillOptions } from '../distill/options.js'
import type { PairSet } from './data.js'
import type { VectorTeacher } from './teacher.js'

/** Who teaches whom by what, and what both are judged on. */
export interface EmbedJob {
  recipe: EmbedRecipe
  options: DistillOptions
  teacher: VectorTeacher
  /** What is learnt from. */
  set: PairSet
  sets: Record<'dev' | 'test', PairSet | null>
}
