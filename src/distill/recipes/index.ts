// All recipes by name. Names only, no logic.
import { annealingRecipe } from './annealing.js'
import { bilstmCodeRecipe, bilstmRecipe } from './bilstm.js'
import { bornAgainRecipe } from './born-again.js'
import { distilbertRecipe } from './distilbert.js'
import { distilgpt2Recipe } from './distilgpt2.js'
import { hintonRecipe } from './hinton.js'
import { minilm2Recipe, minilmRecipe } from './minilm.js'
import { mobilebertRecipe } from './mobilebert.js'
import { multiTeacherRecipe } from './multi-teacher.js'
import { pruneRecipe } from './prune.js'
import { lsqRecipe, q8bertRecipe } from './quantized.js'
import type { Recipe } from './recipe.js'
import { binarybertRecipe, ternarybertRecipe } from './ternarybert.js'
import { tinybertCodeRecipe, tinybertRecipe } from './tinybert.js'

export const recipes: readonly Recipe[] = [
  ...[hintonRecipe, distilbertRecipe, tinybertRecipe, tinybertCodeRecipe, minilmRecipe, minilm2Recipe],
  ...[mobilebertRecipe, bornAgainRecipe, annealingRecipe, multiTeacherRecipe],
  ...[bilstmRecipe, bilstmCodeRecipe],
  ...[q8bertRecipe, lsqRecipe, ternarybertRecipe, binarybertRecipe, pruneRecipe],
]

/** Of models that write texts: the student learns from plain text, and is judged by perplexity. */
export const languageRecipes: readonly Recipe[] = [distilgpt2Recipe]
