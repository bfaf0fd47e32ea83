// Max pooling: the places of the largest, then what stands there. gather brings the gradient, its second one too.
import { ShapeError } from '../../../errors.js'
import { type Kinds, optionsArg, tensorArg } from '../../../tensor/check.js'
import { formatShape, type Shape } from '../../../tensor/shape.js'
import { flat, ints, type Tensor } from '../../../tensor/tensor.js'
import { defineOp, type Op } from '../../op.js'
import type { ErrorCase, Sample, Spec } from '../../samples.js'
import { gather } from '../indexing/gather.js'
import { reshape } from '../shape/views.js'
import { acrossOf, batched, flatAxis, type Pair, pairOf, places, requireImages, type Two } from './window.js'

interface PoolAttrs {
  kernel: Two
  stride: Two
  padding: Two
  dilation: Two
  ceil: boolean
}

function poolShape(op: string, x: Shape, { kernel, stride, padding, dilation, ceil }: PoolAttrs): Shape {
  requireImages(op, x)
  if ([0, 1].some((d) => 2 * padding[d] > kernel[d])) {
    throw new ShapeError(
      op,
      `padding ${formatShape(padding)} is more than half of the window ${formatShape(kernel)}`,
      'A window must see something',
    )
  }
  const out = ([0, 1] as const).map((d) =>
    places(x[2 + d], kernel[d], stride[d], dilation[d], 2 * padding[d], ceil),
  )
  if (out.some((n) => n < 1) || x[2] === 0 || x[3] === 0) {
    throw new ShapeError(
      op,
      `a window ${formatShape(kernel)} does not fit into the image ${formatShape(x.slice(2))} padded by ${formatShape(padding)}`,
    )
  }
  return [x[0], x[1], ...out]
}

const window = (kernel: Two, more: Partial<PoolAttrs> = {}): PoolAttrs => ({
  ...{ kernel, stride: kernel, padding: [0, 0], dilation: [1, 1], ceil: false },
  ...more,
})

const samples = (): Sample<PoolAttrs>[] => {
  const s = (shape: Shape, attrs: PoolAttrs, spec: Partial<Spec> = {}): Sample<PoolAttrs> => ({
    inputs: [{ shape, domain: { lo: -1, hi: 1, distinct: true }, ...spec }],
    attrs,
  })
  return [
    s([2, 2, 4, 4], window([2, 2])),
    s([1, 2, 5, 4], window([3, 2], { stride: [1, 2], padding: [1, 1] })),
    s([1, 1, 5, 6], window([2, 2], { stride: [2, 2], ceil: true })),
    s([1, 1, 5, 6], window([2, 2], { dilation: [2, 3], stride: [1, 1] })),
    s([1, 1, 1, 1], window([1, 1])),
    s([0, 2, 4, 4], window([2, 2])),
    s([1, 2, 3, 4], window([2, 2], { stride: [1, 1] }), { view: 'transposed' }),
    s([2, 1, 4, 3], window([2, 3]), { view: 'sliced' }),
    s([1, 1, 4, 4], window([2, 2]), { domain: { lo: -1e3, hi: 1e3, distinct: true } }),
  ]
}

const errors = (op: string) => (): ErrorCase<PoolAttrs>[] => [
  {
    ...{ inputs: [{ shape: [1, 1, 4, 4] }], attrs: window([2, 2], { padding: [2, 0] }), error: ShapeError },
    text: `${op}: padding [2, 0] is more than half of the window [2, 2]. A window must see something`,
  },
  {
    ...{ inputs: [{ shape: [1, 1, 2, 4] }], attrs: window([3, 3]), error: ShapeError },
    text: `${op}: a window [3, 3] does not fit into the image [2, 4] padded by [0, 0]`,
  },
]

const indexOp: Op<PoolAttrs> = defineOp<PoolAttrs>({
  name: 'maxPoolIndex',
  doc: 'The place in its image of the first largest under each window; NaN counts as largest.',
  math: 'y_{i j} = \\arg\\max_{(u, v) \\in \\text{window } (i, j)} x_{u v}',
  takes: ['float'],
  shape: ([x], a) => poolShape('maxPoolIndex', x, a),
  dtype: () => 'int32',
  kernel: (k, out, [x], { kernel, stride, padding, dilation }) => {
    const [H, W] = x.shape.slice(2)
    const [oH, oW] = out.shape.slice(2)
    k.maxPoolIndex(ints(out), flat(x), x.shape[0] * x.shape[1], {
      ...{ H, W, oH, oW, kH: kernel[0], kW: kernel[1], stride, padding, dilation },
    })
  },
  save: () => [],
  backward: null,
  twice: true,
  samples,
  errors: errors('maxPoolIndex'),
  edge: () => [
    { inputs: [{ shape: [1, 1, 2, 2], values: [1, 5, 5, 2] }], attrs: window([2, 2]), out: [[[[1]]]] },
    {
      inputs: [{ shape: [1, 1, 1, 4], values: [7, NaN, -Infinity, -Infinity] }],
      attrs: window([1, 2]),
      out: [[[[1, 2]]]],
    },
  ],
})

