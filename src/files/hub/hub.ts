// A model from the Hugging Face hub into a folder: the files that are needed and no others, each checked against the
// hub's own hashes. The listing comes through @huggingface/hub, loaded when asked for; its downloads neither resume nor
// verify, so those are download.ts's.
import * as nodeFs from 'node:fs'
import { dirname, join } from 'node:path'
import { CheckpointError } from '../../errors.js'
import { shown } from '../../formats/json.js'
import { explain, makeFolder } from '../disk.js'
import { SMALL } from '../model-place.js'
import { INDEX, SINGLE } from '../models/checkpoint.js'
import { readIndexFile } from '../models/on-disk.js'
import { isPickle } from '../models/pickles.js'
import {
  download,
  type Fetch,
  isNetwork,
  isWhole,
  networkReason,
  type Source,
  StatusError,
} from './download.js'

/** Of pull(). */
export interface PullOptions {
  /** The hub's name of the model: owner/name, or name alone. */
  id: string
  /** The folder to fill. */
  out: string
  /** Branch, tag or commit; default main. */
  revision?: string
  /** Kept for the next time, by hash: files whole and begun. */
  cache: string
  /** Default https://huggingface.co. */
  endpoint?: string
  token?: string
  /** Bytes there and bytes in all, of all files. */
  onProgress?: (done: number, total: number) => void
  fetch?: Fetch
  /** Of download. */
  pause?: number
  patience?: number
}

/** What pull() brought. */
export interface Pulled {
  id: string
  /** The commit that the files are of. */
  commit: string
  files: { name: string; bytes: number; from: 'network' | 'cache' | 'folder' }[]
  bytes: number
}

export interface Listed extends Omit<Source, 'url' | 'headers'> {
  name: string
}

/** The file that comes last, and without which a folder is no model. */
export const CONFIG = 'config.json'
const MAX_FILES = 100_000
const COMMIT = /^[0-9a-f]{40}$/

/**
 * Fills `out`; config.json comes last, so that a folder that has one is whole. Names come from a fixed list and from the
 * index of shards, never from the hub's listing alone. Throws CheckpointError: no such model or revision, no access, no
 * network, disk full, another checksum. What was fetched stays in the cache and the next call goes on from there.
 */
export async function pull(options: PullOptions): Promise<Pulled> {
  const { id, out, revision = 'main', endpoint = 'https://huggingface.co', token } = options
  const hub = checkedEndpoint(endpoint, token)
  checkName(id)
  const { commit, listed } = await list(hub, id, revision, options)
  const store = join(options.cache, id.replace('/', '--'))
  makeFolder(store)
  const fetchOne = fetcher(hub, id, commit, store, options)

  let weights: Listed[]
  const single = listed.get(SINGLE)
  const index = listed.get(INDEX)
  if (single) weights = [single]
  else if (index) {
    await fetchOne(index)
    const shards = [...readIndexFile(join(store, index.hash.hex)).keys()]
    weights = [index, ...shards.map((name) => listed.get(name) ?? lacks(id, name))]
  } else return noWeights(id, listed)
  const small = SMALL.flatMap((name) => listed.get(name) ?? [])
  const wanted = [...small, ...weights, listed.get(CONFIG) ?? lacks(id, CONFIG)]
  refuseMixture(out, wanted)
  const bytes = wanted.reduce((n, file) => n + file.size, 0)
  makeFolder(out)
  checkSpace(store, out, wanted)

  let before = 0
  const files: Pulled['files'] = []
  for (const file of wanted) {
    const start = before
    const target = join(out, file.name)
    const source = asSource(file)
    let from: Pulled['files'][number]['from'] = 'folder'
    if (!isWhole(target, source)) {
      from = (await fetchOne(file, (done) => options.onProgress?.(start + done, bytes))) ? 'network' : 'cache'
      place(join(store, file.hash.hex), target)
    }
    before += file.size
    options.onProgress?.(before, bytes)
    files.push({ name: file.name, bytes: file.size, from })
  }
  return { id, commit, files, bytes }
}

const asSource = (file: Listed): Source => ({ ...file, url: '', headers: {} })

