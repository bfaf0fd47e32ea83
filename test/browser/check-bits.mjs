// npm run check:bits: the training of bits.mjs on this Node, on others that TINYSTILL_NODES names (a path, or several with
// colons between), and in Chromium, on 1, 2 and 4 threads: everywhere the SHA-256 of test/golden/bits.json. The last line
// is 'N passed, N failed'.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { delimiter } from 'node:path'
import { fileURLToPath } from 'node:url'
import { otherBits } from './bits.mjs'
import { findChromium, open, startChromium } from './chromium.mjs'
import { serve } from './server.mjs'

const THREADS = [1, 2, 4]
const golden = JSON.parse(readFileSync(new URL('../golden/bits.json', import.meta.url), 'utf8'))
const script = fileURLToPath(new URL('bits-node.mjs', import.meta.url))

let passed = 0
let failed = 0
function tell(place, threads, bits) {
  const wrong = bits instanceof Error ? bits.message : otherBits(bits, golden)
  if (wrong === null) passed++
  else failed++
  const detail = wrong ?? `weights ${bits.weights}, moments ${bits.moments}`
  console.log(`${wrong === null ? 'ok     ' : 'FAILED '} ${place}, ${threads} threads: ${detail}`)
}

function onNode(path) {
  const { stdout, stderr, status, error } = spawnSync(path, [script, ...THREADS.map(String)], {
    encoding: 'utf8',
  })
  const version = spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout?.trim()
  const place = version ? `Node ${version.slice(1)}` : path
  if (status !== 0) return tell(place, THREADS.join(', '), new Error(error?.message ?? stderr.trim()))
  for (const { threads, workers, ...bits } of JSON.parse(stdout)) {
    const lone = threads > 1 && workers < threads - 1
    tell(place, threads, lone ? new Error(`only ${workers} workers were started`) : bits)
  }
}

async function inChromium(path) {
  const browser = await startChromium(path)
  const server = await serve({ isolated: true })
  try {
    for (const inWorker of [false, true]) {
      const page = await open(browser, server.origin, { inWorker })
      const place = `Chromium ${browser.version()}, ${inWorker ? 'worker' : 'page'}`
      for (const threads of THREADS) tell(place, threads, await page.run('bits', threads).catch((e) => e))
      await page.close()
    }
  } finally {
    server.close()
    await browser.close()
  }
}

const others = (process.env.TINYSTILL_NODES ?? '').split(delimiter).filter((path) => path !== '')
for (const path of [process.execPath, ...others]) onNode(path)
const chromium = findChromium()
if (chromium === null) console.log('Chromium is not here: CHROMIUM=path names one')
else await inChromium(chromium)
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed > 0 ? 1 : 0)
