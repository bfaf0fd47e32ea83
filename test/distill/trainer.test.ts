// fit(): what it reports, keeps, and refuses.
import { describe, expect, it } from 'vitest'
import '../../src/index.js'
import { tensor } from '../../src/autograd/create.js'
import { gradcheck } from '../../src/autograd/gradcheck.js'
import { crossEntropy, mse } from '../../src/autograd/ops/losses/losses.js'
import { randomScope } from '../../src/autograd/random.js'
import { recipes } from '../../src/cli/mnist.js'
import { distil } from '../../src/distill/distil.js'
import { kdLoss } from '../../src/distill/losses/kd.js'
import { Linear } from '../../src/nn/layers.js'
import { Mlp } from '../../src/nn/models/mlp.js'
import { Module } from '../../src/nn/module.js'
import { freeze } from '../../src/nn/optim/groups.js'
import { rowData } from '../../src/nn/rows.js'
import { keyOf } from '../../src/tensor/rng.js'
import { memory } from '../../src/tensor/storage.js'
import type { Tensor } from '../../src/tensor/tensor.js'
import { labelLoss } from '../../src/train/labels.js'
import { predict } from '../../src/train/predict.js'
import { train } from '../../src/train/tasks.js'
import { type FitOptions, fit } from '../../src/train/trainer.js'
import { settled } from '../settled.js'

const rows = 20
const values = Float32Array.from({ length: rows * 3 }, (_, i) => ((i * 7) % 11) / 5 - 1)
const labels = Int32Array.from({ length: rows }, (_, r) => (values[r * 3] > 0 ? 1 : 0))
const data = rowData(values, 3, labels)
const make = () => randomScope(keyOf(3), () => new Mlp({ sizes: [3, 4, 2] }))
const weights = (model: Module) => model.parameters().flatMap((p) => [...p.data])
const options: FitOptions = { epochs: 3, batchSize: 8, lr: 1e-2, seed: 1 }

describe('evaluation', () => {
  it('comes after every n batches and each epoch, never twice', async () => {
    const seen: [number, number][] = []
    const { evaluations, best } = await train(make(), data, {
      ...options,
      evaluateEvery: 2,
      evaluate: () => ({ accuracy: seen.length, loss: 1 }),
      onEvaluation: (e) => void seen.push([e.epoch, e.step]),
    })
    expect(seen).toEqual([
      [1, 2],
      [1, 3],
      [2, 4],
      [2, 6],
      [3, 8],
      [3, 9],
    ])
    expect(evaluations.every((e) => e.best)).toBe(true)
    expect(best).toEqual({ epoch: 3, step: 9, figures: { accuracy: 5, loss: 1 }, score: 5, best: true })
  })

  it.each([
    ['accuracy', {}, 2],
    ['loss', {}, 3],
    ['accuracy', { higher: false }, 1],
  ] as const)('the best by %s, %j', async (metric, more, epoch) => {
    const figures = [
      { accuracy: 0.5, loss: 3 },
      { accuracy: 0.9, loss: 2 },
      { accuracy: 0.7, loss: 1 },
      { accuracy: 0.7, loss: Number.NaN },
    ]
    const held: number[][] = []
    const model = make()
    const { best } = await train(model, data, {
      ...{ ...options, ...more, epochs: 4, metric },
      evaluate: () => {
        held.push(weights(model))
        return figures[held.length - 1]
      },
    })
    expect(best.epoch).toBe(epoch)
    expect(weights(model)).toEqual(held[epoch - 1])
  })

  it("keep: 'last' holds the weights of the end", async () => {
    const held: number[][] = []
    const model = make()
    const result = await train(model, data, {
      ...{ ...options, keep: 'last', patience: 2, epochs: 9 },
      evaluate: () => {
        held.push(weights(model))
        return -held.length
      },
    })
    expect([result.best.epoch, result.epochs.length, result.stopped]).toEqual([1, 3, 'patience'])
    expect(weights(model)).toEqual(held[2])
  })

  it('a number beats what is none, which beats nothing', async () => {
    const scores = [Number.NaN, Number.NaN, 0, Number.NaN, 0.1]
    let i = 0
    const { evaluations } = await train(make(), data, { ...options, epochs: 5, evaluate: () => scores[i++] })
    expect(evaluations.map((e) => e.best)).toEqual([true, false, true, false, true])
  })

  it('refuses a figure that is not there', async () => {
    const wrong = train(make(), data, { ...options, metric: 'f1', evaluate: () => ({ accuracy: 1 }) })
    await expect(wrong).rejects.toThrow('training: evaluate() gave no f1, only accuracy')
  })
})

