// How alike each layer of the student and each of the teacher see the same words.
import { tidy } from '../../autograd/tidy.js'
import { cut, inOrder } from '../../nn/data.js'
import { ints } from '../../tensor/tensor.js'
import type { ReportSection } from '../report.js'
import { centredGram, type Gram, linearCka } from './cka.js'
import { look, type Reading, wordPlaces } from './reading.js'

/** Texts that are looked at, fewer where they are long: their words are the cost of both models. */
const [FEWEST, MOST, WORDS] = [16, 128, 2048]
/** Rows of states that are compared: their square is the cost. */
const ROWS = 512
const BATCH = 16

const idsOf = ({ data }: Reading, rows: Int32Array): number[] => {
  const input = data.input(rows)
  const ids = ints(input.inputIds)
  return wordPlaces(input).flatMap((places) => places.map((at) => ids[at]))
}

/** The number of the first texts that are enough. */
function textsFor({ data }: Reading): number {
  let [texts, words] = [0, 0]
  while (texts < Math.min(MOST, data.size) && (texts < FEWEST || words < WORDS))
    words += data.tokens(Int32Array.of(texts++))
  return texts
}

/** Whether both read every text as the same words, so that states can be compared word by word. */
const readAlike = (a: Reading, b: Reading, batches: readonly Int32Array[]) =>
  batches.every((rows) => {
    const [x, y] = [idsOf(a, rows), idsOf(b, rows)]
    return x.length === y.length && x.every((id, i) => id === y[i])
  })

/** One Gram matrix a hidden state. Its rows: every `step`-th word, or where step is 0 the mean over each text's words. */
function grams(reading: Reading, batches: readonly Int32Array[], step: number): Gram[] {
  const states: number[][] = []
  let [words, rowCount] = [0, 0]
  const kept = (word: number) => Math.floor(word / step) !== Math.floor((word - 1) / step)
  for (const rows of batches) {
    tidy(() => {
      const input = reading.data.input(rows)
      const texts = wordPlaces(input)
      const all = texts.flat()
      const groups = step === 0 ? texts : all.filter((_, i) => kept(words + i)).map((at) => [at])
      words += all.length
      rowCount += groups.length
      const { hiddenStates = [] } = look(reading, input, { hiddenStates: true })
      hiddenStates.forEach(({ elements, shape }, layer) => {
        const width = shape[shape.length - 1]
        states[layer] ??= []
        for (const places of groups)
          for (let c = 0; c < width; c++)
            states[layer].push(places.reduce((sum, at) => sum + elements[at * width + c], 0) / places.length)
      })
    })
  }
  return states.map((values) => centredGram(values, rowCount))
}

const names = (who: string, { length }: readonly Gram[]) =>
  Array.from({ length }, (_, l) => (l === 0 ? `${who} embeddings` : `${who} ${l}`))

/** Linear CKA of every hidden state of the student with every one of the teacher, padding left out. */
export function similarity(student: Reading, teacher: Reading): ReportSection {
  const texts = textsFor(student)
  const batches = cut(inOrder(texts), BATCH)
  const alike = readAlike(student, teacher, batches)
  const words = batches.reduce((n, rows) => n + student.data.tokens(rows), 0)
  const step = alike ? Math.max(1, words / ROWS) : 0
  const [ours, theirs] = [student, teacher].map((reading) => grams(reading, batches, step))
  const compared = alike ? `${ours[0].rows} words` : 'the mean states'
  return {
    title: 'How alike the layers are',
    text: `Linear CKA (Kornblith et al. 2019) of the student's hidden states, a row each, with the teacher's, on ${compared} of ${texts} texts: 1 where one is the other but for a rotation and a factor.`,
    heat: {
      label: 'Similarity of layers',
      rows: names('student', ours),
      columns: names('teacher', theirs),
      values: ours.map((x) => theirs.map((y) => linearCka(x, y))),
    },
  }
}
