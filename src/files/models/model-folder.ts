// A model's files by their names, wherever they lie: in a folder on disk (disk-folder.ts), or as bytes in memory. What reads
// models goes by this, so that a page reads what a program does, with the same checks and the same errors.
import { CheckpointError } from '../../errors.js'
import { configOf, type ModelConfig } from '../../formats/config.js'
import { Fields } from '../../formats/fields.js'
import { shown } from '../../formats/json.js'
import { parseJson } from '../../formats/parse-json.js'
import { decodeText, MAX_TEXT_BYTES } from '../../formats/utf8.js'
import { isPickle, refusePickle } from './pickles.js'
import { WeightFile } from './weights.js'

export interface ModelFolder {
  /** What errors call it: its path. */
  readonly path: string
  /** What errors call one of its files. */
  at(name: string): string
  has(name: string): boolean
  /** Throws CheckpointError for a file that is missing, larger than `maxBytes` (64 MiB), or not UTF-8. */
  text(name: string, maxBytes?: number): string
  /** Opens safetensors and checks their header; with `inside` a link that leads out of the folder is refused. Close them. */
  weights(name: string, options?: { maxHeaderBytes?: number | undefined; inside?: boolean }): WeightFile
  /** The refusal where it lacks `name`, by what it holds instead. */
  missing(name: 'config.json' | 'model.safetensors'): CheckpointError
}

/** Files by their names, as a folder from Hugging Face has them: config.json, model.safetensors, tokenizer.json. */
export type ModelFiles = Readonly<Record<string, Uint8Array | string>>

/** `path` is what errors call it. Throws TypeError for what is neither bytes nor text. */
export function memoryFolder(files: ModelFiles, path = 'model'): ModelFolder {
  if (typeof files !== 'object' || files === null || ArrayBuffer.isView(files))
    throw new TypeError("files: must be an object of bytes by their names, { 'config.json': bytes, ... }")
  const contents = new Map(Object.entries(files).map(([name, data]) => [name, bytesOf(name, data)]))
  const whole = (name: string): Uint8Array => {
    const bytes = contents.get(name)
    if (bytes === undefined)
      throw new CheckpointError(name, 'is not among the files', `There are ${names(contents)}`)
    return bytes
  }
  return {
    path,
    at: (name) => name,
    has: (name) => contents.has(name),
    text: (name, maxBytes = MAX_TEXT_BYTES) => {
      const bytes = whole(name)
      if (bytes.length > maxBytes)
        throw new CheckpointError(name, `has ${bytes.length} bytes, at most ${maxBytes} are read here`)
      return decodeText(name, bytes)
    },
    weights: (name, { maxHeaderBytes } = {}) => {
      const bytes = whole(name)
      const fill = (out: Uint8Array, at: number) => out.set(bytes.subarray(at, at + out.length))
      return WeightFile.over(name, { size: bytes.length, fill, close: () => {} }, maxHeaderBytes)
    },
    missing: (name) => {
      const pickle = [...contents.keys()].filter(isPickle).sort()[0]
      if (pickle !== undefined && name !== 'config.json') refusePickle(pickle)
      return new CheckpointError(
        path,
        `holds no ${name}: it has ${names(contents)}`,
        'Pass all files of the folder',
      )
    },
  }
}

function bytesOf(name: string, data: unknown): Uint8Array {
  if (typeof data === 'string') return new TextEncoder().encode(data)
  if (data instanceof Uint8Array) return data
  throw new TypeError(`files: ${shown(name)} must be a Uint8Array or a string`)
}

const names = (contents: ReadonlyMap<string, unknown>): string =>
  [...contents.keys()].slice(0, 6).map(shown).join(', ') + (contents.size > 6 ? ' and more' : '') || 'none'

/** What a JSON file holds. Throws CheckpointError where that is no JSON, or names a field twice. */
export function readJsonIn(folder: ModelFolder, name: string): unknown {
  return parseJson(folder.text(name, MAX_TEXT_BYTES), (reason) => {
    throw new CheckpointError(folder.at(name), reason)
  })
}

/** The fields of the one JSON object in a file. Throws CheckpointError for anything else. */
export const readFieldsIn = (folder: ModelFolder, name: string): Fields =>
  Fields.of(folder.at(name), readJsonIn(folder, name))

/** The fields of a folder's config.json, of whatever model. Throws CheckpointError that says what the folder holds instead. */
export function modelFieldsIn(folder: ModelFolder): Fields {
  if (!folder.has('config.json')) throw folder.missing('config.json')
  return readFieldsIn(folder, 'config.json')
}

/** Throws what modelFieldsIn() and configOf() throw. */
export const modelConfigIn = (folder: ModelFolder): ModelConfig => configOf(modelFieldsIn(folder))
