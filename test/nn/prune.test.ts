// Masks: which weights stay, when, and what is left of a model when they are taken off.
import { describe, expect, it } from 'vitest'
import { backward } from '../../src/autograd/backward.js'
import { noGrad } from '../../src/autograd/graph.js'
import { maskByScores } from '../../src/autograd/ops/pruning/mask-by-scores.js'
import { sum } from '../../src/autograd/ops/reduce.js'
import { randomScope } from '../../src/autograd/random.js'
import { gradcheck, type Tensor, tensor } from '../../src/index.js'
import { ReLU } from '../../src/nn/activations.js'
import { Sequential } from '../../src/nn/containers.js'
import { Linear } from '../../src/nn/layers.js'
import {
  BertForSequenceClassification,
  DistilBertForSequenceClassification,
} from '../../src/nn/models/bert.js'
import { AdamW } from '../../src/nn/optim/adam.js'
import { parameterGroups } from '../../src/nn/optim/groups.js'
import {
  above,
  keptOf,
  kthLargest,
  largestOf,
  largestOfAll,
  largestOfRuns,
  leastKept,
} from '../../src/nn/prune/keep.js'
import { MaskedLinear } from '../../src/nn/prune/layers.js'
import { type PruneMethodName, pruneMethodNames, pruneMethods } from '../../src/nn/prune/methods.js'
import { patternOf } from '../../src/nn/prune/pattern.js'
import {
  type PruneOptions,
  Pruner,
  prunable,
  pruneAware,
  pruningIn,
  settlePruned,
  sparsityOf,
} from '../../src/nn/prune/prepare.js'
import { pruningDone } from '../../src/nn/prune/schedule.js'
import { quantizeAware } from '../../src/nn/quantize-aware/prepare.js'
import { computedState, plainAgain } from '../../src/nn/stand-ins/ready.js'
import { keyOf, normalAt, uniformAt } from '../../src/tensor/rng.js'
import { flatBatch } from '../../src/text/batches.js'

const size = { vocabSize: 40, maxLength: 12, layers: 2, width: 12, heads: 3, inner: 20, labels: ['a', 'b'] }
const bert = () =>
  randomScope(keyOf(3), () => new BertForSequenceClassification({ ...size, std: 0.2 }).eval())
const texts = [Int32Array.of(5, 6, 7, 8, 9), Int32Array.of(10, 11, 12), Int32Array.of(13, 14, 15, 16, 17, 18)]
const batch = () => flatBatch(texts, Int32Array.of(0, 1, 2))
const masks = (model: { modules(): unknown[] }) =>
  model.modules().filter((m): m is MaskedLinear => m instanceof MaskedLinear)
const far = (a: Tensor, b: Tensor) => Math.max(...a.data.map((x, i) => Math.abs(x - b.data[i])))
const enough = (method: PruneMethodName): PruneOptions =>
  pruneMethods[method].keeps === 'above' ? {} : { sparsity: 0.75 }

describe('which stay', () => {
  it('the k largest, as a stable sort has them, of numbers many of which are equal', () => {
    for (let seed = 0; seed < 200; seed++) {
      const n = 1 + Math.floor(uniformAt(keyOf(seed, 'n'), 0) * 60)
      const few = seed % 3 === 0
      const list = Float32Array.from({ length: n }, (_, i) => {
        const z = normalAt(keyOf(seed), i)
        return few ? Math.round(z) : seed % 7 === 1 && i % 5 === 0 ? -Infinity : z * 10 ** (seed % 11)
      })
      const k = 1 + Math.floor(uniformAt(keyOf(seed, 'k'), 0) * n)
      const order = [...list.keys()].sort((a, b) => list[b] - list[a] || a - b)
      const want = new Uint8Array(n)
      for (const i of order.slice(0, k)) want[i] = 1
      expect(kthLargest([list], k).bar === list[order[k - 1]], `seed ${seed}`).toBe(true)
      expect(largestOf([list], k)[0], `seed ${seed}`).toEqual(want)
      const cutAt = Math.floor(n / 3)
      const parts = largestOf([list.subarray(0, cutAt), list.subarray(cutAt)], k)
      expect(parts.flatMap((part) => [...part])).toEqual([...want])
    }
  })

  it('of equal ones those that come first', () => {
    expect(largestOf([new Float32Array(6)], 2)[0]).toEqual(Uint8Array.of(1, 1, 0, 0, 0, 0))
    expect(largestOf([Float32Array.of(1, 2, 1, 1, 2)], 3)[0]).toEqual(Uint8Array.of(1, 1, 0, 0, 1))
    expect(largestOfRuns(Float32Array.of(1, 1, 1, 1, 0, 3, 2, 3), 2, 4)).toEqual(
      Uint8Array.of(1, 1, 0, 0, 0, 1, 0, 1),
    )
  })

  it('one weight in 200 of a matrix at least', () => {
    expect([1, 199, 200, 201, 1000].map(leastKept)).toEqual([1, 1, 1, 2, 5])
    expect(keptOf(1000, 0.9999)).toBe(5)
    expect([keptOf(1000, 0.9), keptOf(10, 0.9), keptOf(147456, 0.9)]).toEqual([100, 1, 14746])
    // Of all together: a matrix of small numbers keeps its least.
    const [large, small] = [new Float32Array(400).fill(9), new Float32Array(400).map((_, i) => i / 1000)]
    const [a, b] = largestOfAll([large, small], 0.75)
    expect(b.indexOf(1)).toBe(398)
    expect([a, b].map((kept) => kept.reduce((n, x) => n + x, 0))).toEqual([198, 2])
    // Below the bar, too.
    const low = above(
      new Float32Array(400).map((_, i) => -i),
      5,
    )
    expect(low.reduce((n, x) => n + x, 0)).toBe(2)
    expect(low[0] + low[1]).toBe(2)
  })

  it('NaN is refused, not sorted', () => {
    expect(() => largestOf([Float32Array.of(1, Number.NaN, 2)], 2)).toThrow(/NaN/)
  })
})

