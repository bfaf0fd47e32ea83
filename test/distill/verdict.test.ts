// Verdicts: from what they are made, when there is none, and what they say.
import { describe, expect, it } from 'vitest'
import { type ModelFigures, ModelTable } from '../../src/cli/distill/judge.js'
import { verdictLines, verdictsOf } from '../../src/cli/distill/report.js'
import { packRows, unpackRows } from '../../src/cli/distill/right-rows.js'
import { judgeGain, judgeGains, spread } from '../../src/distill/verdict.js'
import { verdictMethod, verdictText } from '../../src/distill/verdict-text.js'
import { rightRows } from '../../src/train/metrics.js'

const text = (...[ours, theirs]: Parameters<typeof judgeGain>) =>
  verdictText('distilled', 'alone', judgeGain(ours, theirs))

/** n rows, of which those in [from, to) are right. */
const right = (n: number, from: number, to: number) =>
  Uint8Array.from({ length: n }, (_, r) => (r >= from && r < to ? 1 : 0))

describe('a verdict over seeds', () => {
  it('is a paired t test', () => {
    // t = 3.464 with 2 degrees of freedom: SciPy's ttest_1samp([1, 2, 3], 0), p = 0.0742, interval -0.484 to 4.484.
    const v = judgeGain([0.81, 0.82, 0.83], [0.8, 0.8, 0.8])
    expect(v).toMatchObject({ seeds: 3, rows: null, comparisons: 1, largerThanSeedNoise: false })
    expect([v.gain, v.spread, v.p, ...(v.interval ?? [])].map((x) => (x as number).toFixed(5))).toEqual([
      '0.02000',
      '0.01000',
      '0.07418',
      '-0.00484',
      '0.04484',
    ])
    expect(judgeGain([0.85, 0.86, 0.87], [0.8, 0.8, 0.8]).largerThanSeedNoise).toBe(true)
    expect(judgeGain([0.75, 0.74, 0.73], [0.8, 0.8, 0.8]).largerThanSeedNoise).toBe(true)
    expect(spread([1, 2, 3])).toBe(1)
  })

  it('needs 3 seeds, a spread and numbers', () => {
    const none = { interval: null, p: null, largerThanSeedNoise: null, toShow: null }
    expect(judgeGain([0.8], [0.7])).toMatchObject(none)
    expect(judgeGain([0.8, 0.81], [0.7, 0.7])).toMatchObject(none)
    expect(judgeGain([0.8, 0.8, 0.8], [0.7, 0.7, 0.7])).toMatchObject(none)
    // 0.82 - 0.8 and 0.83 - 0.81 differ in the last bit: a spread of 1e-17, and a t of 1e15.
    expect(judgeGain([0.82, 0.83, 0.84], [0.8, 0.81, 0.82])).toMatchObject({ ...none, spread: 0 })
    expect(judgeGain([0.82, Number.NaN, 0.84], [0.8, 0.81, 0.82])).toMatchObject(none)
    expect(
      judgeGain(
        [right(9, 0, 3), right(9, 3, 6), right(9, 6, 9)],
        [0, 1, 2].map(() => right(9, 0, 2)),
      ),
    ).toMatchObject(none)
  })

  it.each<Parameters<typeof judgeGain>>([
    [[0.8, 0.9], [0.8]],
    [[], []],
    [
      [
        [1, 0],
        [1, 1],
        [0, 1],
      ],
      [0.5, 0.5, 0.5],
    ],
    [[[1, 0]], [[1, 0, 1]]],
    [[[]], [[]]],
  ])('refuses other seeds or rows, %j and %j', (ours, theirs) => {
    expect(() => judgeGain(ours, theirs)).toThrow(RangeError)
  })
})

