// A model's folder to the Hugging Face hub: the files that make the model, in one commit, checked afterwards by the hub's own
// listing. The library speaks to the hub: POST /api/repos/create, /api/models/ID/preupload, git LFS's batch API for large
// files, /api/models/ID/commit; loaded when asked for.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { CheckpointError } from '../../errors.js'
import { shown } from '../../formats/json.js'
import { QUANTIZATION, QUANTIZED } from '../../formats/quantized.js'
import { explain } from '../disk.js'
import { SMALL } from '../model-place.js'
import { INDEX, SINGLE } from '../models/checkpoint.js'
import { checkInside } from '../models/disk-folder.js'
import { readIndexFile } from '../models/on-disk.js'
import { type Fetch, isNetwork, isWhole } from './download.js'
import { CONFIG, checkedEndpoint, checkName, type Listed, list, unreachable } from './hub.js'

/** A file of the folder, or a text that is made for the hub. */
export interface Outgoing {
  /** Its name on the hub. */
  name: string
  bytes: number
  /** Where it lies; null: its content is `text`. */
  path: string | null
  text: string
}

export interface PushOptions {
  /** owner/name */
  id: string
  files: readonly Outgoing[]
  /** The hub's, with the right to write. */
  token: string
  /** Of a model that is new there. */
  private?: boolean
  /** The commit's first line. */
  message: string
  /** Default https://huggingface.co. */
  endpoint?: string
  /** What the library says it is doing. */
  onProgress?: (file: string, share: number) => void
  fetch?: Fetch
}

export interface Pushed {
  id: string
  commit: string
  url: string
  files: { name: string; bytes: number }[]
}

/** Large files go to git LFS; the hub reads this to know which. */
const ATTRIBUTES = ['*.safetensors', '*.onnx', '*.bin'].map(
  (pattern) => `${pattern} filter=lfs diff=lfs merge=lfs -text\n`,
)

const README = 'README.md'
const GIT_ATTRIBUTES = '.gitattributes'

/** What a text goes as. */
export const outgoingText = (name: string, text: string): Outgoing => ({
  ...{ name, path: null, text },
  bytes: new TextEncoder().encode(text).length,
})

/**
 * The files of a model's folder that go to the hub, in the order of their names: config, tokenizer, weights, onnx/, and those
 * of `also` by their names. Never the rest: a run's records hold paths, commands and texts of data. `card` is README.md.
 * Throws CheckpointError: no model, a name that leads out of the folder, a file that is not there.
 */
export function filesToPush(folder: string, card: string, also: readonly string[] = []): Outgoing[] {
  if (!existsSync(join(folder, CONFIG)))
    throw new CheckpointError(folder, `has no ${CONFIG}`, 'Name the folder of a model')
  const there = (name: string) => existsSync(join(folder, name))
  const shards = there(INDEX) ? [INDEX, ...readIndexFile(join(folder, INDEX)).keys()] : []
  const graphs = there('onnx') ? graphsIn(folder) : []
  const model = [SINGLE, ...shards, QUANTIZATION, QUANTIZED, ...graphs].filter(there)
  if (!model.some((name) => /\.(safetensors|onnx)$/.test(name)))
    throw new CheckpointError(folder, 'has neither weights nor a graph of ONNX', 'Name the folder of a model')
  const missing = also.find((name) => !there(name))
  if (missing !== undefined) throw new CheckpointError(folder, `has no ${shown(missing)}`, 'See --also')
  const names = new Set([CONFIG, ...SMALL.filter(there), ...model, ...also])
  names.delete(README)
  const files = [...names].sort().map((name) => onDisk(folder, name))
  return [outgoingText(GIT_ATTRIBUTES, ATTRIBUTES.join('')), outgoingText(README, card), ...files]
}

/** Throws CheckpointError for what is no owner/name. */
export function checkPushName(id: string): void {
  checkName(id)
  if (!id.includes('/')) throw new CheckpointError(id, 'names no owner', 'Names look like owner/name')
}

function graphsIn(folder: string): string[] {
  try {
    return readdirSync(join(folder, 'onnx'))
      .filter((name) => name.endsWith('.onnx'))
      .map((name) => `onnx/${name}`)
  } catch (error) {
    throw explain(join(folder, 'onnx'), 'read', error)
  }
}

