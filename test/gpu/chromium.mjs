// gpu.js in Chromium: webgl2 on a page's main thread, webgpu in a worker, which may wait for it. Each check is a line of JSON.
import { readFileSync } from 'node:fs'
import { findChromium, startChromium } from '../browser/chromium.mjs'
import { serve } from '../browser/server.mjs'

const [mode] = process.argv.slice(2)
const job = JSON.parse(readFileSync(0, 'utf8'))
const say = (line) => console.log(JSON.stringify(line))
const gpujs = '/test/gpu/node_modules/gpu.js/dist/gpu-browser.min.js'

const server = await serve({
  isolated: true,
  scripts: /^\/test\/gpu\/(built\/|inside\.mjs|node_modules\/gpu\.js\/dist\/)[\w./-]*$/,
})
// Graphics in software, which is all that a machine without a card has.
const browser = await startChromium(findChromium(), [
  ...['--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist'],
  ...['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan'],
])
try {
  const page = await browser.newPage()
  page.on('pageerror', (error) => say({ name: 'page', error: String(error) }))
  page.on('crash', () => say({ name: 'page', error: 'it crashed' }))
  await page.exposeFunction('say', say)
  await page.goto(server.origin)
  await page.evaluate(
    async ({ job, inWorker }) => {
      if (!inWorker) return (await import('/test/gpu/inside.mjs')).run(job, globalThis.say)
      const worker = new Worker('/test/gpu/inside.mjs', { type: 'module' })
      await new Promise((resolve, reject) => {
        worker.onerror = (event) => reject(new Error(event.message))
        worker.onmessage = ({ data }) => (data === 'end' ? resolve() : globalThis.say(data))
        worker.postMessage(job)
      })
    },
    { job: { ...job, options: { mode, gpujs } }, inWorker: mode === 'webgpu' },
  )
} catch (error) {
  say({ name: 'suite', error: error.message })
} finally {
  await browser.close()
  server.close()
}
