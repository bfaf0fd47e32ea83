// Convolution and its two gradients: three ops, each linear in both inputs, and the gradients of each are the others.
import { ShapeError } from '../../../errors.js'
import type { ConvArgs } from '../../../tensor/kernel-args.js'
import { formatShape, type Shape, sameShape } from '../../../tensor/shape.js'
import { flat, type Tensor } from '../../../tensor/tensor.js'
import { grad } from '../../backward.js'
import { zeros } from '../../create.js'
import { withRecording } from '../../graph.js'
import { defineOp, type Op } from '../../op.js'
import type { ErrorCase, Sample, Spec } from '../../samples.js'
import { add, mul } from '../elementwise/arithmetic.js'
import { matmul } from '../products/matmul.js'
import { sum } from '../reduce.js'
import { pad } from '../shape/join.js'
import { slice } from '../shape/slice.js'
import { reshape } from '../shape/views.js'
import { places, requireImages, type Two } from './window.js'

export interface ConvAttrs {
  stride: Two
  dilation: Two
  /** Zeros above, below, on the left, on the right. */
  padding: readonly [number, number, number, number]
  groups: number
}

/** [oH, oW] of an image [H, W] under filters [kH, kW]. */
function outSize(size: Shape, kernel: Shape, { stride, dilation, padding }: ConvAttrs): [number, number] {
  const along = (d: number) =>
    places(size[d], kernel[d], stride[d], dilation[d], padding[2 * d] + padding[2 * d + 1])
  return [along(0), along(1)]
}

function argsOf(x: Shape, w: Shape, a: ConvAttrs): ConvArgs {
  const [N, C, H, W] = x
  const [O, , kH, kW] = w
  const [oH, oW] = outSize([H, W], [kH, kW], a)
  return {
    ...{ N, C, H, W, O, kH, kW, oH, oW, stride: a.stride, dilation: a.dilation, groups: a.groups },
    padding: [a.padding[0], a.padding[2]],
  }
}

function checkWeight(op: string, w: Shape, { groups }: ConvAttrs): void {
  if (w.length !== 4 || w[2] < 1 || w[3] < 1)
    throw new ShapeError(op, `the weight must be [O, C / groups, kH, kW], got ${formatShape(w)}`)
  if (!Number.isInteger(groups) || groups < 1 || w[0] % groups !== 0)
    throw new ShapeError(op, `the weight's ${w[0]} filters do not divide into ${groups} groups`)
}

function convShape(op: string, [x, w, b]: readonly Shape[], a: ConvAttrs): Shape {
  requireImages(op, x)
  checkWeight(op, w, a)
  if (x[1] !== w[1] * a.groups) {
    throw new ShapeError(
      op,
      `the input ${formatShape(x)} has ${x[1]} channels, the weight ${formatShape(w)} in ${a.groups} ${a.groups === 1 ? 'group' : 'groups'} takes ${w[1] * a.groups}`,
    )
  }
  if (b !== undefined && (b.length !== 1 || b[0] !== w[0]))
    throw new ShapeError(op, `the bias must be [${w[0]}], got ${formatShape(b)}`)
  const [oH, oW] = outSize(x.slice(2), w.slice(2), a)
  if (oH < 1 || oW < 1) {
    throw new ShapeError(
      op,
      `a filter ${formatShape(w.slice(2))} with dilation ${formatShape(a.dilation)} does not fit into the image ${formatShape(x.slice(2))} padded by ${formatShape(a.padding)}`,
    )
  }
  return [x[0], w[0], oH, oW]
}

/** The same in slices and products: each tap of the filters is a matrix that meets a shifted image. */
function plainConv([x, w, b]: readonly Tensor[], a: ConvAttrs): Tensor {
  const { N, C, O, kH, kW, oH, oW, groups } = argsOf(x.shape, w.shape, a)
  const padded = pad(pad(x, 2, a.padding[0], a.padding[1]), 3, a.padding[2], a.padding[3])
  let y: Tensor | null = null
  for (let i = 0; i < kH; i++) {
    for (let j = 0; j < kW; j++) {
      const along = (t: Tensor, d: 0 | 1, tap: number, n: number) => {
        const start = tap * a.dilation[d]
        return slice(t, d + 2, start, start + (n - 1) * a.stride[d] + 1, a.stride[d])
      }
      const seen = reshape(along(along(padded, 0, i, oH), 1, j, oW), [N, groups, C / groups, oH * oW])
      const tap = slice(slice(w, 2, i, i + 1), 3, j, j + 1)
      const part = matmul(reshape(tap, [groups, O / groups, C / groups]), seen)
      y = y === null ? part : add(y, part)
    }
  }
  const out = reshape(y as Tensor, [N, O, oH, oW])
  return b ? add(out, reshape(b, [O, 1, 1])) : out
}

