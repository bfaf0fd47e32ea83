// Line charts: drawn where the numbers say, names clear of the lines, colours that all eyes tell apart.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Chart, lineChart } from '../../src/report/chart.js'
import { COLORS, niceTicks, spread } from '../../src/report/svg.js'

const chart: Chart = {
  title: 'Accuracy',
  xLabel: 'epoch',
  yLabel: 'share',
  series: [
    {
      name: 'up',
      points: [
        [1, 0],
        [2, 0.5],
        [3, 1],
      ],
    },
    {
      name: 'broken',
      points: [
        [1, 1],
        [2, Number.NaN],
        [3, 0],
        [Infinity, 1],
      ],
    },
  ],
  reference: [{ name: 'chance', y: 0.25 }],
}

const attribute = (tag: string, name: string) => new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1] ?? ''
const all = (svg: string, element: string): string[] => svg.match(new RegExp(`<${element} [^>]*>`, 'g')) ?? []
const pointsOf = (tag: string) =>
  attribute(tag, 'points')
    .split(' ')
    .map((p) => p.split(',').map(Number))

describe('niceTicks', () => {
  it.each([
    [0, 1, 5, 0, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [0.13, 0.87, 5, 0, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [1, 3, 4, 1, [1, 2, 3]],
    [1, 3, 4, 0, [1, 1.5, 2, 2.5, 3]],
    [-7, 12, 4, 0, [-10, -5, 0, 5, 10, 15]],
    [0, 4000, 4, 1, [0, 1000, 2000, 3000, 4000]],
    [2, 2, 4, 1, [1, 2, 3]],
    [0, 0, 4, 0, [-1, -0.5, 0, 0.5, 1]],
    [0, 3e-9, 3, 0, [0, 1e-9, 2e-9, 3e-9]],
  ])('%f to %f, about %i, at least %f apart', (lo, hi, target, least, expected) => {
    expect(niceTicks(lo, hi, target, least).ticks).toEqual(expected)
  })

  it('covers any range with few even steps', () => {
    const value = fc.double({ min: -1e299, max: 1e299, noNaN: true })
    fc.assert(
      fc.property(value, value, (a, b) => {
        const [lo, hi] = [Math.min(a, b), Math.max(a, b)]
        const { ticks, step } = niceTicks(lo, hi, 5)
        expect(ticks[0]).toBeLessThanOrEqual(lo + step * 1e-9)
        expect(ticks[ticks.length - 1]).toBeGreaterThanOrEqual(hi)
        expect(ticks.length).toBeGreaterThanOrEqual(2)
        expect(ticks.length).toBeLessThanOrEqual(8)
        expect(step.toExponential()).toMatch(/^[125]e/)
      }),
      { seed: 7 },
    )
  })
})

describe('spread', () => {
  it('leaves what is apart alone and centres a crowd', () => {
    expect(spread([10, 50, 90], 20, 0, 100)).toEqual([10, 50, 90])
    expect(spread([50, 50, 50], 20, 0, 100)).toEqual([30, 50, 70])
    expect(spread([51, 50, 50], 20, 0, 100)).toEqual([70.5, 30.5, 50.5])
    expect(spread([0, 0], 20, 0, 100)).toEqual([0, 20])
    expect(spread([100, 100], 20, 0, 100)).toEqual([80, 100])
  })

  it('keeps the gap, the bounds and the order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 1, maxLength: 11 }), (wanted) => {
        const placed = spread(wanted, 20, 0, 200)
        const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b] || a - b)
        expect(placed[order[0]]).toBeGreaterThanOrEqual(0)
        expect(placed[order[order.length - 1]]).toBeLessThanOrEqual(200)
        for (let k = 1; k < order.length; k++)
          expect(placed[order[k]] - placed[order[k - 1]]).toBeGreaterThanOrEqual(20 - 1e-9)
      }),
      { seed: 7 },
    )
  })
})

