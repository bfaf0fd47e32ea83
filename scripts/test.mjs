// Runs the tests and ends with one line, 'N passed, N failed', counted from the runner's own result.
// Arguments go to vitest: `npm test -- test/ops` runs a part.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const dir = mkdtempSync(join(tmpdir(), 'tinystill-test-'))
const file = join(dir, 'result.json')
const vitest = join(root, 'node_modules/vitest/vitest.mjs')
const args = [
  'run',
  ...process.argv.slice(2),
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${file}`,
]
const { status } = spawnSync(process.execPath, [vitest, ...args], { cwd: root, stdio: 'inherit' })

let passed = 0
let failed = 0
try {
  const result = JSON.parse(readFileSync(file, 'utf8'))
  passed = result.numPassedTests
  failed = result.numFailedTests
  // A file that cannot even be loaded has no failed test of its own.
  for (const suite of result.testResults)
    if (suite.status === 'failed' && suite.assertionResults.length === 0) failed++
} catch {
  failed = 1
} finally {
  rmSync(dir, { recursive: true, force: true })
}
if (status !== 0 && failed === 0) failed = 1
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed > 0 || passed === 0 ? 1 : 0)
