// Labels 6,000, 60,000 and 600,000 rows with a tiny teacher and distils 400 steps from each of the first two caches, every one
// in its own process, and prints each one's largest memory. Fails where distilling takes 32 MB more from ten times the rows, or
// labelling 64 MB more for the last ten times: a run of 6,000 ends before the collector has had to do anything.
// usage: npm run check:cache [-- ROWS]
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { distil } from '../dist/distill/index.js'
import { loadTextModel, openCache, saveTextModel, transferSet } from '../dist/files/index.js'
import { TextClassifier } from '../dist/files/models/index.js'
import { manualSeed } from '../dist/index.js'
import { WordTokenizer } from '../dist/text/index.js'

const [STEPS, BATCH, CLASSES] = [400, 32, 100]
const words = 'a large grey animal small red fruit that lives in the sea and is eaten by people'.split(' ')
const names = Array.from({ length: CLASSES }, (_, c) => `class ${c}`)

const peak = () => process.resourceUsage().maxRSS * 1024

if (process.argv[2] === 'distil') await distilFrom(...process.argv.slice(3))
else compare(Number(process.argv[2] ?? 60_000))

/** Prints the largest memory of this process. */
async function distilFrom(folder, file) {
  const { tokenizer } = loadTextModel(join(folder, 'teacher'))
  manualSeed(2)
  const student = new TextClassifier(sizes(tokenizer, 8))
  const cache = openCache(join(folder, 'cache'))
  const { data, targets } = transferSet(file, cache, { tokenizer, maxLength: 16 })
  const end = new AbortController()
  const first = { loss: 0 }
  const began = performance.now()
  await distil(student, data, targets, {
    ...{ epochs: 1000, lr: 1e-3, seed: 1, batchSize: BATCH, signal: end.signal },
    onStep: ({ step, loss }) => {
      if (step === 1) first.loss = loss
      if (step === STEPS) {
        const ms = ((performance.now() - began) / STEPS).toFixed(1)
        first.text = `loss ${first.loss.toFixed(4)} to ${loss.toFixed(4)}, ${ms} ms a step`
        end.abort()
      }
    },
  })
  console.log(`${peak()}\t${data.size} rows: ${first.text}`)
}

function sizes(tokenizer, width) {
  const own = { width, layers: 1, heads: 1, maxLength: 16 }
  return { vocabSize: tokenizer.size, classes: CLASSES, padId: 0, ...own }
}

function run(args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return stdout
}

/** Label, then distil: the peaks of both. */
function measure(rows, { only = false } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'tinystill-cache-'))
  try {
    const file = join(folder, 'data.txt')
    const text = (j) =>
      `${words[j % 15]} ${words[(j * 7) % 16]} ${words[(j >> 4) % 16]} ${words[(j >> 8) % 16]} ${words[j % 13]} ${j}`
    writeFileSync(file, Array.from({ length: rows }, (_, j) => text(j)).join('\n'))
    const tokenizer = WordTokenizer.build(words)
    manualSeed(1)
    const model = new TextClassifier(sizes(tokenizer, 16))
    saveTextModel(join(folder, 'teacher'), { model, tokenizer, classes: names })
    const bin = fileURLToPath(new URL('../dist/cli/bin.js', import.meta.url))
    const hook = `data:text/javascript,process.on('exit',()=>console.log(process.resourceUsage().maxRSS*1024))`
    const args = [
      'label',
      '--teacher',
      join(folder, 'teacher'),
      '--data',
      file,
      '--out',
      join(folder, 'cache'),
    ]
    const labelled = run(['--import', hook, bin, ...args, '--quiet'])
      .trim()
      .split('\n')
    const peaks = { label: Number(labelled.at(-1)) }
    console.log(`label:  ${mb(peaks.label)} at most; ${labelled[0].split(': ').at(-1)}`)
    if (only) return peaks
    const [bytes, ...learnt] = run([fileURLToPath(import.meta.url), 'distil', folder, file])
      .trim()
      .split('\t')
    console.log(`distil: ${mb(Number(bytes))} at most; ${learnt.join('')}`)
    return { ...peaks, distil: Number(bytes) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function mb(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

function compare(rows) {
  const [tenth, all] = [measure(Math.round(rows / 10)), measure(rows)]
  const more = measure(10 * rows, { only: true }).label - all.label
  const grown = all.distil - tenth.distil
  console.log(`distil: ${mb(grown)} more for ${rows} rows; label: ${mb(more)} more for ${10 * rows}`)
  const constant = grown < 32e6 && more < 64e6
  console.log(constant ? 'memory does not grow with the rows' : 'memory grows with the rows')
  process.exitCode = constant ? 0 : 1
}
