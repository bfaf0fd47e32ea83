// Scaled dot-product attention: a fused kernel that keeps no probabilities, and beside it the plain spelling.
import { ShapeError } from '../../../errors.js'
import { kernelsFor } from '../../../tensor/backend.js'
import { type Kinds, optionsArg, tensorArg, wholeArg } from '../../../tensor/check.js'
import type { AttentionArgs } from '../../../tensor/kernel-args.js'
import type { Key } from '../../../tensor/rng.js'
import { contiguousStrides, formatShape, type Shape } from '../../../tensor/shape.js'
import { empty, floats, type Tensor } from '../../../tensor/tensor.js'
import { ones } from '../../create.js'
import { dense } from '../../graph.js'
import { defineOp, type Op } from '../../op.js'
import { nextKey } from '../../random.js'
import type { Sample, Spec } from '../../samples.js'
import { add, mul, sub } from '../elementwise/arithmetic.js'
import { where } from '../elementwise/compare.js'
import { dropout } from '../normalize.js'
import { sum } from '../reduce.js'
import { reshape, transpose } from '../shape/views.js'
import { softmax } from '../softmax.js'
import { matmul } from './matmul.js'

export interface AttentionAttrs {
  scale: number
  causal: boolean
  p: number
  key: Key
}

function shapeOf([q, k, v, mask]: readonly Shape[]): Shape {
  const [B, H, T, D] = k
  if (
    q.length !== 4 ||
    k.length !== 4 ||
    formatShape(k) !== formatShape(v) ||
    q[0] !== B ||
    q[1] !== H ||
    q[3] !== D
  ) {
    throw new ShapeError(
      'attention',
      `q ${formatShape(q)}, k ${formatShape(k)}, v ${formatShape(v)} do not fit`,
      'Expected [batch, heads, queries, width] and twice [batch, heads, keys, width]',
    )
  }
  if (mask !== undefined && formatShape(mask) !== formatShape([B, T])) {
    throw new ShapeError(
      'attention',
      `the mask must be [batch, keys] = [${B}, ${T}], got ${formatShape(mask)}`,
    )
  }
  return q
}

/** The kernel's rows of D need stride 1; any order of the dims before them is taken as it is. */
export function rowsContiguous(t: Tensor): Tensor {
  return t.strides[t.rank - 1] === 1 || t.shape[t.rank - 1] === 1 ? t : dense(t)
}

/** Dims from the widest stride to the narrowest, where the elements lie in that order without a gap; else null. */
function layoutOf(t: Tensor): number[] | null {
  const order = [...t.shape.keys()].sort((a, b) => t.strides[b] - t.strides[a] || a - b)
  const dense = contiguousStrides(order.map((d) => t.shape[d]))
  return order.every((d, i) => t.strides[d] === dense[i]) ? order : null
}

/** A tensor whose gradient can lie in memory as it does itself: heads stay between the words, nothing is copied. */
function gapless(t: Tensor): Tensor {
  return t.strides[t.rank - 1] === 1 && layoutOf(t) !== null ? t : dense(t)
}

/** A new tensor laid out as `t`, which is gapless. */
function emptyAs(t: Tensor): Tensor {
  return empty(t.shape, t.dtype).viewAs(t.shape, t.strides)
}

/** Gradients of q, k and v by the kernel. `argsOf` describes tensors whose rows of D have stride 1. */
export function attentionGradients(
  dy: Tensor,
  inputs: readonly Tensor[],
  argsOf: (q: Tensor, k: Tensor, v: Tensor, out: Tensor) => AttentionArgs,
): Tensor[] {
  const g = rowsContiguous(dy)
  const [q, k, v] = inputs.map(gapless)
  const [dq, dk, dv] = [q, k, v].map(emptyAs)
  kernelsFor(q.dtype).attentionGrad(
    floats(dq),
    floats(dk),
    floats(dv),
    floats(g),
    floats(q),
    floats(k),
    floats(v),
    argsOf(q, k, v, g),
  )
  return [dq, dk, dv]
}