/** The gradient of <plainConv, dy>: what is linear has no other. */
function adjoint(make: (leaf: Tensor) => Tensor, shape: Shape, dy: Tensor): Tensor {
  const leaf = zeros(shape, { dtype: dy.dtype, requiresGrad: true })
  return withRecording(true, () => grad(sum(mul(make(leaf), dy)), [leaf])[0] as Tensor)
}

interface Case {
  x: Shape
  w: Shape
  bias?: boolean
  more?: Partial<ConvAttrs>
  spec?: Partial<Spec>
}

// Few numbers each: second derivatives are differences in every one of them.
const cases: Case[] = [
  { x: [2, 1, 2, 3], w: [2, 1, 2, 2], bias: true },
  { x: [1, 1, 2, 2], w: [2, 1, 3, 3], bias: true, more: { padding: [1, 1, 1, 1] } },
  { x: [1, 1, 3, 5], w: [1, 1, 3, 2], more: { stride: [2, 3], padding: [1, 1, 0, 0] } },
  { x: [1, 1, 3, 4], w: [2, 1, 2, 2], more: { dilation: [2, 3], padding: [0, 1, 1, 2] } },
  { x: [1, 4, 3, 1], w: [2, 2, 2, 1], bias: true, more: { groups: 2, stride: [2, 1] } },
  { x: [1, 2, 2, 2], w: [4, 1, 1, 2], more: { groups: 2, padding: [1, 0, 0, 1] } },
  { x: [2, 3, 2, 1], w: [2, 3, 1, 1], bias: true },
  { x: [1, 1, 1, 1], w: [1, 1, 1, 1] },
  // Windows that lie in the padding alone, and places that none reads.
  { x: [1, 1, 2, 2], w: [1, 1, 2, 2], more: { padding: [3, 3, 3, 3], stride: [2, 2] } },
  { x: [1, 1, 3, 3], w: [1, 1, 2, 2], more: { stride: [3, 3] } },
  { x: [0, 2, 4, 4], w: [3, 2, 3, 3], bias: true },
  { x: [1, 2, 2, 2], w: [1, 2, 2, 2], bias: true, spec: { view: 'transposed' } },
  { x: [2, 1, 2, 3], w: [2, 1, 2, 2], spec: { view: 'sliced' } },
  { x: [1, 2, 2, 2], w: [2, 2, 1, 2], spec: { domain: { lo: -100, hi: 100 } } },
]

const attrsOf = ({ more }: Case): ConvAttrs => ({
  ...{ stride: [1, 1], dilation: [1, 1], padding: [0, 0, 0, 0], groups: 1 },
  ...more,
})
const one: ConvAttrs = attrsOf({ x: [], w: [] })

/** bias gradient: over the places, then over the images, because dims that stand apart would be copied first. */
function perFilter(dy: Tensor): Tensor {
  return sum(sum(dy, [2, 3]), 0)
}

