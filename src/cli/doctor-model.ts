// What the doctor says of a model and of data for it, before anything is trained or judged.
import { loadClassifier } from '../files/models/on-disk.js'
import { labelFacts } from '../train/outputs/label-facts.js'
import { tasks } from '../train/tasks.js'
import { readFor } from './shared/labels-option.js'
import type { Output } from './shared/output.js'
import { count, renderTable } from './shared/table.js'

/** How labels are written for each task. */
const written = {
  classes: 'the name of a class, or its number from 0',
  sets: 'a list of names, in tables with commas between; [] or an empty field for none; or 1 and 0 for each class in turn',
  numbers: 'a number, or where the model gives several a list of them',
} as const

export interface ModelQuestion {
  model: string
  data?: string
  labels?: string[]
}

/** Throws CheckpointError for what is no classifier, DataError for data whose labels are not for it. */
export function lookAtModel({ model: folder, data, labels }: ModelQuestion, output: Output): void {
  const { classes, problemType, notes, maxLength } = loadClassifier(folder)
  const task = tasks[problemType]
  const set = data === undefined ? null : readFor(data, { classes, problemType }, labels, {}, output)
  const size = set?.texts.length ?? 0
  const own = { ...(set?.targets && { targets: set.targets }), size }
  const counts = classes.map((name, c) => `${name} ${set?.labels?.filter((label) => label === c).length}`)
  const facts = set?.labels
    ? [`${size} rows by class: ${counts.join(', ')}`]
    : labelFacts(task.labels, own, classes)
  output.json({
    model: folder,
    task: task.name,
    problemType,
    classes,
    maxLength,
    notes,
    data,
    rows: set && size,
    facts,
  })
  const rows = [
    ['task', `${task.name}: gives ${task.gives(classes)} for a text`],
    ['names', classes.join(', ')],
    ['labels', written[task.labels]],
    ['figures', task.metrics.join(', ')],
    ['longest text', `${count(maxLength)} tokens`],
    ...notes.map((note) => ['note', note]),
    ...(set === null ? [] : facts.map((fact, i) => [i === 0 ? 'data' : '', fact])),
  ]
  output.print(renderTable([{ title: 'what' }, { title: folder }], rows))
}