describe('a verdict over rows too', () => {
  it('has the variances of both in its interval', () => {
    const ours = [
      [1, 1, 1, 0],
      [1, 1, 0, 0],
      [1, 1, 1, 1],
    ]
    const theirs = [
      [0, 1, 0, 0],
      [0, 1, 1, 0],
      [0, 0, 1, 1],
    ]
    // Differences [1 0 1 0], [1 0 -1 0], [1 1 0 0]. By hand: gains 1/2, 0, 1/2, their variance 1/12; means of rows
    // 1, 1/3, 0, 0 with variance 2/9; squared residuals sum to 2 over 6 degrees: a third of 1/3 goes off the rows' variance.
    const v = judgeGain(ours, theirs)
    expect(v.gain).toBeCloseTo(1 / 3, 14)
    expect(v.spread).toBeCloseTo(Math.sqrt(1 / 12), 14)
    const [bySeeds, byRows] = [1 / 12 / 3, (2 / 9 - 1 / 9) / 4]
    const share = bySeeds / (bySeeds + byRows)
    const weight = share - (share * (1 - share) ** 3) / 2
    const t = weight * 4.302652729911275 + (1 - weight) * 3.182446305284263
    expect(v.interval?.[1]).toBeCloseTo(1 / 3 + t * Math.sqrt(bySeeds + byRows), 10)
    expect([v.rows, v.largerThanSeedNoise]).toEqual([4, false])
  })

  it('p is 0.05 where the interval ends at 0', () => {
    const rows = 400
    const theirs = [0, 1, 2].map(() => right(rows, 0, 200))
    const at = (n: number) =>
      judgeGain(
        [n - 4, n, n + 4].map((x) => right(rows, 0, 200 + x)),
        theirs,
      )
    for (let n = 4; n < 40; n++) {
      const { interval, p, largerThanSeedNoise } = at(n)
      expect(largerThanSeedNoise).toBe((interval?.[0] ?? 0) > 0)
      expect(largerThanSeedNoise).toBe((p ?? 1) <= 0.05)
    }
    expect([at(4).largerThanSeedNoise, at(39).largerThanSeedNoise]).toEqual([false, true])
  })

  it('does not find in few rows what seeds alone would', () => {
    const figures = [
      [0.56, 0.565, 0.555],
      [0.52, 0.52, 0.52],
    ]
    expect(judgeGain(figures[0], figures[1]).largerThanSeedNoise).toBe(true)
    const lists = figures.map((of) => of.map((x) => right(200, 0, Math.round(x * 200))))
    expect(judgeGain(lists[0], lists[1]).largerThanSeedNoise).toBe(true)
    // The same gains, from 58 rows won and 50 lost.
    const mixed = figures[0].map((x) => right(200, 50, 50 + Math.round(x * 200)))
    expect(judgeGain(mixed, lists[1])).toMatchObject({
      largerThanSeedNoise: false,
      toShow: { rows: expect.any(Number) },
    })
  })
})

describe('several comparisons', () => {
  const ours = [0.83, 0.842, 0.838, 0.835]
  const others = Object.fromEntries(
    [0.03, 0.0085, 0.0075, 0].map((by, i) => [
      `b${i}`,
      ours.map((x, s) => x - by + [0.004, -0.004, 0.003, -0.003][s]),
    ]),
  )

  it('are corrected as Holm has it', () => {
    const together = judgeGains(ours, others)
    const single = Object.values(others).map((x) => judgeGain(ours, x).p as number)
    const p = Object.values(together).map((v) => v.p as number)
    // Each of the first three would be shown on its own.
    expect(single.map((x) => x < 0.05)).toEqual([true, true, true, false])
    const wanted = [4 * single[0], 3 * single[1], 2 * single[2], single[3]]
    for (const i of wanted.keys())
      expect(p[i]).toBeCloseTo(Math.min(1, Math.max(...wanted.slice(0, i + 1))), 12)
    expect(Object.values(together).map((v) => v.largerThanSeedNoise)).toEqual([true, false, false, false])
    expect(verdictText('x', 'b1', together.b1)).toMatch(
      /larger than chance: not shown after correction for 4 comparisons, /,
    )
    expect(verdictMethod(Object.values(together))).toMatch(
      /over seeds alone .*Holm's correction for 4 comparisons\.$/,
    )
  })

  it('leave out what cannot be judged', () => {
    const { same, b0 } = judgeGains(ours, { same: ours, b0: others.b0 })
    expect([same.largerThanSeedNoise, same.p, b0.comparisons]).toEqual([null, null, 1])
  })
})

describe('what would show a gain', () => {
  it('in seeds: a paired t test of that power', () => {
    // By SciPy's noncentral t 54 seeds have a power of 0.798, 55 of 0.805.
    const gains = [-1, 0, 1, 2].map((x) => 0.8 + (x / 100) * Math.sqrt(0.6))
    const v = judgeGain(gains, [0.8, 0.8, 0.8, 0.8])
    expect(v.gain / v.spread).toBeCloseTo(0.387, 2)
    const { seeds } = v.toShow as { seeds: number }
    expect(Math.abs(seeds - 55)).toBeLessThanOrEqual(1)
  })

  it('is nothing where there is no gain, or it is too small for any number', () => {
    expect(judgeGain([0.7, 0.8, 0.9], [0.9, 0.8, 0.7]).toShow).toBeNull()
    expect(judgeGain([0.7, 0.8, 0.90000001], [0.8, 0.8, 0.8]).toShow).toBeNull()
  })
})

