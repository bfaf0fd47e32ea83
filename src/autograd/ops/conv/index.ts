// Convolutions as PyTorch names them: conv1d, conv2d, convTranspose2d.
import { got, ShapeError } from '../../../errors.js'
import { type Kinds, optionsArg, tensorArg } from '../../../tensor/check.js'
import type { Shape } from '../../../tensor/shape.js'
import { formatShape } from '../../../tensor/shape.js'
import type { Tensor } from '../../../tensor/tensor.js'
import { add } from '../elementwise/arithmetic.js'
import { reshape } from '../shape/views.js'
import { type ConvAttrs, convolve, unconvolve } from './conv2d.js'
import { acrossOf, batched, flatAxis, type Pair, pairOf, type Two } from './window.js'

export interface ConvOptions {
  /** Steps of the filter. Default 1. */
  stride?: Pair
  /** Zeros on both sides; 'same': so many that the size stays, one more behind where they do not halve; 'valid': 0. */
  padding?: Pair | 'same' | 'valid'
  /** Distance of the filter's taps. Default 1. */
  dilation?: Pair
  /** Channels and filters are cut into so many groups, and each filter reads its own. Default 1. */
  groups?: number
}

// A pair is checked where it is read.
const convOptions: Kinds<ConvOptions> = { stride: 'any', padding: 'any', dilation: 'any', groups: 'whole' }

function tensorArgs(op: string, x: Tensor, weight: Tensor, bias: Tensor | null): void {
  tensorArg(op, 'the input', x)
  tensorArg(op, 'the weight', weight)
  if (bias !== null) tensorArg(op, 'the bias', bias)
}

function paddingOf(
  op: string,
  padding: Pair | 'same' | 'valid',
  kernel: Shape,
  stride: Two,
  dilation: Two,
  read: (what: string, value: Pair, least: number) => Two,
): ConvAttrs['padding'] {
  if (padding === 'valid') return [0, 0, 0, 0]
  if (padding === 'same') {
    if (stride[0] !== 1 || stride[1] !== 1)
      throw new ShapeError(op, "padding 'same' needs a stride of 1", 'Give the padding as a number')
    const [h, w] = [0, 1].map((d) => dilation[d] * (kernel[d] - 1))
    const [top, left] = [Math.floor(h / 2), Math.floor(w / 2)]
    return [top, h - top, left, w - left]
  }
  if (typeof padding === 'string')
    throw new ShapeError(op, `padding must be a number, 'same' or 'valid', got ${got(padding)}`)
  const [h, w] = read('padding', padding, 0)
  return [h, h, w, w]
}

/**
 * Cross-correlation with filters, as in PyTorch: x [N, C, H, W] or [C, H, W], weight [O, C / groups, kH, kW], bias [O] ->
 * [N, O, oH, oW], oH = floor((H + 2 padding - dilation (kH - 1) - 1) / stride) + 1. Throws ShapeError.
 */
export function conv2d(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  options: ConvOptions = {},
): Tensor {
  tensorArgs('conv2d', x, weight, bias)
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = optionsArg('conv2d', options, convOptions)
  const read = (what: string, value: Pair, least: number) => pairOf('conv2d', what, value, least)
  const [s, d] = [read('stride', stride, 1), read('dilation', dilation, 1)]
  const attrs = {
    ...{ stride: s, dilation: d, groups },
    padding: paddingOf('conv2d', padding, weight.shape.slice(2), s, d, read),
  }
  return batched(x, 4, (images) => convolve(images, weight, bias, attrs))
}

/**
 * The same along one axis: x [N, C, L] or [C, L], weight [O, C / groups, k], bias [O] -> [N, O, oL]. Throws ShapeError.
 */
export function conv1d(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  options: ConvOptions = {},
): Tensor {
  tensorArgs('conv1d', x, weight, bias)
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = optionsArg('conv1d', options, convOptions)
  if (weight.rank !== 3)
    throw new ShapeError('conv1d', `the weight must be [O, C / groups, k], got ${formatShape(weight.shape)}`)
  if (x.rank !== 2 && x.rank !== 3)
    throw new ShapeError('conv1d', `the input must be [N, C, L] or [C, L], got ${formatShape(x.shape)}`)
  const read = (down: number) => (what: string, value: Pair, least: number) =>
    acrossOf('conv1d', what, value, least, down)
  const [s, d] = [read(1)('stride', stride, 1), read(1)('dilation', dilation, 1)]
  const [o, c, k] = weight.shape
  const attrs = {
    ...{ stride: s, dilation: d, groups },
    padding: paddingOf('conv1d', padding, [1, k], s, d, read(0)),
  }
  const filters = reshape(weight, [o, c, 1, k])
  return batched(x, 3, (rows) => flatAxis(rows, (t) => convolve(t, filters, bias, attrs)))
}

export interface ConvTransposeOptions extends Omit<ConvOptions, 'padding'> {
  /** So much is cut from each side of what comes out. Default 0. */
  padding?: Pair
  /** Added to the size on one side: with a stride, several sizes convolve to the same one. Default 0. */
  outputPadding?: Pair
}

const convTransposeOptions: Kinds<ConvTransposeOptions> = { ...convOptions, outputPadding: 'any' }

/**
 * The gradient of conv2d as a layer: x [N, C, H, W] or [C, H, W], weight [C, O / groups, kH, kW], bias [O] ->
 * [N, O, oH, oW], oH = (H - 1) stride - 2 padding + dilation (kH - 1) + outputPadding + 1. Throws ShapeError.
 */
export function convTranspose2d(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  options: ConvTransposeOptions = {},
): Tensor {
  tensorArgs('convTranspose2d', x, weight, bias)
  const {
    stride = 1,
    padding = 0,
    outputPadding = 0,
    dilation = 1,
    groups = 1,
  } = optionsArg('convTranspose2d', options, convTransposeOptions)
  if (weight.rank !== 4)
    throw new ShapeError(
      'convTranspose2d',
      `the weight must be [C, O / groups, kH, kW], got ${formatShape(weight.shape)}`,
    )
  const read = (what: string, value: Pair, least: number) => pairOf('convTranspose2d', what, value, least)
  const [s, d] = [read('stride', stride, 1), read('dilation', dilation, 1)]
  const [p, more] = [read('padding', padding, 0), read('outputPadding', outputPadding, 0)]
  const sized = (i: 0 | 1) => {
    const last = (x.shape[x.rank - 2 + i] - 1) * s[i] - 2 * p[i]
    return last + d[i] * (weight.shape[2 + i] - 1) + more[i] + 1
  }
  const attrs = {
    ...{ stride: s, dilation: d, groups, padding: [p[0], p[0], p[1], p[1]] as const },
    size: [sized(0), sized(1)] as const,
  }
  const filters = weight.shape[1] * groups
  if (bias !== null && (bias.rank !== 1 || bias.shape[0] !== filters))
    throw new ShapeError('convTranspose2d', `the bias must be [${filters}], got ${formatShape(bias.shape)}`)
  return batched(x, 4, (images) => {
    const y = unconvolve(images, weight, attrs)
    return bias === null ? y : add(y, reshape(bias, [filters, 1, 1]))
  })
}
