// npm run bench:chart: draws docs/peers.svg from bench/results/peers.json: the time of each peer by ours, on a log scale.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { fail, readArgs } from './lib/args.mjs'
import { ms, plural } from './lib/format.mjs'
import { readResults, stored } from './lib/results.mjs'
import { median } from './lib/stats.mjs'

const COMMAND = 'npm run bench:chart'
const args = readArgs(COMMAND, 'the chart of bench:peers, from the stored results', {
  from: { value: 'FILE', fallback: stored('peers.json'), help: 'default bench/results/peers.json' },
  to: { value: 'FILE', help: 'default docs/peers.svg' },
  threads: { value: 'N', fallback: 1, help: 'the rows of N threads, default 1' },
})
const target = args.to ?? fileURLToPath(new URL('../docs/peers.svg', import.meta.url))
const { machine, rows } = readResults(args.from, 'Make it with npm run bench:peers -- --store')

const [WIDTH, LEFT, RIGHT, TOP, LINE, TITLE] = [830, 162, 150, 66, 20, 34]
const BAR = 13
const TICKS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500]
const FONT = 'font-family="system-ui, sans-serif" font-size="12"'

const drawn = rows
  .filter((row) => row.threads === args.threads)
  .map((row) => ({ ...row, times: 1 / row.ratio }))
if (drawn.length === 0)
  fail(`${COMMAND}: no rows of ${plural(args.threads, 'thread')} in ${args.from}. Use another --threads`)

const all = drawn.map(({ times }) => times)
const least = TICKS.findLast((tick) => tick <= Math.min(0.5, ...all)) ?? TICKS[0]
const most = TICKS.find((tick) => tick >= Math.max(2, ...all)) ?? TICKS.at(-1)
const x = (times) => {
  const share = Math.log(times / least) / Math.log(most / least)
  return LEFT + share * (WIDTH - LEFT - RIGHT)
}
const escaped = (text) =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c])
const text = (atX, atY, words, more = '') =>
  `<text x="${atX.toFixed(1)}" y="${atY.toFixed(1)}" ${more}>${escaped(words)}</text>`

function bar({ peer, times, theirs }, y) {
  const [from, to] = [Math.min(x(1), x(times)), Math.max(x(1), x(times))]
  const kind = times >= 1 ? 'slower' : 'faster'
  return [
    text(LEFT - 10, y + BAR - 2, peer, 'text-anchor="end"'),
    `<rect class="${kind}" x="${from.toFixed(1)}" y="${y}" width="${Math.max(1, to - from).toFixed(1)}" height="${BAR}" rx="2"/>`,
    // Beyond the longer side of the bar or of the line at 1, so that nothing is written over.
    text(Math.max(to, x(1)) + 6, y + BAR - 2, `${times.toPrecision(2)} x (${ms(theirs.median)} ms)`),
  ]
}

const parts = []
let y = TOP
for (const title of new Set(drawn.map((row) => row.title))) {
  const group = drawn.filter((row) => row.title === title).toSorted((a, b) => b.times - a.times)
  const ours = median(group.map((row) => row.ours.median))
  y += TITLE
  parts.push(text(LEFT, y - 10, `${title}: tinystill ${ms(ours)} ms`, 'class="title"'))
  for (const row of group) {
    parts.push(...bar(row, y))
    y += LINE
  }
}
const bottom = y + 6
const ticks = TICKS.filter((tick) => tick >= least && tick <= most).flatMap((tick) => [
  `<line class="${tick === 1 ? 'one' : 'tick'}" x1="${x(tick).toFixed(1)}" x2="${x(tick).toFixed(1)}" y1="${TOP}" y2="${bottom}"/>`,
  text(x(tick), bottom + 16, String(tick), 'text-anchor="middle"'),
])
const height = bottom + 30
const lead = `Time by tinystill's time, ${plural(args.threads, 'thread')}: right of 1 slower than tinystill, left of it faster`
const where = `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, ${machine.date}`
const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" ${FONT} role="img" aria-label="${escaped(lead)}">
<style>
  text { fill: #24292f; stroke: #ffffff; stroke-width: 3px; paint-order: stroke }
  .title { font-weight: 600 } .small { fill: #57606a }
  .slower { fill: #0969da } .faster { fill: #bf5b04 } .tick { stroke: #d0d7de } .one { stroke: #24292f }
  .page { fill: #ffffff }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; stroke: #0d1117 } .small { fill: #9198a1 }
    .slower { fill: #4493f8 } .faster { fill: #e8933a } .tick { stroke: #30363d } .one { stroke: #e6edf3 }
    .page { fill: #0d1117 }
  }
</style>
<rect class="page" width="${WIDTH}" height="${height}"/>
${text(LEFT, 24, lead, 'class="title"')}
${text(LEFT, 42, where, 'class="small"')}
${[...ticks, ...parts].join('\n')}
</svg>
`
try {
  writeFileSync(target, svg)
} catch (error) {
  fail(`${COMMAND}: cannot write ${target}: ${error.message}. Name another file with --to`)
}
console.log(`drew ${drawn.length} bars`)