function lacks(id: string, name: string): never {
  throw new CheckpointError(id, `the hub's folder lacks ${shown(name)}`, 'Choose another model or revision')
}

function noWeights(id: string, listed: ReadonlyMap<string, Listed>): never {
  const pickle = [...listed.keys()].find(isPickle)
  if (pickle === undefined) lacks(id, SINGLE)
  throw new CheckpointError(
    id,
    `has its weights as a Python pickle only, ${shown(pickle)}, which can run any code when it is read`,
    'Download that by hand: tinystill inspect on its folder gives the line that converts it',
  )
}

/** Throws CheckpointError for what is no owner/name, and no name alone. */
export function checkName(id: string): void {
  if (!/^[\w.-]{1,96}(\/[\w.-]{1,96})?$/.test(id) || /(^|\/)\.\.?($|\/)/.test(id))
    throw new CheckpointError(id, 'is no name of a model', 'Names look like owner/name')
}

/** The address without its last slash. Throws CheckpointError where it is none, and where a token would go unencrypted. */
export function checkedEndpoint(endpoint: string, token: string | undefined): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new CheckpointError(endpoint, 'is no address of a hub', 'It starts with https://')
  if (token && url.protocol === 'http:' && !['localhost', '127.0.0.1', '[::1]'].includes(url.hostname))
    throw new CheckpointError(endpoint, 'would get the token unencrypted', 'Use https://, or unset HF_TOKEN')
  if (token && !/^hf_\w+$/.test(token))
    throw new CheckpointError('HF_TOKEN', 'is no token of the hub', 'It starts with hf_')
  return endpoint.replace(/\/+$/, '')
}

/** A revision's files with their hashes, all checked. Throws CheckpointError. */
export async function list(
  hub: string,
  id: string,
  revision: string,
  { token, fetch: custom }: Pick<PullOptions, 'token' | 'fetch'>,
): Promise<{ commit: string; listed: Map<string, Listed> }> {
  const { HubApiError, listFiles, modelInfo } = await import('@huggingface/hub')
  const common = { hubUrl: hub, ...(custom && { fetch: custom }), ...(token && { accessToken: token }) }
  try {
    const { sha } = await modelInfo({ name: id, revision, additionalFields: ['sha'], ...common })
    if (!COMMIT.test(sha)) throw new CheckpointError(hub, 'names no commit', 'Is it a hub?')
    const listed = new Map<string, Listed>()
    const repo = { type: 'model' as const, name: id }
    for await (const entry of listFiles({ repo, recursive: true, revision: sha, ...common })) {
      if (listed.size >= MAX_FILES) throw new CheckpointError(id, `has more than ${MAX_FILES} files`)
      if (entry.type !== 'file') continue
      const { path: name } = entry
      const hex = entry.lfs?.oid ?? entry.oid
      const size = entry.lfs?.size ?? entry.size
      const kind = entry.lfs ? ('sha256' as const) : ('git' as const)
      // The hash becomes a file name in the cache.
      const known = typeof hex === 'string' && /^[0-9a-f]+$/.test(hex) && hex.length === (entry.lfs ? 64 : 40)
      if (typeof name !== 'string' || !known || !Number.isSafeInteger(size) || size < 0)
        throw new CheckpointError(id, `the hub lists ${shown(String(name))} without a good size and hash`)
      if (listed.has(name)) throw new CheckpointError(id, `the hub lists ${shown(name)} twice`)
      listed.set(name, { name, size, hash: { kind, hex } })
    }
    return { commit: sha, listed }
  } catch (error) {
    if (error instanceof CheckpointError) throw error
    if (error instanceof HubApiError) throw refusal(hub, id, revision, error.statusCode, error.message)
    if (isNetwork(error) && error.message === 'fetch failed') throw unreachable(hub, error)
    throw new CheckpointError(hub, 'does not answer as a hub does', 'Check --endpoint')
  }
}

/** No connection. */
export function unreachable(hub: string, error: Error): CheckpointError {
  return new CheckpointError(
    hub,
    `cannot be reached: ${networkReason(error)}`,
    'Check the network, or name another hub with --endpoint',
  )
}

