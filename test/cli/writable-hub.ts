// The hub in miniature, with what it takes in: repositories, the question which files are large, git LFS's batch API with plain
// and multipart uploads, and commits as lines of JSON. As @huggingface/hub and Python's huggingface_hub speak to the real one;
// LFS: https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md
import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { MiniHub } from './hub.js'

/** A part of a multipart upload. */
const CHUNK = 100_000

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

type Json = Record<string, unknown>

export class WritableHub extends MiniHub {
  readonly writeToken = 'hf_writer'
  /** Owners whose models the token may write. */
  owners = ['me']
  /** Large objects by their SHA-256. */
  readonly objects = new Map<string, Buffer>()
  /** Files of which this many bytes or more go in parts. */
  multipartFrom = Number.POSITIVE_INFINITY
  /** What a commit's content is changed to, as on a disk that fails. */
  damage: ((path: string, content: Uint8Array) => Uint8Array) | null = null
  readonly commits: { id: string; summary: string; paths: string[]; private: boolean }[] = []
  readonly #private = new Map<string, boolean>()
  readonly #parts = new Map<string, Map<number, Buffer>>()

  protected override answer(request: IncomingMessage, response: ServerResponse, port: string): unknown {
    if (request.method !== 'POST' && request.method !== 'PUT') return super.answer(request, response, port)
    return this.#write(request, response, port).catch((error) => response.writeHead(500).end(String(error)))
  }

  async #write(request: IncomingMessage, response: ServerResponse, port: string): Promise<unknown> {
    const url = new URL(request.url ?? '/', 'http://x')
    const path = decodeURIComponent(url.pathname)
    const { authorization } = request.headers
    this.log.push([port, request.method, path, authorization && 'token'].filter(Boolean).join(' '))
    const body = await bodyOf(request)
    const send = (status: number, value: unknown, headers: Record<string, string> = {}) =>
      response
        .writeHead(status, { 'content-type': 'application/json', ...headers })
        .end(JSON.stringify(value))
    if (port === 'cdn') {
      // Signed addresses; a token there would be given away.
      if (authorization) return send(400, { error: 'Only one auth mechanism allowed' })
      return this.#store(path, url.searchParams.get('part'), body, send)
    }
    if (authorization !== `Bearer ${this.writeToken}`)
      return send(401, { error: 'Invalid username or password.' })
    if (path === '/api/repos/create') return this.#create(JSON.parse(body.toString()) as Json, send)
    const [, id, what] =
      /^\/api\/models\/(.+?)\/(preupload|commit)\/main$/.exec(path) ??
      /^\/(.+)\.git\/info\/(lfs)\/objects\/batch$/.exec(path) ??
      []
    const model = this.models.get(id ?? '')
    if (model === undefined) return send(404, { error: 'Repository not found' })
    if (what === 'preupload') {
      const { files, gitAttributes } = JSON.parse(body.toString()) as {
        files: Json[]
        gitAttributes?: string
      }
      const large = (name: string) =>
        (gitAttributes ?? '')
          .split('\n')
          .some((line) => /^\*(\.\w+) filter=lfs/.exec(line)?.[1] === /\.\w+$/.exec(name)?.[0])
      const modes = files.map((file) => ({
        ...{ path: file.path, shouldIgnore: false },
        uploadMode: large(String(file.path)) || Number(file.size) > 10e6 ? 'lfs' : 'regular',
      }))
      return send(200, { files: modes })
    }
    return what === 'lfs'
      ? this.#batch(JSON.parse(body.toString()) as Json, send)
      : this.#commit(id, body, send)
  }

  #create(
    { name, organization, visibility, type }: Json,
    send: (status: number, value: unknown) => unknown,
  ): unknown {
    const id = `${organization}/${name}`
    if (type !== 'model') return send(400, { error: 'type' })
    if (!this.owners.includes(String(organization)))
      return send(403, {
        error: `You don't have the rights to create a model under the namespace "${organization}"`,
      })
    if (this.models.has(id)) return send(409, { error: 'You already created this model repo' })
    this.models.set(id, { files: {}, large: [] })
    this.#private.set(id, visibility === 'private')
    return send(200, { url: `${this.url}/${id}`, id, name: id })
  }

  #batch(
    { operation, objects, transfers, hash_algo }: Json,
    send: (status: number, value: unknown, headers: Record<string, string>) => unknown,
  ): unknown {
    const type = { 'content-type': 'application/vnd.git-lfs+json' }
    if (operation !== 'upload' || hash_algo !== 'sha_256' || !(transfers as string[]).includes('basic'))
      return send(422, { message: 'not understood' }, type)
    const answers = (objects as { oid: string; size: number }[]).map(({ oid, size }) => {
      if (this.objects.has(oid)) return { oid, size }
      const href = `${this.cdn}/${oid}?signed`
      if (size < this.multipartFrom) return { oid, size, actions: { upload: { href } } }
      const parts = Array.from({ length: Math.ceil(size / CHUNK) }, (_, i) => [
        String(i + 1).padStart(5, '0'),
        `${href}&part=${i + 1}`,
      ])
      const header = { chunk_size: String(CHUNK), ...Object.fromEntries(parts) }
      return { oid, size, actions: { upload: { href: `${href}&complete`, header } } }
    })
    return send(200, { transfer: 'basic', objects: answers }, type)
  }

  #store(
    path: string,
    part: string | null,
    body: Buffer,
    send: (status: number, value: unknown, headers?: Record<string, string>) => unknown,
  ): unknown {
    const oid = path.slice(1)
    if (part !== null) {
      const parts = this.#parts.get(oid) ?? new Map<number, Buffer>()
      this.#parts.set(oid, parts.set(Number(part), body))
      return send(200, {}, { etag: `"${createHash('md5').update(body).digest('hex')}"` })
    }
    const parts = this.#parts.get(oid)
    const content =
      parts === undefined ? body : Buffer.concat([...parts].sort(([a], [b]) => a - b).map(([, b]) => b))
    if (createHash('sha256').update(content).digest('hex') !== oid) return send(422, { error: 'checksum' })
    this.objects.set(oid, content)
    return send(200, {})
  }

  #commit(id: string, body: Buffer, send: (status: number, value: unknown) => unknown): unknown {
    const model = this.models.get(id)!
    const lines = body
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { key: string; value: Json })
    const paths: string[] = []
    let summary = ''
    for (const { key, value } of lines) {
      const path = String(value.path)
      if (key === 'header') summary = String(value.summary)
      else {
        paths.push(path)
        const content =
          key === 'lfsFile'
            ? this.objects.get(String(value.oid))
            : Buffer.from(String(value.content), 'base64')
        if (content === undefined)
          return send(400, { error: `LFS pointer pointed to a file that does not exist` })
        model.files[path] = this.damage?.(path, content) ?? content
        if (key === 'lfsFile' && !model.large?.includes(path)) model.large?.push(path)
      }
    }
    this.commits.push({ id, summary, paths, private: this.#private.get(id) ?? false })
    const commitOid = 'c0ffee'.padEnd(40, '0')
    return send(200, {
      success: true,
      commitOid,
      commitUrl: `${this.url}/${id}/commit/${commitOid}`,
      hookOutput: '',
    })
  }
}