function onDisk(folder: string, name: string): Outgoing {
  const path = join(folder, name)
  if (name.startsWith('/') || name.split('/').includes('..') || name.includes('\\'))
    throw new CheckpointError(path, 'lies outside the folder', 'Copy it into the folder')
  checkInside(folder, path)
  const stat = statSync(path)
  if (!stat.isFile()) throw new CheckpointError(path, 'is not a regular file', 'Name files')
  return { name, path, bytes: stat.size, text: '' }
}

/**
 * Makes the model on the hub where it is not there yet, and sends the files in one commit; others that are there stay. Resolves
 * when the hub lists every file with the size and hash of ours. Throws CheckpointError: no access, no network, other bytes there.
 */
export async function push(options: PushOptions): Promise<Pushed> {
  const {
    id,
    files,
    token,
    endpoint = 'https://huggingface.co',
    message,
    onProgress,
    fetch: custom,
  } = options
  const hubUrl = checkedEndpoint(endpoint, token)
  checkPushName(id)
  const { commitIter, createRepo, HubApiError } = await import('@huggingface/hub')
  const repo = { type: 'model' as const, name: id }
  const common = { repo, hubUrl, accessToken: token, ...(custom && { fetch: custom }) }
  const operations = files.map(({ name, path, text }) => ({
    ...{ operation: 'addOrUpdate' as const, path: name },
    content: path === null ? new Blob([text]) : pathToFileURL(path),
  }))
  try {
    try {
      await createRepo({ ...common, visibility: options.private ? 'private' : 'public' })
    } catch (error) {
      // It is there already.
      if (!(error instanceof HubApiError && error.statusCode === 409)) throw error
    }
    // Of Xet the hub takes chunks, which need its own hashes; git LFS needs the SHA-256 that we compare by.
    const steps = commitIter({ ...common, operations, title: message, useXet: false })
    let step = await steps.next()
    for (; step.done !== true; step = await steps.next())
      if (step.value.event === 'fileProgress') onProgress?.(step.value.path, step.value.progress)
    const oid = step.value?.commit.oid ?? ''
    await compare(hubUrl, options, oid)
    return {
      id,
      commit: oid,
      url: `${hubUrl}/${id}`,
      files: files.map(({ name, bytes }) => ({ name, bytes })),
    }
  } catch (error) {
    if (error instanceof CheckpointError) throw error
    if (error instanceof HubApiError) throw refused(hubUrl, id, error.statusCode, error.message)
    if (isNetwork(error)) throw unreachable(hubUrl, error)
    throw new CheckpointError(hubUrl, 'does not answer as a hub does', 'Check --endpoint')
  }
}

/** Reads back what the commit holds. */
async function compare(
  hub: string,
  { id, files, token, fetch: custom }: PushOptions,
  oid: string,
): Promise<void> {
  const { listed } = await list(hub, id, oid, { token, ...(custom && { fetch: custom }) })
  for (const { name, path, bytes, text } of files) {
    const there = listed.get(name)
    const same =
      there !== undefined &&
      there.size === bytes &&
      (path === null ? holds(text, there.hash) : isWhole(path, { ...there, url: '', headers: {} }))
    if (same) continue
    throw new CheckpointError(
      id,
      `the hub lists ${shown(name)} ${there === undefined ? 'not at all' : 'with another size or hash'} after the commit`,
      'It was changed while it was sent, or damaged: push again',
    )
  }
}

/** Whether a text has the hash that the hub lists. */
function holds(text: string, { kind, hex }: Listed['hash']): boolean {
  const bytes = new TextEncoder().encode(text)
  const digest = createHash(kind === 'git' ? 'sha1' : 'sha256')
  if (kind === 'git') digest.update(`blob ${bytes.length}\0`)
  return digest.update(bytes).digest('hex') === hex
}

/** What a status means where something is to be written. */
function refused(hub: string, id: string, status: number, said: string): CheckpointError {
  if (status === 401)
    return new CheckpointError(
      id,
      `${hub} does not know the token`,
      'Make one that may write at its settings, tokens',
    )
  if (status === 403)
    return new CheckpointError(
      id,
      'the token may not write there',
      `Make one with the right to write, and check the owner's name`,
    )
  if (status === 404) return new CheckpointError(id, `is not on ${hub}`, 'Check the name: owner/name')
  return new CheckpointError(id, `${hub} answers with status ${status}: ${shown(said)}`, 'Try again later')
}