const poolOp: Op<PoolAttrs> = defineOp<PoolAttrs>({
  name: 'maxPool2d',
  doc: 'The largest under each window; the first of equals takes the gradient.',
  math: 'y_{i j} = \\max_{(u, v) \\in \\text{window } (i, j)} x_{u v};\\quad \\bar x_{u v} = \\textstyle\\sum_{i j: \\arg\\max = (u, v)} \\bar y_{i j}',
  takes: ['float'],
  shape: ([x], a) => poolShape('maxPool2d', x, a),
  composite: ([x], a) => at(x, indexOp([x], a)),
  twice: true,
  samples,
  errors: errors('maxPool2d'),
  edge: () => [
    {
      inputs: [{ shape: [1, 1, 1, 4], values: [3, 3, NaN, 9] }],
      attrs: window([1, 2]),
      out: [[[[3, NaN]]]],
      grads: [[[[[1, 0, 1, 0]]]]],
    },
    {
      // The padding is below everything, not 0.
      inputs: [{ shape: [1, 1, 1, 2], values: [-Infinity, -2] }],
      attrs: window([1, 2], { padding: [0, 1] }),
      out: [[[[-Infinity, -2]]]],
      grads: [[[[[1, 1]]]]],
    },
  ],
})

/** What stands at each place [N, C, oH, oW] of its image [H, W]. */
function at(x: Tensor, index: Tensor): Tensor {
  const [n, c, h, w] = x.shape
  const [, , oh, ow] = index.shape
  return reshape(gather(reshape(x, [n * c, h * w]), 1, reshape(index, [n * c, oh * ow])), index.shape)
}

export interface MaxPoolOptions {
  /** Default: the window's size. */
  stride?: Pair
  /** At most half of the window, below everything. Default 0. */
  padding?: Pair
  dilation?: Pair
  /** Whether a last window may stick out of the image. */
  ceilMode?: boolean
}

// A pair is checked where it is read.
const poolOptions: Kinds<MaxPoolOptions> = {
  stride: 'any',
  padding: 'any',
  dilation: 'any',
  ceilMode: 'boolean',
}

function attrsOf(
  op: string,
  x: Tensor,
  kernelSize: Pair,
  options: MaxPoolOptions,
  read: (what: string, value: Pair, least: number) => Two,
): PoolAttrs {
  tensorArg(op, 'the input', x)
  const {
    stride = kernelSize,
    padding = 0,
    dilation = 1,
    ceilMode = false,
  } = optionsArg(op, options, poolOptions)
  return {
    ...{ kernel: read('kernelSize', kernelSize, 1), stride: read('stride', stride, 1) },
    ...{ padding: read('padding', padding, 0), dilation: read('dilation', dilation, 1), ceil: ceilMode },
  }
}

/**
 * The largest under each window: x [N, C, H, W] or [C, H, W] -> [N, C, oH, oW]. As in PyTorch the first of equals takes the
 * gradient, and NaN counts as largest. Throws ShapeError.
 */
export function maxPool2d(x: Tensor, kernelSize: Pair, options: MaxPoolOptions = {}): Tensor {
  const attrs = attrsOf('maxPool2d', x, kernelSize, options, (...value) => pairOf('maxPool2d', ...value))
  return batched(x, 4, (images) => poolOp([images], attrs))
}

/** The same along one axis: x [N, C, L] or [C, L] -> [N, C, oL]. Throws ShapeError. */
export function maxPool1d(x: Tensor, kernelSize: Pair, options: MaxPoolOptions = {}): Tensor {
  const attrs = attrsOf('maxPool1d', x, kernelSize, options, (what, value, least) =>
    acrossOf('maxPool1d', what, value, least, what === 'padding' ? 0 : 1),
  )
  if (x.rank !== 2 && x.rank !== 3)
    throw new ShapeError('maxPool1d', `the input must be [N, C, L] or [C, L], got ${formatShape(x.shape)}`)
  return batched(x, 3, (rows) => flatAxis(rows, (t) => poolOp([t], attrs)))
}
