import { paths } from '../pages/read.mjs'
import { recipePages } from '../pages/recipes.mjs'

export default paths('recipe', recipePages)
