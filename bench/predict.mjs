// predict as a filter over 100,000 and 1,000,000 lines: lines a second and the process's largest memory. Fails where the
// million takes 60 MB more than the tenth, which the collector may take. usage: npm run check:predict [-- --json]
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { saveTextModel } from '../dist/files/index.js'
import { TextClassifier } from '../dist/files/models/index.js'
import { manualSeed } from '../dist/index.js'
import { WordTokenizer } from '../dist/text/index.js'

const folder = mkdtempSync(join(tmpdir(), 'tinystill-predict-'))
const words = 'a large grey animal small red fruit that lives in the sea and is eaten by people'.split(' ')
const tokenizer = WordTokenizer.build(words)
manualSeed(1)
const sizes = { width: 8, layers: 1, heads: 1, maxLength: 16 }
const model = new TextClassifier({ vocabSize: tokenizer.size, classes: 4, padId: 0, ...sizes })
saveTextModel(folder, { model, tokenizer, classes: ['a', 'b', 'c', 'd'] })

async function run(lines) {
  const bin = fileURLToPath(new URL('../dist/cli/bin.js', import.meta.url))
  const args = process.argv.slice(2)
  const began = performance.now()
  const child = spawn(process.execPath, [bin, 'predict', '--model', folder, ...args], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  let peak = 0
  let bytes = 0
  let events = 0
  child.stdout.on('data', (data) => {
    // The largest so far, by the kernel's count; elsewhere than on Linux it stays unknown.
    bytes += data.length
    if (events++ % 64 === 0) peak = Math.max(peak, largest(child.pid))
  })
  const closed = new Promise((resolve) => child.on('close', resolve))
  for (let i = 0; i < lines; i += 100) {
    let text = ''
    for (let j = i; j < i + 100; j++)
      text += `${words[j % 15]} ${words[(j * 7) % 16]} ${words[(j >> 4) % 16]} ${words[j % 13]} ${j}\n`
    if (!child.stdin.write(text)) await new Promise((resolve) => child.stdin.once('drain', resolve))
  }
  child.stdin.end()
  const code = await closed
  const seconds = (performance.now() - began) / 1000
  console.log(
    `${lines} lines: ${(lines / seconds).toFixed(0)} lines/s, ${(peak / 1e6).toFixed(0)} MB at most, ${(bytes / 1e6).toFixed(0)} MB written, exit ${code}`,
  )
  return { peak, code }
}

function largest(pid) {
  try {
    return 1024 * Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1])
  } catch {
    return 0
  }
}

try {
  const [tenth, million] = [await run(100_000), await run(1_000_000)]
  const constant = million.peak - tenth.peak < 60e6 && tenth.code === 0 && million.code === 0
  console.log(constant ? 'constant memory' : 'memory grows with the input')
  process.exitCode = constant ? 0 : 1
} finally {
  rmSync(folder, { recursive: true })
}
