// all-MiniLM-L6-v2, a real model of 22.7M parameters, against PyTorch: ids, hidden states and sentence similarities, as
// test/golden/minilm.py writes them. Skipped where `npm run fetch:minilm` has not fetched it; TINYSTILL_MINILM names another folder.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadPretrained } from '../../src/files/models/on-disk.js'
import '../../src/index.js'
import { noGrad } from '../../src/autograd/graph.js'
import { tidy } from '../../src/autograd/tidy.js'
import { readSafetensors } from '../../src/formats/safetensors/safetensors.js'
import type { Transformer } from '../../src/nn/models/transformer.js'
import { type BackendName, setBackend } from '../../src/tensor/backend.js'
import { flatBatch, padBatch } from '../../src/text/batches.js'
import type { Tokenizer } from '../../src/text/encoding.js'

const folder = process.env.TINYSTILL_MINILM ?? join(import.meta.dirname, '../../models/all-MiniLM-L6-v2')
const fetched = existsSync(join(folder, 'model.safetensors'))
if (!fetched) console.log(`minilm.test.ts skipped: no model in ${folder}; npm run fetch:minilm gets it`)

const BAR = 1e-4
/** The golden file has every 8th element of a hidden state. */
const EVERY = 8

const file = join(import.meta.dirname, '../golden/minilm.safetensors')
const { tensors, metadata } = readSafetensors(readFileSync(file), { file })
const golden = (name: string) => tensors.get(name)!.data
const sentences: string[] = JSON.parse(metadata.get('sentences')!)
const starts = Array.from(golden('starts'))
const width = golden('vectors').length / sentences.length

/** What the model makes of the first `count` sentences: each layer's states of the words alone, one after the other. */
function statesOf(model: Transformer, ids: readonly Int32Array[], padded: boolean): Float64Array[] {
  const rows = Int32Array.from(ids.keys())
  return tidy(() => {
    const input = padded ? padBatch(ids, rows, 0) : flatBatch(ids, rows)
    const { hiddenStates } = noGrad(() => model.forward(input, { hiddenStates: true }))
    const T = Math.max(...ids.map((row) => row.length))
    return hiddenStates!.map((h) => {
      const all = Float64Array.from(h.data)
      if (!padded) return all
      const words = ids.flatMap((row, b) =>
        Array.from(all.subarray(b * T * width, (b * T + row.length) * width)),
      )
      return Float64Array.from(words)
    })
  })
}

/** Mean over the words of each sentence. */
function meansOf(states: Float64Array, count: number): Float64Array[] {
  return Array.from({ length: count }, (_, b) => {
    const mean = new Float64Array(width)
    for (let i = starts[b] * width; i < starts[b + 1] * width; i++) mean[i % width] += states[i]
    return mean.map((x) => x / (starts[b + 1] - starts[b]))
  })
}

const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, x, i) => sum + x * b[i], 0)
const cosine = (a: Float64Array, b: Float64Array) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
const furthest = (got: ArrayLike<number>, want: ArrayLike<number>) =>
  Array.from(got, (x, i) => Math.abs(x - want[i])).reduce((a, b) => Math.max(a, b), 0)

describe.skipIf(!fetched)('all-MiniLM-L6-v2', () => {
  let model: Transformer
  let tokenizer: Tokenizer
  let ids: Int32Array[]

  beforeAll(() => {
    const loaded = loadPretrained(folder)
    expect(loaded.info).toEqual({ fresh: [], unused: [], notes: [] })
    model = loaded.model as Transformer
    tokenizer = loaded.tokenizer!
    ids = sentences.map((sentence) => tokenizer.encode(sentence).ids)
  })

  afterAll(() => setBackend('auto'))

  it('ids', () => {
    const want = sentences.map((_, b) => Array.from(golden('ids').subarray(starts[b], starts[b + 1])))
    expect(ids.map((row) => Array.from(row))).toEqual(want)
  })

  // 440 words through 10.6M weights take the plain loops of js most of a minute: two short sentences show as much.
  it.each<[BackendName, number, boolean]>([
    ['wasm', sentences.length, true],
    ['wasm', sentences.length, false],
    ['js', 2, false],
  ])('hidden states and similarities on %s, %i sentences, padded %s', (backend, count, padded) => {
    setBackend(backend)
    const states = statesOf(model, ids.slice(0, count), padded)
    expect(states.length).toBe(model.config.layers + 1)
    states.forEach((h, layer) => {
      const want = golden(`hidden.${layer}`).subarray(0, (starts[count] * width) / EVERY)
      const got = h.filter((_, i) => i % EVERY === 0)
      expect(got.length).toBe(want.length)
      expect(furthest(got, want), `hidden ${layer}`).toBeLessThan(BAR)
    })
    const vectors = meansOf(states.at(-1)!, count)
    vectors.forEach((vector, b) => {
      expect(furthest(vector, golden('vectors').subarray(b * width, (b + 1) * width))).toBeLessThan(BAR)
      const similarities = vectors.map((other) => cosine(vector, other))
      const at = b * sentences.length
      expect(furthest(similarities, golden('similarities').subarray(at, at + count))).toBeLessThan(BAR)
    })
  })
})
