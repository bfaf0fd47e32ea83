// Weights of three values and of two: the sign, times one number for all or for each row. The gradient passes straight through.
// Li and Liu 2016, "Ternary Weight Networks", equations 6 and 7; Rastegari et al. 2016, "XNOR-Net", section 3.1.
import { ShapeError } from '../../../errors.js'
import { type Kinds, optionsArg, tensorArg } from '../../../tensor/check.js'
import { numel, type Shape } from '../../../tensor/shape.js'
import type { Floats } from '../../../tensor/storage.js'
import { floats, type Tensor } from '../../../tensor/tensor.js'
import { defineOp, type Op } from '../../op.js'
import { type Sample, type Spec, unarySpecs } from '../../samples.js'
import { mul } from '../elementwise/arithmetic.js'
import { clamp, lt } from '../elementwise/compare.js'
import { abs } from '../elementwise/pointwise.js'

interface FewValuesAttrs {
  /** One number for each place of the first dim, or one for all. */
  rows: boolean
  /** No gradient passes where |x| is as large as this. */
  clip: number
}

/** Of a value, whether it is kept and not made 0: those above 0.7 of the mean of all. */
const KEPT = 0.7

/** Calls `group` for each part of x that has a number of its own. */
function eachGroup(
  x: Floats,
  shape: Shape,
  rows: boolean,
  group: (first: number, last: number, mean: number) => void,
) {
  const n = numel(shape)
  const size = rows ? n / shape[0] : n
  for (let first = 0; first < n; first += size) {
    let sum = 0
    for (let i = first; i < first + size; i++) sum += Math.abs(x[i])
    group(first, first + size, sum / size)
  }
}

function ternary(y: Floats, x: Floats, first: number, last: number, mean: number): void {
  const bar = KEPT * mean
  let sum = 0
  let kept = 0
  for (let i = first; i < last; i++) {
    const size = Math.abs(x[i])
    if (size > bar) {
      sum += size
      kept++
    }
  }
  // What is not finite shows, as it does in a mean.
  const value = mean < Infinity ? (kept === 0 ? 0 : sum / kept) : Number.NaN
  for (let i = first; i < last; i++) y[i] = x[i] > bar ? value : x[i] < -bar ? -value : 0 * value
}

function binary(y: Floats, x: Floats, first: number, last: number, mean: number): void {
  const value = mean < Infinity ? mean : Number.NaN
  for (let i = first; i < last; i++) y[i] = x[i] < 0 ? -value : value
}

interface FewValues {
  name: 'ternarize' | 'binarize'
  doc: string
  math: string
  fill: typeof ternary
  edges: readonly (readonly [FewValuesAttrs, number[], number[], number[]])[]
}

function fewValues({ name, doc, math, fill, edges }: FewValues): Op<FewValuesAttrs> {
  return defineOp<FewValuesAttrs>({
    ...{ name, doc, math, takes: ['float'], twice: true },
    shape: ([x], { rows, clip }) => {
      if (!(clip > 0)) throw new RangeError(`${name}: clip must be above 0, got ${clip}`)
      if (rows && x.length === 0) throw new ShapeError(name, 'a single number has no rows')
      return x
    },
    kernel: (_, out, [x], { rows }) => {
      const [y, from] = [out, x].map(floats)
      eachGroup(from, x.shape, rows, (first, last, mean) => fill(y, from, first, last, mean))
    },
    save: ([x], _, { clip }) => (clip < Infinity ? [x] : []),
    backward: ({ dy, saved: [x], attrs: { clip } }) => [clip < Infinity ? mul(dy, lt(abs(x), clip)) : dy],
    surrogate: ([x], { clip }) => (clip < Infinity ? clamp(x, -clip, clip) : x),
    samples: () => {
      const s = (spec: Spec, attrs: Partial<FewValuesAttrs> = {}): Sample<FewValuesAttrs> => ({
        inputs: [spec],
        attrs: { rows: false, clip: Infinity, ...attrs },
      })
      const clipped = { lo: -1, hi: 1, avoid: [-0.5, 0.5], gap: 0.05 }
      return [
        ...unarySpecs().map((spec) => s(spec)),
        s({ shape: [3, 5] }, { rows: true }),
        s({ shape: [3, 2, 2], view: 'sliced' }, { rows: true }),
        s({ shape: [0, 3] }, { rows: true }),
        s({ shape: [4, 3], domain: clipped }, { clip: 0.5 }),
        s({ shape: [4, 3], domain: clipped, view: 'transposed' }, { clip: 0.5, rows: true }),
      ]
    },
    errors: () => [
      {
        inputs: [{ shape: [2] }],
        attrs: { rows: false, clip: 0 },
        error: RangeError,
        text: `${name}: clip must be above 0, got 0`,
      },
      {
        inputs: [{ shape: [] }],
        attrs: { rows: true, clip: 1 },
        error: ShapeError,
        text: `${name}: a single number has no rows`,
      },
    ],
    edge: () =>
      edges.map(([attrs, values, out, dx]) => ({
        ...{ inputs: [{ shape: attrs.rows ? [2, values.length / 2] : [values.length], values }], attrs },
        ...{ out, grads: [dx] },
      })),
  })
}

