// The transfer set: what a teacher says of texts, written once, a shard at a time, and learnt from without the teacher.
// RECIPE: fillCache(teacher, streamTexts(file), CacheWriter.open(folder, facts)); distil(student, data, cache.targets(set)).
import { noGrad } from '../../autograd/graph.js'
import { tidy } from '../../autograd/tidy.js'
import { DataError } from '../../errors.js'
import type { TextInput } from '../../nn/models/input.js'
import type { Module } from '../../nn/module.js'
import { exp } from '../../tensor/math.js'
import { empty, type Tensor } from '../../tensor/tensor.js'
import { textData } from '../../text/dataset.js'
import { isCut, type Tokenizer } from '../../text/encoding.js'
import type { TextRow } from '../../text/rows.js'
import { KeyIndex, keyOfText } from './keys.js'
import { answersIn, type CacheSettings } from './manifest.js'
import type { CacheWriter } from './writer.js'

/** hiddenStates are asked for only where the cache keeps some. */
export interface LabellingTeacher {
  model: Module & {
    forward(input: TextInput, want?: { hiddenStates?: boolean }): { logits: Tensor; hiddenStates?: Tensor[] }
  }
  tokenizer: Tokenizer
  classes: readonly string[]
}

/** Of fillCache(). */
export interface FillOptions {
  /** Names the data in errors. */
  file?: string
  /** Called after each batch with the rows that are done, those of an earlier run among them. */
  onBatch?: (rowsDone: number) => void | Promise<void>
}

/** A row that waits for its shard. */
interface Waiting extends Pick<TextRow, 'text' | 'textB' | 'line'> {
  key: [number, number]
}

/** From here on float16 is infinite. */
const HALF_LIMIT = 65520

/**
 * Labels the rows that the cache does not have yet, and finishes it. A text that comes again is passed over. Rows keep
 * their order; inside a shard they are computed in batches of like length. In memory are the rows of one shard, and a key
 * of each. The teacher is in eval mode afterwards. Throws DataError for a row of which it says nothing finite, or that
 * float16 does not hold, CheckpointError where the disk does not take a shard.
 */
export async function fillCache(
  teacher: LabellingTeacher,
  rows: Iterable<TextRow>,
  cache: CacheWriter,
  options: FillOptions = {},
): Promise<{ rows: number; duplicates: number; cut: number }> {
  const there = cache.manifest.rows
  const { shardRows } = cache.manifest.settings
  const seen = new KeyIndex()
  let duplicates = 0
  let cut = 0
  let waiting: Waiting[] = []
  teacher.model.eval()
  for (const { text, textB, line } of rows) {
    const key = keyOfText(text, textB)
    if (!seen.add(...key)) duplicates++
    else if (seen.size > there) waiting.push({ text, textB, line, key })
    if (waiting.length < shardRows) continue
    cut += await writeShard(teacher, waiting, cache, options)
    waiting = []
  }
  if (waiting.length > 0) cut += await writeShard(teacher, waiting, cache, options)
  cache.finish()
  return { rows: seen.size, duplicates, cut }
}

/** How many of the rows lost tokens. */
async function writeShard(
  { model, tokenizer, classes }: LabellingTeacher,
  rows: readonly Waiting[],
  cache: CacheWriter,
  { file = 'data', onBatch }: FillOptions,
): Promise<number> {
  const { settings, rows: before } = cache.manifest
  const { maxLength, batchSize } = settings
  const pairs = rows.map((row) => row.textB)
  const texts = rows.map((row) => row.text)
  const data = textData(texts, null, tokenizer, maxLength, {
    pairs: pairs.some((pair) => pair !== null) ? pairs : null,
  })
  const tokens = Int32Array.from(rows, (_, row) => data.tokens(Int32Array.of(row)))
  const shard = new ShardTensors(settings, tokens, classes)
  const fail = (row: number, reason: string, hint: string): never => {
    throw new DataError(`${file}:${rows[row].line}`, reason, hint)
  }
  try {
    let done = before
    for (const batch of data.batches(batchSize, null)) {
      tidy(() => {
        const wanted = settings.layers.length > 0 ? { hiddenStates: true } : {}
        const out = noGrad(() => model.forward(data.input(batch), wanted))
        shard.take(batch, out, fail)
      })
      done += batch.length
      await onBatch?.(done)
    }
    const keys = empty([rows.length, 2], 'int32')
    rows.forEach(({ key }, row) => {
      keys.elements.set(key, 2 * row)
    })
    cache.add(keys, shard.tensors)
    keys.dispose()
    return rows.filter(({ text, textB }, row) => isCut(tokenizer, maxLength, tokens[row], text, textB)).length
  } finally {
    shard.dispose()
  }
}