describe('the words', () => {
  it('tell the interval, and never that there is no gain', () => {
    expect(text([0.81, 0.82, 0.83], [0.8, 0.8, 0.8])).toBe(
      'distilled is 2.00 points above alone over 3 seeds (95% interval -0.48 to +4.48, spread 1.00); larger than chance: not shown, which is not to say that there is no difference; about 5 seeds would show one of this size',
    )
    expect(text([0.85, 0.86, 0.87], [0.8, 0.8, 0.8])).toBe(
      'distilled is 6.00 points above alone over 3 seeds (95% interval +3.52 to +8.48, spread 1.00); larger than chance: yes',
    )
    expect(text([0.7], [0.8])).toBe(
      'distilled is 10.00 points below alone over 1 seed; larger than chance: unknown, one seed does not tell how far seeds scatter; --seeds 3 or more do',
    )
    expect(text([0.7, 0.71], [0.8, 0.8])).toMatch(/unknown, 2 seeds do not tell/)
    expect(text([0.8, 0.8, 0.8], [0.7, 0.7, 0.7])).toMatch(/unknown, all 3 seeds gave the same difference/)
    expect(text([Number.NaN, 1, 1], [1, 1, 1])).toMatch(
      /NaN points above alone .*unknown, not all figures are numbers/,
    )
    expect(text([0.7, 0.8, 0.9], [0.9, 0.8, 0.7])).toMatch(/no difference$/)
  })
})

describe('distill and its rows', () => {
  it('keep a bit a row', () => {
    const bits = right(1003, 5, 700)
    const packed = packRows(bits)
    expect(packed.bits.length).toBe(168)
    expect(unpackRows(JSON.parse(JSON.stringify(packed)))).toEqual(bits)
    expect(rightRows([1, 2, 3, 0, 5, 5], [1, 1, 0], 2)).toEqual(Uint8Array.of(1, 0, 1))
  })

  it.each<unknown>([
    undefined,
    null,
    3,
    {},
    { rows: 9, bits: 'AA==' },
    { rows: 1e300, bits: '' },
    { rows: 8, bits: 1 },
  ])('take no rows from %j', (packed) => {
    expect(unpackRows(packed as Parameters<typeof unpackRows>[0])).toBeNull()
  })

  const of = (rows: Uint8Array[], keep = true): ModelFigures[] =>
    rows.map((x) => ({
      ...{ accuracy: x.reduce((a, b) => a + b, 0) / x.length, seconds: 1 },
      ...(keep && { right: packRows(x) }),
    }))
  const [high, low] = [
    [70, 71, 72],
    [60, 62, 61],
  ].map((to) => to.map((n) => right(100, 0, n)))

  const table = (models: [string, ModelFigures[]][]) => new ModelTable('single_label_classification', models)

  it('judge over them, and over seeds where an older run kept none', () => {
    const teacher = of(low).map((f) => ({ ...f, seconds: 0 }))
    const verdicts = verdictsOf(
      table([
        ['teacher', teacher],
        ['alone', of(low)],
        ['distilled', of(high)],
      ]),
      'distilled',
    )
    expect(Object.keys(verdicts)).toEqual(['alone'])
    expect(verdicts.alone).toMatchObject({ rows: 100, seeds: 3 })
    expect(verdictLines(verdicts)).toEqual([
      expect.stringMatching(/over 3 seeds and 100 rows/),
      expect.stringMatching(/^Intervals: over seeds and test rows/),
    ])
    const old = verdictsOf(
      table([
        ['alone', of(low, false)],
        ['distilled', of(high)],
      ]),
      'distilled',
    )
    expect(old.alone).toMatchObject({ rows: null, seeds: 3 })
    expect(old.alone.gain).toBeCloseTo(verdicts.alone.gain, 14)
    expect(
      verdictsOf(
        table([
          ['distilled', [{ seconds: 1 }]],
          ['alone', [{ seconds: 1 }]],
        ]),
        'distilled',
      ),
    ).toEqual({})
  })
})
