// npm run check:browser: tinystill in a real Chromium, in isolated and other pages, on the main thread and in a worker,
// against the bits that this Node computes; and report.html against hostile texts. One line a check; the last is 'N passed, N failed'.

import { readFileSync } from 'node:fs'
import { setBackend, setDeterministic } from '../../dist/index.js'
import { otherBits } from './bits.mjs'
import { findChromium, open, startChromium } from './chromium.mjs'
import { checkReports } from './report.mjs'
import { serve } from './server.mjs'
import { kernelHashes, trainingHash } from './work.mjs'

const COUNTS = [1, 2, 4, 8]
const LIMIT = 60000
/** Milliseconds within which a call ends that lost a thread. */
const PATIENCE = 2000
/** The same for one that changes its arguments in place: it waits longer for threads that are perhaps alive. */
const IN_PLACE = 12000
const GOLDEN = JSON.parse(readFileSync(new URL('../golden/bits.json', import.meta.url), 'utf8'))
const ENTRIES = [
  'index',
  'distill/index',
  'files/models/index',
  'files/models/browser',
  'formats/safetensors/index',
  'text/index',
]

const path = findChromium()
if (path === null) {
  console.error(
    'check:browser needs Chromium: apt-get install --no-install-recommends chromium, or CHROMIUM=path',
  )
  process.exit(1)
}

let passed = 0
let failed = 0

/** Something hangs: what else would run in the same page is left out. */
class Late extends Error {}

/** f gives what to print behind the name, and throws where the check fails. Throws Late itself. */
async function check(name, f) {
  try {
    const detail = await inTime(f)
    passed++
    console.log(`ok      ${name}${detail ? `: ${detail}` : ''}`)
  } catch (error) {
    failed++
    console.log(`FAILED  ${name}: ${error.message}`)
    if (error instanceof Late) throw error
  }
}

/** Like check, for what depends on time: a machine that stood still for a second gets another chance, and it is told. */
async function checkTime(name, f) {
  await check(name, async () => {
    try {
      return await f()
    } catch (error) {
      if (error instanceof Late) throw error
      return `${await f()} (the first time: ${error.message})`
    }
  })
}

async function inTime(f) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Late(`not done after ${LIMIT / 1000} s`)), LIMIT)
  })
  try {
    return await Promise.race([f(), late])
  } finally {
    clearTimeout(timer)
  }
}

function must(condition, complaint) {
  if (!condition) throw new Error(typeof complaint === 'string' ? complaint : JSON.stringify(complaint))
}

/** Names whose hashes differ. */
const different = (a, b) => Object.keys(a).filter((name) => a[name] !== b[name])

function sameKernels(got, want, what) {
  const names = different(want, got)
  must(names.length === 0, `${what}: other bits in ${names.join(', ')}`)
}

/** What this Node computes. */
async function reference() {
  setDeterministic(true)
  const wasm = { kernels: await kernelHashes(1), training: await trainingHash(1) }
  setBackend('js')
  const js = await kernelHashes(1)
  return { ...wasm, js }
}

async function checkImports(place, page) {
  await check(`${place}: every entry but tinystill/node is plain ES modules`, async () => {
    const names = await page.evaluate(
      (entries) => Promise.all(entries.map(async (e) => Object.keys(await import(`/dist/${e}.js`)).length)),
      ENTRIES,
    )
    return `${names.reduce((a, b) => a + b)} names`
  })
}

async function checkBits(place, page, threads) {
  await check(`${place}: 200 steps on ${threads} threads, the bits of test/golden`, async () => {
    const wrong = otherBits(await page.run('bits', threads), GOLDEN)
    must(wrong === null, wrong)
  })
}

async function checkThreads(place, page, want) {
  await check(`${place}: backendReport`, async () => {
    const report = await page.run('report')
    must(report.backend === 'wasm' && report.isolated && !report.node && report.threads >= 1, report)
    return `wasm, ${report.why}, ${report.threads} threads`
  })
  // First: what follows chooses its own build.
  await checkBits(place, page, 2)
  for (const deterministic of [true, false]) {
    const build = deterministic ? 'deterministic' : 'fastest build'
    let one = deterministic ? want : null
    for (const threads of COUNTS) {
      const against = one === null ? '' : deterministic ? ', the bits of Node' : ', the bits of 1 thread'
      await check(`${place}, ${build}, ${threads} thread${threads > 1 ? 's' : ''}${against}`, async () => {
        await page.run('choose', { deterministic })
        const { workers, taken } = threads > 1 ? await page.run('up', threads) : { workers: 0, taken: 0 }
        must(workers === threads - 1, `${workers} workers came up`)
        must(threads === 1 || taken > 0, 'the workers take no chunk')
        const kernels = await page.run('kernels', threads)
        const training = await page.run('training', threads)
        one ??= { kernels, training }
        sameKernels(kernels, one.kernels, `${threads} threads`)
        must(training === one.training, `after training the weights are ${training}, not ${one.training}`)
        const share = taken > 0 ? `, workers took ${taken} chunks of 20 products` : ''
        return `${Object.keys(kernels).length} kernels, 20 training steps${share}`
      })
    }
  }
  const [one, two] = [await page.run('speed', 1), await page.run('speed', 2)]
  console.log(`        1024 x 312 x 1200: ${one.toFixed(1)} ms on 1 thread, ${two.toFixed(1)} on 2`)
}

