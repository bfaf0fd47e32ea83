// Settings and data as what the engine takes, and the same as a command line and as TypeScript.

const HEAD = 16
/** Positions of a new model: tokens of its longest text. */
const POSITIONS = 64

const sizeOf = (layers, width) => ({
  ...{ layers, width, heads: width / HEAD, inner: 2 * width, maxLength: POSITIONS },
})

export const studentOf = ({ layers, width }) => sizeOf(layers, width)
export const teacherSizeOf = ({ teacherLayers, teacherWidth }) => sizeOf(teacherLayers, teacherWidth)

/** Tokens of the vocabulary. */
export const VOCABULARY = 4096

const TEACHER_LR = 2e-3

/** T and alpha of the loss on the logits. */
export const onLogits = ({ T, alpha, soft, hard }) => ({ T, alpha: soft && hard ? alpha : soft ? 1 : 0 })

/** What a --config file of `tinystill distill` says of them. */
export function planSettings(values) {
  const { soft, hard, hidden, attentionProbs, epochs, lr } = values
  const rate = Number((lr / 1000).toFixed(6))
  return {
    ...{ ...onLogits(values), epochs, lr: rate },
    stages: {
      // The lone student learns as fast: what differs is what they learn from.
      alone: { lr: rate },
      ...(((!soft && !hard) || hidden || attentionProbs) && {
        distil: {
          losses: {
            ...(!soft && !hard && { hard: { weight: 0 } }),
            ...(hidden && { hidden: { weight: 1 } }),
            ...(attentionProbs && { attentionProbs: { weight: 1 } }),
          },
        },
      }),
    },
  }
}

/** What can be said of a job without its texts. */
export const planPart = (values) => ({ recipe: 'hinton', settings: planSettings(values), alone: true })

const part = ({ texts, labels, pairs }, n) => ({
  texts: texts.slice(0, n),
  labels: labels.slice(0, n),
  ...(pairs && { pairs: pairs.slice(0, n) }),
})

/** Every seventh row is for judging, where a file brings no dev set. */
export function split({ texts, labels, pairs }) {
  const rows = Array.from(texts.keys())
  const take = (own) => ({
    texts: own.map((i) => texts[i]),
    labels: own.map((i) => labels[i]),
    ...(pairs && { pairs: own.map((i) => pairs[i]) }),
  })
  return {
    labelled: take(rows.filter((i) => i % 7 !== 6)),
    dev: take(rows.filter((i) => i % 7 === 6)),
    transfer: [],
  }
}

/** The rows that settings ask for, dev without classes that no labelled row has. */
export function usedOf({ rows, transfer }, data) {
  const labelled = part(data.labelled, rows)
  const known = new Set(labelled.labels)
  const dev = data.dev.labels.flatMap((label, i) => (known.has(label) ? [i] : []))
  const { texts, labels, pairs } = data.dev
  return {
    labelled,
    dev: {
      ...{ texts: dev.map((i) => texts[i]), labels: dev.map((i) => labels[i]) },
      ...(pairs && { pairs: dev.map((i) => pairs[i]) }),
    },
    transfer: data.transfer.slice(0, transfer),
  }
}

/** `used`: what usedOf() gives; `teacher`: { files } of a dropped folder, or null. */
export function jobOf(values, used, teacher) {
  const { seed, teacherEpochs } = values
  return {
    ...{ ...planPart(values), ...used },
    teacher: teacher ?? { size: teacherSizeOf(values), train: { epochs: teacherEpochs, lr: TEACHER_LR } },
    ...{ student: studentOf(values), vocabSize: VOCABULARY, seed },
  }
}

/** A size as config.json has it. */
const configOf = ({ layers, width, heads, inner, maxLength }) => ({
  ...{ model_type: 'bert', hidden_size: width, num_hidden_layers: layers, num_attention_heads: heads },
  ...{ intermediate_size: inner, max_position_embeddings: maxLength },
})

const json = (value) => JSON.stringify(value, null, 2)

/** The same run by the command line: files to be written, and the commands. */
export function commandsOf(values, { transferRows, given }) {
  const { seed, teacherEpochs } = values
  const files = [
    ...(given ? [] : [['teacher.json', configOf(teacherSizeOf(values))]]),
    ['student.json', configOf(studentOf(values))],
    ['settings.json', planSettings(values)],
  ]
  const write = files.map(([name, value]) => `echo '${JSON.stringify(value)}' > ${name}`)
  const train = `npx tinystill train --model teacher.json --train labelled.tsv --dev dev.tsv --out teacher --epochs ${teacherEpochs} --lr ${TEACHER_LR} --vocab-size ${VOCABULARY} --seed ${seed}`
  const distill = `npx tinystill distill --recipe hinton --teacher teacher --student student.json --train labelled.tsv${transferRows > 0 ? ' --transfer transfer.txt' : ''} --dev dev.tsv --augment 0 --config settings.json --baseline --out student --seed ${seed}`
  return [...write, ...(given ? [] : [train]), distill].join('\n')
}

/** The same run in TypeScript, in Node or in a page. */
export function codeOf(values, { transferRows, given }) {
  const { seed, teacherEpochs } = values
  const teacher = given
    ? '{ files: await filesOf("teacher") } // config.json, model.safetensors, tokenizer.json as bytes'
    : json({ size: teacherSizeOf(values), train: { epochs: teacherEpochs, lr: TEACHER_LR } })
  const lines = (text) => text.replaceAll('\n', '\n  ')
  return `import { textSetIn } from 'tinystill/text'
import { runDistillation } from 'tinystill/worker'

// In Node: import { readFileSync } from 'node:fs'. In a page: await file.text().
const labelled = (name: string) => {
  const { texts, labels, labelNames } = textSetIn(readFileSync(name), name)
  return { texts, labels: Array.from(labels!, (label) => labelNames[label]) }
}
const run = runDistillation({
  labelled: labelled('labelled.tsv'),
  dev: labelled('dev.tsv'),${transferRows > 0 ? "\n  transfer: textSetIn(readFileSync('transfer.txt'), 'transfer.txt', { labels: 'none' }).texts," : ''}
  teacher: ${lines(teacher)},
  student: ${lines(json(studentOf(values)))},
  settings: ${lines(json(planSettings(values)))},
  vocabSize: ${VOCABULARY},
  seed: ${seed},
})
const { student, alone } = await run.result
console.log(student.figures, alone?.figures, Object.keys(student.files))
`
}