describe('how far pruning is', () => {
  const cubic = { schedule: 'cubic', begin: 2, hold: 5 } as const
  it.each([
    // Of 20 steps, as Hugging Face's schedule_threshold() has them with 1 - threshold.
    [cubic, [0, 0, 0, 0.21347292, 0.39417387, 0.54483386], [0.99954483, 1, 1]],
    [{ ...cubic, schedule: 'linear' }, [0, 0, 0, 1 / 13, 2 / 13, 3 / 13], [12 / 13, 1, 1]],
    [{ schedule: 'linear', begin: 0.1, hold: 0.25 }, [0, 0, 0, 1 / 13, 2 / 13, 3 / 13], [12 / 13, 1, 1]],
    [{ ...cubic, schedule: 'once' }, [1, 1, 1, 1, 1, 1], [1, 1, 1]],
    [{ ...cubic, begin: 50 }, [0, 0, 0, 0, 0, 0], [0, 1, 1]],
  ] as const)('%j', (schedule, first, last) => {
    for (const [step, want] of first.entries()) expect(pruningDone(schedule, step, 20)).toBeCloseTo(want, 7)
    for (const [i, want] of last.entries())
      expect(pruningDone(schedule, [14, 15, 20][i], 20)).toBeCloseTo(want, 7)
  })
})

