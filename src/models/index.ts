// tinystill/models: models and their configs. Names only, no logic.
import '../autograd/methods.js' // gives tensors their methods

export { type ClassifierConfig, TextClassifier } from '../nn/models/classifier.js'
export type { PaddedInput, TextInput, UnpaddedInput } from '../nn/models/input.js'
export { Mlp, type MlpConfig } from '../nn/models/mlp.js'
