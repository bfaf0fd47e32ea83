// Speeds of models: each has its turn in each round, and the figures are medians with their spread, by a clock set by hand.
import { describe, expect, it } from 'vitest'
import '../../src/index.js'
import { tensor } from '../../src/autograd/create.js'
import { measureRatio, measureSpeeds, medianAndSpread, shownSpeed } from '../../src/cli/shared/speed.js'
import type { DataSet } from '../../src/nn/data.js'
import { cut, inOrder } from '../../src/nn/data.js'
import type { TextInput } from '../../src/nn/models/input.js'
import { Module } from '../../src/nn/module.js'

const rows = (size: number): DataSet<TextInput> => ({
  ...{ size, labels: null, tokens: () => 1 },
  batches: (batchSize) => cut(inOrder(size), batchSize),
  input: (own) => ({ inputIds: tensor(own), starts: tensor([0]) }),
})

describe('measureSpeeds', () => {
  const clock = { ms: 0 }
  const asked: string[] = []
  /** Takes cost(call) milliseconds a batch; call counts from 0. */
  class Slow extends Module {
    calls = 0
    constructor(
      readonly name: string,
      readonly cost: (call: number) => number,
    ) {
      super()
    }
    forward({ inputIds }: TextInput) {
      asked.push(this.name)
      clock.ms += this.cost(this.calls++)
      return { logits: tensor(new Float32Array(inputIds.shape[0]), { shape: [inputIds.shape[0], 1] }) }
    }
  }
  const progress = { start() {}, update() {}, aside() {}, note() {}, finish() {} }

  it('asks all models in turn, in changing order, and leaves the first round out', async () => {
    // Three texts are there: a turn warms up by three, answers three one by one and all in a batch: seven calls. Those of turn r
    // take r * r ms, and 1000 where they do not count.
    const growing = new Slow('a', (call) => (call < 7 || call % 7 < 3 ? 1000 : Math.floor(call / 7) ** 2))
    const steady = new Slow('b', () => 8)
    const timed = (model: Slow) => ({ model, few: (n: number) => rows(Math.min(n, 3)) })
    const speeds = await measureSpeeds(
      new Map([
        ['a', timed(growing)],
        ['b', timed(steady)],
      ]),
      { now: () => clock.ms, progress },
    )
    expect(asked.join('')).toBe([...'abbabaababba'].map((name) => name.repeat(7)).join(''))
    // 1, 4, 9, 16, 25: the median is 9, the quartiles 4 and 16; texts a second 3000, 750, 333, 187.5, 120.
    expect(speeds.get('a')).toEqual({
      ...{ msPerExample: 9, msSpread: 6, speedRounds: 5 },
      ...{ examplesPerSecond: 3000 / 9, examplesSpread: 281.25 },
    })
    expect(speeds.get('b')).toMatchObject({ msPerExample: 8, msSpread: 0, examplesPerSecond: 375 })
    expect(shownSpeed({ msPerExample: 1.917, msSpread: 0.0849 })).toBe('1.92 ± 0.08')
  })

  it('takes the ratio round by round, whatever all rounds have in common', async () => {
    // Both are ten times as slow in some rounds; the one takes a quarter of the other's time in all.
    const busy = (round: number) => (round % 2 === 0 ? 10 : 1)
    const models = [8, 2].map((ms) => new Slow('', (call) => ms * busy(Math.floor(call / 7))))
    const [before, after] = models.map((model) => ({ model, few: (n: number) => rows(Math.min(n, 3)) }))
    expect(await measureRatio(before, after, { now: () => clock.ms, progress })).toBeCloseTo(0.25, 12)
  })

  it.each<[number[], number, number]>([
    [[5], 5, 0],
    [[4, 1], 2.5, 0.75],
    [[3, 1, 2, 10], 2.5, 1.5],
  ])('median and half the interquartile range of %j', (values, median, spread) => {
    expect(medianAndSpread(values)).toEqual([median, spread])
  })
})