describe('steps', () => {
  it('lr 0 changes nothing, and the rate is told', async () => {
    const model = make()
    const before = weights(model)
    const rates: number[] = []
    await train(model, data, { ...options, lr: 0, onStep: (s) => void rates.push(s.lr) })
    expect(weights(model)).toEqual(before)
    expect(rates).toEqual(rates.map(() => 0))
  })

  it('frozen parameters stay, bit for bit, and have no gradient', async () => {
    const model = make()
    freeze(model, { layers: 1 })
    const before = [...model.layers[0].weight.data]
    await train(model, data, { ...options, groups: { layerDecay: 0.9 } })
    expect([...model.layers[0].weight.data]).toEqual(before)
    expect(model.layers[0].weight.grad).toBe(null)
    expect([...model.layers[1].weight.data]).not.toEqual([...make().layers[1].weight.data])
  })

  it('tells the terms of the loss, and takes the model output whole', async () => {
    class Two extends Module {
      body = new Linear(3, 2)
      forward(x: Tensor) {
        const hidden = this.body.forward(x)
        return { hidden, logits: hidden.mul(2) }
      }
    }
    const terms: object[] = []
    await fit(
      new Two(),
      data,
      ({ hidden, logits }, batch) => {
        const ce = crossEntropy(logits, tensor(batch.map((r) => labels[r])))
        const size = mse(hidden, 0)
        return { total: ce.add(size.mul(0.1)), terms: { ce, size, rows: batch.length } }
      },
      { ...options, epochs: 1, onStep: (s) => void terms.push([s.loss, s.terms]) },
    )
    expect(terms.length).toBe(3)
    for (const t of terms) {
      const [loss, { ce, size, rows: n }] = t as [number, Record<string, number>]
      expect(Math.abs(loss - (ce + 0.1 * size))).toBeLessThan(1e-6)
      expect([8, 4]).toContain(n)
    }
  })

  it('distil tells soft and hard', async () => {
    const names: string[][] = []
    const logits = predict(make(), data)
    const onStep = (s: { terms: object }) => void names.push(Object.keys(s.terms))
    await distil(make(), data, logits, { ...options, epochs: 1, batchSize: 20, alpha: 0.5, onStep })
    await distil(make(), data, logits, { ...options, epochs: 1, batchSize: 20, onStep })
    expect(names).toEqual([['soft', 'hard'], ['soft']])
  })

  it('distil takes every form of the soft targets', async () => {
    const logits = predict(make(), data).map((x, i) => x + (i % 3))
    const first = async (more: object): Promise<number> => {
      const losses: number[] = []
      await distil(make(), data, logits, {
        ...{ ...options, ...more, epochs: 1, batchSize: rows, alpha: 0.5, T: 3 },
        onStep: (s) => void losses.push(s.loss),
      })
      return losses[0]
    }
    const { logits: own } = make().forward(tensor(values, { shape: [rows, 3] }))
    const teacher = tensor(logits, { shape: [rows, 2] })
    for (const more of [{ form: 'ce' }, recipes['seed-code'], { standardize: 'sample' }] as const) {
      const want = kdLoss(own, teacher, tensor(labels), { alpha: 0.5, T: 3, ...more }).item()
      expect(await first(more)).toBeCloseTo(want, 5)
    }
  })

  it('a signal ends it after the step in hand', async () => {
    const stop = new AbortController()
    const steps: number[] = []
    const result = await train(make(), data, {
      ...{ ...options, signal: stop.signal, evaluate: () => 1 },
      onStep: ({ step }) => {
        steps.push(step)
        if (step === 4) stop.abort()
      },
    })
    expect(steps).toEqual([1, 2, 3, 4])
    expect([result.stopped, result.epochs.length, result.evaluations.at(-1)?.step]).toEqual(['signal', 2, 4])
  })

  it('learns numbers where the data has them', async () => {
    const targets = Float32Array.from({ length: rows }, (_, r) => 2 * values[r * 3] - values[r * 3 + 1])
    const model = randomScope(keyOf(1), () => new Mlp({ sizes: [3, 1] }))
    await train(
      model,
      { ...data, targets, labels: null },
      {
        ...{ epochs: 200, batchSize: 20, lr: 0.1, seed: 1, weightDecay: 0 },
      },
    )
    const got = predict(model, data)
    targets.forEach((t, r) => {
      expect(Math.abs(got[r] - t)).toBeLessThan(1e-2)
    })
  })
})

