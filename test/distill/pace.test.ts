// A training beside other work of the process: its turns of the event loop, and memory that is dead but not collected.
import { describe, expect, it } from 'vitest'
import { full, memory } from '../../src/index.js'
import { Mlp } from '../../src/nn/models/mlp.js'
import { rowData } from '../../src/nn/rows.js'
import { limitMemory } from '../../src/tensor/storage.js'
import { breathe } from '../../src/train/pace.js'
import { predict, predictInTurns } from '../../src/train/predict.js'
import { train } from '../../src/train/tasks.js'

const ROWS = 40
const data = rowData(
  Float32Array.from({ length: ROWS * 3 }, (_, i) => ((i * 7) % 11) / 5 - 1),
  3,
  Int32Array.from({ length: ROWS }, (_, r) => r % 2),
)
const make = () => new Mlp({ sizes: [3, 4, 2] })
const options = { epochs: 1, batchSize: 1, lr: 1e-2, seed: 1 }

/** Keeps the processor busy for so long. */
function work(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}

describe('predictInTurns', () => {
  it('gives what predict gives, and lets timers run between its batches', async () => {
    let ticks = 0
    const timer = setInterval(() => ticks++, 5)
    const model = make()
    model.train()
    const done: number[] = []
    // 10 batches of 20 ms.
    const logits = await predictInTurns(model, data, {
      batchSize: 4,
      onBatch: (rows) => {
        work(20)
        done.push(rows)
      },
    })
    clearInterval(timer)
    expect(ticks).toBeGreaterThan(2)
    expect(done).toEqual([4, 8, 12, 16, 20, 24, 28, 32, 36, 40])
    expect(logits).toEqual(predict(model, data))
    expect(model.training).toBe(true)
  })

  it('puts the mode back where it breaks', async () => {
    const model = make()
    const breaks = predictInTurns(model, data, {
      onBatch: () => {
        throw new Error('full')
      },
    })
    await expect(breaks).rejects.toThrow('full')
    expect(model.training).toBe(true)
  })
})

describe('fit', () => {
  it('lets timers run between its steps', async () => {
    let ticks = 0
    const timer = setInterval(() => ticks++, 5)
    // 40 steps of 20 ms: 20 turns where the clock is exact.
    await train(make(), data, { ...options, onStep: () => work(20) })
    clearInterval(timer)
    expect(ticks).toBeGreaterThan(3)
  })

  it('is stopped by a signal that a timer gives', async () => {
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 30)
    const result = await train(make(), data, {
      ...options,
      epochs: 1000,
      signal: stop.signal,
      onStep: () => work(5),
    })
    expect(result.stopped).toBe('signal')
  })

  it('takes no turn while the last one is fresh', async () => {
    work(50)
    await breathe()
    let turned = false
    setImmediate(() => {
      turned = true
    })
    for (let i = 0; i < 100; i++) await breathe()
    expect(turned).toBe(false)
  })

  it('is not refused for tensors that are dead and only not collected', async () => {
    const a = full([1000, 1000], 1.5)
    for (let i = 0; i < 40; i++) a.add(1)
    const alive = 8e6
    expect(memory().bytes).toBeGreaterThan(3 * alive)
    limitMemory(memory().bytes)
    try {
      await expect(train(make(), data, options)).resolves.toBeDefined()
    } finally {
      limitMemory(Number.POSITIVE_INFINITY)
    }
  })
})
