// One shard of a cache: a safetensors file whose tensors must be what cache.json says, and rows of it as they are asked for.
import { join } from 'node:path'
import { CheckpointError } from '../../errors.js'
import { shown } from '../../formats/json.js'
import type { Entry } from '../../formats/safetensors/header.js'
import { exp, log } from '../../tensor/math.js'
import { formatShape, sameShape } from '../../tensor/shape.js'
import { hashFile } from '../hash.js'
import { checkInside, openWeights } from '../models/disk-folder.js'
import type { WeightFile } from '../models/weights.js'
import { sha256 } from './facts.js'
import { answersIn, type CacheManifest, hasSeveral, type ShardFacts } from './manifest.js'

const DAMAGED = 'Label again: tinystill label --resume writes it anew'
/** Of the rest's probability: below it softmax gives 0, and a logarithm of 0 would spread. */
const LEAST_REST = 1e-30

/** States of some rows one after the other: row b has starts[b] to starts[b + 1] of them, `width` numbers each. */
export interface HiddenRows {
  values: Float32Array
  starts: Int32Array
  width: number
}

export class CacheShard {
  readonly #file: WeightFile
  readonly #entries: ReadonlyMap<string, Entry>
  /** The first token of each row; null where all tokens are not kept, or not read yet. */
  #starts: Int32Array | null = null
  /** The same of answers, where rows have several. */
  #answers: Int32Array | null = null

  /** Throws CheckpointError for a file that is not what `facts` and `manifest` say of it. Close it. */
  constructor(
    folder: string,
    readonly facts: ShardFacts,
    readonly manifest: CacheManifest,
  ) {
    const path = join(folder, facts.file)
    checkInside(folder, path)
    // Its header has a few short entries.
    this.#file = openWeights(path, 2 ** 20)
    this.#entries = new Map(this.#file.header.entries.map((entry) => [entry.name, entry]))
    try {
      if (this.#file.size !== facts.bytes)
        this.#fail(`has ${this.#file.size} bytes, the cache says ${facts.bytes}`)
      this.#checkEntries()
    } catch (error) {
      this.close()
      throw error
    }
  }

  get path(): string {
    return this.#file.path
  }

  #fail(reason: string): never {
    throw new CheckpointError(this.path, reason, DAMAGED)
  }

  #checkEntries(): void {
    const { settings } = this.manifest
    const answers = answersIn(this.manifest)
    const { rows } = this.facts
    const { topK, layers, width, hidden } = settings
    const floats = settings.dtype === 'float16' ? 'F16' : 'F32'
    const tokens = this.#entries.get(`hidden.${layers[0]}`)?.shape[0] ?? 0
    const several = hasSeveral(this.manifest)
    const count = several ? (this.#entries.get(answers.name)?.shape[0] ?? 0) : rows
    const wanted = new Map<string, [string, number[]]>([
      ['keys', ['I32', [rows, 2]]],
      [answers.name, [floats, [count, answers.width]]],
    ])
    if (several) wanted.set('answers', ['I32', [rows + 1]])
    if (topK !== null) wanted.set('indices', ['I32', [rows, topK]]).set('rest', ['F64', [rows]])
    const states = hidden === 'cls' ? rows : tokens
    for (const layer of layers) wanted.set(`hidden.${layer}`, [floats, [states, width]])
    if (layers.length > 0 && hidden !== 'cls') wanted.set('starts', ['I32', [rows + 1]])
    for (const [name, [code, shape]] of wanted) {
      const entry = this.#entries.get(name)
      if (entry === undefined) this.#fail(`lacks ${name}`)
      else if (entry.code !== code || !sameShape(entry.shape, shape))
        this.#fail(
          `${name} is ${entry.code} ${formatShape(entry.shape)}, the cache says ${code} ${formatShape(shape)}`,
        )
    }
    for (const name of this.#entries.keys())
      if (!wanted.has(name)) this.#fail(`holds ${shown(name)}, which the cache does not name`)
  }

  /** int32 [rows, 2], against their own hash. Throws CheckpointError. */
  keys(): Int32Array {
    const keys = this.#ints('keys', 0, 2 * this.facts.rows)
    if (sha256(new Uint8Array(keys.buffer)) !== this.facts.keys)
      this.#fail("its keys' SHA-256 is not what the cache says: the file has changed")
    return keys
  }

