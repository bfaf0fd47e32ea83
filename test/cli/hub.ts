// A hub in miniature on two local ports: listing in pages, redirects of large files to the second port as to a content
// network, byte ranges, tokens, and faults on demand.
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface HubModel {
  files: Record<string, Uint8Array | string>
  /** Files stored apart, told with their SHA-256. */
  large?: string[]
  revisions?: Record<string, string>
  /** The token that opens it. */
  token?: string
  /** 403 even for those with a token. */
  gated?: boolean
  /** Changes the listing before it is sent. */
  relist?: (entries: Entry[]) => unknown
}

export interface Entry {
  type: string
  path: unknown
  size: unknown
  oid: unknown
  lfs?: { oid: unknown; size: unknown; pointerSize: number }
}

export interface Fault {
  /** The path's end. */
  file: string
  /** How often; default 1. */
  times?: number
  /** The connection breaks after so many bytes of an answer. */
  cutAfter?: number
  /** It does not break but stays open without a byte more. */
  silent?: boolean
  status?: number
  /** The whole file, whatever part was asked for. */
  ignoreRange?: boolean
  /** Sent in place of the file. */
  instead?: Uint8Array
}

export const COMMIT = 'c0ffee'.padEnd(40, '0')

export class MiniHub {
  readonly models = new Map<string, HubModel>()
  faults: Fault[] = []
  /** Method, path, range and whether a token came, of each request. */
  log: string[] = []
  #servers: Server[] = []
  protected cdn = ''
  url = ''

  async start(): Promise<void> {
    const listen = async (handler: (request: IncomingMessage, response: ServerResponse) => void) => {
      const server = createServer(handler)
      this.#servers.push(server)
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    }
    this.url = await listen((request, response) => void this.answer(request, response, 'hub'))
    this.cdn = await listen((request, response) => void this.answer(request, response, 'cdn'))
  }

  stop(): void {
    for (const server of this.#servers) {
      server.closeAllConnections()
      server.close()
    }
  }

  protected answer(request: IncomingMessage, response: ServerResponse, port: string): unknown {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname)
    const { authorization, range } = request.headers
    this.log.push([port, path, range, authorization && 'token'].filter(Boolean).join(' '))
    const send = (status: number, body: unknown, headers: Record<string, string> = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers })
      return response.end(JSON.stringify(body))
    }
    const match =
      /^\/api\/models\/(.+)\/(revision|tree)\/([^/]+)$/.exec(path) ??
      /^\/(.+)\/(resolve)\/([^/]+)\/(.+)$/.exec(path)
    const model = this.models.get(match?.[1] ?? '')
    if (!match || !model) return send(401, { error: 'Invalid username or password.' })
    const [, id, what, revision, file] = match
    // The content network knows signed addresses, and refuses tokens.
    if (port === 'cdn' && authorization) return send(400, { error: 'Only one auth mechanism allowed' })
    if (port === 'hub' && model.token && authorization !== `Bearer ${model.token}`)
      return send(401, { error: 'Access to this model is restricted.' })
    if (port === 'hub' && model.gated) return send(403, { error: 'You are not in the authorized list.' })
    const commit = { main: COMMIT, [COMMIT]: COMMIT, ...model.revisions }[revision]
    if (!commit) return send(404, { error: `Invalid rev id: ${revision}` })
    if (what === 'revision') return send(200, { _id: '1', id, sha: commit, lastModified: 0 })
    if (what === 'tree') {
      const all = entries(model)
      const listed = model.relist ? model.relist(all) : all
      // A page for each half.
      const second = request.url?.includes('cursor')
      if (!Array.isArray(listed) || listed.length < 2) return send(200, listed)
      const half = Math.ceil(listed.length / 2)
      const next = `<${this.url}${path}?cursor=1>; rel="next"`
      return send(200, second ? listed.slice(half) : listed.slice(0, half), second ? {} : { link: next })
    }
    const content = model.files[file]
    if (content === undefined) return send(404, { error: 'Entry not found' })
    if (port === 'hub' && model.large?.includes(file))
      return send(302, {}, { location: `${this.cdn}${request.url}?signed` })
    return this.#file(
      typeof content === 'string' ? new TextEncoder().encode(content) : content,
      file,
      range,
      response,
    )
  }

  #file(content: Uint8Array, file: string, range: string | undefined, response: ServerResponse): unknown {
    const fault = this.faults.find((f) => file.endsWith(f.file) && (f.times ?? 1) > 0)
    if (fault) fault.times = (fault.times ?? 1) - 1
    if (fault?.status) return response.writeHead(fault.status).end()
    const whole = fault?.instead ?? content
    const from = fault?.ignoreRange ? 0 : Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0)
    if (from > whole.length) return response.writeHead(416).end()
    const body = whole.subarray(from)
    response.writeHead(from > 0 ? 206 : 200, {
      'content-length': body.length,
      ...(from > 0 && { 'content-range': `bytes ${from}-${whole.length - 1}/${whole.length}` }),
    })
    if (fault?.cutAfter === undefined) return response.end(body)
    const cut = () => (fault.silent ? null : setTimeout(() => response.destroy(), 20))
    return response.write(body.subarray(0, fault.cutAfter), cut)
  }
}

function entries({ files, large = [] }: HubModel): Entry[] {
  return Object.entries(files).map(([path, content]) => {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
    const oid = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const lfs = { oid: sha256, size: bytes.length, pointerSize: 130 }
    return { type: 'file', path, size: bytes.length, oid, ...(large.includes(path) && { lfs }) }
  })
}
