// Norms of images: over the batch for each channel, or for each image over groups of its channels. One kernel.
import { ArgumentError, got, ShapeError } from '../../../errors.js'
import { kernelsFor } from '../../../tensor/backend.js'
import { type Kinds, optionsArg, tensorArg } from '../../../tensor/check.js'
import type { PlaneNormArgs } from '../../../tensor/kernel-args.js'
import { formatShape, numel, type Shape, sameShape } from '../../../tensor/shape.js'
import { empty, flat, type Tensor } from '../../../tensor/tensor.js'
import { ones, zeros } from '../../create.js'
import { dense, noGrad, touch } from '../../graph.js'
import { defineOp, type Op } from '../../op.js'
import type { Sample, Spec } from '../../samples.js'
import { add, div, mul, sub } from '../elementwise/arithmetic.js'
import { sqrt } from '../elementwise/pointwise.js'
import { mean, sum } from '../reduce.js'
import { reshape } from '../shape/views.js'

/** Mean and variance (divided by n) of each set, which the kernel has anyway, for who wants them. */
interface Moments {
  mean: Tensor
  variance: Tensor
}

interface NormAttrs {
  eps: number
  /** Groups of channels of each image; 0: each channel over the whole batch. */
  groups: number
  moments?: Moments
}

function argsOf([N, C, ...rest]: Shape, { eps, groups }: NormAttrs): PlaneNormArgs {
  const L = numel(rest)
  if (groups === 0) return { sets: C, runs: N, setStep: 1, runStep: C, C, L, eps }
  const runs = C / groups
  return { sets: N * groups, runs, setStep: runs, runStep: 1, C, L, eps }
}

/** x as [N, groups, channels of a group, L], or [N, C, 1, L]. */
function split(x: Tensor, { groups }: NormAttrs): Tensor {
  const [n, c, ...rest] = x.shape
  const g = groups === 0 ? c : groups
  return reshape(x, [n, g, c / Math.max(1, g), numel(rest)])
}

/** The mean over each set, of its shape but for sizes of 1. */
function over(x: Tensor, { groups }: NormAttrs): Tensor {
  const m = mean(x, [2, 3], { keepdim: true })
  return groups === 0 ? mean(m, 0, { keepdim: true }) : m
}

function standardized(x: Tensor, a: NormAttrs): [xhat: Tensor, rstd: Tensor] {
  const centered = sub(x, over(x, a))
  const rstd = div(1, sqrt(add(over(mul(centered, centered), a), a.eps)))
  return [mul(centered, rstd), rstd]
}

/** [C] beside what split gives. */
function perChannel(w: Tensor, { groups }: NormAttrs): Tensor {
  const g = groups === 0 ? w.numel : groups
  return reshape(w, [g, w.numel / Math.max(1, g), 1])
}

/** The sum over images and places of what split gives: [C]. */
function toChannels(t: Tensor): Tensor {
  return reshape(sum(sum(t, 3), 0), [t.shape[1] * t.shape[2]])
}

function normShape([x, w, b]: readonly Shape[], { groups }: NormAttrs): Shape {
  const name = groups === 0 ? 'batchNorm' : 'groupNorm'
  if (x.length < 2) throw new ShapeError(name, `the input must be [N, C, ...], got ${formatShape(x)}`)
  if (groups !== 0 && (!Number.isInteger(groups) || groups < 0 || x[1] % groups !== 0))
    throw new ShapeError(name, `${x[1]} channels do not divide into ${groups} groups`)
  mustBeChannels(name, 'the weight', w, x)
  mustBeChannels(name, 'the bias', b, x)
  return x
}

function mustBeChannels(name: string, what: string, s: Shape, x: Shape): void {
  if (sameShape(s, [x[1]])) return
  throw new ShapeError(
    name,
    `${what} must be [${x[1]}] for the input ${formatShape(x)}, got ${formatShape(s)}`,
  )
}

