// The state of a run in one process: what is saved when, what a run that goes on is given, and what is refused.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import '../../src/index.js'
import { ones, zeros } from '../../src/autograd/create.js'
import { randomScope } from '../../src/autograd/random.js'
import { CheckpointFolder } from '../../src/files/checkpoint-folder.js'
import { Mlp } from '../../src/nn/models/mlp.js'
import { rowData } from '../../src/nn/rows.js'
import { keyOf } from '../../src/tensor/rng.js'
import { memory } from '../../src/tensor/storage.js'
import type { Tensor } from '../../src/tensor/tensor.js'
import { Interrupted, RunState, type RunStateOptions } from '../../src/train/run-state.js'
import { train } from '../../src/train/tasks.js'
import { settled } from '../settled.js'

const root = mkdtempSync(join(tmpdir(), 'tinystill-state-'))
afterAll(() => rmSync(root, { recursive: true }))
let count = 0

const data = rowData(
  Float32Array.from({ length: 80 }, (_, i) => Math.sin(i)),
  2,
  Int32Array.from({ length: 40 }, (_, i) => i % 2),
)
const model = () => randomScope(keyOf(3), () => new Mlp({ sizes: [2, 5, 2], dropout: 0.2 }))

function open(folder: string, options: Partial<RunStateOptions> = {}, resume = false): RunState {
  const usual: RunStateOptions = {
    ...{ every: { steps: 3 }, keep: true, now: () => 0, mark: () => 7 },
    ...{ interrupted: () => null, training: () => {}, warn: () => {} },
  }
  return new RunState(new CheckpointFolder(folder), { ...usual, ...options }, resume)
}

const whole = {
  ...{ epoch: 1, batch: 0, step: 0, sum: 0, finite: 0, optimizerSteps: 0, epochs: [] },
  ...{ evaluations: [], since: 0, skippedInARow: 0 },
}
const place = () => join(root, `${count++}`)
const weights = (m: Mlp) => m.parameters().map((p) => p.toArray())
const learn = (state: RunState, name: string, m: Mlp, seed = 1) =>
  train(m, data, {
    ...{ epochs: 2, batchSize: 8, accumulate: 2, lr: 1e-2, seed, store: state.training(name) },
    ...{ evaluate: () => ({ accuracy: seed / 10, perplexity: Infinity }), patience: 9 },
  })

