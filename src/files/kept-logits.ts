// Logits that a run computed, kept in its folder until it is done: one that goes on need not ask a large teacher again. A file
// is believed only where it says the same of itself as is asked for now, and holds what was hashed when it was written.
import { createHash } from 'node:crypto'
import * as nodeFs from 'node:fs'
import { join } from 'node:path'
import { CheckpointError, TinystillError } from '../errors.js'
import { readSafetensors, safetensorsPieces } from '../formats/safetensors/safetensors.js'
import { empty } from '../tensor/tensor.js'
import { MANIFEST } from './cache/manifest.js'
import { type FileSystem, makeFolder, readBytes, writeAtomic } from './disk.js'

const FORMAT = 'tinystill-logits 1'
const NAME = 'logits'
const OURS = /^logits-[0-9a-f]{16}\.safetensors$/
/** More than a header of one tensor takes. */
const MAX_HEADER = 2 ** 16

/** All that logits follow from: the model's weights and settings, its tokenizer, the texts, how much of them it reads. */
export type LogitFacts = Readonly<Record<string, string | number>>

export interface KeptLogitsOptions {
  /** Whether what is there may be taken. */
  read: boolean
  /** Whether anything is kept. */
  write: boolean
  warn: (line: string) => void
}

const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex')

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) =>
  new Uint8Array(buffer, byteOffset, byteLength)

/** With the keys in one order. */
const textOf = (facts: LogitFacts) =>
  JSON.stringify(Object.entries(facts).sort(([a], [b]) => (a < b ? -1 : 1)))

export class KeptLogits {
  constructor(
    readonly folder: string,
    readonly options: KeptLogitsOptions,
    readonly fs: FileSystem = nodeFs,
  ) {}

  /**
   * Logits [rows, width] with these facts: those that are kept, or else what `compute` gives, which is kept then. What cannot
   * be read or kept is told, and computed.
   */
  async take(
    facts: LogitFacts,
    [rows, width]: readonly [rows: number, width: number],
    compute: () => Float32Array | Promise<Float32Array>,
  ): Promise<Float32Array> {
    const path = join(this.folder, `${NAME}-${sha256(textOf(facts)).slice(0, 16)}.safetensors`)
    const known = this.options.read ? this.#read(path, facts, [rows, width]) : null
    if (known !== null) return known
    const logits = await compute()
    if (this.options.write && logits.length === rows * width && logits.length > 0)
      this.#write(path, facts, [rows, width], logits)
    return logits
  }

  #read(path: string, facts: LogitFacts, shape: readonly [number, number]): Float32Array | null {
    if (nodeFs.statSync(path, { throwIfNoEntry: false }) === undefined) return null
    try {
      return readLogits(path, facts, shape)
    } catch (error) {
      if (!(error instanceof TinystillError)) throw error
      this.options.warn(`${error.message}. These logits are computed again`)
      return null
    }
  }

  #write(path: string, facts: LogitFacts, shape: readonly [number, number], logits: Float32Array): void {
    const t = empty(shape, 'float32')
    try {
      t.elements.set(logits)
      const metadata: [string, string][] = [
        ['format', FORMAT],
        ['facts', textOf(facts)],
        ['sha256', sha256(bytesOf(logits))],
      ]
      makeFolder(this.folder)
      writeAtomic(path, safetensorsPieces([[NAME, t]], { metadata }).pieces, this.fs)
    } catch (error) {
      if (!(error instanceof TinystillError)) throw error
      this.options.warn(`${error.message}. A run that goes on will compute these logits again`)
    } finally {
      t.dispose()
    }
  }

  /** Removes all that is kept, and the folder where nothing else is in it. */
  clear(): void {
    try {
      for (const name of nodeFs.readdirSync(this.folder))
        if (OURS.test(name)) this.fs.rmSync(join(this.folder, name), { force: true })
      nodeFs.rmdirSync(this.folder)
    } catch {
      // Not there, or not empty.
    }
  }
}

/** Files that tell what a folder is of, and what to do with it. */
const others: readonly (readonly [file: string, what: string, hint: string])[] = [
  ['config.json', 'holds a model', 'Name a folder for the answers alone'],
  [MANIFEST, 'holds a cache of tinystill label', 'Such a cache is a teacher: --teacher takes it'],
]

/** Logits that many runs share. Throws CheckpointError for a path that is no folder, and for the folder of something else. */
export function sharedLogits(folder: string, warn: (line: string) => void): KeptLogits {
  makeFolder(folder)
  for (const [file, what, hint] of others)
    if (nodeFs.existsSync(join(folder, file))) throw new CheckpointError(folder, what, hint)
  return new KeptLogits(folder, { read: true, write: true, warn })
}

/** Throws CheckpointError for what write() did not write with these facts. */
function readLogits(path: string, facts: LogitFacts, [rows, width]: readonly [number, number]): Float32Array {
  const bytes = readBytes(path, 4 * rows * width + MAX_HEADER)
  const { tensors, metadata } = readSafetensors(bytes, { file: path, maxHeaderBytes: MAX_HEADER })
  try {
    const t = tensors.get(NAME)
    const right = tensors.size === 1 && t?.dtype === 'float32' && t.shape.join() === `${rows},${width}`
    if (!right || metadata.get('format') !== FORMAT)
      throw new CheckpointError(path, `does not hold ${rows} rows of ${width} logits`)
    if (metadata.get('facts') !== textOf(facts))
      throw new CheckpointError(path, 'is of another model, other texts or another length')
    const logits = (t.elements as Float32Array).slice()
    if (metadata.get('sha256') !== sha256(bytesOf(logits)))
      throw new CheckpointError(path, 'is damaged: its SHA-256 is not the one that it names')
    return logits
  } finally {
    for (const t of tensors.values()) t.dispose()
  }
}
