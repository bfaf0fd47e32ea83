// tinystill/bytes: models out of bytes and back into them, and their answers, in any runtime. Names only, no logic.
import '../../autograd/methods.js' // gives tensors their methods

export { fromFiles, toFiles } from '../../files/models/from-files.js'
export type { ModelFiles } from '../../files/models/model-folder.js'
export type { Loaded, LoadInfo, LoadOptions, SaveOptions } from '../../files/models/pretrained.js'
export { type Ended, type GenerateOptions, generate } from '../language/generate.js'
export { probabilities, type Sampling } from '../language/sampling.js'
export { type AnswerOptions, OpenClassifier, openClassifier } from './open-classifier.js'
export type { Prediction } from './predictions.js'
