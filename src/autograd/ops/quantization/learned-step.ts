// Numbers rounded to a grid whose step is learned along with them.
// Esser et al. 2020, "Learned Step Size Quantization", equations 1 to 3 and section 2.2.
import { ShapeError } from '../../../errors.js'
import { type Kinds, numberArg, optionsArg, tensorArg } from '../../../tensor/check.js'
import type { Shape } from '../../../tensor/shape.js'
import { empty, floats, type Tensor } from '../../../tensor/tensor.js'
import { dense } from '../../graph.js'
import { defineOp, type Op } from '../../op.js'
import type { Sample, Spec } from '../../samples.js'
import { add, div, mul, sub } from '../elementwise/arithmetic.js'
import { clamp, detached, ge, le, maximum, where } from '../elementwise/compare.js'
import { round } from '../elementwise/rounding.js'
import { eachRun, gridShape, type Levels, like, ROUND } from './grid.js'

interface LearnedStepAttrs extends Levels {
  /** Multiplies the step's gradient. */
  gradScale: number
  /** What level 0 is. */
  shift: number
}

/** A step that learning has brought to 0 or below counts as this: the official code of BinaryBERT stops there. */
const LEAST = 1e-5

/** (x - shift) / step, 1 where that is inside the levels, and the level next to it. In ops. */
function placed(x: Tensor, step: Tensor, { low, high, shift }: LearnedStepAttrs) {
  const s = maximum(step, LEAST)
  const at = div(shift === 0 ? x : sub(x, shift), s)
  return { s, at, inside: mul(ge(at, low), le(at, high)), level: round(clamp(detached(at), low, high)) }
}

const learnedStepOp: Op<LearnedStepAttrs> = defineOp<LearnedStepAttrs>({
  name: 'learnedStep',
  doc: 'x rounded to multiples of a step that has a gradient too, as floats. Esser et al. 2020, eq. 1 to 3.',
  math: 'y = s\\, r + b,\\ r = \\mathrm{round}(\\mathrm{clamp}(v, m, M)),\\ v = (x - b) / s;\\quad \\bar x = \\bar y\\, [m \\le v \\le M],\\ \\bar s = g \\textstyle\\sum \\bar y\\, (r - [m \\le v \\le M]\\, v)',
  takes: ['float'],
  shape: (shapes, attrs) => gridShape('learnedStep', shapes, attrs),
  kernel: (_, out, [x, step], { low, high, shift }) => {
    const [y, from, steps] = [out, x, step].map(floats)
    eachRun(out.shape, step, (first, last, at, by) => {
      for (let i = first, k = at; i < last; i++, k += by) {
        const s = steps[k] > LEAST ? steps[k] : LEAST
        const place = (from[i] - shift) / s
        y[i] = ((place < low ? low : place > high ? high : place) + ROUND - ROUND) * s + shift
      }
    })
  },
  plain: ([x, step], attrs) => {
    const { s, level } = placed(x, step, attrs)
    return add(mul(level, s), attrs.shift)
  },
  save: ([x, step]) => [x, step],
  backward: ({ dy, saved: [x, step], attrs }) => {
    const { at, inside, level } = placed(x, step, attrs)
    return [mul(dy, inside), mul(mul(dy, sub(level, where(inside, at, 0))), attrs.gradScale)]
  },
  fastBackward: ({ dy, saved: [x, step], attrs: { low, high, gradScale, shift } }) => {
    const { from, out, into } = like(x)
    const s = dense(step)
    const ds = empty(s.shape, s.dtype)
    const [g, steps] = [floats(dense(dy)), floats(s)]
    const sums = new Float64Array(s.numel)
    eachRun(x.shape, s, (first, last, at, by) => {
      for (let i = first, k = at; i < last; i++, k += by) {
        const place = (from[i] - shift) / (steps[k] > LEAST ? steps[k] : LEAST)
        const inside = place >= low && place <= high
        into[i] = inside ? g[i] : 0
        sums[k] +=
          g[i] * (inside ? place + ROUND - ROUND - place : place < low ? low : place > high ? high : place)
      }
    })
    const sumsInto = floats(ds)
    for (let k = 0; k < sums.length; k++) sumsInto[k] = sums[k] * gradScale
    return [out, ds]
  },
  // The paper's: what rounding changes is held, and the step's gradient counts by g.
  surrogate: ([x, step], attrs, [x0, step0]) => {
    const { low, high, gradScale, shift } = attrs
    const { at, inside, level } = placed(x0, step0, attrs)
    const s = add(step0, mul(sub(step, step0), gradScale))
    const near = add(div(sub(x, shift), s), where(inside, sub(level, at), 0))
    return add(mul(s, where(inside, near, clamp(detached(near), low, high))), shift)
  },
  twice: true,
  samples: () => {
    const s = (
      x: Shape,
      step: Shape,
      more: Partial<Spec> = {},
      attrs: Partial<LearnedStepAttrs> = {},
    ): Sample<LearnedStepAttrs> => ({
      inputs: [
        // Steps about 1/2 and 1/4: no difference comes to a half or to an end.
        { shape: x, domain: { lo: -1.2, hi: 1.2, avoid: halves, gap: 0.02 }, ...more },
        {
          shape: step,
          values: Array.from({ length: step.reduce((a, b) => a * b, 1) }, (_, i) => 0.5 / (1 + (i % 2))),
        },
      ],
      attrs: { low: -4, high: 3, gradScale: 0.3, shift: 0, ...attrs },
    })
    return [
      s([2, 3], []),
      s([], []),
      s([1], [1]),
      s([0, 3], []),
      s([3, 4], [3, 1]),
      s([2, 3, 2], [2], { view: 'sliced' }),
      s([3, 4], [], { view: 'transposed' }, { low: 0, high: 3, gradScale: 1, shift: 0 }),
      s([3, 2], [], { view: 'expanded' }),
      { ...s([3, 4], [3, 1], {}, { low: 0, high: 3, shift: -1 }), why: 'from -1 on' },
      { ...s([2, 2], [], { domain: { lo: -30, hi: 30, avoid: [0], gap: 3 } }), why: 'all outside' },
    ]
  },
  errors: () => [
    {
      inputs: [{ shape: [3] }, { shape: [2, 1] }],
      attrs: { low: -4, high: 3, gradScale: 1, shift: 0 },
      error: ShapeError,
      text: 'learnedStep: a scale of [2, 1] is more than x [3] has. Give one number, or a size for each of its dims: 1, or its own',
    },
    {
      inputs: [{ shape: [3] }, { shape: [] }],
      attrs: { low: -4, high: 3.5, gradScale: 1, shift: 0 },
      error: RangeError,
      text: 'learnedStep: low must be a whole number below high, got -4 and 3.5',
    },
  ],
  edge: () => [
    {
      inputs: [
        { shape: [6], values: [0.25, 1, -3, 0, Infinity, -Infinity] },
        { shape: [], values: [0.5] },
      ],
      attrs: { low: -2, high: 3, gradScale: 1, shift: 0 },
      out: [0, 1, -1, 0, 1.5, -1],
      grads: [[1, 1, 0, 1, 0, 0], -0.5 + 0 - 2 + 0 + 3 - 2],
    },
    {
      // A step of 0 is the least one.
      inputs: [
        { shape: [2], values: [1, 0] },
        { shape: [], values: [0] },
      ],
      attrs: { low: -2, high: 3, gradScale: 2, shift: 0 },
      out: [3 * LEAST, 0],
      grads: [[0, 1], 6],
    },
    {
      inputs: [
        { shape: [1], values: [NaN] },
        { shape: [], values: [1] },
      ],
      attrs: { low: -2, high: 3, gradScale: 1, shift: 0 },
      out: [NaN],
      grads: [[0], NaN],
    },
  ],
})

