// npm run check:ids -- FILE: a tokenizer of each family, learnt from the lines of a file, gives each of them the same ids here as
// in Python, and how long it takes beside it, both on one thread, in seconds of the processor, which other work on the machine
// hardly changes. PYTHON names a Python that has transformers and sentencepiece.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadTokenizer } from '../dist/files/index.js'

const LONGEST = 128
const SHOWN = 3
const [file] = process.argv.slice(2)
const python = process.env.PYTHON
if (file === undefined || !python) {
  console.error('usage: PYTHON=... npm run check:ids -- FILE; a line a text')
  process.exit(2)
}
// Of an empty text some families have no ids in Python, and here at least one.
const texts = readFileSync(file, 'utf8')
  .split('\n')
  .filter((text) => text !== '')
const same = (a, b) => a.length === b.length && a.every((id, i) => id === b[i])

/** Ids of all texts, and the seconds of the fastest of three rounds, those of the collector and the compiler too. */
function encoded(tokenizer) {
  let [ids, best] = [[], Infinity]
  for (let round = 0; round < 3; round++) {
    const start = process.cpuUsage()
    ids = texts.map((text) => tokenizer.encode(text, null, { maxLength: LONGEST }).ids)
    const { user, system } = process.cpuUsage(start)
    best = Math.min(best, (user + system) / 1e6)
  }
  return { ids, seconds: best }
}

const root = mkdtempSync(join(tmpdir(), 'tinystill-ids-'))
let failed = 0
let done = 0
try {
  const script = fileURLToPath(new URL('python_ids.py', import.meta.url))
  const { status, stdout } = spawnSync(python, [script, file, root], { stdio: ['ignore', 'pipe', 'inherit'] })
  if (status !== 0) throw new Error(`${script} failed`)
  for (const line of stdout.toString().trim().split('\n')) {
    const family = line.split(':')[0]
    const theirs = JSON.parse(readFileSync(join(root, `${family}.json`), 'utf8'))
    const ours = encoded(loadTokenizer(join(root, family)))
    const other = texts.flatMap((_, i) => (same(ours.ids[i], theirs.ids[i]) ? [] : [i]))
    done++
    if (other.length > 0) failed++
    console.log(
      `${other.length > 0 ? 'FAILED' : 'ok    '} ${line}: ${texts.length} texts, ${other.length} differ; ${ours.seconds.toFixed(2)} s, Python ${theirs.seconds.toFixed(2)}, ratio ${(ours.seconds / theirs.seconds).toFixed(2)}`,
    )
    for (const i of other.slice(0, SHOWN))
      console.log(`  ${JSON.stringify(texts[i])}: ${ours.ids[i]} there ${theirs.ids[i]}`)
  }
} finally {
  rmSync(root, { recursive: true })
}
console.log(`${done - failed} passed, ${failed} failed`)
process.exit(failed > 0 ? 1 : 0)