async function checkLoss(place, page) {
  for (const fate of ['throws', 'hangs']) {
    for (const inPlace of [false, true]) {
      await checkTime(
        `${place}: a thread ${fate}${inPlace ? ' while it changes in place' : ''}`,
        async () => {
          const seen = await page.run('lose', { fate, inPlace })
          must(seen.hit, 'no thread took a chunk')
          must(seen.wrong === 0, `${seen.wrong} wrong results`)
          must(seen.longest < (inPlace ? IN_PLACE : PATIENCE), `a call took ${seen.longest.toFixed(0)} ms`)
          const named = seen.errors.filter((e) => /^BackendError: .*a thread was lost/.test(e))
          must(
            named.length === seen.errors.length && named.length === (inPlace ? 1 : 0),
            seen.errors.join('; '),
          )
          must(seen.after.workers === 2 && seen.after.taken > 0, 'no new threads afterwards')
          const end = inPlace ? 'a named error' : 'the right result'
          return `${end} within ${seen.longest.toFixed(0)} ms, then new threads`
        },
      )
    }
  }
  for (const deterministic of [true, false]) {
    const build = deterministic ? 'deterministic' : 'fastest build'
    await checkTime(`${place}, ${build}: all workers terminated from outside`, async () => {
      await page.run('choose', { deterministic })
      const seen = await page.run('terminate')
      must(seen.wrong === 0 && seen.errors.length === 0, seen)
      must(seen.longest < PATIENCE, `a call took ${seen.longest.toFixed(0)} ms`)
      return `${seen.calls} calls right, the longest ${seen.longest.toFixed(0)} ms`
    })
  }
}

/** Arrays that data gave: TINYSTILL_KEPT of them, as npm run check:kept counts. */
async function checkKept(place, page) {
  const arrays = Number(process.env.TINYSTILL_KEPT ?? 2000)
  await check(`${place}: ${arrays} arrays kept in training loops`, async () => {
    const changed = await page.run('kept', arrays)
    must(changed.length === 0, changed)
    return 'none changed, none shared'
  })
}

/** Where no threads can be had: everything works on one, and the report says why. */
async function checkAlone(place, page, want, why) {
  await check(`${place}: one thread, the bits of Node`, async () => {
    await page.run('choose', { deterministic: true })
    await page.run('setThreads', 4)
    const [kernels, training] = [await page.run('kernels', 4), await page.run('training', 4)]
    sameKernels(kernels, want.kernels, 'one thread')
    must(training === want.training, 'after training the weights are not those of Node')
    const report = await page.run('report')
    must(report.threads === 1 && why.test(report.why), report)
    return report.why
  })
}

const browser = await startChromium(path).catch((error) => {
  console.error(`check:browser: ${path} does not start. ${error.message.split('\n')[0]}`)
  console.log('0 passed, 1 failed')
  process.exit(1)
})
const want = await reference()
const version = browser.version()
console.log(`Chromium ${version}, Node ${process.versions.node}`)

await checkReports(browser, check, must).catch((error) => {
  if (!(error instanceof Late)) throw error
})

async function visit(options, f) {
  const server = await serve(options)
  try {
    const page = await open(browser, server.origin, options)
    await f(page)
    await check(`${options.name}: no error reached the page`, async () => {
      must(page.complaints.length === 0, page.complaints.join('; '))
    })
    await page.close()
  } catch (error) {
    if (!(error instanceof Late)) await check(options.name, () => Promise.reject(error))
  } finally {
    server.close()
  }
}

for (const inWorker of [false, true]) {
  const side = inWorker ? 'worker' : 'page'
  await visit({ name: `isolated ${side}`, isolated: true, inWorker }, async (page) => {
    if (!inWorker) await checkImports(`isolated ${side}`, page)
    await checkThreads(`isolated ${side}`, page, want)
    await checkKept(`isolated ${side}`, page)
    await checkLoss(`isolated ${side}`, page)
  })
  await visit({ name: `plain ${side}`, isolated: false, inWorker }, async (page) => {
    if (!inWorker) await checkImports(`plain ${side}`, page)
    await checkAlone(`plain ${side}`, page, want, /one thread: the page is not cross-origin isolated/)
  })
}
await visit({ name: 'page without blob workers', isolated: true, policy: "worker-src 'self'" }, (page) =>
  checkAlone('page without blob workers', page, want, /one thread: workers do not start/),
)
await visit({ name: 'page without wasm', isolated: true, policy: "script-src 'self'" }, async (page) => {
  await check('page without wasm: the js kernels, the bits of Node', async () => {
    sameKernels(await page.run('kernels', 2), want.js, 'js')
    const report = await page.run('report')
    must(report.backend === 'js' && report.threads === 1, report)
    return report.why
  })
})
await browser.close()

console.log(`${passed} passed, ${failed} failed`)
process.exit(failed > 0 ? 1 : 0)
