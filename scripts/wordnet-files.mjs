// Writes the WordNet definitions of the main job as data files: train.tsv (20,000 with labels), transfer.tsv (the rest),
// dev.tsv, test.tsv. usage: node scripts/wordnet-files.mjs DIR [LABELLED]; LABELLED: only so many of the labelled rows.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readWordnet } from '../dist/files/index.js'

const [folder, limit = '20000'] = process.argv.slice(2)
if (folder === undefined || !/^\d+$/.test(limit)) {
  console.error('usage: node scripts/wordnet-files.mjs DIR [LABELLED]')
  process.exit(2)
}
const { classes, labelled, dev, test, transfer } = readWordnet()
const plain = (text) => text.replaceAll(/\s+/g, ' ').trim()
const rows = (list) => list.map(({ text, label }) => `${plain(text)}\t${classes[label]}\n`).join('')
mkdirSync(folder, { recursive: true })
const put = (name, head, body) => writeFileSync(join(folder, name), `${head}\n${body}`)
for (const [name, list] of Object.entries({ train: labelled.slice(0, Number(limit)), dev, test }))
  put(`${name}.tsv`, 'text\tlabel', rows(list))
put('transfer.tsv', 'text', transfer.map((text) => `${plain(text)}\n`).join(''))
console.log(
  `${folder}: ${Math.min(labelled.length, limit)} labelled, ${transfer.length} for transfer, ${dev.length} dev, ${test.length} test`,
)
