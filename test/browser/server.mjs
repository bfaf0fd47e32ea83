// The package's files on 127.0.0.1, with or without the headers that isolate a page.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

const ISOLATED = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

/** The scripts that pages may load. */
const SCRIPTS = /^\/(dist|bench|test\/browser|node_modules\/@huggingface\/tokenizers\/dist)\/[\w./-]+\.m?js$/
/** What a bundler would do: the one package that tinystill/text uses in a browser. */
const IMPORTS = `<script type="importmap">${JSON.stringify({
  imports: { '@huggingface/tokenizers': '/node_modules/@huggingface/tokenizers/dist/tokenizers.mjs' },
})}</script>`

/** -> { origin, close }. `policy`: a content security policy; `scripts`: the paths that are served. */
export async function serve({ isolated, policy, scripts = SCRIPTS }) {
  const headers = {
    'Cache-Control': 'no-store',
    ...(isolated ? ISOLATED : {}),
    ...(policy ? { 'Content-Security-Policy': policy } : {}),
  }
  const server = createServer((request, response) => {
    const send = (status, type, body) =>
      response.writeHead(status, { ...headers, 'Content-Type': type }).end(body)
    const { pathname } = new URL(request.url, 'http://localhost')
    if (pathname === '/')
      return send(
        200,
        'text/html',
        `<!doctype html><meta charset="utf-8"><title>t</title>${policy ? '' : IMPORTS}`,
      )
    if (!scripts.test(pathname) || pathname.includes('..')) return send(404, 'text/plain', '')
    try {
      send(200, 'text/javascript', readFileSync(root + pathname.slice(1)))
    } catch {
      send(404, 'text/plain', '')
    }
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
