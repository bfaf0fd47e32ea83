// A model that answers texts: in a page, a worker or a program, from bytes.
import { classifierIn, type TextClassifierFolder } from '../../files/models/classifiers.js'
import { type ModelFiles, memoryFolder } from '../../files/models/model-folder.js'
import type { ProblemType } from '../../nn/models/config.js'
import { textData } from '../../text/dataset.js'
import { predictInTurns } from '../predict.js'
import { tasks } from '../tasks.js'
import { type Prediction, predictions } from './predictions.js'

/** Of predict() and logits() of an OpenClassifier. */
export interface AnswerOptions {
  /** The second text of each, for models of pairs. */
  pairs?: readonly (string | null)[]
  /** Longest text in tokens; longer ones are cut. Default: what the model was trained on. */
  maxLength?: number
  /** Default 128. */
  batchSize?: number
  /** Called after each batch with the texts that are done. */
  onBatch?: (done: number) => void
}

/** A text classifier, or a model that gives numbers, with all that it needs. */
export class OpenClassifier {
  /** Of the logits, in their order. */
  readonly classes: readonly string[]
  readonly problemType: ProblemType
  /** Longest text in tokens that the model takes. */
  readonly maxLength: number
  readonly model: TextClassifierFolder['model']
  readonly tokenizer: TextClassifierFolder['tokenizer']
  /** What people should know of the files. */
  readonly notes: readonly string[]
  readonly #usualLength: number

  /** Of what loadClassifier() of tinystill/node gives. */
  constructor(parts: TextClassifierFolder) {
    const { model, tokenizer, classes, problemType, maxLength, usualLength, notes } = parts
    this.model = model
    this.tokenizer = tokenizer
    this.classes = classes
    this.problemType = problemType
    this.maxLength = maxLength
    this.notes = notes
    this.#usualLength = usualLength
  }

  /** Logits [texts, classes], without dropout. The event loop gets its turns between batches. */
  logits(texts: readonly string[], options: AnswerOptions = {}): Promise<Float32Array> {
    const { pairs = null, maxLength = this.#usualLength, batchSize = 128, onBatch } = options
    const length = Math.min(maxLength, this.maxLength)
    const data = textData(texts, null, this.tokenizer, length, { pairs })
    return predictInTurns(this.model, data, { batchSize, ...(onBatch && { onBatch }) })
  }

  /** What the model says of each text: probabilities by the names of the classes, or numbers. */
  async predict(texts: readonly string[], options: AnswerOptions = {}): Promise<Prediction[]> {
    if (texts.length === 0) return []
    const logits = await this.logits(texts, options)
    const n = logits.length / texts.length
    const { answer } = tasks[this.problemType]
    return texts.map((_, i) => predictions[this.problemType](this.classes, answer(logits, i * n, n)))
  }
}

/**
 * A classifier from the files of its folder by their names, as fromFiles() takes them: a fine-tuned BERT or DistilBERT, float or
 * quantized, or a TextClassifier that was saved. Throws CheckpointError naming the file, TypeError for what is neither bytes nor
 * text.
 */
export const openClassifier = (files: ModelFiles): OpenClassifier =>
  new OpenClassifier(classifierIn(memoryFolder(files)))
