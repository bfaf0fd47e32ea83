// npm run bench:check: how many times faster than the js oracle each wasm kernel is, both in the same run, against what
// was stored. Exit code 1 and a line a kernel when one has lost more than a fifth.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { renderTable } from '../dist/cli/shared/table.js'
import { backendReport, setBackend } from '../dist/index.js'
import { int8Build } from '../dist/tensor/backend.js'
import { kernelCases } from './cases/kernels.mjs'
import { fail, readArgs } from './lib/args.mjs'
import { plural, right } from './lib/format.mjs'
import { describe, machine } from './lib/machine.mjs'
import { readResults, stored, writeResults } from './lib/results.mjs'
import { median } from './lib/stats.mjs'

const COMMAND = 'npm run bench:check'
const FILE = stored('check.json')
const ONE = fileURLToPath(new URL('./check-one.mjs', import.meta.url))
const LOSS = 0.2
/** A kernel that seems slower is measured again, this often in all, and the best counts: a busy moment is no loss. */
const TRIES = 4
/** Stored is the median of as many, so that no lucky moment becomes the standard. */
const STORED_OF = 3

const args = readArgs(COMMAND, 'fails when a kernel has lost speed against the js oracle', {
  only: { value: 'CASE', choices: kernelCases.map((c) => c.name), help: 'one case' },
  store: { help: 'writes bench/results/check.json instead of comparing with it' },
})

function measure(name) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [ONE, name], { encoding: 'utf8' })
  if (status !== 0) fail(`${COMMAND}: ${name} does not run: ${stderr.trim().split('\n').at(-1)}`)
  return Number(stdout)
}

function against(name, was) {
  let ratio = 0
  let tries = 0
  do ratio = Math.max(ratio, measure(name))
  while (++tries < TRIES && was !== undefined && ratio < was * (1 - LOSS))
  return { name, ratio, was, tries, lost: was !== undefined && ratio < was * (1 - LOSS) }
}

try {
  setBackend('wasm')
} catch (error) {
  fail(`${COMMAND}: ${error.message}`)
}
const { build, kernels: places } = backendReport()
/** Those of whole numbers are none of the table of kernels. */
const isFast = ({ kernel }) => (kernel.startsWith('int8') ? int8Build() !== null : places[kernel] === 'wasm')
const covered = new Set(kernelCases.map((c) => c.kernel))
const uncovered = Object.keys(places).filter((name) => places[name] === 'wasm' && !covered.has(name))
if (uncovered.length > 0)
  console.log(`kernels without a case in bench/cases/kernels.mjs: ${uncovered.join(', ')}`)
const names = kernelCases.filter((c) => isFast(c) && (!args.only || args.only === c.name)).map((c) => c.name)
const remedy = `Make it with ${COMMAND} -- --store, on a commit that is known to be fast`
const before = args.store && !args.only ? { cases: [] } : readResults(FILE, remedy)
const here = machine()
console.log(describe(here))

if (args.store) {
  const kept = args.only ? before.cases.filter((c) => c.name !== args.only) : []
  const found = names.map((name) => ({
    name,
    ratio: median(Array.from({ length: STORED_OF }, () => measure(name))),
  }))
  writeResults(FILE, { build, cases: [...kept, ...found] })
} else {
  if (before.machine.cpu !== here.cpu)
    console.log(`the stored ratios are of another machine: ${describe(before.machine)}`)
  if (before.build !== build)
    fail(`${COMMAND}: the stored ratios are of the ${before.build} build. ${remedy}`)
  const found = names.map((name) => against(name, before.cases.find((c) => c.name === name)?.ratio))
  const columns = [{ title: 'kernel' }, ...['times js', 'stored', 'change', 'tries'].map(right)]
  const rows = found.map(({ name, ratio, was, tries }) => [
    ...[name, ratio.toFixed(2), was === undefined ? '' : was.toFixed(2)],
    was === undefined ? 'new' : `${(100 * (ratio / was - 1)).toFixed(0)}%`,
    String(tries),
  ])
  console.log(renderTable(columns, rows))
  const lost = found.filter((one) => one.lost)
  for (const { name, ratio, was } of lost)
    console.error(
      `${name}: ${ratio.toFixed(2)} times as fast as js, stored ${was.toFixed(2)}: ${(100 * (1 - ratio / was)).toFixed(0)}% lost`,
    )
  console.log(lost.length === 0 ? 'no kernel has lost speed' : `${plural(lost.length, 'kernel')} lost speed`)
  process.exitCode = lost.length === 0 ? 0 : 1
}
