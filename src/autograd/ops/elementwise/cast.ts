// to and clone: a copy, in another dtype or the same.
import { dtypeArg } from '../../../tensor/check.js'
import type { DType } from '../../../tensor/storage.js'
import type { Tensor } from '../../../tensor/tensor.js'
import { int32Arg } from '../../../tensor/values.js'
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
  kernel: (k, out, [x], { dtype }) => {
    if (dtype === 'int32' && x.dtype !== 'int32') fitsInt32(x)
    k.copy(x.shape, out.raw, out.strides, x.raw, x.strides)
  },
  save: ([x]) => [x],
  backward: ({ dy, saved: [x] }) => [to(dy, x.dtype)],
  twice: true,
  samples: () => unarySpecs().map((s) => ({ inputs: [s], attrs: { dtype: 'float64' } })),
  errors: () =>
    [NaN, Infinity, 2147483648, -2147483904].map((x) => ({
      inputs: [{ shape: [2], values: [-1.5, x] }],
      attrs: { dtype: 'int32' },
      error: RangeError,
      text: `to: int32 cannot hold ${x} at place 1. It holds whole numbers from -2147483648 to 2147483647`,
    })),
  edge: () => [
    {
      inputs: [{ shape: [3], values: [NaN, -0, Infinity] }],
      attrs: { dtype: 'float64' },
      out: [NaN, -0, Infinity],
      grads: [[1, 1, 1]],
    },
    {
      inputs: [{ shape: [5], values: [1.5, -1.5, -0, -2147483648, 0.999] }],
      attrs: { dtype: 'int32' },
      out: [1, -1, 0, -2147483648, 0],
    },
  ],
})

/** One pass over the numbers before they are cut off: what is outside would be wrapped round to some other number. */
function fitsInt32(x: Tensor): void {
  const { elements } = x
  for (let i = 0; i < elements.length; i++) {
    if (!(elements[i] > -2147483649 && elements[i] < 2147483648))
      int32Arg('to', elements[i], ` at place ${i}`)
  }
}

/**
 * x as another dtype; x itself when it is that already. int32 cuts fractions off, 1.5 to 1 and -1.5 to -1; throws
 * RangeError for NaN and for what it cannot hold, DTypeError for an unknown dtype.
 */
export function to(x: Tensor, dtype: DType): Tensor {
  dtypeArg('to', dtype)
  if (x.dtype === dtype) return x
  return toOp([dtype === 'int32' ? x.viewAs(x.shape, x.strides) : x], { dtype })
}

/** The same numbers on a buffer of their own. */
export function clone(x: Tensor): Tensor {
  return toOp([x], { dtype: x.dtype })
}