const all: FewValuesAttrs = { rows: false, clip: Infinity }

const ternarizeOp = fewValues({
  name: 'ternarize',
  doc: 'Weights of three values: 0 below 0.7 of the mean, else their sign times the mean of those. Li and Liu 2016, eq. 6.',
  math: 'y = \\alpha\\, \\mathrm{sign}(x)\\, [|x| > t],\\ t = 0.7\\, \\mathrm{mean}|x|,\\ \\alpha = \\mathrm{mean}_{|x| > t} |x|;\\quad \\bar x = \\bar y\\, [|x| < c]',
  fill: ternary,
  edges: [
    [{ rows: false, clip: 2.5 }, [3, -1, 0, -0], [2, -2, 0, 0], [0, 1, 1, 1]],
    [{ rows: true, clip: Infinity }, [0, 0, 2, -0.1], [0, 0, 2, 0], [1, 1, 1, 1]],
    [all, [NaN, 1], [NaN, NaN], [1, 1]],
    [all, [Infinity, 1], [NaN, NaN], [1, 1]],
  ],
})

const binarizeOp = fewValues({
  name: 'binarize',
  doc: 'Weights of two values: the sign, + for 0, times the mean of what they were. Rastegari et al. 2016, eq. 6.',
  math: 'y = \\mathrm{sign}(x)\\, \\mathrm{mean}|x|;\\quad \\bar x = \\bar y\\, [|x| < c]',
  fill: binary,
  edges: [
    [{ rows: false, clip: 2.5 }, [3, -1, 0, -0], [1, -1, 1, 1], [0, 1, 1, 1]],
    [{ rows: true, clip: Infinity }, [0, 0, 2, -1], [0, 0, 1.5, -1.5], [1, 1, 1, 1]],
    [all, [NaN, 1], [NaN, NaN], [1, 1]],
    [all, [Infinity, 1], [NaN, NaN], [1, 1]],
  ],
})

/** Of ternarize() and binarize(). */
export type FewValuesOptions = Partial<FewValuesAttrs>

const fewValuesOptions: Kinds<FewValuesOptions> = { rows: 'boolean', clip: 'number' }

function call(op: Op<FewValuesAttrs>, x: Tensor, options: FewValuesOptions): Tensor {
  const { name } = op.record
  const { rows = false, clip = Infinity } = optionsArg(name, options, fewValuesOptions)
  return op([tensorArg(name, 'x', x)], { rows, clip })
}

/**
 * x as three values, of its shape and dtype: 0, and -a and a where |x| is above 0.7 of its mean, a the mean of those. `rows`: an
 * a for each place of the first dim. `clip`: no gradient where |x| reaches it; TernaryBERT 2.5, BinaryBERT none. Throws RangeError.
 */
export const ternarize = (x: Tensor, options: FewValuesOptions = {}): Tensor => call(ternarizeOp, x, options)

/** x as two values, of its shape and dtype: its sign times the mean of |x|, of all or of each row. Options as ternarize has them. */
export const binarize = (x: Tensor, options: FewValuesOptions = {}): Tensor => call(binarizeOp, x, options)
