// The transfer set: what a teacher says of texts, written once, a shard at a time, and learnt from without the teacher.
// RECIPE: fillCache(teacher, streamTexts(file), CacheWriter.open(folder, facts)); distil(student, data, cache.targets(set)).
import { noGrad } from '../../autograd/graph.js'
import { tidy } from '../../autograd/tidy.js'
import { DataError } from '../../errors.js'
import { askedOf, inOrder } from '../../nn/data.js'
import type { TextInput } from '../../nn/models/input.js'
import type { Module } from '../../nn/module.js'
import { exp } from '../../tensor/math.js'
import { empty, type Tensor } from '../../tensor/tensor.js'
import { isCut, type Tokenizer } from '../../text/encoding.js'
import type { Question } from '../../text/questions/question.js'
import { setData } from '../../text/tagged/set-data.js'
import { type KeyedRow, KeyIndex, keyOfRow } from './keys.js'
import { answersIn, type CacheSettings, hasSeveral } from './manifest.js'
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

/** What a teacher answers for: a text, a sentence of words, or a question, whose text is the second one. */
export interface LabelledRow extends KeyedRow {
  question?: Question | undefined
  /** From 1. */
  line: number
}

/** A row that waits for its shard. */
interface Waiting extends LabelledRow {
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
  rows: Iterable<LabelledRow>,
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
  for (const row of rows) {
    const key = keyOfRow(row)
    if (!seen.add(...key)) duplicates++
    else if (seen.size > there) waiting.push({ ...row, key })
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
  const data = setData(setOf(rows, settings), tokenizer, maxLength)
  const { answers } = data
  const tokens = Int32Array.from(rows, (_, row) => (answers ? 0 : data.tokens(Int32Array.of(row))))
  const items = answers?.items ?? inOrder(rows.length + 1)
  const shard = new ShardTensors(settings, tokens, classes, hasSeveral(cache.manifest) ? items : null)
  const fail = (answer: number, reason: string, hint: string): never => {
    const { line } = rows[items.findLastIndex((start) => start <= answer)]
    throw new DataError(`${file}:${line}`, reason, hint)
  }
  try {
    let done = 0
    for (const batch of data.batches(batchSize, null)) {
      tidy(() => {
        const wanted = settings.layers.length > 0 ? { hiddenStates: true } : {}
        const out = noGrad(() => model.forward(data.input(batch), wanted))
        shard.take(batch, askedOf(data, batch), out, fail)
      })
      done += batch.length
      // Of a row there may be several windows.
      await onBatch?.(before + Math.floor((rows.length * done) / data.size))
    }
    const keys = empty([rows.length, 2], 'int32')
    rows.forEach(({ key }, row) => {
      keys.elements.set(key, 2 * row)
    })
    cache.add(keys, shard.tensors)
    keys.dispose()
    // Of windows nothing is cut.
    const cut = ({ text, textB }: Waiting, row: number) =>
      answers === undefined && isCut(tokenizer, maxLength, tokens[row], text, textB)
    return rows.filter(cut).length
  } finally {
    shard.dispose()
  }
}

/** Rows as they are read. */
function setOf(rows: readonly Waiting[], { docStride }: CacheSettings) {
  const pairs = rows.map((row) => row.textB)
  const words = rows.flatMap((row) => (row.words ? [row.words] : []))
  const questions = rows.flatMap(({ question }) => question ?? [])
  return {
    ...{ texts: rows.map((row) => row.text), pairs: pairs.some((pair) => pair !== null) ? pairs : null },
    ...{ labels: null, targets: null, docStride },
    ...(words.length > 0 && { words }),
    ...(questions.length > 0 && { questions: { each: questions, rules: { docStride } } }),
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

  /** `tokens`: of each row; `items`: where the answers of each begin, where it has several. */
  constructor(
    readonly settings: CacheSettings,
    readonly tokens: Int32Array,
    labels: readonly string[],
    items: Int32Array | null,
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
    this.#answers = empty([items?.[n] ?? n, kept])
    this.tensors.set(name, this.#answers)
    if (items !== null) {
      // Of words without a token nothing is said.
      this.#answers.elements.fill(Number.NaN)
      const answers = empty([n + 1], 'int32')
      answers.elements.set(items)
      this.tensors.set('answers', answers)
    }
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

  /** `asked`: the answers of these rows that there are logits of. */
  take(
    rows: Int32Array,
    asked: Int32Array,
    { logits, hiddenStates = [] }: { logits: Tensor; hiddenStates?: Tensor[] },
    fail: (row: number, reason: string, hint: string) => never,
  ): void {
    const all = logits.elements as Float32Array
    const what = this.settings.embedding === undefined ? 'logit' : 'number of an embedding'
    asked.forEach((answer, i) => {
      const own = all.subarray(i * this.#width, (i + 1) * this.#width)
      this.#logits(answer, this.#checked(answer, what, own, fail))
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
