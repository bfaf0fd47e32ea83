// How many elements are not 0, whether any is, whether all are. No gradient.
import { reducedShape } from '../../../tensor/shape.js'
import { ints, type Tensor } from '../../../tensor/tensor.js'
import { defineOp, type Op } from '../../op.js'
import { unit } from '../../samples.js'
import { type Dims, type Keep, lanes, type ReduceAttrs, reduceBy, reduceSamples } from '../reduce.js'

/** Whether what was counted, of n, is said to be so. */
type Verdict = (count: number, n: number) => number

interface CountFields {
  name: 'countNonzero' | 'any' | 'all'
  doc: string
  math: string
  /** null: the count itself. */
  verdict: Verdict | null
  /** Of the rows [0, 0], [0, NaN] and [-1, 2]. */
  edge: [number, number, number]
  ofNothing: number
}

function countOp({ name, doc, math, verdict, edge, ofNothing }: CountFields): Op<ReduceAttrs> {
  return defineOp<ReduceAttrs>({
    name,
    doc,
    math,
    takes: ['any'],
    shape: ([x], { dims, keepdim }) => reducedShape(x, dims, keepdim),
    dtype: ([x]) => (verdict === null ? 'int32' : x.dtype),
    kernel: (k, out, [x], { dims }) => {
      const at = lanes(x.shape, dims)!
      const counts = verdict === null ? ints(out) : new Int32Array(out.numel)
      k.countNonzero(counts, x.elements, ...at)
      if (verdict !== null) out.raw.set(counts.map((count) => verdict(count, at[1])))
    },
    save: () => [],
    backward: null,
    twice: true,
    samples: () => [
      ...reduceSamples(unit).filter(({ inputs: [x], attrs }) => lanes(x.shape, attrs.dims) !== null),
      { inputs: [{ shape: [4, 3], below: 2 }], attrs: { dims: [0], keepdim: false } },
    ],
    errors: () => [],
    edge: () => [
      {
        inputs: [{ shape: [3, 2], values: [0, -0, 0, NaN, -1, 2] }],
        attrs: { dims: [1], keepdim: false },
        out: edge,
      },
      { inputs: [{ shape: [0] }], attrs: { dims: [0], keepdim: false }, out: ofNothing },
    ],
  })
}

const ops = {
  countNonzero: countOp({
    name: 'countNonzero',
    doc: 'How many elements over dims are not 0; NaN is not.',
    math: 'y = \\#\\{x_i \\ne 0\\}',
    verdict: null,
    edge: [0, 1, 2],
    ofNothing: 0,
  }),
  any: countOp({
    name: 'any',
    doc: '1 where an element over dims is not 0, else 0.',
    math: 'y = [\\exists i: x_i \\ne 0]',
    verdict: (count) => (count > 0 ? 1 : 0),
    edge: [0, 1, 1],
    ofNothing: 0,
  }),
  all: countOp({
    name: 'all',
    doc: '1 where no element over dims is 0, else 0; 1 of nothing.',
    math: 'y = [\\forall i: x_i \\ne 0]',
    verdict: (count, n) => (count === n ? 1 : 0),
    edge: [0, 0, 1],
    ofNothing: 1,
  }),
}

const reduction =
  (name: keyof typeof ops) =>
  (x: Tensor, dim?: Dims, keep: Keep = {}): Tensor =>
    reduceBy(name, (t, attrs) => ops[name]([t], attrs), x, dim, keep)

/** How many elements over `dim` (one, several, or all) are not 0, int32. NaN is not 0. Takes int32 too. */
export const countNonzero = reduction('countNonzero')
/** 1 where an element over `dim` is not 0, else 0; of x's dtype, as comparisons are. Takes int32 too. */
export const any = reduction('any')
/** 1 where no element over `dim` is 0, else 0; 1 of nothing. Of x's dtype, as comparisons are. Takes int32 too. */
export const all = reduction('all')
