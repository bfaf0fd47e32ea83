// Numbers rounded to a grid of a given scale and zero point, and left as floats: what a quantized model will compute with.
// One scale for all of x, one a row, one a channel: whatever broadcasts. The gradient passes straight through the rounding.
// Jacob et al. 2018, section 3; torch.fake_quantize_per_tensor_affine and _per_channel_affine.
import { ShapeError } from '../../../errors.js'
import { type Kinds, optionsArg, tensorArg } from '../../../tensor/check.js'
import { formatShape, numel, type Shape, sameShape } from '../../../tensor/shape.js'
import type { Floats } from '../../../tensor/storage.js'
import { floats, type Tensor } from '../../../tensor/tensor.js'
import { constant, full } from '../../create.js'
import { dense } from '../../graph.js'
import { defineOp, type Op } from '../../op.js'
import type { Sample, Spec } from '../../samples.js'
import { add, div, mul, sub } from '../elementwise/arithmetic.js'
import { clamp, maximum, minimum } from '../elementwise/compare.js'
import { round } from '../elementwise/rounding.js'
import { eachRun, gridShape, type Levels, like, ROUND } from './grid.js'

/** What becomes of the gradient of what lies outside the grid. */
const outsides = ['zero', 'pass'] as const
export type Outside = (typeof outsides)[number]

interface FakeQuantizeAttrs extends Levels {
  outside: Outside
}

/** 1 where x is rounded to a level that there is. */
function insideOf(x: Tensor, scale: Tensor, zero: Tensor, { low, high }: Levels): Tensor {
  const { from, out, into } = like(x)
  const [s, z] = [scale, zero].map(dense)
  const [scales, zeros] = [floats(s), floats(z)]
  eachRun(x.shape, s, (first, last, at, step) => {
    for (let i = first, k = at; i < last; i++, k += step) {
      const level = from[i] / scales[k] + ROUND - ROUND + zeros[k]
      into[i] = level >= low && level <= high ? 1 : 0
    }
  })
  return out
}

function quantize(out: Floats, x: Floats, scale: Tensor, zero: Tensor, shape: Shape, levels: Levels): void {
  const { low, high } = levels
  const [scales, zeros] = [floats(scale), floats(zero)]
  eachRun(shape, scale, (first, last, at, step) => {
    for (let i = first, k = at; i < last; i++, k += step) {
      const z = zeros[k]
      const level = x[i] / scales[k] + ROUND - ROUND
      const least = low - z
      const most = high - z
      out[i] = (level < least ? least : level > most ? most : level) * scales[k]
    }
  })
}

const bytes: Levels = { low: -8, high: 7 }

