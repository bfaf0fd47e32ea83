// Attention between any two sequences in plain ops: what the fused op beside it does not take, at the price of its speed.
import { DTypeError, ShapeError } from '../../../errors.js'
import { type Kinds, optionsArg, tensorArg } from '../../../tensor/check.js'
import type { Key } from '../../../tensor/rng.js'
import { broadcastShapes, formatShape, type Shape } from '../../../tensor/shape.js'
import type { Tensor } from '../../../tensor/tensor.js'
import { tensor } from '../../create.js'
import { defineOp, type Op } from '../../op.js'
import { nextKey } from '../../random.js'
import type { Sample, Spec } from '../../samples.js'
import { add, mul } from '../elementwise/arithmetic.js'
import { where } from '../elementwise/compare.js'
import { dropout } from '../normalize.js'
import { transpose } from '../shape/views.js'
import { softmax } from '../softmax.js'
import { matmul } from './matmul.js'

const NAME = 'scaledDotProductAttention'

interface ScaledAttrs {
  scale: number
  causal: boolean
  p: number
  key: Key
  /** What follows q, k and v: a mask or not, then a bias or not. */
  masked: boolean
}

/** [..., S, T]. Throws ShapeError. */
function scoresShape(q: Shape, k: Shape, v: Shape): Shape {
  const least = Math.min(q.length, k.length, v.length)
  if (least < 2 || q[q.length - 1] !== k[k.length - 1] || k[k.length - 2] !== v[v.length - 2]) {
    throw new ShapeError(
      NAME,
      `q ${formatShape(q)}, k ${formatShape(k)}, v ${formatShape(v)} do not fit`,
      'Expected [..., queries, width], [..., keys, width] and [..., keys, width of values]',
    )
  }
  const lead = [k, v].reduce((a, b) => broadcastShapes(NAME, a, b.slice(0, -2)), q.slice(0, -2))
  return [...lead, q[q.length - 2], k[k.length - 2]]
}

function shapeOf([q, k, v, ...more]: readonly Shape[], { masked }: ScaledAttrs): Shape {
  const scores = scoresShape(q, k, v)
  for (const [i, s] of more.entries()) {
    // Not broadcastShapes alone: a mask does not make the result larger.
    const fits =
      s.length <= scores.length && s.every((n, d) => n === 1 || n === scores[scores.length - s.length + d])
    if (!fits) {
      throw new ShapeError(
        NAME,
        `the ${masked && i === 0 ? 'mask' : 'bias'} ${formatShape(s)} does not broadcast to [..., queries, keys] = ${formatShape(scores)}`,
      )
    }
  }
  return [...scores.slice(0, -1), v[v.length - 1]]
}

/** int32 [S, T], 1 where a query may see a key: query s the keys up to s. */
function lowerLeft(S: number, T: number): Tensor {
  const seen = Int32Array.from({ length: S * T }, (_, i) => (i % T <= Math.floor(i / T) ? 1 : 0))
  return tensor(seen, { shape: [S, T] })
}

