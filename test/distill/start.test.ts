// How a new student begins, how long it is trained, and what is told where it learns nothing.
import { describe, expect, it } from 'vitest'
import '../../src/index.js'
import { tensor } from '../../src/autograd/create.js'
import { randomScope } from '../../src/autograd/random.js'
import { components, embeddingsOf } from '../../src/distill/from-embeddings.js'
import { OneClassWatch, oneClassText } from '../../src/distill/plan/one-class.js'
import { BertForSequenceClassification } from '../../src/nn/models/bert.js'
import { keyOf, normalAt } from '../../src/tensor/rng.js'
import { floats, type Tensor } from '../../src/tensor/tensor.js'

const key = keyOf(5)
const normals = (n: number, scale: (i: number) => number) =>
  Float32Array.from({ length: n }, (_, i) => scale(i) * normalAt(key, i))
const at = (t: Tensor, i: number, j: number) => floats(t)[i * t.shape[1] + j]

describe('principal components', () => {
  // Column c varies by 1 / (1 + c), in a basis that is turned by a reflection.
  const [n, width, k] = [400, 12, 4]
  const plain = normals(n * width, (i) => 1 / (1 + (i % width)))
  const normal = Array.from({ length: width }, (_, c) => normalAt(keyOf(6), c))
  const square = normal.reduce((sum, x) => sum + x * x, 0)
  const rows = tensor(
    plain.map((x, i) => {
      const from = i - (i % width)
      const dot = normal.reduce((sum, v, c) => sum + v * plain[from + c], 0)
      return x - (2 * dot * normal[i % width]) / square + 3
    }),
    { shape: [n, width] },
  )
  const basis = components(rows, k)

  it('are orthonormal', () => {
    for (let a = 0; a < k; a++)
      for (let b = 0; b < k; b++) {
        let dot = 0
        for (let i = 0; i < width; i++) dot += at(basis, i, a) * at(basis, i, b)
        expect(dot).toBeCloseTo(Number(a === b), 5)
      }
  })

  it('hold what the widest columns held, wherever the mean lies', () => {
    const variance = (columns: (row: number) => number[]) => {
      const all = Array.from({ length: n }, (_, r) => columns(r))
      return all[0].reduce((sum, _, c) => {
        const mean = all.reduce((s, row) => s + row[c] / n, 0)
        return sum + all.reduce((s, row) => s + (row[c] - mean) ** 2 / n, 0)
      }, 0)
    }
    const held = variance((r) =>
      Array.from({ length: k }, (_, j) => {
        let dot = 0
        for (let i = 0; i < width; i++) dot += at(rows, r, i) * at(basis, i, j)
        return dot
      }),
    )
    const best = variance((r) => Array.from({ length: k }, (_, c) => plain[r * width + c]))
    expect(held / best).toBeGreaterThan(0.99)
    expect(held / best).toBeLessThan(1.05)
  })
})

describe('embeddings of the teacher', () => {
  const model = (seed: number, width: number, more = {}) =>
    randomScope(
      keyOf(seed),
      () =>
        new BertForSequenceClassification({
          vocabSize: 30,
          maxLength: 8,
          layers: 1,
          heads: 2,
          inner: 8,
          width,
          ...more,
        }),
    )
  const distance = (t: Tensor, a: number, b: number) => {
    let sum = 0
    for (let c = 0; c < t.shape[1]; c++) sum += (at(t, a, c) - at(t, b, c)) ** 2
    return Math.sqrt(sum)
  }
  const words = (m: ReturnType<typeof model>) => m.base.words.weight

  it('are copies where widths are alike, and nothing is shared', () => {
    const [teacher, student] = [model(1, 8), model(2, 8)]
    expect(embeddingsOf(teacher)(student)).toBe(true)
    for (const part of ['words', 'positions', 'types'] as const) {
      const [from, to] = [teacher, student].map((m) => m.base[part]!.weight)
      expect([...floats(to)]).toEqual([...floats(from)])
      expect(
        floats(to).buffer === floats(from).buffer && floats(to).byteOffset === floats(from).byteOffset,
      ).toBe(false)
    }
  })

  it('keep distances in fewer dimensions, as far as these hold them', () => {
    const [teacher, student] = [model(1, 16), model(2, 8)]
    // All words of the teacher lie in 4 of its 16 dimensions.
    const table = floats(words(teacher))
    for (let i = 0; i < table.length; i++) table[i] = i % 16 < 4 ? normalAt(key, i) : 0
    expect(embeddingsOf(teacher)(student)).toBe(true)
    for (const [a, b] of [
      [0, 1],
      [2, 9],
      [14, 29],
    ])
      expect(distance(words(student), a, b)).toBeCloseTo(distance(words(teacher), a, b), 4)
  })

  it('fewer places of the student take the first of the teacher; other vocabularies and wider students take nothing', () => {
    const teacher = model(1, 8)
    const short = model(2, 8, { maxLength: 4 })
    expect(embeddingsOf(teacher)(short)).toBe(true)
    expect([...floats(short.base.positions!.weight)]).toEqual([
      ...floats(teacher.base.positions!.weight).slice(0, 32),
    ])
    for (const other of [model(3, 16), model(3, 8, { vocabSize: 29 })]) {
      const before = [...floats(words(other))]
      expect(embeddingsOf(teacher)(other)).toBe(false)
      expect([...floats(words(other))]).toEqual(before)
    }
  })
})

describe('a student that gives every text one class', () => {
  const logits = (classes: number[]) => tensor(classes.map((c) => [0, 1, 2].map((i) => (i === c ? 2 : 1))))
  const told = (total: number, at: (step: number) => number[]) => {
    const watch = new OneClassWatch(total)
    return Array.from({ length: total }, (_, i) => watch.see(i + 1, logits(at(i + 1)))).filter(
      (seen) => seen !== null,
    )
  }

  it('is told after a tenth and after half of the steps', () => {
    expect(told(1000, () => [1, 1])).toEqual([
      { label: 1, texts: 20, step: 100, total: 1000 },
      { label: 1, texts: 20, step: 500, total: 1000 },
    ])
    expect(told(1000, (step) => (step <= 100 ? [1, 1] : [0, 1]))).toHaveLength(1)
  })

  it('is not where one text had another class, nor in trainings of a few steps', () => {
    expect(told(1000, (step) => (step % 10 === 5 ? [1, 2] : [1, 1]))).toEqual([])
    expect(told(10, () => [1, 1])).toEqual([])
    // What was before the batches that are looked at does not count.
    expect(told(1000, (step) => (step <= 90 ? [0, 2] : [1, 1]))).toHaveLength(2)
  })

  it('gets a remedy by the length of its training', () => {
    const seen = { label: 1, texts: 20, step: 10, total: 100 }
    expect(oneClassText(seen, 'bad', 5e-4)).toBe(
      "after 10 of 100 steps each of its last 20 answers is 'bad'; it may need more than 100 steps: --steps 1000",
    )
    expect(oneClassText({ ...seen, step: 200, total: 2000 }, 'bad', 5e-4)).toContain(
      '--lr 0.0002, or --warmup 0.3',
    )
  })
})