function argsOf(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  out: Tensor,
  mask: Tensor | undefined,
  a: AttentionAttrs,
): AttentionArgs {
  const [B, H, S, D] = q.shape
  const strides = (t: Tensor) => t.strides.slice(0, 3)
  return {
    ...{ B, H, S, T: k.shape[2], D, q: strides(q), k: strides(k), v: strides(v), out: strides(out) },
    ...{ scale: a.scale, causal: a.causal, p: a.p, key: a.key, mask: mask ? dense(mask).elements : null },
    starts: null,
  }
}

/** Takes in what the fused kernel never keeps: attention adds one tensor to each list that is there. */
export interface AttentionTrace {
  /** Before softmax, [batch, heads, queries, keys]: scale q k^T + bias, plus UNSEEN where a key is not to be seen. */
  scores?: Tensor[] | undefined
  /** softmax of them, before dropout; exactly 0 where a key is not to be seen. */
  probs?: Tensor[] | undefined
}

/** BERT's, which TinyBERT's attention loss looks for. Finite, so that losses on scores stay so. */
const UNSEEN = -10000

/** [S, T], 1 where a query may see a key: the last query sees all keys, each before it one less. */
function pastOnly(S: number, T: number): Tensor {
  const seen = ones([S, T])
  for (let s = 0; s < S; s++) for (let t = s + T - S + 1; t < T; t++) if (t >= 0) seen.raw[s * T + t] = 0
  return seen
}

/** [S, T], 1 where a key is no more than `window` places away, with the last query at the last key. */
function nearOnly(S: number, T: number, window: number): Tensor {
  const seen = ones([S, T])
  for (let i = 0; i < S * T; i++) if (Math.abs(Math.floor(i / T) + T - S - (i % T)) > window) seen.raw[i] = 0
  return seen
}

/** [heads, queries, keys] or [batch, heads, queries, keys], or what makes it of q [B, H, S, D] and k [B, H, T, D]. */
export type ScoreBias = Tensor | ((q: Tensor, k: Tensor) => Tensor)

/** What only the plain spelling does. */
export interface PlainOptions {
  /** Added to the scores. Gradients reach it. */
  bias?: ScoreBias | undefined
  /** A query sees keys up to so many places away, on both sides. */
  window?: number | undefined
}

/** The same in plain ops: what the kernel is held to. */
export function plainAttention(
  [q, k, v, mask]: readonly Tensor[],
  { scale, causal, p, key }: AttentionAttrs,
  trace: AttentionTrace = {},
  options: PlainOptions = {},
): Tensor {
  const [B, H, S] = q.shape
  const probs = attentionProbabilities(q, k, mask, { scale, causal, ...options }, trace)
  return reshape(matmul(p > 0 ? dropout(probs, p, { key }) : probs, v), [B, H, S, q.shape[3]])
}

/** softmax(scale q k^T + bias, masked), before dropout: [B, H, S, T], in plain ops. */
export function attentionProbabilities(
  q: Tensor,
  k: Tensor,
  mask: Tensor | undefined,
  { scale, causal, bias: given, window }: Pick<AttentionAttrs, 'scale' | 'causal'> & PlainOptions,
  trace: AttentionTrace = {},
): Tensor {
  const [B, H, S] = q.shape
  const T = k.shape[2]
  const bias = typeof given === 'function' ? given(q, k) : given
  const fits = [
    [H, S, T],
    [B, H, S, T],
  ].map(formatShape)
  if (bias !== undefined && !fits.includes(formatShape(bias.shape)))
    throw new ShapeError(
      'attention',
      `the bias must be [heads, queries, keys] = ${fits[0]}, or one for each text, got ${formatShape(bias.shape)}`,
    )
  const products = mul(matmul(q, transpose(k, -2, -1)), scale)
  const raw = bias === undefined ? products : add(products, bias)
  const seen = [
    ...(mask ? [reshape(mask, [B, 1, 1, T])] : []),
    ...(causal ? [pastOnly(S, T)] : []),
    ...(window === undefined ? [] : [nearOnly(S, T, window)]),
  ]
  trace.scores?.push(seen.reduce((scores, on) => where(on, scores, add(scores, UNSEEN)), raw))
  const probs = softmax(
    seen.reduce((scores, on) => where(on, scores, -Infinity), raw),
    -1,
  )
  trace.probs?.push(probs)
  return probs
}