describe('pruneAware', () => {
  it.each(pruneMethodNames)('%s: masks before the six matrices of each layer, and off again', (method) => {
    const model = bert()
    const parameters = new Map(model.namedParameters())
    const before = model.snapshot()
    const logits = noGrad(() => model.forward(batch()).logits)
    expect(pruneAware(model, method, enough(method))).toBe(model)
    expect(pruningIn(model)).toMatchObject({ method, pattern: 'single', schedule: 'cubic' })
    expect(masks(model)).toHaveLength(12)
    // The same tensors under the same names, and nothing is masked yet.
    for (const [name, p] of parameters) expect(new Map(model.namedParameters()).get(name), name).toBe(p)
    expect(
      far(
        noGrad(() => model.forward(batch()).logits),
        logits,
      ),
    ).toBe(0)
    plainAgain(model)
    expect(pruningIn(model)).toBe(null)
    expect([...model.stateDict().keys()]).toEqual([...before.keys()])
    for (const [name, t] of model.stateDict()) expect(far(t, before.get(name) as Tensor), name).toBe(0)
  })

  it.each(pruneMethodNames)('%s: what is left computes what it was trained to compute', (method) => {
    const model = pruneAware(bert(), method, enough(method))
    // Scores that are not all alike.
    for (const [
      m,
      {
        weightMask: { scores },
      },
    ] of masks(model).entries())
      scores?.elements.set(
        Float32Array.from(scores.elements, (_, i) => normalAt(keyOf(7, 'scores', m), i) - 2),
      )
    new Pruner(model).update(10, 10)
    const trained = noGrad(() => model.forward(batch()).logits)
    const state = computedState(model)
    const { zeros, weights } = sparsityOf(model)
    if (pruneMethods[method].keeps !== 'above') expect(zeros / weights).toBeCloseTo(0.75, 2)
    else expect(zeros).toBeGreaterThan(0)
    settlePruned(model)
    expect(masks(model)).toHaveLength(0)
    expect(
      far(
        noGrad(() => model.forward(batch()).logits),
        trained,
      ),
    ).toBeLessThan(1e-6)
    expect(sparsityOf(model)).toMatchObject({ zeros, weights })
    for (const [name, t] of model.stateDict()) {
      expect(far(t, state.get(name) as Tensor), name).toBe(0)
      expect(
        Array.from(t.data).some((x) => Object.is(x, -0)),
        name,
      ).toBe(false)
    }
    expect(settlePruned(model)).toBe(model)
  })

  it('tables, norms, biases, pooler and head stay', () => {
    const [model, other] = [bert(), new DistilBertForSequenceClassification(size)]
    const names = prunable(model).map(([name]) => name)
    expect(names).toHaveLength(12)
    expect(names.every((name) => /layers\.\d\.(attention\.(query|key|value|out)|up|down)$/.test(name))).toBe(
      true,
    )
    expect(prunable(other)).toHaveLength(12)
    const before = model.snapshot()
    pruneAware(model, 'magnitude', { sparsity: 0.9 })
    new Pruner(model).update(1, 1)
    const changed = [...settlePruned(model).stateDict()].filter(
      ([name, t]) => far(t, before.get(name) as Tensor) > 0,
    )
    expect(changed).toHaveLength(12)
  })

  it('of a stack of linear layers all but the last', () => {
    const stack = new Sequential(new Linear(4, 8), new ReLU(), new Linear(8, 2))
    expect(prunable(stack).length).toBeLessThan(2)
    expect(() => pruneAware(new Linear(4, 4), 'magnitude', { sparsity: 0.5 })).toThrow(
      /has no layer to prune/,
    )
  })

  it('masked weights stay 0 under momentum, and never come back', () => {
    const model = pruneAware(bert(), 'magnitude', { sparsity: 0.8, begin: 0, hold: 3 })
    model.train()
    const pruner = new Pruner(model)
    const optimizer = new AdamW(parameterGroups(model, { weightDecay: 0.01 }), { lr: 1e-2 })
    let gone = new Set<string>()
    pruner.update(0, 12)
    for (let step = 1; step <= 12; step++) {
      backward(sum(model.forward(batch()).logits))
      optimizer.step()
      optimizer.zeroGrad()
      const moved = masks(model).some(({ weight, weightMask: { mask } }) =>
        Array.from(weight.data).some((x, i) => mask.data[i] === 0 && x !== 0),
      )
      // It would move them: that is what is undone.
      if (step > 2) expect(moved).toBe(true)
      pruner.update(step, 12)
      const now = new Set<string>()
      for (const [
        m,
        {
          weight,
          weightMask: { mask },
        },
      ] of masks(model).entries())
        for (const [i, kept] of mask.data.entries())
          if (kept === 0) {
            now.add(`${m} ${i}`)
            if (weight.data[i] !== 0) expect.fail(`step ${step}: ${m} ${i} is ${weight.data[i]}`)
          }
      for (const place of gone) expect(now.has(place)).toBe(true)
      gone = now
    }
    const { zeros, weights } = sparsityOf(model)
    expect(zeros / weights).toBeCloseTo(0.8, 2)
    optimizer.dispose()
  })

  it('movement: masked weights keep what they were, and come back', () => {
    const model = pruneAware(bert(), 'movement', { sparsity: 0.5 })
    const [{ weight, weightMask }] = masks(model)
    const before = weight.data.slice()
    const pruner = new Pruner(model)
    pruner.update(1, 1)
    expect(weight.data).toEqual(before)
    const first = weightMask.mask.data.slice()
    weightMask.scores?.elements.set(Float32Array.from(first, (kept) => 1 - kept))
    pruner.update(1, 1)
    expect([...weightMask.mask.data]).toEqual(Array.from(first, (kept) => 1 - kept))
  })

  it.each(['single', '4x4'])('scores that begin as sizes give the masks of magnitude, %s', (pattern) => {
    const [moved, small] = (['movement', 'magnitude'] as const).map((method) => {
      const model = pruneAware(bert(), method, {
        ...{ sparsity: 0.5, pattern },
        ...(method === 'movement' && { scores: 'size' as const }),
      })
      new Pruner(model).update(1, 1)
      return masks(model).map(({ weightMask }) => weightMask)
    })
    for (const [i, { mask, scores }] of moved.entries()) {
      expect([...mask.data]).toEqual([...small[i].mask.data])
      expect(Array.from((scores as Tensor).data).reduce((a, b) => a + b, 0)).toBeCloseTo(
        scores?.numel ?? 0,
        3,
      )
    }
  })

  it('scores learn at their own rate, and never decay', () => {
    const model = pruneAware(bert(), 'movement', { sparsity: 0.5 })
    const groups = parameterGroups(model, { weightDecay: 0.01, apartScale: 5, decayAll: true })
    const scores = new Set(masks(model).map(({ weightMask }) => weightMask.scores))
    const own = groups.filter(({ params }) => [...params].some((p) => scores.has(p as Tensor)))
    expect(own).toHaveLength(1)
    expect(own[0]).toMatchObject({ lrScale: 5, weightDecay: 0 })
    expect([...own[0].params]).toHaveLength(12)
  })

  it.each<[string, PruneMethodName, PruneOptions, RegExp]>([
    ['an unknown method', 'snip' as 'movement', {}, /method must be magnitude, .*got 'snip'/],
    ['no sparsity', 'movement', {}, /movement needs a sparsity/],
    ['all of it', 'movement', { sparsity: 1 }, /from 0 to below 1, got 1/],
    ['a sparsity of soft movement', 'soft-movement', { sparsity: 0.5 }, /penalty decides/],
    ['n of m of soft movement', 'soft-movement', { pattern: '2:4' }, /knows no n of m/],
    ['a pattern of its own', 'magnitude', { sparsity: 0.5, pattern: '0x4' }, /pattern must be single/],
    ['4 of 4', 'magnitude', { pattern: '4:4' }, /pattern must be single/],
    ['another sparsity than 2 of 4', 'magnitude', { sparsity: 0.9, pattern: '2:4' }, /2:4 leaves 0.5/],
    [
      'blocks that do not divide',
      'magnitude',
      { sparsity: 0.5, pattern: '8x8' },
      /\[12, 12\] does not divide/,
    ],
    [
      'an unknown schedule',
      'magnitude',
      { sparsity: 0.5, schedule: 'fast' as 'once' },
      /schedule must be cubic/,
    ],
    ['a negative hold', 'magnitude', { sparsity: 0.5, hold: -1 }, /hold must be 0 or more/],
    [
      'an unknown start of scores',
      'movement',
      { sparsity: 0.5, scores: 'one' as 'zero' },
      /scores must be one of zero, size/,
    ],
    ['a bar of 1', 'soft-movement', { threshold: 1 }, /threshold must lie between/],
  ])('refuses %s', (_, method, options, message) => {
    const model = bert()
    expect(() => pruneAware(model, method, options)).toThrow(message)
    expect(masks(model)).toHaveLength(0)
  })

  it('refuses a model that is ready already, for this or on grids', () => {
    const model = pruneAware(bert(), 'movement', { sparsity: 0.5 })
    expect(() => pruneAware(model, 'magnitude', { sparsity: 0.5 })).toThrow(
      /ready already, by the method movement/,
    )
    expect(() => quantizeAware(model, 'int8')).toThrow(/ready already, by the method movement/)
    expect(() => new Pruner(bert())).toThrow(/has no masks/)
  })
})