describe('lineChart', () => {
  const svg = lineChart(chart)

  it('is an image with a name and a description that carries the figures', () => {
    expect(svg).toMatch(
      /^<svg class="chart" xmlns="[^"]+" role="img" viewBox="0 0 520 340"><title>Accuracy<\/title>/,
    )
    expect(svg).toContain(
      '<desc>share by epoch. up: from 0 at 1 to 1 at 3. broken: from 1 at 1 to 0 at 3. chance: 0.25.</desc>',
    )
  })

  it('draws points in proportion', () => {
    const [a, b, c] = pointsOf(all(svg, 'polyline')[0])
    expect(b[0]).toBeCloseTo((a[0] + c[0]) / 2, 0)
    expect(b[1]).toBeCloseTo((a[1] + c[1]) / 2, 0)
    const grid = all(svg, 'line').filter((l) => l.includes('class="grid"'))
    expect(grid.length).toBe(6)
    expect(attribute(grid[0], 'y1')).toBe(String(a[1]))
    expect(attribute(grid[5], 'y1')).toBe(String(c[1]))
    const mark = Number(attribute(all(svg, 'line').find((l) => l.includes('class="mark"'))!, 'y1'))
    expect(mark).toBeCloseTo(a[1] + 0.25 * (c[1] - a[1]), 0)
  })

  it('leaves a gap at what is not finite: two lone points, no line', () => {
    expect(all(svg, 'circle').length).toBe(2)
    expect(all(svg, 'polyline').length).toBe(1 + 3) // one line, and a stroke to each of three names
    expect(svg).not.toMatch(/NaN|Infinity|undefined/)
  })

  it('writes names to the right of every line, apart from each other, inside the picture', () => {
    const series = Array.from({ length: 30 }, (_, k) => ({
      name: `a name too long to be shown in full ${k}`,
      points: [
        [0, k],
        [9, 1],
      ] as [number, number][],
    }))
    const crowded = lineChart({ ...chart, series })
    const strokes = all(crowded, 'polyline')
    const lines = strokes.slice(0, 30).flatMap(pointsOf)
    const right = Math.max(...lines.map((p) => p[0]))
    const names = all(crowded, 'text').slice(-31)
    const heights = names.map((n) => Number(attribute(n, 'y'))).sort((a, b) => a - b)
    for (const n of names) expect(Number(attribute(n, 'x'))).toBeGreaterThan(right + 20)
    heights.slice(1).forEach((h, i) => {
      expect(h - heights[i]).toBeGreaterThan(18.8)
    })
    expect(heights[30]).toBeLessThan(Number(/viewBox="0 0 520 (\d+)"/.exec(crowded)![1]) - 40)
    expect(crowded.match(/>a name too long t\u2026</g)!.length).toBe(30)
  })

  it('survives no data, one point and extreme values', () => {
    const one = (points: [number, number][]) =>
      lineChart({ ...chart, series: [{ name: 's', points }], reference: [] })
    expect(one([])).toContain('>No data<')
    expect(one([[1, Number.NaN]])).toContain('>No data<')
    for (const points of [
      [[1, 1]],
      [
        [0, -1.7e308],
        [1, 9e299],
        [2, -9e299],
      ],
      [
        [0, 5e-324],
        [1, 0],
      ],
    ])
      expect(one(points as [number, number][])).not.toMatch(/NaN|Infinity|No data/)
  })
})

describe('colours', () => {
  const linear = (hex: string) => {
    const full = hex.length === 4 ? hex.replace(/[\da-f]/g, '$&$&') : hex
    return [1, 3, 5].map((i) => {
      const v = Number.parseInt(full.slice(i, i + 2), 16) / 255
      return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4
    })
  }
  const luminance = ([r, g, b]: number[]) => 0.2126 * r + 0.7152 * g + 0.0722 * b
  const contrast = (a: string, b: string) => {
    const [lo, hi] = [luminance(linear(a)), luminance(linear(b))].sort((x, y) => x - y)
    return (hi + 0.05) / (lo + 0.05)
  }
  const lab = (rgb: number[]) => {
    const dot = (m: number[]) => m.reduce((s, v, i) => s + v * rgb[i], 0)
    const f = (t: number) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116)
    const x = f(dot([0.4124, 0.3576, 0.1805]) / 0.9505)
    const y = f(dot([0.2126, 0.7152, 0.0722]))
    const z = f(dot([0.0193, 0.1192, 0.9505]) / 1.089)
    return [116 * y - 16, 500 * (x - y), 200 * (y - z)]
  }
  // Machado, Oliveira and Fernandes 2009, severity 1: how the colour-blind see linear RGB.
  const eyes = {
    protanopia: [
      [0.152286, 1.052583, -0.204868],
      [0.114503, 0.786281, 0.099216],
      [-0.003882, -0.048116, 1.051998],
    ],
    deuteranopia: [
      [0.367322, 0.860646, -0.227968],
      [0.280085, 0.672501, 0.047413],
      [-0.01182, 0.04294, 0.968881],
    ],
    tritanopia: [
      [1.255528, -0.076749, -0.178779],
      [-0.078411, 0.930809, 0.147602],
      [0.004733, 0.691367, 0.3039],
    ],
  }

  it.each(['light', 'dark'] as const)('%s: lines stand out by 3 : 1, text by 4.5 : 1', (scheme) => {
    const paper = COLORS[scheme][9]
    for (const line of COLORS[scheme].slice(0, 6)) expect(contrast(line, paper)).toBeGreaterThan(3)
    for (const ink of COLORS[scheme].slice(6, 8)) expect(contrast(ink, paper)).toBeGreaterThan(4.5)
  })

  it.each(Object.entries(eyes))('any two lines differ for %s', (_, matrix) => {
    for (const scheme of ['light', 'dark'] as const) {
      const seen = COLORS[scheme].slice(0, 6).map((c) => {
        const rgb = linear(c)
        return lab(
          matrix.map((row) =>
            Math.min(
              1,
              Math.max(
                0,
                row.reduce((s, v, i) => s + v * rgb[i], 0),
              ),
            ),
          ),
        )
      })
      seen.forEach((a, i) => {
        for (const b of seen.slice(i + 1))
          expect(Math.hypot(...a.map((v, k) => v - b[k]))).toBeGreaterThan(10)
      })
    }
  })
})
