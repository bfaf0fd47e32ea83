// A line for each of many distillations, out of their run.json: what stood there to learn from, and what came of it.
// usage: node scripts/cells.mjs RUN... >> docs/results/NAME.md
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

const folders = process.argv.slice(2)
if (folders.length === 0) {
  console.error('usage: node scripts/cells.mjs RUN...')
  process.exit(2)
}
const percent = (figures) => (figures === undefined ? '' : (100 * figures.accuracy).toFixed(2))
const count = (n) => n.toLocaleString('en-US')
const signed = (x) => `${x < 0 ? '-' : '+'}${(100 * Math.abs(x)).toFixed(2)}`

const head = [
  'run',
  'labelled',
  'transfer',
  'made',
  'seeds',
  'teacher',
  'linear',
  'alone',
  'distilled',
  'distilled - alone',
]
// A run without a lone student is held against that of the run before it with the same labelled rows (LONE=once of cells.sh).
const lone = new Map()
const rows = folders.map((folder) => {
  const { models, judgements, counts, data } = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'))
  const { labelled, transferRows, variedRows } = counts
  const { teacher, linear, distilled } = models
  const alone = models.alone ?? lone.get(data.train.sha256)
  lone.set(data.train.sha256, alone)
  const { gain = alone && distilled.accuracy - alone.accuracy, interval } = judgements.alone ?? {}
  const sure = interval ? ` (${interval.map(signed).join(' to ')})` : ''
  return [
    basename(folder),
    ...[labelled, transferRows - variedRows, variedRows, distilled.seeds.length].map(count),
    ...[teacher, linear, alone, distilled].map(percent),
    gain === undefined ? '' : `${signed(gain)}${sure}`,
  ]
})
console.log([head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n'))
