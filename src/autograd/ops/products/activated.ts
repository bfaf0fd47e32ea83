// A dense layer and the function after it in one pass, for inference: no gradient goes through. Where one is wanted, the
// two ops stand one after the other, because its backward needs what lies between them.
import { ShapeError } from '../../../errors.js'
import type { Shape } from '../../../tensor/shape.js'
import type { Tensor } from '../../../tensor/tensor.js'
import { isRecording } from '../../graph.js'
import { defineOp, type Op } from '../../op.js'
import type { Sample } from '../../samples.js'
import { gelu, relu } from '../elementwise/pointwise.js'
import { linear, linearKernel, linearShape } from './matmul.js'

/** By the kernels' names. */
const functions = {
  relu: (x: Tensor) => relu(x),
  gelu: (x: Tensor) => gelu(x),
  geluTanh: (x: Tensor) => gelu(x, { approximate: 'tanh' }),
} as const

export type LinearActivation = keyof typeof functions

/** The function alone, of what a layer gave. */
export const activate = (x: Tensor, fn: LinearActivation): Tensor => functions[fn](x)

interface ActivatedAttrs {
  fn: LinearActivation
}

const activatedLinearOp: Op<ActivatedAttrs> = defineOp<ActivatedAttrs>({
  name: 'activatedLinear',
  doc: 'A dense layer and an activation in one pass; for inference.',
  math: 'y = f(x W^\\top + b)',
  takes: ['float'],
  shape: linearShape,
  strided: true,
  kernel: (k, out, inputs, { fn }) => linearKernel(k, out, inputs, fn),
  plain: ([x, w, b], { fn }) => functions[fn](linear(x, w, b ?? null)),
  save: () => [],
  backward: null,
  twice: true,
  samples: () => {
    const s = (fn: LinearActivation, x: Shape, w: Shape, bias = true): Sample<ActivatedAttrs> => ({
      inputs: [{ shape: x }, { shape: w }, ...(bias ? [{ shape: [w[0]] }] : [])],
      attrs: { fn },
    })
    return [
      s('gelu', [2, 3], [4, 3]),
      s('relu', [2, 2, 3], [5, 3], false),
      s('geluTanh', [70, 5], [17, 5]),
      s('gelu', [1, 1], [1, 1]),
      s('gelu', [0, 3], [2, 3]),
      { inputs: [{ shape: [3, 4], view: 'transposed' }, { shape: [2, 4] }], attrs: { fn: 'gelu' } },
    ]
  },
  errors: () => [
    {
      inputs: [{ shape: [2, 3] }, { shape: [4, 2] }],
      attrs: { fn: 'relu' },
      error: ShapeError,
      text: "linear: the input [2, 3] does not end in the weight's 2 inputs, weight [4, 2]",
    },
  ],
  edge: () => [
    {
      inputs: [{ shape: [1, 0] }, { shape: [2, 0] }, { shape: [2], values: [1, -1] }],
      attrs: { fn: 'relu' },
      out: [[1, 0]],
    },
  ],
})

/** f(x W^T + b): x [..., in], weight [out, in], bias [out] -> [..., out]. One pass where no gradient is wanted. */
export function activatedLinear(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  fn: LinearActivation,
): Tensor {
  const inputs = bias === null ? [x, weight] : [x, weight, bias]
  if (isRecording() && inputs.some((t) => t.requiresGrad)) return activate(linear(x, weight, bias), fn)
  return activatedLinearOp(inputs, { fn })
}
