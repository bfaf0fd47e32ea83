// tinystill/models: models and their configs. Names only, no logic.
import '../autograd/methods.js' // gives tensors their methods

export {
  type ClassifierConfig,
  type PaddedInput,
  TextClassifier,
  type TextInput,
  type UnpaddedInput,
} from '../nn/models/classifier.js'
export { Mlp, type MlpConfig } from '../nn/models/mlp.js'
