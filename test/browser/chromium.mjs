// Starts the Chromium of this machine (CHROMIUM, or Debian's place) and opens pages in which inside.mjs runs.
import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'

const flags = [
  ...['--headless=new', '--no-sandbox', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
]

/** The path of the browser, or null. */
export function findChromium() {
  const path = process.env.CHROMIUM ?? '/usr/bin/chromium'
  return existsSync(path) ? path : null
}

/** gpu: the flags of its graphics, by default without any. */
export async function startChromium(executablePath, gpu = ['--disable-gpu']) {
  return chromium.launch({ executablePath, args: [...flags, ...gpu], ignoreDefaultArgs: ['--headless'] })
}

/** A page of `origin`; run(name, argument) runs a function of inside.mjs there, in a dedicated worker if asked. */
export async function open(browser, origin, { inWorker = false } = {}) {
  const page = await browser.newPage()
  const complaints = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('crash', () => complaints.push('the page crashed'))
  await page.goto(origin)
  if (inWorker) await page.evaluate(startWorker)
  const call = inWorker ? callWorker : callPage
  return {
    complaints,
    run: (name, argument) => page.evaluate(call, { name, argument }),
    evaluate: (f, argument) => page.evaluate(f, argument),
    close: () => page.close(),
  }
}

// The three below run in the page.

async function callPage({ name, argument }) {
  const { run } = await import('/test/browser/inside.mjs')
  return run(name, argument)
}

async function startWorker() {
  const worker = new Worker('/test/browser/inside.mjs', { type: 'module' })
  globalThis.answer = () =>
    new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data.value))
      worker.onerror = (event) => reject(new Error(`the worker failed: ${event.message}`))
    })
  globalThis.inside = worker
  await globalThis.answer()
}

async function callWorker(message) {
  const answer = globalThis.answer()
  globalThis.inside.postMessage(message)
  return answer
}
