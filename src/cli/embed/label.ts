// tinystill label --embeddings: a sentence encoder in the place of a classifier, whose answers are vectors.
import { loadClassifier } from '../../files/models/on-disk.js'
import { loadSentenceEncoder } from '../../files/sentence/sentence-folder.js'
import type { LabellingFolder } from '../label/settings.js'
import { embedLength } from './data.js'

/** Whatever labels texts by a folder: a classifier, or a sentence encoder. Throws CheckpointError. */
export const loadLabeller = (folder: string, embeddings: boolean | undefined): LabellingFolder =>
  embeddings ? embeddingTeacher(folder) : loadClassifier(folder)

/** What labels texts: it has no classes, and the numbers that it gives are a regression's. Throws CheckpointError. */
function embeddingTeacher(folder: string): LabellingFolder {
  const loaded = loadSentenceEncoder(folder)
  const { model, tokenizer, notes, maxLength } = loaded
  return {
    ...{ model, tokenizer, notes, classes: [], problemType: 'regression', embedding: model.size },
    ...{ maxLength, usualLength: embedLength(loaded) },
  }
}