describe('patterns', () => {
  it.each<[string, number]>([
    ['4x4', 0.5],
    ['4x1', 0.75],
    ['1x4', 0.75],
  ])('%s: blocks go as a whole, those of the smallest sum', (pattern, sparsity) => {
    const model = bert()
    const [query] = prunable(model).map(([, layer]) => layer.weight)
    const before = query.data.slice()
    pruneAware(model, 'magnitude', { sparsity, pattern })
    new Pruner(model).update(1, 1)
    const { rows, columns } = patternOf(pattern) as { rows: number; columns: number }
    const sums = new Map<string, { size: number; zeros: number }>()
    for (const [i, x] of before.entries()) {
      const key = `${Math.floor(i / 12 / rows)} ${Math.floor((i % 12) / columns)}`
      const { size, zeros } = sums.get(key) ?? { size: 0, zeros: 0 }
      sums.set(key, { size: size + Math.abs(x), zeros: zeros + (query.data[i] === 0 ? 1 : 0) })
    }
    const all = [...sums.values()].sort((a, b) => a.size - b.size)
    const gone = Math.round(sparsity * all.length)
    expect(all.map(({ zeros }) => zeros)).toEqual(all.map((_, i) => (i < gone ? rows * columns : 0)))
  })

  it('2:4: of each 4 of a row the 2 largest', () => {
    const model = pruneAware(bert(), 'magnitude', { pattern: '2:4' })
    new Pruner(model).update(1, 1)
    for (const { weight } of masks(model))
      for (let i = 0; i < weight.numel; i += 4)
        expect(Array.from(weight.data.slice(i, i + 4)).filter((x) => x === 0)).toHaveLength(2)
  })
})

describe('maskByScores', () => {
  it("passes the product's gradient to scores of hidden weights, and is held to its surrogate", () => {
    const [w, s] = [
      [-3, 2, 5],
      [0, 1, -1],
    ].map((x) => tensor(Float64Array.from(x), { requiresGrad: true }))
    const m = tensor(Float64Array.of(1, 0, 1))
    backward(sum(maskByScores(w, m, s)))
    expect([...(w.grad as Tensor).data]).toEqual([1, 0, 1])
    expect([...(s.grad as Tensor).data]).toEqual([-3, 2, 5])
    expect(gradcheck((x) => sum(maskByScores(x, m, s.detach())), [w]).error).toBeLessThan(1e-8)
  })
})