const normOp: Op<NormAttrs> = defineOp<NormAttrs>({
  name: 'planeNorm',
  doc: 'Channels of a batch, or groups of them of an image, brought to mean 0 and variance 1; each channel scaled and shifted.',
  math: 'y = \\hat x w_c + b_c,\\ \\hat x = \\tfrac{x - \\mu}{\\sqrt{\\sigma^2 + \\epsilon}};\\quad \\bar x = \\tfrac{1}{\\sqrt{\\sigma^2 + \\epsilon}} (g - \\overline{g} - \\hat x\\, \\overline{g \\hat x}),\\ g = \\bar y w_c',
  takes: ['float'],
  shape: normShape,
  kernel: (k, out, [x, w, b], a) => {
    const args = argsOf(x.shape, a)
    const own = a.moments === undefined
    const { mean, variance } = a.moments ?? {
      ...{ mean: empty([args.sets], x.dtype), variance: empty([args.sets], x.dtype) },
    }
    k.planeNorm(flat(out), flat(mean), flat(variance), flat(x), flat(w), flat(b), args)
    for (const t of own ? [mean, variance] : []) t.dispose()
  },
  plain: ([x, w, b], a) => {
    const y = add(mul(standardized(split(x, a), a)[0], perChannel(w, a)), perChannel(b, a))
    return reshape(y, x.shape)
  },
  save: ([x, w]) => [x, w],
  backward: ({ dy, saved: [x, w], attrs: a }) => {
    const [xhat, rstd] = standardized(split(x, a), a)
    const gy = split(dy, a)
    const g = mul(gy, perChannel(w, a))
    const dx = mul(rstd, sub(sub(g, over(g, a)), mul(xhat, over(mul(g, xhat), a))))
    return [reshape(dx, x.shape), toChannels(mul(gy, xhat)), toChannels(gy)]
  },
  fastBackward: ({ dy, saved: [x, w], attrs: a }) => {
    const [n, c] = x.shape
    const k = kernelsFor(x.dtype)
    const [dx, dw, db] = [empty(x.shape, x.dtype), empty([c], x.dtype), empty([c], x.dtype)]
    const [dws, dbs] = [empty([n, c], x.dtype), empty([n, c], x.dtype)]
    const [xs, g] = [dense(x), dense(dy)]
    k.planeNormGrad(flat(dx), flat(dws), flat(dbs), flat(xs), flat(w), flat(g), argsOf(x.shape, a))
    k.reduce('sum', flat(dw), flat(dws), 1, n, c)
    k.reduce('sum', flat(db), flat(dbs), 1, n, c)
    for (const t of [dws, dbs, ...(g === dy ? [] : [g]), ...(xs === x ? [] : [xs])]) t.dispose()
    return [dx, dw, db]
  },
  twice: true,
  samples: () => {
    const s = (x: Shape, groups: number, spec: Partial<Spec> = {}, eps = 1e-5): Sample<NormAttrs> => ({
      inputs: [
        { shape: x, domain: { lo: -2, hi: 2 }, ...spec },
        { shape: [x[1]], domain: { lo: 0.5, hi: 1.5 } },
        { shape: [x[1]] },
      ],
      attrs: { eps, groups },
    })
    return [
      s([3, 2, 2, 2], 0),
      s([4, 3], 0),
      s([2, 2, 3], 0, {}, 1e-2),
      s([2, 4, 2], 2),
      s([1, 2, 2, 2], 1),
      s([2, 2, 3], 2),
      s([0, 2, 3], 1),
      s([2, 3, 0], 3),
      s([2, 3, 4], 0, { view: 'transposed' }),
      s([2, 2, 2, 3], 1, { view: 'sliced' }),
      s([3, 2, 2], 0, { domain: { lo: -100, hi: 100 } }),
      // Tiny spread: here eps shows.
      s([3, 2, 2], 0, { domain: { lo: -0.05, hi: 0.05 } }, 0.01),
    ]
  },
  errors: () => [
    {
      inputs: [{ shape: [3] }, { shape: [3] }, { shape: [3] }],
      attrs: { eps: 1e-5, groups: 0 },
      error: ShapeError,
      text: 'batchNorm: the input must be [N, C, ...], got [3]',
    },
    {
      inputs: [{ shape: [2, 3] }, { shape: [3] }, { shape: [2] }],
      attrs: { eps: 1e-5, groups: 0 },
      error: ShapeError,
      text: 'batchNorm: the bias must be [3] for the input [2, 3], got [2]',
    },
    {
      inputs: [{ shape: [2, 3] }, { shape: [3] }, { shape: [3] }],
      attrs: { eps: 1e-5, groups: 2 },
      error: ShapeError,
      text: 'groupNorm: 3 channels do not divide into 2 groups',
    },
  ],
  edge: () => [
    {
      inputs: [
        { shape: [2, 1], values: [3, 3] },
        { shape: [1], values: [1] },
        { shape: [1], values: [5] },
      ],
      attrs: { eps: 1e-5, groups: 0 },
      out: [[5], [5]],
      grads: [[[0], [0]], [0], [2]],
    },
  ],
  k: 64,
})

/** What batchNorm adds to: [C] each, the mean and the variance that evaluation uses. */
export interface RunningStats {
  mean: Tensor
  variance: Tensor
}

/** Of batchNorm(). */
export interface BatchNormOptions {
  weight?: Tensor | null
  bias?: Tensor | null
  /** true: by the batch's own mean and variance, which move the running ones; false: by the running ones. */
  training?: boolean
  /** How far each batch moves them: running = (1 - momentum) running + momentum batch. Default 0.1. */
  momentum?: number
  eps?: number
}

// weight and bias may be null: they are looked at where the channels are known.
const batchNormOptions: Kinds<BatchNormOptions> = {
  weight: 'any',
  bias: 'any',
  training: 'boolean',
  momentum: 'finite',
  eps: 'finite',
}