  /** Against the hash of the whole file. Throws CheckpointError. */
  verify(): void {
    const { sha256: found } = hashFile(this.path)
    if (found !== this.facts.sha256)
      this.#fail(`its SHA-256 is ${found}, the cache says ${this.facts.sha256}: the file has changed`)
  }

  close(): void {
    this.#file.close()
  }

  #ints(name: string, first: number, n: number): Int32Array {
    const out = new Int32Array(n)
    this.#file.read(this.#entries.get(name) as Entry, first, out)
    return out
  }

  /** How many answers a row has: 1, or of a sentence one a word, of a question one a token of its windows. */
  answers(row: number): number {
    const starts = this.#answerStarts()
    return starts === null ? 1 : starts[row + 1] - starts[row]
  }

  /** Writes all logits of a row to `out`, one a class of each of its answers, or its embedding. */
  logits(row: number, out: Float32Array): void {
    const { topK } = this.manifest.settings
    const { name, width } = answersIn(this.manifest)
    const entry = this.#entries.get(name) as Entry
    if (topK === null) {
      this.#file.read(entry, (this.#answerStarts()?.[row] ?? row) * width, out)
      return
    }
    const top = new Float32Array(topK)
    this.#file.read(entry, row * topK, top)
    const rest = new Float64Array(1)
    this.#file.read(this.#entries.get('rest') as Entry, row, rest)
    const indices = this.#ints('indices', row * topK, topK)
    if (!(rest[0] >= 0 && rest[0] <= 1) || indices.some((c) => c < 0 || c >= out.length))
      this.#fail(`row ${row}: no classes and share of the rest that can be`)
    expand(top, indices, rest[0], out)
  }

  /** How many states a row has. */
  tokens(row: number): number {
    if (this.manifest.settings.hidden === 'cls') return 1
    const starts = this.#allStarts()
    return starts[row + 1] - starts[row]
  }

  /** Writes a row's states [tokens, width] to `out`. */
  hidden(layer: number, row: number, out: Float32Array): void {
    const { hidden, width } = this.manifest.settings
    const first = hidden === 'cls' ? row : this.#allStarts()[row]
    this.#file.read(this.#entries.get(`hidden.${layer}`) as Entry, first * width, out)
  }

  #allStarts(): Int32Array {
    const [layer] = this.manifest.settings.layers
    this.#starts ??= this.#parting('starts', `hidden.${layer}`, 'tokens')
    return this.#starts
  }

  /** null where each row has one answer. */
  #answerStarts(): Int32Array | null {
    if (!hasSeveral(this.manifest)) return null
    this.#answers ??= this.#parting('answers', answersIn(this.manifest).name, 'rows of logits')
    return this.#answers
  }

  /** Where each row's share of a tensor begins. */
  #parting(name: string, tensor: string, what: string): Int32Array {
    const starts = this.#ints(name, 0, this.facts.rows + 1)
    const [all] = (this.#entries.get(tensor) as Entry).shape
    const rising = starts.every((at, i) => i === 0 || at >= starts[i - 1])
    if (!rising || starts[0] !== 0 || starts[starts.length - 1] !== all)
      this.#fail(`its ${name} do not part ${all} ${what}`)
    return starts
  }
}

/**
 * Logits of all classes from the `top` ones and the probability of the `rest`, which is spread evenly over the other
 * classes: softmax of `out` gives the top ones' own probabilities.
 */
export function expand(top: Float32Array, indices: Int32Array, rest: number, out: Float32Array): void {
  const largest = top.reduce((a, b) => Math.max(a, b), -Infinity)
  const smallest = top.reduce((a, b) => Math.min(a, b), Infinity)
  const sum = top.reduce((s, z) => s + exp(z - largest), 0)
  const share = Math.max(rest, LEAST_REST) / Math.max(1 - rest, LEAST_REST) / (out.length - top.length)
  // Rounding must not lift the others above the last of the top.
  out.fill(Math.min(largest + log(sum) + log(share), smallest))
  indices.forEach((c, i) => {
    out[c] = top[i]
  })
}