const fakeQuantizeOp: Op<FakeQuantizeAttrs> = defineOp<FakeQuantizeAttrs>({
  name: 'fakeQuantize',
  doc: 'x rounded to a grid, as floats; the gradient passes through the rounding, inside the grid or everywhere.',
  math: 'y = s\\,(\\mathrm{clamp}(\\mathrm{round}(x / s) + z, m, M) - z);\\quad \\bar x = \\bar y\\, [m \\le \\mathrm{round}(x / s) + z \\le M]',
  takes: ['float'],
  shape: (shapes, attrs) => {
    const [, scale, zero] = shapes
    if (!sameShape(scale, zero))
      throw new ShapeError(
        'fakeQuantize',
        `scales ${formatShape(scale)} and zero points ${formatShape(zero)} must have one shape`,
      )
    return gridShape('fakeQuantize', shapes, attrs)
  },
  kernel: (_, out, [x, scale, zero], attrs) =>
    quantize(floats(out), floats(x), scale, zero, out.shape, attrs),
  plain: ([x, scale, zero], { low, high }) =>
    mul(sub(clamp(add(round(div(x, scale)), zero), low, high), zero), scale),
  save: (inputs, _, { outside }) => (outside === 'zero' ? [...inputs] : []),
  backward: ({ dy, saved: [x, scale, zero], attrs }) => [
    attrs.outside === 'pass' ? dy : mul(dy, insideOf(x, scale, zero, attrs)),
    null,
    null,
  ],
  // A level takes in half a step on either side: within the outer ones' reach x passes as it is.
  surrogate: ([x, scale, zero], { low, high, outside }) =>
    outside === 'pass'
      ? x
      : minimum(maximum(x, mul(sub(low - 0.5, zero), scale)), mul(sub(high + 0.5, zero), scale)),
  twice: true,
  samples: () => {
    const s = (
      x: Shape,
      scales: Shape,
      more: Partial<Spec> = {},
      attrs: Partial<FakeQuantizeAttrs> = {},
      zero = 0,
    ): Sample<FakeQuantizeAttrs> => {
      const own = { ...bytes, outside: 'zero' as const, ...attrs }
      const steps = Array.from({ length: numel(scales) }, (_, i) => 0.25 * (1 + (i % 2)))
      const zeros = steps.map((_, i) => (zero === 0 ? 0 : zero + i))
      const ends = steps.flatMap((step, i) =>
        [own.low - 0.5, own.high + 0.5].map((l) => step * (l - zeros[i])),
      )
      return {
        inputs: [
          // No difference crosses an end of a grid.
          { shape: x, ...more, domain: { lo: -6, hi: 6, gap: 0.03, ...more.domain, avoid: ends } },
          { shape: scales, values: steps },
          { shape: scales, values: zeros },
        ],
        ...{ held: [1, 2], attrs: own },
      }
    }
    return [
      s([2, 3], []),
      s([], []),
      s([1], [1]),
      s([0, 3], []),
      { ...s([3, 4], [3, 1]), why: 'a row each' },
      { ...s([2, 3, 4], [4], {}, { low: 0, high: 15 }, 7), why: 'a channel each, with zero points' },
      s([2, 3, 2], [3, 1], { view: 'sliced' }, { low: 0, high: 127 }, 60),
      s([3, 4], [3, 1], { view: 'transposed' }, { outside: 'pass' }),
      s([3, 2], [], { view: 'expanded' }),
      s([2, 2], [2, 2], { domain: { lo: -100, hi: 100, gap: 1 } }),
    ]
  },
  errors: () => {
    const attrs = { ...bytes, outside: 'zero' as const }
    return [
      {
        inputs: [{ shape: [2, 3] }, { shape: [2, 2, 3] }, { shape: [2, 2, 3] }],
        attrs,
        error: ShapeError,
        text: 'fakeQuantize: a scale of [2, 2, 3] is more than x [2, 3] has. Give one number, or a size for each of its dims: 1, or its own',
      },
      {
        inputs: [{ shape: [2, 3] }, { shape: [2, 1] }, { shape: [] }],
        attrs,
        error: ShapeError,
        text: 'fakeQuantize: scales [2, 1] and zero points [] must have one shape',
      },
      {
        inputs: [{ shape: [2] }, { shape: [] }, { shape: [] }],
        attrs: { ...attrs, low: 3, high: 3 },
        error: RangeError,
        text: 'fakeQuantize: low must be a whole number below high, got 3 and 3',
      },
    ]
  },
  edge: () => [
    {
      // Halves to the even one; what rounds to an outer level is inside.
      inputs: [
        { shape: [9], values: [0.5, 1.5, -0.5, 7.4, 7.6, -8.6, Infinity, -Infinity, NaN] },
        { shape: [], values: [1] },
        { shape: [], values: [0] },
      ],
      held: [1, 2],
      attrs: { ...bytes, outside: 'zero' },
      out: [0, 2, 0, 7, 7, -8, 7, -8, NaN],
      grads: [[1, 1, 1, 1, 0, 0, 0, 0, 0]],
    },
    {
      inputs: [
        { shape: [3], values: [-1, 0, 300] },
        { shape: [], values: [2] },
        { shape: [], values: [3] },
      ],
      held: [1, 2],
      attrs: { low: 3, high: 10, outside: 'pass' },
      out: [0, 0, 14],
      grads: [[1, 1, 1]],
    },
  ],
})

/** Of fakeQuantize(): the grid, and what becomes of values outside of it. */
export interface FakeQuantizeOptions {
  /** The level that 0 is: one number, or of the scale's shape. Default 0. */
  zeroPoint?: number | Tensor
  /** Lowest and highest level, whole numbers. Default -127 and 127. */
  low?: number
  high?: number
  /** The gradient of what lies outside: 0, as PyTorch has it, or passed on, as Q8BERT's code does. Default 'zero'. */
  outside?: Outside
}

const fakeQuantizeOptions: Kinds<FakeQuantizeOptions> = {
  ...{ zeroPoint: 'any', low: 'finite', high: 'finite', outside: outsides },
}

/**
 * scale (clamp(round(x / scale) + zeroPoint, low, high) - zeroPoint), of x's shape and dtype; halves round to the even one. The
 * scale, above 0, is a number or broadcasts to x: [] for all, [R, 1] a row, [C] a channel; it gets no gradient (learnedStep has
 * one). Throws ShapeError, and RangeError for levels that are none.
 */
export function fakeQuantize(x: Tensor, scale: Tensor | number, options: FakeQuantizeOptions = {}): Tensor {
  const given = optionsArg('fakeQuantize', options, fakeQuantizeOptions)
  const { zeroPoint = 0, low = -127, high = 127, outside = 'zero' } = given
  tensorArg('fakeQuantize', 'x', x)
  const s = tensorArg('fakeQuantize', 'the scale', constant(scale, x))
  const z = typeof zeroPoint === 'number' ? full(s.shape, zeroPoint, { dtype: s.dtype }) : zeroPoint
  return fakeQuantizeOp([x, s, tensorArg('fakeQuantize', 'the zero point', z)], { low, high, outside })
}