/**
 * Each channel of x [N, C, ...] to mean 0 and variance 1, then times weight [C] plus bias [C]: PyTorch's F.batch_norm.
 * In training changes `running` in place, with the variance divided by n - 1. Ioffe and Szegedy 2015. Throws ShapeError.
 */
export function batchNorm(x: Tensor, running: RunningStats | null, options: BatchNormOptions = {}): Tensor {
  const {
    weight = null,
    bias = null,
    training = false,
    momentum = 0.1,
    eps = 1e-5,
  } = optionsArg('batchNorm', options, batchNormOptions)
  tensorArg('batchNorm', 'the input', x)
  if (x.rank < 2)
    throw new ShapeError('batchNorm', `the input must be [N, C, ...], got ${formatShape(x.shape)}`)
  const c = x.shape[1]
  for (const t of running === null ? [] : statsOf(running)) {
    if (!sameShape(t.shape, [c]))
      throw new ShapeError('batchNorm', `running statistics must be [${c}], got ${formatShape(t.shape)}`)
  }
  requireChannels('batchNorm', x, weight, bias)
  if (!training) {
    if (running === null)
      throw new ShapeError(
        'batchNorm',
        'evaluation needs running statistics',
        'Give them, or training: true for those of the batch',
      )
    const tail = [c, ...new Array<number>(x.rank - 2).fill(1)]
    const scale = div(1, sqrt(add(running.variance, eps)))
    const factor = weight === null ? scale : mul(scale, weight)
    const y = mul(sub(x, reshape(running.mean, tail)), reshape(factor, tail))
    return bias === null ? y : add(y, reshape(bias, tail))
  }
  const count = x.numel / c
  if (count <= 1)
    throw new ShapeError(
      'batchNorm',
      `training needs more than one number a channel, got the input ${formatShape(x.shape)}`,
    )
  const w = weight ?? ones([c], { dtype: x.dtype })
  const b = bias ?? zeros([c], { dtype: x.dtype })
  if (running === null) return normOp([x, w, b], { eps, groups: 0 })
  const moments = { mean: empty([c], x.dtype), variance: empty([c], x.dtype) }
  const y = normOp([x, w, b], { eps, groups: 0, moments })
  noGrad(() => {
    move(running.mean, moments.mean, momentum, 1)
    move(running.variance, moments.variance, momentum, count / (count - 1))
  })
  moments.mean.dispose()
  moments.variance.dispose()
  return y
}

function statsOf(running: RunningStats): readonly Tensor[] {
  if (typeof running !== 'object')
    throw new ArgumentError(
      'batchNorm',
      `the running statistics must be { mean, variance } or null, got ${got(running)}`,
    )
  return [
    tensorArg('batchNorm', 'running.mean', running.mean),
    tensorArg('batchNorm', 'running.variance', running.variance),
  ]
}

function requireChannels(op: string, x: Tensor, weight: Tensor | null, bias: Tensor | null): void {
  if (weight !== null) mustBeChannels(op, 'the weight', tensorArg(op, 'the weight', weight).shape, x.shape)
  if (bias !== null) mustBeChannels(op, 'the bias', tensorArg(op, 'the bias', bias).shape, x.shape)
}

/** t = (1 - momentum) t + momentum factor value, in place. */
function move(t: Tensor, value: Tensor, momentum: number, factor: number): void {
  const [old, now] = [t.elements, value.elements]
  for (let i = 0; i < old.length; i++) old[i] = (1 - momentum) * old[i] + momentum * factor * now[i]
  touch(t)
}

export interface GroupNormOptions {
  weight?: Tensor | null
  bias?: Tensor | null
  eps?: number
}

const groupNormOptions: Kinds<GroupNormOptions> = { weight: 'any', bias: 'any', eps: 'finite' }

/**
 * Each group of channels of each image of x [N, C, ...] to mean 0 and variance 1, then times weight [C] plus bias [C].
 * Wu and He 2018. Throws ShapeError.
 */
export function groupNorm(x: Tensor, numGroups: number, options: GroupNormOptions = {}): Tensor {
  const { weight = null, bias = null, eps = 1e-5 } = optionsArg('groupNorm', options, groupNormOptions)
  tensorArg('groupNorm', 'the input', x)
  if (!Number.isInteger(numGroups) || numGroups < 1)
    throw new ShapeError('groupNorm', `numGroups must be a whole number from 1, got ${got(numGroups)}`)
  if (x.rank < 2)
    throw new ShapeError('groupNorm', `the input must be [N, C, ...], got ${formatShape(x.shape)}`)
  requireChannels('groupNorm', x, weight, bias)
  const c = x.shape[1]
  const w = weight ?? ones([c], { dtype: x.dtype })
  const b = bias ?? zeros([c], { dtype: x.dtype })
  return normOp([x, w, b], { eps, groups: numGroups })
}