const convOp: Op<ConvAttrs> = defineOp<ConvAttrs>({
  name: 'conv2d',
  doc: 'Each filter at each place of an image: the products with what lies under it, summed, plus a bias.',
  math: 'y_{n o i j} = b_o + \\sum_{c y x} w_{o c y x}\\, x_{n c,\\, s i + d y - p,\\, s j + d x - p};\\quad \\bar x = w^\\top * \\bar y,\\ \\bar w = \\bar y * x,\\ \\bar b_o = \\textstyle\\sum_{n i j} \\bar y_{n o i j}',
  takes: ['float'],
  shape: (shapes, a) => convShape('conv2d', shapes, a),
  kernel: (k, out, [x, w, b], a) =>
    k.conv(flat(out), flat(x), flat(w), b ? flat(b) : null, argsOf(x.shape, w.shape, a)),
  plain: plainConv,
  save: ([x, w]) => [x, w],
  backward: ({ dy, saved: [x, w], attrs, needs }) => [
    needs[0] ? convInputOp([dy, w], { ...attrs, size: [x.shape[2], x.shape[3]] }) : null,
    needs[1] ? convWeightOp([x, dy], { ...attrs, kernel: [w.shape[2], w.shape[3]] }) : null,
    ...(needs.length > 2 ? [needs[2] ? perFilter(dy) : null] : []),
  ],
  twice: true,
  samples: () =>
    cases.map((c) => ({
      inputs: [
        { shape: c.x, ...c.spec },
        { shape: c.w, ...c.spec },
        ...(c.bias ? [{ shape: [c.w[0]] }] : []),
      ],
      attrs: attrsOf(c),
    })),
  errors: () => {
    const e = (shapes: Shape[], text: string, more: Partial<ConvAttrs> = {}): ErrorCase<ConvAttrs> => ({
      inputs: shapes.map((shape) => ({ shape })),
      ...{ attrs: { ...one, ...more }, error: ShapeError, text },
    })
    return [
      e(
        [
          [2, 3],
          [1, 1, 1, 1],
        ],
        'conv2d: the input must be [N, C, H, W] or [C, H, W], got [2, 3]',
      ),
      e(
        [
          [1, 3, 4, 4],
          [2, 3, 3],
        ],
        'conv2d: the weight must be [O, C / groups, kH, kW], got [2, 3, 3]',
      ),
      e(
        [
          [1, 3, 4, 4],
          [2, 4, 3, 3],
        ],
        'conv2d: the input [1, 3, 4, 4] has 3 channels, the weight [2, 4, 3, 3] in 1 group takes 4',
      ),
      e(
        [
          [1, 4, 4, 4],
          [3, 2, 3, 3],
        ],
        "conv2d: the weight's 3 filters do not divide into 2 groups",
        { groups: 2 },
      ),
      e([[1, 3, 4, 4], [2, 3, 3, 3], [3]], 'conv2d: the bias must be [2], got [3]'),
      e(
        [
          [1, 3, 4, 2],
          [2, 3, 3, 3],
        ],
        'conv2d: a filter [3, 3] with dilation [1, 1] does not fit into the image [4, 2] padded by [0, 0, 0, 0]',
      ),
    ]
  },
  edge: () => [
    {
      // The padding is zeros like any others.
      inputs: [
        { shape: [1, 1, 1, 1], values: [2] },
        { shape: [1, 1, 1, 2], values: [Infinity, 1] },
      ],
      attrs: { ...one, padding: [0, 0, 1, 0] },
      out: [[[[NaN]]]],
    },
    {
      inputs: [
        { shape: [1, 1, 1, 2], values: [NaN, 1] },
        { shape: [1, 1, 1, 1], values: [2] },
        { shape: [1], values: [1] },
      ],
      attrs: one,
      out: [[[[NaN, 3]]]],
      grads: [[[[[2, 2]]]], [[[[NaN]]]], [2]],
    },
  ],
  k: 64,
})

interface Size extends ConvAttrs {
  /** [H, W] of the image that the convolution would read. */
  size: Two
}

/** The convolution's image [N, C, H, W] of dy [N, O, oH, oW] and w. */
function imageShape([dy, w]: readonly Shape[], a: Size): Shape {
  return [dy[0], w[1] * a.groups, ...a.size]
}

const convInputOp: Op<Size> = defineOp<Size>({
  name: 'convTranspose2d',
  doc: 'Each filter laid down at each place of an image, times the number there: the gradient of a convolution.',
  math: 'x_{n c u v} = \\sum_{o y x i j:\\, s i + d y - p = u,\\, s j + d x - p = v} w_{o c y x}\\, y_{n o i j};\\quad \\bar y = w * \\bar x,\\ \\bar w = y * \\bar x',
  takes: ['float'],
  shape: ([dy, w], a) => {
    requireImages('convTranspose2d', dy)
    checkWeight('convTranspose2d', w, a)
    if (dy[1] !== w[0])
      throw new ShapeError(
        'convTranspose2d',
        `the input ${formatShape(dy)} has ${dy[1]} channels, the weight ${formatShape(w)} takes ${w[0]}`,
      )
    const out = imageShape([dy, w], a)
    if (a.size[0] < 1 || a.size[1] < 1 || !sameShape(outSize(a.size, w.slice(2), a), dy.slice(2))) {
      throw new ShapeError(
        'convTranspose2d',
        `no image ${formatShape(a.size)} gives ${formatShape(dy.slice(2))} under a filter ${formatShape(w.slice(2))}`,
        'outputPadding must be below the stride, and the padding small enough to leave an image',
      )
    }
    return out
  },
  kernel: (k, out, [dy, w], a) => k.convInput(flat(out), flat(dy), flat(w), argsOf(out.shape, w.shape, a)),
  plain: ([dy, w], a) => adjoint((x) => plainConv([x, w], a), imageShape([dy.shape, w.shape], a), dy),
  save: ([dy, w]) => [dy, w],
  backward: ({ dy: g, saved: [dy, w], attrs: { size: _, ...a }, needs }) => [
    needs[0] ? convOp([g, w], a) : null,
    needs[1] ? convWeightOp([g, dy], { ...a, kernel: [w.shape[2], w.shape[3]] }) : null,
  ],
  twice: true,
  samples: () =>
    cases.map((c): Sample<Size> => {
      const a = attrsOf(c)
      const out = outSize(c.x.slice(2), c.w.slice(2), a)
      return {
        inputs: [
          { shape: [c.x[0], c.w[0], ...out], ...c.spec },
          { shape: c.w, ...c.spec },
        ],
        attrs: { ...a, size: [c.x[2], c.x[3]] },
      }
    }),
  errors: () => [
    {
      inputs: [{ shape: [1, 3, 2, 2] }, { shape: [2, 3, 2, 2] }],
      attrs: { ...one, size: [3, 3] },
      error: ShapeError,
      text: 'convTranspose2d: the input [1, 3, 2, 2] has 3 channels, the weight [2, 3, 2, 2] takes 2',
    },
    {
      inputs: [{ shape: [1, 2, 2, 2] }, { shape: [2, 3, 2, 2] }],
      attrs: { ...one, size: [4, 3] },
      error: ShapeError,
      text: 'convTranspose2d: no image [4, 3] gives [2, 2] under a filter [2, 2]. outputPadding must be below the stride, and the padding small enough to leave an image',
    },
  ],
  edge: () => [
    {
      inputs: [
        { shape: [1, 1, 1, 2], values: [NaN, 1] },
        { shape: [1, 1, 1, 1], values: [2] },
      ],
      attrs: { ...one, stride: [1, 2], size: [1, 4] },
      out: [[[[NaN, 0, 2, 0]]]],
      grads: [[[[[2, 2]]]], [[[[NaN]]]]],
    },
  ],
  k: 64,
})

