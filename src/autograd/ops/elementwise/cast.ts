// to and clone: a copy, in another dtype or the same.
import type { DType } from '../../../tensor/storage.js'
import type { Tensor } from '../../../tensor/tensor.js'
import { defineOp, type Op } from '../../op.js'
import { unarySpecs } from '../../samples.js'

const toOp: Op<{ dtype: DType }> = defineOp<{ dtype: DType }>({
  name: 'to',
  doc: 'The same numbers in another dtype; int32 cuts fractions off and has no gradient.',
  math: 'y = x;\\quad \\bar x = \\bar y',
  takes: ['any'],
  shape: ([x]) => x,
  dtype: (_, { dtype }) => dtype,
  strided: true,
  kernel: (k, out, [x]) => k.copy(x.shape, out.raw, out.strides, x.raw, x.strides),
  save: ([x]) => [x],
  backward: ({ dy, saved: [x] }) => [to(dy, x.dtype)],
  twice: true,
  samples: () => unarySpecs().map((s) => ({ inputs: [s], attrs: { dtype: 'float64' } })),
  errors: () => [],
  edge: () => [
    {
      inputs: [{ shape: [3], values: [NaN, -0, Infinity] }],
      attrs: { dtype: 'float64' },
      out: [NaN, -0, Infinity],
      grads: [[1, 1, 1]],
    },
  ],
})

/** x as another dtype; x itself when it is that already. */
export function to(x: Tensor, dtype: DType): Tensor {
  if (x.dtype === dtype) return x
  return toOp([dtype === 'int32' ? x.viewAs(x.shape, x.strides) : x], { dtype })
}

/** The same numbers on a buffer of their own. */
export function clone(x: Tensor): Tensor {
  return toOp([x], { dtype: x.dtype })
}
