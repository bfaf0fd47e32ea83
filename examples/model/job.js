// What is learnt, as plain data, so that a page can send it to its worker: a teacher of two layers from the labels, then a student of one
// layer from the teacher's answers. Without a dev set the last weights are kept.
import { labelled } from './texts.js'

const size = (layers, width) => ({ layers, width, heads: width / 16, inner: 2 * width, maxLength: 32 })

export const job = {
  labelled,
  teacher: { size: size(2, 64), train: { epochs: 12, lr: 3e-3 } },
  student: size(1, 32),
  settings: { T: 2, epochs: 30, lr: 1e-2 },
  alone: false,
  vocabSize: 512,
  seed: 1,
}
