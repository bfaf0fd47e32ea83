// A throw at any point of a training step gives back what the step took, and the step can be taken again.
import { afterEach, describe, expect, it } from 'vitest'
import '../../src/index.js'
import { tensor } from '../../src/autograd/create.js'
import { crossEntropy } from '../../src/autograd/ops/losses/losses.js'
import { randomScope } from '../../src/autograd/random.js'
import { BertForSequenceClassification } from '../../src/nn/models/bert.js'
import { AdamW } from '../../src/nn/optim/adam.js'
import { setBackend } from '../../src/tensor/backend.js'
import { keyOf } from '../../src/tensor/rng.js'
import { memory } from '../../src/tensor/storage.js'
import { encodedData } from '../../src/text/dataset.js'
import { Accumulator } from '../../src/train/step.js'
import { fit } from '../../src/train/trainer.js'
import { backends, choose } from '../backends.js'
import { watchKernels } from '../kernels.js'

class Bomb extends Error {}

/** Calls `fn`; the `at`th call of a kernel (from 1) throws. Names of the calls, in order. */
function withBomb(at: number, fn: () => void): { calls: string[]; thrown: unknown } {
  const calls: string[] = []
  const light = (name: string) => {
    calls.push(name)
    if (calls.length === at) throw new Bomb(`${name}, call ${at}`)
  }
  try {
    watchKernels(light, fn)
    return { calls, thrown: null }
  } catch (thrown) {
    return { calls, thrown }
  }
}

const texts = Array.from({ length: 8 }, (_, row) => {
  const ids = Int32Array.from({ length: 3 + (row % 4) }, (_, i) => 1 + ((row * 5 + i * 3) % 18))
  return { ids, typeIds: new Int32Array(ids.length) }
})
const data = encodedData(texts, 0, { typed: true })
const batches = [Int32Array.of(0, 1, 2, 3), Int32Array.of(4, 5, 6)]
const labelsOf = (rows: Int32Array) => tensor(rows.map((row) => row % 3))

const newModel = () =>
  randomScope(keyOf(5), () => {
    const size = { vocabSize: 20, width: 8, layers: 1, heads: 2, inner: 12, maxLength: 8 }
    return new BertForSequenceClassification({ ...size, labels: ['a', 'b', 'c'] })
  })

/** A model, its optimizer, and steps of two batches. */
function bench() {
  const model = newModel()
  const optimizer = new AdamW(model.parameters(), { lr: 1e-2 })
  const accumulator = new Accumulator(optimizer, model)
  const at = () => 'a test'
  const take = (step: number) => {
    const losses = batches.map((rows, i) =>
      accumulator.add(rows, keyOf(9, 'dropout', step, i), at, () =>
        crossEntropy(model.forward(data.input(rows)).logits, labelsOf(rows)),
      ),
    )
    return [...losses.map(({ loss }) => loss), accumulator.step(1, { maxNorm: 1 }, at)]
  }
  const weights = () => model.parameters().flatMap((p) => [...p.elements])
  const dispose = () => {
    optimizer.dispose()
    for (const p of model.parameters()) p.dispose()
  }
  return { take, weights, dispose }
}

const counters = () => {
  const { buffers, bytes } = memory()
  return { buffers, bytes }
}

afterEach(() => setBackend('auto'))

describe.each(backends)('%s', (backend) => {
  it('a throw in any kernel of a step: the counters of before, and the step again gives the same bits', () => {
    choose(backend)
    const [broken, clean] = [bench(), bench()]
    expect(broken.take(0)).toEqual(clean.take(0))
    const baseline = counters()
    // Once the first weight has changed, a step cannot be taken back.
    const { calls } = withBomb(0, () => expect(broken.take(1)).toEqual(clean.take(1)))
    const changing = calls.indexOf('adam')
    expect(changing).toBeGreaterThan(100)
    // Half of them on each backend.
    const first = backend === 'js' ? 1 : 2
    const points = Array.from({ length: Math.floor(changing / 2) }, (_, i) => first + 2 * i)
    for (const point of points) {
      const { thrown } = withBomb(point, () => void broken.take(point + 1))
      expect(thrown, `call ${point}`).toBeInstanceOf(Bomb)
      expect(counters(), `after ${thrown}`).toEqual(baseline)
      expect(broken.take(point + 1), `after ${thrown}`).toEqual(clean.take(point + 1))
    }
    expect(broken.weights()).toEqual(clean.weights())
    for (const b of [broken, clean]) b.dispose()
  })

  it('a throw while the optimizer changes weights: the counters of before', () => {
    choose(backend)
    const { take, dispose } = bench()
    take(0)
    const { calls } = withBomb(0, () => void take(1))
    const baseline = counters()
    for (const point of [calls.indexOf('adam') + 1, calls.length]) {
      expect(withBomb(point, () => void take(point)).thrown).toBeInstanceOf(Bomb)
      expect(counters(), `call ${point}`).toEqual(baseline)
    }
    dispose()
  })

  it('a throw anywhere in fit(): all but the model goes back', async () => {
    choose(backend)
    const model = newModel()
    const before = counters()
    const at = (n: number) => {
      let calls = 0
      return () => {
        if (++calls === n) throw new Bomb('here')
        return 0.5
      }
    }
    const train = (bombs: { loss?: () => number; evaluate?: () => number; onStep?: () => void }) =>
      fit(
        model,
        data,
        ({ logits }, rows) => {
          const loss = crossEntropy(logits, labelsOf(rows))
          bombs.loss?.()
          return loss
        },
        { epochs: 3, batchSize: 2, accumulate: 2, lr: 1e-3, seed: 1, ...bombs },
      )
    for (const n of [1, 2, 3])
      for (const place of ['loss', 'evaluate', 'onStep'] as const) {
        await expect(train({ [place]: at(n) }), place).rejects.toThrow('here')
        expect(counters(), `${place} ${n}`).toEqual(before)
      }
    for (const p of model.parameters()) p.dispose()
  })
})
