// What the playground asks the engine besides the run itself, in a worker of its own: what a plan says, how long a step takes
// here, what a dropped file holds, and what came out.

import { kdLoss } from '../../dist/distill/index.js'
import { describeJob } from '../../dist/distill/worker/index.js'
import { backendReport, crossEntropy, manualSeed, optim, tensor, tidy, trace } from '../../dist/index.js'
import { BertForSequenceClassification } from '../../dist/nn/models/bert.js'
import {
  disagreements,
  reliability,
  renderReport,
  smooth,
  softTargets,
  telling,
} from '../../dist/report/index.js'
import { encodedData, textData, textSetIn } from '../../dist/text/index.js'
import { writeRows } from '../../dist/text/write-rows.js'
import { calibration } from '../../dist/train/metrics.js'
import { openClassifier } from '../../dist/train/outputs/index.js'
import { kept } from './kept.js'
import { tapeOf } from './tape.js'

const classifier = (size, classes, vocabSize) =>
  new BertForSequenceClassification({
    ...{ ...size, vocabSize, padId: 0, problemType: 'single_label_classification' },
    labels: Array.from({ length: classes }, (_, i) => `${i}`),
  })

/** Seconds of one training step of 32 texts of `tokens` tokens each, here and now: the best of a few. */
function stepSeconds(model, vocabSize, tokens) {
  const texts = Array.from({ length: 32 }, (_, r) =>
    Array.from({ length: tokens }, (_, t) => 5 + ((r * 31 + t * 7) % (vocabSize - 5))),
  )
  const data = encodedData(
    texts.map((ids) => ({ ids, typeIds: ids.map(() => 0) })),
    0,
    { typed: true },
  )
  const rows = Int32Array.from(texts.keys())
  const labels = rows.map((row) => row % model.config.labels.length)
  const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-4 })
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < 4; i++) {
    const began = performance.now()
    tidy(() => {
      const { logits } = model.forward(data.input(rows))
      crossEntropy(logits, tensor(labels)).backward()
      optimizer.step()
    })
    best = Math.min(best, performance.now() - began)
  }
  return best / 1000
}

const known = new Map()

/** Parameters of a size, and seconds of its step. */
function measure({ size, classes, vocabSize, tokens }) {
  const key = JSON.stringify([size, classes, vocabSize, tokens])
  if (!known.has(key)) {
    const model = classifier(size, classes, vocabSize)
    const parameters = model.countParameters()
    known.set(key, { parameters, seconds: stepSeconds(model, vocabSize, tokens) })
    for (const p of model.parameters()) p.dispose()
  }
  return known.get(key)
}