/** What a status means here. The hub answers 401 for a model that it does not have, too. */
function refusal(hub: string, id: string, revision: string, status: number, said = ''): CheckpointError {
  const page = `${hub}/${id}`
  if (status === 401)
    return new CheckpointError(
      id,
      'does not exist, or is private or gated',
      `Check the name; for a gated model accept its terms at ${page} and set HF_TOKEN`,
    )
  if (status === 403)
    return new CheckpointError(id, 'is gated: your token has no access', `Ask for it at ${page}`)
  if (status === 404 && /rev/i.test(said))
    return new CheckpointError(id, `has no revision ${shown(revision)}`, `See ${page}/tree/main`)
  if (status === 404) return new CheckpointError(id, `is not on ${hub}`, 'Check the name: owner/name')
  return new CheckpointError(id, `${hub} answers with status ${status}`, 'Try again later')
}

/** Brings one file into the cache. Resolves to whether the network was needed. */
function fetcher(hub: string, id: string, commit: string, store: string, options: PullOptions) {
  const { token, pause, patience, fetch: custom = fetch } = options
  const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {}
  return async (file: Listed, onBytes: (done: number) => void = () => {}): Promise<boolean> => {
    const path = join(store, file.hash.hex)
    const name = file.name.split('/').map(encodeURIComponent).join('/')
    const source = { ...file, url: `${hub}/${id}/resolve/${commit}/${name}`, headers }
    if (isWhole(path, source)) return false
    try {
      const times = { ...(pause !== undefined && { pause }), ...(patience !== undefined && { patience }) }
      await download(path, source, { fetch: custom, onBytes, ...times })
    } catch (error) {
      if (error instanceof StatusError) throw refusal(hub, id, commit, error.status)
      throw error
    }
    return true
  }
}

/** Throws where `out` already has files of a model that would stay between the new ones. */
function refuseMixture(out: string, wanted: readonly Listed[]): void {
  const names = new Set(wanted.map((file) => file.name))
  const stale = [SINGLE, INDEX, CONFIG, ...SMALL].find(
    (name) => !names.has(name) && nodeFs.existsSync(join(out, name)),
  )
  if (stale !== undefined)
    throw new CheckpointError(
      out,
      `holds another model's ${stale}`,
      'Choose another folder or empty this one',
    )
}

/** Before anything is fetched: what is missing must fit into the cache and into `out`, twice where they share a disk. */
function checkSpace(store: string, out: string, wanted: readonly Listed[]): void {
  const missing = (file: Listed, path: string) =>
    nodeFs.statSync(path, { throwIfNoEntry: false })?.size === file.size ? 0 : file.size
  const cached = wanted.reduce((n, file) => n + missing(file, join(store, file.hash.hex)), 0)
  const placed = wanted.reduce((n, file) => n + missing(file, join(out, file.name)), 0)
  const shared = nodeFs.statSync(store).dev === nodeFs.statSync(out).dev
  for (const [folder, need] of [
    [store, shared ? cached + placed : cached],
    [out, placed],
  ] as const) {
    const { bavail, bsize } = nodeFs.statfsSync(folder)
    if (need > bavail * bsize)
      throw new CheckpointError(
        folder,
        `has room for ${Math.floor((bavail * bsize) / 1e6)} MB, ${Math.ceil(need / 1e6)} MB are needed`,
        'Free space there, or name another --cache or --out',
      )
  }
}

/** A copy under a temporary name, forced to disk and renamed: a cut leaves the old file or none. */
function place(from: string, to: string): void {
  makeFolder(dirname(to))
  const aside = `${to}.${process.pid}.tmp`
  try {
    nodeFs.copyFileSync(from, aside, nodeFs.constants.COPYFILE_FICLONE)
    const file = nodeFs.openSync(aside, 'r+')
    try {
      nodeFs.fsyncSync(file)
    } finally {
      nodeFs.closeSync(file)
    }
    nodeFs.renameSync(aside, to)
  } catch (error) {
    nodeFs.rmSync(aside, { force: true })
    throw explain(to, 'written', error)
  }
}