/** Halfway between multiples of 1/4 and of 1/2; the ends of 3 and -4 steps. */
const halves = [
  ...[-1.125, -1, -0.875, -0.75, -0.625, -0.375, -0.25, -0.125],
  ...[0.125, 0.25, 0.375, 0.625, 0.75, 0.875, 1.125],
  0,
]

/** Of learnedStep(): how many bits, and whether values have a sign. */
export interface LearnedStepOptions {
  /** Lowest and highest level, whole numbers: -128 and 127 for 8 bits with a sign, 0 and 255 without. */
  low: number
  high: number
  /** Multiplies the step's gradient. Default the paper's 1 / sqrt(elements of x a step, high). */
  gradScale?: number
  /** What level 0 is; x - shift is rounded. Default 0. */
  shift?: number
}

const learnedStepOptions: Kinds<LearnedStepOptions> = {
  ...{ low: 'finite', high: 'finite', gradScale: 'finite', shift: 'finite' },
}

/**
 * step round(clamp((x - shift) / step, low, high)) + shift, of x's shape and dtype; halves round to the even one. The step is a number above 0 or
 * broadcasts to x: [] for all, [R, 1] a row. It learns with x. Throws ShapeError, and RangeError for levels that are none.
 */
export function learnedStep(x: Tensor, step: Tensor, options: LearnedStepOptions): Tensor {
  const given = optionsArg('learnedStep', options, learnedStepOptions)
  const low = numberArg('learnedStep', 'low', given.low)
  const high = numberArg('learnedStep', 'high', given.high)
  tensorArg('learnedStep', 'x', x)
  tensorArg('learnedStep', 'the step', step)
  const each = x.numel / Math.max(1, step.numel)
  const { gradScale = 1 / Math.sqrt(Math.max(1, each * high)), shift = 0 } = given
  return learnedStepOp([x, step], { low, high, gradScale, shift })
}