describe('so many steps', () => {
  const without = { batchSize: 8, lr: 1e-2, seed: 1 }

  it.each([
    [1, 6],
    [2, 4],
  ])('with %i batches a step, those of two whole epochs are those epochs', async (accumulate, steps) => {
    const [byEpochs, bySteps] = [make(), make()]
    const own = { ...without, accumulate, evaluate: () => ({ accuracy: 1 }) }
    const whole = await train(byEpochs, data, { ...own, epochs: 2 })
    expect(await train(bySteps, data, { ...own, steps, epochs: 9 })).toEqual(whole)
    expect(weights(bySteps)).toEqual(weights(byEpochs))
  })

  it.each([
    // Three batches of 8, 8 and 4 rows an epoch.
    [1, 4, [3, 1]],
    [1, 2, [2]],
    [2, 3, [3, 2]],
    [2, 1, [2]],
  ])('%i batches a step, %i steps: the last epoch ends with them', async (accumulate, steps, batches) => {
    const seen: number[] = []
    const rates: number[] = []
    let taken = 0
    const result = await train(make(), data, {
      ...{ ...without, steps, accumulate, warmup: 0, evaluate: () => ({ accuracy: 1 }) },
      onStep: ({ epoch, total, lr, gradNorm }) => {
        expect(total).toBe(batches.reduce((a, b) => a + b))
        seen[epoch - 1] = (seen[epoch - 1] ?? 0) + 1
        if (gradNorm > 0) taken = rates.push(lr / 1e-2)
      },
    })
    expect(seen).toEqual(batches)
    expect(taken).toBe(steps)
    // The schedule is as long as the steps.
    rates.forEach((rate, i) => {
      expect(rate).toBeCloseTo(1 - i / steps, 12)
    })
    const ends = batches.map((_, i) => batches.slice(0, i + 1).reduce((a, b) => a + b))
    expect(result.evaluations.map((e) => e.step)).toEqual(ends)
    expect(result.epochs.length).toBe(batches.length)
  })

  it('keeps the best weights, of the epoch that was cut too', async () => {
    for (const best of [1, 2]) {
      const model = make()
      const held: number[][] = []
      const result = await train(model, data, {
        ...{ ...without, steps: 4 },
        evaluate: () => {
          held.push(weights(model))
          return held.length === best ? 1 : 0
        },
      })
      expect([result.best.epoch, held.length]).toEqual([best, 2])
      expect(weights(model)).toEqual(held[best - 1])
    }
  })
})