/** The tensors of a shard, filled batch by batch. */
class ShardTensors {
  readonly tensors = new Map<string, Tensor>()
  readonly #starts: Int32Array
  readonly #limit: number
  readonly #answers: Tensor
  /** Numbers that the teacher gives of a row. */
  readonly #width: number

  /** `tokens`: of each row. */
  constructor(
    readonly settings: CacheSettings,
    readonly tokens: Int32Array,
    labels: readonly string[],
  ) {
    const { name, width: kept } = answersIn({ settings, labels: [...labels] })
    this.#width = settings.embedding ?? labels.length
    const { topK, dtype, hidden, layers, width } = settings
    const n = tokens.length
    this.#limit = dtype === 'float16' ? HALF_LIMIT : Infinity
    this.#starts = new Int32Array(n + 1)
    tokens.forEach((count, row) => {
      this.#starts[row + 1] = this.#starts[row] + (hidden === 'cls' ? 1 : count)
    })
    this.#answers = empty([n, kept])
    this.tensors.set(name, this.#answers)
    if (topK !== null) {
      this.tensors.set('indices', empty([n, topK], 'int32'))
      this.tensors.set('rest', empty([n], 'float64'))
    }
    for (const layer of layers) this.tensors.set(`hidden.${layer}`, empty([this.#starts[n], width]))
    if (layers.length === 0 || hidden === 'cls') return
    const starts = empty([n + 1], 'int32')
    starts.elements.set(this.#starts)
    this.tensors.set('starts', starts)
  }

  take(
    rows: Int32Array,
    { logits, hiddenStates = [] }: { logits: Tensor; hiddenStates?: Tensor[] },
    fail: (row: number, reason: string, hint: string) => never,
  ): void {
    const all = logits.elements as Float32Array
    const what = this.settings.embedding === undefined ? 'logit' : 'number of an embedding'
    rows.forEach((row, b) => {
      const own = all.subarray(b * this.#width, (b + 1) * this.#width)
      this.#logits(row, this.#checked(row, what, own, fail))
    })
    for (const layer of this.settings.layers) {
      const states = hiddenStates[layer].elements as Float32Array
      const { width } = this.settings
      const kept = this.tensors.get(`hidden.${layer}`) as Tensor
      let from = 0
      for (const row of rows) {
        const n = this.#starts[row + 1] - this.#starts[row]
        const own = states.subarray(from * width, (from + n) * width)
        kept.elements.set(this.#checked(row, `state of layer ${layer}`, own, fail), this.#starts[row] * width)
        from += this.tokens[row]
      }
    }
  }

  #checked(
    row: number,
    what: string,
    values: Float32Array,
    fail: (row: number, reason: string, hint: string) => never,
  ): Float32Array {
    const bad = values.find((x) => !(Math.abs(x) < this.#limit))
    if (bad === undefined) return values
    return Number.isFinite(bad)
      ? fail(row, `the teacher gives a ${what} of ${bad}, which float16 does not hold`, 'Keep float32')
      : fail(row, `the teacher gives a ${what} of ${bad}`, 'Its weights are broken, or of another model')
  }

  #logits(row: number, z: Float32Array): void {
    const { topK } = this.settings
    const kept = this.#answers.elements
    if (topK === null) {
      kept.set(z, row * this.#width)
      return
    }
    const order = Int32Array.from(z, (_, c) => c).sort((a, b) => z[b] - z[a] || a - b)
    const weights = Float64Array.from(order, (c) => exp(z[c] - z[order[0]]))
    const sum = (values: Float64Array) => values.reduce((s, w) => s + w, 0)
    order.subarray(0, topK).forEach((c, i) => {
      kept[row * topK + i] = z[c]
    })
    ;(this.tensors.get('indices') as Tensor).elements.set(order.subarray(0, topK), row * topK)
    ;(this.tensors.get('rest') as Tensor).elements[row] = sum(weights.subarray(topK)) / sum(weights)
  }

  dispose(): void {
    for (const t of this.tensors.values()) t.dispose()
  }
}