const scaledOp: Op<ScaledAttrs> = defineOp<ScaledAttrs>({
  name: NAME,
  doc: 'Attention of queries to keys, with a mask and an additive bias that broadcast.',
  math: 'O = \\mathrm{softmax}(s Q K^\\top + B) V',
  takes: ['float', 'float', 'float', 'any'],
  shape: shapeOf,
  composite: ([q, k, v, ...more], { scale, causal, p, key, masked }) => {
    const [mask, bias] = masked ? more : [undefined, more[0]]
    let scores = mul(matmul(q, transpose(k, -2, -1)), scale)
    if (bias) scores = add(scores, bias)
    // After the bias, so that what it holds where nothing is seen does not matter: NaN neither.
    if (mask) scores = where(mask, scores, -Infinity)
    if (causal) scores = where(lowerLeft(q.shape[q.rank - 2], k.shape[k.rank - 2]), scores, -Infinity)
    const probs = softmax(scores, -1)
    return matmul(p > 0 ? dropout(probs, p, { key }) : probs, v)
  },
  twice: true,
  samples: () => {
    const s = (
      [q, k, v]: readonly Shape[],
      more: { mask?: Spec; bias?: Spec; attrs?: Partial<ScaledAttrs>; spec?: Partial<Spec> } = {},
    ): Sample<ScaledAttrs> => {
      const { mask, bias, attrs, spec } = more
      return {
        inputs: [
          ...[q, k, v].map((shape) => ({ shape, ...spec })),
          ...(mask ? [mask] : []),
          ...(bias ? [bias] : []),
        ],
        attrs: { scale: 0.5, causal: false, p: 0, key: [1, 2], masked: mask !== undefined, ...attrs },
      }
    }
    const plain: Shape[] = [
      [1, 2, 2, 3],
      [1, 2, 3, 3],
      [1, 2, 3, 2],
    ]
    const few: Shape[] = [
      [2, 2],
      [3, 2],
      [3, 2],
    ]
    return [
      s(plain),
      s(plain, { bias: { shape: [2, 1, 3] } }),
      s(plain, { mask: { shape: [2, 3], below: 2, values: [1, 0, 1, 1, 1, 0] }, bias: { shape: [1, 3] } }),
      s(few, { attrs: { causal: true } }),
      s(few, { attrs: { causal: true }, mask: { shape: [3], below: 2, values: [0, 1, 1] } }),
      s(
        [
          [2, 1, 2, 2],
          [3, 3, 2],
          [1, 1, 3, 1],
        ],
        { bias: { shape: [2, 1, 1, 3] } },
      ),
      s(few, { attrs: { p: 0.4 } }),
      s([
        [0, 2, 2],
        [0, 3, 2],
        [0, 3, 2],
      ]),
      s([
        [1, 2],
        [0, 2],
        [0, 2],
      ]),
      s(
        [
          [1, 1],
          [1, 1],
          [1, 1],
        ],
        {},
      ),
      s(few, { spec: { view: 'transposed' } }),
      s(few, { spec: { view: 'sliced' }, bias: { shape: [2, 3], view: 'transposed' } }),
      s(few, { spec: { domain: { lo: -4, hi: 4 } } }),
    ]
  },
  errors: () => {
    const attrs: ScaledAttrs = { scale: 1, causal: false, p: 0, key: [0, 0], masked: false }
    const x = { shape: [2, 3, 4] }
    return [
      {
        inputs: [x, x, { shape: [2, 2, 4] }],
        attrs,
        error: ShapeError,
        text: `${NAME}: q [2, 3, 4], k [2, 3, 4], v [2, 2, 4] do not fit. Expected [..., queries, width], [..., keys, width] and [..., keys, width of values]`,
      },
      {
        inputs: [x, x, x, { shape: [2, 2, 3, 3] }],
        attrs,
        error: ShapeError,
        text: `${NAME}: the bias [2, 2, 3, 3] does not broadcast to [..., queries, keys] = [2, 3, 3]`,
      },
      {
        inputs: [x, x, x, { shape: [2], below: 2 }],
        attrs: { ...attrs, masked: true },
        error: ShapeError,
        text: `${NAME}: the mask [2] does not broadcast to [..., queries, keys] = [2, 3, 3]`,
      },
      {
        inputs: [x, { shape: [3, 3, 4] }, x],
        attrs,
        error: ShapeError,
        text: `${NAME}: cannot broadcast [2] with [3]: 2 != 3 at dim -1. Sizes must be equal or 1, aligned at the right`,
      },
    ]
  },
  edge: () => {
    const attrs: ScaledAttrs = { scale: 1, causal: false, p: 0, key: [0, 0], masked: true }
    const one = { shape: [1, 1], values: [1] }
    const two = { shape: [2, 1], values: [1, 2] }
    return [
      {
        // The query sees nothing.
        inputs: [one, two, two, { shape: [1, 2], below: 2, values: [0, 0] }],
        attrs,
        out: [[0]],
        grads: [[[0]], [[0], [0]], [[0], [0]], null],
      },
      {
        // What is hidden does not matter.
        inputs: [
          ...[one, two, two, { shape: [1, 2], below: 2, values: [0, 1] }],
          { shape: [1, 2], values: [NaN, 3] },
        ],
        attrs,
        out: [[2]],
        grads: [[[0]], [[0], [0]], [[0], [1]], null, [[0, 0]]],
      },
      {
        // Query 0 sees key 0 alone.
        inputs: [one, two, two],
        attrs: { ...attrs, masked: false, causal: true },
        out: [[1]],
        grads: [[[0]], [[0], [0]], [[1], [0]]],
      },
    ]
  },
  k: 32,
})

export interface ScaledAttentionOptions {
  /** int32, broadcast to [..., S, T]; 0 = not seen. */
  mask?: Tensor | undefined
  /** Floats of q's dtype, broadcast to [..., S, T]: added to the scores. It may learn. */
  bias?: Tensor | undefined
  /** Query s sees keys 0 to s. */
  causal?: boolean
  /** Of the probabilities. Default 0. */
  dropout?: number
  /** Default 1 / sqrt(D). */
  scale?: number
  key?: Key
}

const kinds: Kinds<ScaledAttentionOptions> = {
  ...{ mask: 'tensor', bias: 'tensor', causal: 'boolean', dropout: 'number', scale: 'finite', key: 'key' },
}

/**
 * softmax(scale q k^T + bias) v: q [..., S, D], k [..., T, D], v [..., T, E] -> [..., S, E]; the dims before broadcast.
 * As torch.nn.functional.scaled_dot_product_attention, whose attn_mask is here `mask` where it is bool and `bias` where it
 * is float. Causal as its is_causal: aligned at the top left, so with more keys than queries the last keys are seen by
 * nobody; attention() aligns at the end. Unlike there, mask, bias and causal go together. A query that sees no key gives
 * zeros. Throws ShapeError, DTypeError, RangeError for a dropout outside [0, 1].
 */
export function scaledDotProductAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: ScaledAttentionOptions = {},
): Tensor {
  const D = tensorArg(NAME, 'q', q).shape[q.rank - 1]
  tensorArg(NAME, 'k', k)
  tensorArg(NAME, 'v', v)
  const { mask, bias, causal = false, dropout: p = 0, ...given } = optionsArg(NAME, options, kinds)
  if (!(p >= 0 && p <= 1)) throw new RangeError(`${NAME}: dropout must lie in [0, 1], got ${p}`)
  if (mask !== undefined && mask.dtype !== 'int32')
    throw new DTypeError(NAME, `the mask must be int32, got ${mask.dtype}`, 'Give floats to add as bias')
  if (bias !== undefined && bias.dtype !== q.dtype)
    throw new DTypeError(NAME, `the bias must be ${q.dtype} as q, got ${bias.dtype}`)
  const scale = given.scale ?? (D > 0 ? 1 / Math.sqrt(D) : 1)
  const key = given.key ?? (p > 0 ? nextKey() : ([0, 0] as const))
  const inputs = [q, k, v, ...(mask ? [mask] : []), ...(bias ? [bias] : [])]
  return scaledOp(inputs, { scale, causal, p, key, masked: mask !== undefined })
}
