// tinystill/classify: answers of a classifier, in any runtime. Names only, no logic.
import '../../autograd/methods.js' // gives tensors their methods

export { type AnswerOptions, OpenClassifier, openClassifier } from './open-classifier.js'
export type { Prediction } from './predictions.js'