describe('the state of a run', () => {
  it('stops when it is asked to, and goes on to the same weights', async () => {
    const alone = model()
    const result = await learn(open(place()), 'a', alone)
    const folder = place()
    for (let stops = 1; stops < 3; stops++) {
      let left = 2
      const interrupted = () => (left-- === 0 ? 'SIGTERM' : null)
      const cut = learn(open(folder, { every: 'never', interrupted }, true), 'a', model())
      await expect(cut).rejects.toThrow(Interrupted)
    }
    const last = model()
    const state = open(folder, {}, true)
    expect([state.from, state.mark]).toEqual([7, 7])
    expect(await learn(state, 'a', last)).toEqual(result)
    expect(weights(last)).toEqual(weights(alone))
  })

  it.each(['adamw', 'adadelta'] as const)(
    '%s goes on in an epoch that steps cut, and is over with it',
    async (optimizer) => {
      const options = {
        optimizer,
        steps: 5,
        batchSize: 8,
        accumulate: 2,
        lr: 1e-2,
        seed: 1,
        evaluate: () => 1,
      }
      const run = (state: RunState, m: Mlp) => train(m, data, { ...options, store: state.training('a') })
      const alone = model()
      const result = await run(open(place()), alone)
      // Five batches make three steps: the sixth to ninth are two more.
      expect(result.evaluations.map((e) => e.step)).toEqual([5, 9])
      for (const stop of [2, 4, 5]) {
        const folder = place()
        let left = stop
        const interrupted = () => (--left === 0 ? 'SIGTERM' : null)
        await expect(run(open(folder, { every: 'never', interrupted }), model())).rejects.toThrow(Interrupted)
        const last = model()
        expect(await run(open(folder, {}, true), last)).toEqual(result)
        expect(weights(last)).toEqual(weights(alone))
        const again = model()
        const over = open(folder, {}, true)
        expect(over.from).toBe(9)
        expect(await run(over, again)).toEqual(result)
        expect(weights(again)).toEqual(weights(alone))
      }
    },
  )

  it('counts the updates of what had no gradient in some steps, and keeps buffers', async () => {
    class Late extends Mlp {
      late = ones([2], { requiresGrad: true })
      mean = this.registerBuffer('mean', zeros([2]))

      override forward(x: Tensor): { logits: Tensor } {
        const { logits } = super.forward(x)
        const first = x.elements[0]
        if (this.training) this.mean.elements[0] = 0.5 * this.mean.elements[0] + first
        return { logits: first > 0 ? logits.mul(this.late) : logits }
      }
    }
    const late = () => randomScope(keyOf(3), () => new Late({ sizes: [2, 5, 2], dropout: 0.2 }))
    const state = (m: Late) => Array.from(m.stateDict(), ([name, t]) => [name, t.toArray()])
    const options = { epochs: 3, batchSize: 8, lr: 1e-2, seed: 1 }
    const [alone, cut, last] = [late(), late(), late()]
    await train(alone, data, options)
    const folder = place()
    let left = 8
    const interrupted = () => (left-- === 0 ? 'SIGTERM' : null)
    const stopped = open(folder, { every: 'never', interrupted })
    await expect(train(cut, data, { ...options, store: stopped.training('a') })).rejects.toThrow(Interrupted)
    const [file] = readdirSync(folder).filter((f) => f.endsWith('.json'))
    const { fewerSteps } = JSON.parse(readFileSync(join(folder, file), 'utf8')).facts.current.place
    expect(fewerSteps.late).toBeGreaterThan(0)
    expect(fewerSteps.late).toBeLessThan(8)
    await train(last, data, { ...options, store: open(folder, {}, true).training('a') })
    expect(state(last)).toEqual(state(alone))
    expect(last.mean.elements[0]).not.toBe(0)
  })

  it('gives a training that was over its weights and its result, of a model that went on too', async () => {
    const folder = place()
    const [one, two] = [model(), model()]
    const before = open(folder)
    const first = await learn(before, 'first', one)
    await learn(before, 'second', two, 2)
    const then = weights(two)
    await learn(before, 'second on', two, 3)
    before.record('judged', { accuracy: 0.5 })
    await learn(before, 'other', model(), 4)
    const after = open(folder, {}, true)
    expect(after.recall('judged')).toEqual({ accuracy: 0.5 })
    expect(after.recall('nothing')).toBeUndefined()
    const [again, on] = [model(), model()]
    expect(await learn(after, 'first', again)).toEqual(first)
    expect(weights(again)).toEqual(weights(one))
    await learn(after, 'second', on, 2)
    await learn(after, 'second on', on, 3)
    expect(weights(on)).toEqual(weights(two))
    expect(weights(on)).not.toEqual(then)
  })

  it('holds no memory when all is over', async () => {
    const folder = place()
    await learn(open(folder), 'a', model())
    const m = model()
    await settled()
    const before = memory().buffers
    await learn(open(folder, { keep: false }, true), 'a', m)
    expect(memory().buffers).toBeLessThanOrEqual(before)
  })

  it.each<[string, unknown]>([
    ['ms', 'x'],
    ['mark', -1],
    ['records', []],
    ['finished', [{ name: 'a' }]],
    ['current', { name: 'a', ms: 0, place: { epoch: 1.5 } }],
    ['current', { name: 'a', ms: 0, place: { ...whole, fewerSteps: { w: -1 } } }],
  ])('refuses %s that is none', async (name, value) => {
    const folder = place()
    await learn(open(folder), 'a', model())
    const [file] = readdirSync(folder)
      .filter((f) => f.endsWith('.json'))
      .sort()
      .slice(-1)
    const manifest = JSON.parse(readFileSync(join(folder, file), 'utf8'))
    manifest.facts[name] = value
    writeFileSync(join(folder, file), JSON.stringify(manifest))
    expect(() => open(folder, {}, true)).toThrow(
      `the newest checkpoint's ${name} is not what a checkpoint holds`,
    )
  })

  it("refuses another model's weights", async () => {
    const folder = place()
    let left = 3
    const cut = learn(open(folder, { interrupted: () => (left-- === 0 ? 'SIGINT' : null) }), 'a', model())
    await expect(cut).rejects.toThrow(Interrupted)
    const other = randomScope(keyOf(3), () => new Mlp({ sizes: [2, 6, 2] }))
    await expect(learn(open(folder, {}, true), 'a', other)).rejects.toThrow(
      /is float32 \[5, 2\], the run needs float32 \[6, 2\]/,
    )
  })
})
