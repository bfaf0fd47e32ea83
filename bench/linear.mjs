// The linear line of distill: accuracies and seconds of LinearClassifier, and where a Python is named scikit-learn's with the
// same settings. usage: node bench/linear.mjs DIR... [--python PYTHON]; DIR: of train, dev and test .tsv, text TAB label.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { classification, LinearClassifier } from '../dist/distill/index.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { python: { type: 'string' } },
})
if (positionals.length === 0) {
  console.error('usage: node bench/linear.mjs DIR... [--python PYTHON]')
  process.exit(2)
}
const script = fileURLToPath(new URL('peers/linear.py', import.meta.url))
const percent = (x) => (100 * x).toFixed(2)

function read(file) {
  const rows = readFileSync(file, 'utf8')
    .split(/\r?\n/)
    .filter((line) => line !== '' && line !== 'text\tlabel')
    .map((line) => line.split('\t'))
  return { texts: rows.map(([text]) => text), names: rows.map(([, name]) => name) }
}

for (const folder of positionals) {
  const [train, dev, test] = ['train', 'dev', 'test'].map((name) => read(join(folder, `${name}.tsv`)))
  const classes = [...new Set(train.names)].sort()
  const set = ({ texts, names }) => ({
    texts,
    labels: Int32Array.from(names, (name) => classes.indexOf(name)),
  })
  const began = performance.now()
  const model = LinearClassifier.fit(set(train), classes.length, { dev: set(dev) })
  const seconds = (performance.now() - began) / 1000
  const { accuracy } = classification(model.logits(test.texts), set(test).labels, classes.length)
  console.log(
    `${folder}: ${train.texts.length} rows, ${classes.length} classes, ${model.tfidf.terms.length} terms, C ${model.C}: test ${percent(accuracy)}, ${seconds.toFixed(1)} s`,
  )
  if (values.python === undefined) continue
  const { stdout, stderr, status } = spawnSync(values.python, [script, folder], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  const theirs = JSON.parse(stdout)
  console.log(
    `  scikit-learn ${theirs.version}: ${theirs.terms} terms, C ${theirs.C}: test ${percent(theirs.accuracy)}, ${theirs.seconds.toFixed(1)} s; ${(100 * (accuracy - theirs.accuracy)).toFixed(2)} points apart`,
  )
}