/** Gradients of q, k and v in plain ops, for second derivatives: the probabilities are computed and kept. */
export function plainAttentionGradients(
  dy: Tensor,
  [q, k, v, mask]: readonly Tensor[],
  attrs: AttentionAttrs,
): [dq: Tensor, dk: Tensor, dv: Tensor] {
  const { scale, p, key } = attrs
  const turned = (t: Tensor) => transpose(t, -2, -1)
  // The same key draws the same mask.
  const dropped = (t: Tensor) => (p > 0 ? dropout(t, p, { key }) : t)
  const probs = attentionProbabilities(q, k, mask, attrs)
  const dProbs = dropped(matmul(dy, turned(v)))
  const dScores = mul(mul(probs, sub(dProbs, sum(mul(probs, dProbs), -1, { keepdim: true }))), scale)
  return [matmul(dScores, k), matmul(turned(dScores), q), matmul(turned(dropped(probs)), dy)]
}

const attentionOp: Op<AttentionAttrs> = defineOp<AttentionAttrs>({
  name: 'attention',
  doc: 'Scaled dot-product attention of each head; a query that sees no key gives zeros. Vaswani et al. 2017, eq. 1.',
  math: 'O = P V,\\ P = \\mathrm{softmax}(s Q K^\\top);\\quad \\bar V = P^\\top \\bar O,\\ \\bar S = P (\\bar P - \\textstyle\\sum P \\bar P),\\ \\bar Q = s \\bar S K,\\ \\bar K = s \\bar S^\\top Q',
  takes: ['float', 'float', 'float', 'int'],
  strided: true,
  shape: shapeOf,
  kernel: (kernels, out, [q, k, v, mask], attrs) => {
    const [a, b, c] = [q, k, v].map(rowsContiguous)
    kernels.attention(floats(out), floats(a), floats(b), floats(c), argsOf(a, b, c, out, mask, attrs))
  },
  plain: (inputs, attrs) => plainAttention(inputs, attrs),
  save: ([q, k, v, mask]) => (mask ? [q, k, v, mask] : [q, k, v]),
  backward: ({ dy, saved, attrs }) => [...plainAttentionGradients(dy, saved, attrs), null],
  fastBackward: ({ dy, saved: [q, k, v, mask], attrs }) => [
    ...attentionGradients(dy, [q, k, v], (q, k, v, out) => argsOf(q, k, v, out, mask, attrs)),
    null,
  ],
  twice: true,
  samples: () => {
    const s = (
      q: Shape,
      T: number,
      more: Partial<AttentionAttrs> = {},
      mask?: number[],
      view: Partial<Spec> = {},
    ): Sample<AttentionAttrs> => {
      const kv = [q[0], q[1], T, q[3]]
      return {
        inputs: [
          { shape: q, ...view },
          { shape: kv, ...view },
          { shape: kv, ...view },
          ...(mask ? [{ shape: [q[0], T], below: 2, values: mask }] : []),
        ],
        attrs: { scale: 0.5, causal: false, p: 0, key: [1, 2], ...more },
      }
    }
    return [
      s([1, 2, 3, 4], 3),
      s([2, 1, 2, 3], 4, {}, [1, 1, 0, 1, 0, 1, 1, 0]),
      s([1, 2, 3, 2], 3, { causal: true }),
      s([1, 1, 2, 2], 4, { causal: true }),
      s([1, 2, 3, 2], 3, { p: 0.4 }),
      s([1, 1, 1, 1], 1),
      s([0, 2, 3, 2], 3),
      s([1, 2, 3, 3], 3, {}, undefined, { view: 'transposed' }),
      s([2, 2, 2, 2], 2, {}, undefined, { view: 'sliced' }),
      s([1, 1, 2, 3], 2, {}, undefined, { domain: { lo: -4, hi: 4 } }),
    ]
  },
  errors: () => {
    const attrs = { scale: 1, causal: false, p: 0, key: [0, 0] as const }
    const x = { shape: [1, 2, 3, 4] }
    return [
      {
        inputs: [x, x, { shape: [1, 2, 2, 4] }],
        attrs,
        error: ShapeError,
        text: 'attention: q [1, 2, 3, 4], k [1, 2, 3, 4], v [1, 2, 2, 4] do not fit. Expected [batch, heads, queries, width] and twice [batch, heads, keys, width]',
      },
      {
        inputs: [x, x, x, { shape: [1, 2], below: 2 }],
        attrs,
        error: ShapeError,
        text: 'attention: the mask must be [batch, keys] = [1, 3], got [1, 2]',
      },
    ]
  },
  edge: () => [
    {
      // The first query sees nothing.
      inputs: [
        { shape: [1, 1, 1, 2] },
        { shape: [1, 1, 2, 2] },
        { shape: [1, 1, 2, 2] },
        { shape: [1, 2], below: 2, values: [0, 0] },
      ],
      attrs: { scale: 1, causal: false, p: 0, key: [0, 0] },
      out: [[[[0, 0]]]],
      grads: [
        [[[[0, 0]]]],
        [
          [
            [
              [0, 0],
              [0, 0],
            ],
          ],
        ],
        [
          [
            [
              [0, 0],
              [0, 0],
            ],
          ],
        ],
        null,
      ],
    },
  ],
  k: 32,
})