const answers = {
  ...kept,
  plan: ({ job, counts }) => describeJob(job, counts),
  measure,
  threads: () => {
    const { backend, threads, why } = backendReport()
    return { threads: backend === 'js' ? 1 : threads, why }
  },
  /** A dropped file's rows; labels by their names, null where it has none. */
  read({ name, bytes, labels }) {
    const notes = []
    const set = textSetIn(bytes, name, {
      labels: labels ? 'classes' : 'none',
      note: (line) => notes.push(line),
    })
    return {
      ...{ texts: set.texts, pairs: set.pairs, notes },
      labels: set.labels && Array.from(set.labels, (label) => set.labelNames[label]),
    }
  },
  /** The rows of a run as files that the command line reads as the same rows. */
  files({ labelled, dev, transfer }) {
    const bytes = (lines) => new TextEncoder().encode([...lines].join(''))
    const table = ({ texts, labels, pairs = null }) =>
      writeRows(
        texts.map((text, i) => ({ text, textB: pairs?.[i] ?? null, label: labels[i] })),
        'tsv',
        { pairs: pairs !== null, labels: true },
      )
    return {
      ...{ 'labelled.tsv': bytes(table(labelled)), 'dev.tsv': bytes(table(dev)) },
      ...(transfer.length > 0 && { 'transfer.txt': bytes(transfer.map((text) => `${text}\n`)) }),
    }
  },
  /** What a dropped folder is: its classes, or the one line that refuses it. */
  open({ files }) {
    const { classes, model, notes } = openClassifier(files)
    const parameters = model.countParameters()
    for (const p of model.parameters()) p.dispose()
    return { classes, parameters, notes }
  },
  async logits({ files, texts }) {
    const opened = openClassifier(files)
    try {
      return await opened.logits(texts)
    } finally {
      for (const p of opened.model.parameters()) p.dispose()
    }
  },
  /** The tape of one step of a student on one text, with what its teacher says of it. */
  async tape({ student, teacher, text, T, alpha }) {
    const [own, theirs] = [openClassifier(student), openClassifier(teacher)]
    try {
      const said = await theirs.logits([text])
      const data = textData([text], null, own.tokenizer, own.maxLength)
      const target = tensor([Array.from(said)])
      // What the teacher holds for likeliest stands for the label that a text of the reader's has not.
      const label = tensor([said.indexOf(Math.max(...said))], { dtype: 'int32' })
      own.model.train()
      manualSeed(1)
      const step = () => {
        const { logits } = own.model.forward(data.input(Int32Array.of(0)))
        kdLoss(logits, target, label, { T, alpha }).backward()
        return logits
      }
      const tape = trace(step, { names: own.model })
      return tapeOf(tape, tape.result)
    } finally {
      for (const p of [...own.model.parameters(), ...theirs.model.parameters()]) p.dispose()
    }
  },
  /** Reliability of each model on dev, and the texts on which student and teacher disagree. */
  insights({ result, dev }) {
    const { classes } = result.facts
    const labels = dev.labels.map((label) => classes.indexOf(label))
    const bins = ['teacher', 'alone', 'student'].flatMap((name) => {
      const one = result[name]
      if (one === null || one.logits === null) return []
      const all = calibration(one.logits, labels, classes.length).filter(({ rows }) => rows >= 3)
      return [{ name, x: all.map((b) => b.confidence), y: all.map((b) => b.accuracy) }]
    })
    const { teacher, student } = result
    const table = disagreements({
      ...{ texts: dev.texts, labels, classes },
      teacher: teacher.logits,
      student: student.logits,
    })
    return { bins, disagreements: table }
  },
  report({ result, dev, steps, judged, facts }) {
    const { classes } = result.facts
    const labels = dev.labels.map((label) => classes.indexOf(label))
    const { teacher, student, alone } = result
    const models = [
      ['teacher', teacher],
      ['student alone', alone],
      ['student distilled', student],
    ].filter(([, m]) => m !== null)
    const n = classes.length
    const samples = dev.texts.map((text, row) => ({
      text,
      label: labels[row],
      logits: teacher.logits.slice(row * n, (row + 1) * n),
    }))
    const before = alone
      ? { name: 'alone', logits: alone.logits, labels }
      : { name: 'teacher', logits: teacher.logits, labels }
    return renderReport({
      title: 'A distillation in a tab',
      intro: `${result.facts.text}`,
      table: {
        columns: ['', 'dev accuracy', 'dev loss', 'parameters'],
        rows: models.map(([name, m]) => [name, m.figures.accuracy, m.figures.loss, m.parameters]),
      },
      charts: [
        { title: 'Dev accuracy', xLabel: 'batch', yLabel: 'accuracy', series: judged },
        {
          title: 'Training loss of the student',
          xLabel: 'batch',
          yLabel: 'loss',
          series: steps.map(({ name, points }) => ({ name, points: smooth(points) })),
        },
      ],
      sections: [
        softTargets(telling(samples, n, 6), classes),
        reliability({
          before,
          after: { name: 'distilled', logits: student.logits, labels },
          fitting: null,
          classes: n,
        }),
        disagreements({
          ...{ texts: dev.texts, labels, classes },
          teacher: teacher.logits,
          student: student.logits,
        }),
      ],
      facts,
    })
  },
}

globalThis.onmessage = async ({ data: { id, what, about } }) => {
  try {
    globalThis.postMessage({ id, value: await answers[what](about), error: null })
  } catch (error) {
    globalThis.postMessage({ id, value: null, error: { name: error.name, message: error.message } })
  }
}
