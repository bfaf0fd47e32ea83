// Of npm run check:onnx: transformers.js in Chromium, on a page that is served the exported folder and nothing from outside.
import { existsSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startChromium } from '../test/browser/chromium.mjs'

const packages = fileURLToPath(new URL('./peers/node_modules/', import.meta.url))
const library = join(packages, '@huggingface/transformers')
const own = join(library, 'node_modules/onnxruntime-web/dist')
const types = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
}

/** Scores of all classes for each text, in the page. */
async function inPage({ texts, dtype, classes }) {
  const { pipeline, env } = await import('/library/transformers.min.js')
  Object.assign(env, { allowRemoteModels: false, allowLocalModels: true, localModelPath: '/models/' })
  env.backends.onnx.wasm.wasmPaths = '/engine/'
  env.backends.onnx.wasm.numThreads = 1
  const pipe = await pipeline('text-classification', 'model', { dtype, device: 'wasm' })
  const rows = []
  for (let at = 0; at < texts.length; at += 32)
    for (const all of await pipe(texts.slice(at, at + 32), { top_k: null }))
      rows.push(classes.map((label) => all.find((a) => a.label === label)?.score ?? Number.NaN))
  return { rows, version: env.version }
}

/** Rows of scores. Throws what the page complains of. */
export async function chromiumAnswers(executable, folder, work) {
  const roots = {
    library: join(library, 'dist'),
    engine: existsSync(own) ? own : join(packages, 'onnxruntime-web/dist'),
  }
  const server = createServer((request, response) => {
    const [, root, ...rest] = new URL(request.url, 'http://x').pathname.split('/')
    const base = root === 'models' ? folder : roots[root]
    const path = base && join(base, ...(root === 'models' ? rest.slice(1) : rest))
    if (root === '')
      return response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>t</title>')
    if (!path?.startsWith(base) || !existsSync(path) || !statSync(path).isFile())
      return response.writeHead(404).end()
    return response
      .writeHead(200, { 'content-type': types[extname(path)] ?? 'application/octet-stream' })
      .end(readFileSync(path))
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  const browser = await startChromium(executable)
  try {
    const page = await browser.newPage()
    await page.goto(`http://127.0.0.1:${server.address().port}/`)
    return await page.evaluate(inPage, work)
  } finally {
    await browser.close()
    server.close()
    server.closeAllConnections()
  }
}
