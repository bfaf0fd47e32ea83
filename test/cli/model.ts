// A text classifier of a few numbers, as a folder.
import { randomScope } from '../../src/autograd/random.js'
import { saveTextModel } from '../../src/files/models/on-disk.js'
import { TextClassifier } from '../../src/nn/models/classifier.js'
import { keyOf } from '../../src/tensor/rng.js'
import { WordTokenizer } from '../../src/text/tokenizer.js'

export function saveTinyModel(folder: string): void {
  const tokenizer = WordTokenizer.build(['a large grey animal', 'a small red fruit'])
  const sizes = { width: 4, layers: 1, heads: 1, maxLength: 8 }
  const config = { vocabSize: tokenizer.size, classes: 2, padId: 0, ...sizes }
  const model = randomScope(keyOf(1), () => new TextClassifier(config))
  saveTextModel(folder, { model, tokenizer, classes: ['animal', 'food'] })
}