interface Kernel extends ConvAttrs {
  kernel: Two
}

function weightShape([x, dy]: readonly Shape[], a: Kernel): Shape {
  return [dy[1], x[1] / a.groups, ...a.kernel]
}

const convWeightOp: Op<Kernel> = defineOp<Kernel>({
  name: 'conv2dWeight',
  doc: 'The gradient of filters: places of dy times what lay under them, summed.',
  math: 'w_{o c y x} = \\sum_{n i j} y_{n o i j}\\, x_{n c,\\, s i + d y - p,\\, s j + d x - p};\\quad \\bar x = \\bar w^\\top * y,\\ \\bar y = \\bar w * x',
  takes: ['float'],
  shape: ([x, dy], a) => {
    const w = weightShape([x, dy], a)
    const out = convShape('conv2dWeight', [x, w], a)
    if (!sameShape(out, dy))
      throw new ShapeError('conv2dWeight', `dy must be ${formatShape(out)}, got ${formatShape(dy)}`)
    return w
  },
  kernel: (k, out, [x, dy], a) => k.convWeight(flat(out), flat(x), flat(dy), argsOf(x.shape, out.shape, a)),
  plain: ([x, dy], a) => adjoint((w) => plainConv([x, w], a), weightShape([x.shape, dy.shape], a), dy),
  save: ([x, dy]) => [x, dy],
  backward: ({ dy: g, saved: [x, dy], attrs: { kernel: _, ...a }, needs }) => [
    needs[0] ? convInputOp([dy, g], { ...a, size: [x.shape[2], x.shape[3]] }) : null,
    needs[1] ? convOp([x, g], a) : null,
  ],
  twice: true,
  samples: () =>
    cases.map((c): Sample<Kernel> => {
      const a = attrsOf(c)
      return {
        inputs: [
          { shape: c.x, ...c.spec },
          { shape: [c.x[0], c.w[0], ...outSize(c.x.slice(2), c.w.slice(2), a)], ...c.spec },
        ],
        attrs: { ...a, kernel: [c.w[2], c.w[3]] },
      }
    }),
  errors: () => [
    {
      inputs: [{ shape: [1, 2, 4, 4] }, { shape: [1, 3, 4, 4] }],
      attrs: { ...one, kernel: [2, 2] },
      error: ShapeError,
      text: 'conv2dWeight: dy must be [1, 3, 3, 3], got [1, 3, 4, 4]',
    },
  ],
  edge: () => [
    {
      inputs: [
        { shape: [0, 1, 1, 2], values: [] },
        { shape: [0, 1, 1, 2], values: [] },
      ],
      attrs: { ...one, kernel: [1, 1] },
      out: [[[[0]]]],
    },
  ],
  k: 64,
})

/** The op itself, for what has checked its options: x [N, C, H, W], w [O, C / groups, kH, kW], b [O] or null. */
export function convolve(x: Tensor, w: Tensor, b: Tensor | null, attrs: ConvAttrs): Tensor {
  return convOp(b === null ? [x, w] : [x, w, b], attrs)
}

/** What the convolution of an image [N, C, size] would have to be given back as: dy [N, O, oH, oW] -> [N, C, size]. */
export function unconvolve(dy: Tensor, w: Tensor, attrs: Size): Tensor {
  return convInputOp([dy, w], attrs)
}