/** With a bias, or a window that some key is outside of, the plain spelling runs. */
export interface AttentionOptions extends PlainOptions {
  /** int32 [batch, keys], 0 = not seen. */
  mask?: Tensor | undefined
  causal?: boolean
  /** Default 1 / sqrt(width). */
  scale?: number
  /** Dropout on the probabilities. */
  dropout?: number
  key?: Key
}

export const attentionOptions: Kinds<AttentionOptions & { trace?: AttentionTrace | undefined }> = {
  mask: 'tensor',
  bias: 'any',
  window: 'whole',
  causal: 'boolean',
  scale: 'finite',
  dropout: 'number',
  key: 'key',
  trace: 'any',
}

/** What the plain spelling is needed for, of texts of `longest` words; null: nothing. Throws ArgumentError. */
export function plainOptions(
  op: string,
  { bias, window }: PlainOptions,
  longest: number,
): PlainOptions | null {
  if (bias !== undefined && typeof bias !== 'function') tensorArg(op, 'bias', bias)
  if (window !== undefined) wholeArg(op, 'window', window, 0)
  const near = window !== undefined && window < longest - 1 ? window : undefined
  return bias === undefined && near === undefined ? null : { bias, window: near }
}

/** The kernel divides by 1 - p. */
export function dropRate(op: string, p: number): void {
  if (!(p >= 0 && p < 1)) throw new RangeError(`${op}: dropout must be at least 0 and below 1, got ${p}`)
}

/**
 * softmax(scale q k^T + bias) v by head: q [B, H, S, D], k and v [B, H, T, D] -> [B, H, S, D]. With a trace the plain spelling
 * runs, and gradients flow through what it takes in. Throws ShapeError.
 */
export function attention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: AttentionOptions & { trace?: AttentionTrace | undefined } = {},
): Tensor {
  const { shape } = tensorArg('attention', 'q', q)
  const {
    mask,
    causal = false,
    scale = 1 / Math.sqrt(shape[shape.length - 1]),
    dropout: p = 0,
    ...more
  } = optionsArg('attention', options, attentionOptions)
  dropRate('attention', p)
  const key = options.key ?? (p > 0 ? nextKey() : ([0, 0] as const))
  const inputs = mask ? [q, k, v, mask] : [q, k, v]
  const attrs = { scale, causal, p, key }
  const seen = options.trace?.scores !== undefined || options.trace?.probs !== undefined
  if (!seen && more.bias === undefined && more.window === undefined) return attentionOp(inputs, attrs)
  shapeOf(inputs.map((t) => t.shape))
  const plain = plainOptions('attention', more, k.shape[2])
  return seen || plain !== null
    ? plainAttention(inputs, attrs, options.trace, plain ?? {})
    : attentionOp(inputs, attrs)
}