describe('what is broken', () => {
  it('a loss that is not finite names step, epoch, term and rows; the weights and the memory are as before', async () => {
    const model = make()
    const batches = data.batches(8, keyOf(1, 'order', 2))
    const broken = batches[1][3]
    let epoch = 0
    let before: number[] = []
    await settled()
    const buffers = memory().buffers
    const run = fit(
      model,
      {
        ...data,
        batches: (n, key) => {
          // Without a key fit() only looks how large batches are.
          if (key !== null) epoch++
          return data.batches(n, key)
        },
      },
      ({ logits }, batch) => {
        const loss = crossEntropy(logits, tensor(batch.map((r) => labels[r])))
        const bad = epoch === 2 && batch.includes(broken)
        return { total: bad ? loss.mul(Number.NaN) : loss, terms: { ce: bad ? Number.NaN : loss } }
      },
      {
        ...options,
        onStep: () => {
          before = weights(model)
        },
      },
    )
    const list = [...batches[1]].join(', ')
    await expect(run).rejects.toThrow(
      `training: the loss became NaN (ce: NaN) at step 5 of 9, epoch 2, in rows ${list}: a number, read by mul in the loss, is NaN. Correct what it was made from, or leave these rows out. The step was not taken`,
    )
    expect(weights(model)).toEqual(before)
    expect(memory().buffers).toBeLessThanOrEqual(buffers)
    expect(model.training).toBe(false)
  })

  it('names twelve rows of a large batch', async () => {
    const values = new Float32Array(60).fill(Number.NaN)
    await expect(train(make(), rowData(values, 3, new Int32Array(20)), options)).rejects.toThrow(
      /at step 1 of 9, epoch 1, in rows (\d+, ){7}\d+: a tensor of the data is NaN at \[0, 0\] of \[8, 3\]\. /,
    )
    await expect(
      train(make(), rowData(values, 3, new Int32Array(20)), { ...options, batchSize: 20 }),
    ).rejects.toThrow(/in rows (\d+, ){11}\d+ and 8 more: a tensor/)
  })

  it('a gradient that is not finite names its step, and nothing is changed', async () => {
    const model = make()
    const before = weights(model)
    // 0 now, and a slope of 0 / 0.
    const rule = ({ logits }: { logits: Tensor }) => logits.mul(0).sum().sqrt()
    await expect(fit(model, data, rule, options)).rejects.toThrow(
      /^training: the gradient norm became NaN at step 1 of 9, epoch 1, in rows [\d, ]+: the gradient of sqrt in the loss for its input 0 is Infinity, from one of 1\. Lower/,
    )
    expect(weights(model)).toEqual(before)
  })

  it('settings that mean nothing', async () => {
    for (const [wrong, text] of [
      [{ epochs: 0 }, 'fit: epochs must be 1 or more, got 0'],
      [{ steps: 0 }, 'fit: steps must be 1 or more, got 0'],
      [{ steps: Infinity }, 'fit: steps must be 1 or more, got Infinity'],
      [{ epochs: undefined }, 'fit: needs epochs or steps, got neither'],
      [{ accumulate: 1.5 }, 'fit: accumulate must be 1 or more, got 1.5'],
      [{ evaluateEvery: 0 }, 'fit: evaluateEvery must be 1 or more, got 0'],
      [{ labelSmoothing: 1 }, 'labelSmoothing must lie in [0, 1), got 1'],
      [{ classWeights: [1, -1] }, 'class weights must be 0 or more, got 1, -1'],
      [{ classWeights: [1, 1, 1] }, 'crossEntropy: 2 classes need as many weights, got weight [3]'],
    ] as const)
      await expect((async () => train(make(), data, { ...options, ...wrong }))()).rejects.toThrow(text)
    const empty = rowData(new Float32Array(0), 3, new Int32Array(0))
    await expect(train(make(), empty, options)).rejects.toThrow('training data: has no rows')
    const numbers = { ...data, targets: new Float32Array(rows) }
    await expect(
      (async () => train(make(), numbers, { ...options, classWeights: 'balanced' }))(),
    ).rejects.toThrow('train: class weights and label smoothing are for labels, the data has numbers')
    expect(() => labelLoss(rowData(values, 3, null))).toThrow('training data: has no labels')
    const none = fit(make(), data, ({ logits }) => ({ total: logits.sum(), weight: 0 }), options)
    await expect(none).rejects.toThrow("the loss's weight must be above 0, got 0 at step 1 of 9, epoch 1")
  })
})

describe('weighted cross entropy', () => {
  const logits = [
    [1, -2, 0.5],
    [0.3, 0.1, -1],
    [2, 2, -3],
  ]
  const x = tensor(logits, { dtype: 'float64' })
  const weight = tensor([1, 2.5, 0.25], { dtype: 'float64' })
  const logp = (r: number, c: number) =>
    logits[r][c] - Math.log(logits[r].reduce((sum, z) => sum + Math.exp(z), 0))

  it.each([0, 0.2])(
    'is the one of PyTorch weighted mean, smoothing %f, rows without a label left out',
    (s) => {
      const y = [1, -100, 2]
      const w = [...weight.data]
      const row = (r: number) =>
        -(1 - s) * w[y[r]] * logp(r, y[r]) - (s / 3) * w.reduce((sum, own, c) => sum + own * logp(r, c), 0)
      const target = tensor(Int32Array.from(y))
      const at = (reduction: 'mean' | 'sum' | 'none') =>
        crossEntropy(x, target, { weight, labelSmoothing: s, reduction })
      const want = [row(0), 0, row(2)]
      at('none').data.forEach((v, i) => {
        expect(v).toBeCloseTo(want[i], 12)
      })
      expect(at('sum').item()).toBeCloseTo(want[0] + want[2], 12)
      expect(at('mean').item()).toBeCloseTo((want[0] + want[2]) / (w[1] + w[2]), 12)
    },
  )

  it('soft targets divide by the rows', () => {
    const q = tensor(
      [
        [0.2, 0.3, 0.5],
        [1, 0, 0],
        [0, 0.5, 0.5],
      ],
      { dtype: 'float64' },
    )
    const want =
      Array.from(q.data).reduce(
        (sum, p, i) => sum - p * weight.data[i % 3] * logp(Math.floor(i / 3), i % 3),
        0,
      ) / 3
    expect(crossEntropy(x, q, { weight }).item()).toBeCloseTo(want, 12)
  })

  it('has the gradient of its formula', () => {
    const target = tensor(Int32Array.of(1, -100, 2))
    for (const labelSmoothing of [0, 0.2]) {
      const result = gradcheck((z) => crossEntropy(z, target, { weight, labelSmoothing }), [x])
      expect(result.error).toBeLessThan(1e-8)
    }
  })
})
