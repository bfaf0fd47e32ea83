// The built site on 127.0.0.1, as any host of static files would give it: packed, and without headers of its own.
import { readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { gzipSync } from 'node:zlib'

const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
}

/** -> { origin, sent, close }; sent() gives the bytes since it was last called. */
export async function serve(folder, headers = {}) {
  let bytes = 0
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost')
    const path = join(folder, normalize(decodeURIComponent(pathname)))
    try {
      const file = statSync(path).isDirectory() ? join(path, 'index.html') : path
      const body = gzipSync(readFileSync(file))
      bytes += body.length
      const type = types[extname(file)] ?? 'application/octet-stream'
      response
        .writeHead(200, {
          ...headers,
          'Content-Type': type,
          'Content-Encoding': 'gzip',
          'Cache-Control': 'no-store',
        })
        .end(body)
    } catch {
      response.writeHead(404, { 'Content-Type': 'text/plain' }).end('there is no such page')
    }
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    sent() {
      const now = bytes
      bytes = 0
      return now
    },
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
