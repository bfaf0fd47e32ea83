// Sequences of any lengths one after the other, without padding: attention inside each, and the mean of each. `starts`
// says where each begins, and last where the last one ends: flash-attention's cu_seqlens, a jagged tensor's offsets.
import { ShapeError } from '../../../errors.js'
import { optionsArg, tensorArg } from '../../../tensor/check.js'
import type { AttentionArgs } from '../../../tensor/kernel-args.js'
import { formatShape, type Shape } from '../../../tensor/shape.js'
import { floats, ints, type Tensor } from '../../../tensor/tensor.js'
import { tensor } from '../../create.js'
import { defineOp, type Op } from '../../op.js'
import { nextKey } from '../../random.js'
import type { Sample, Spec } from '../../samples.js'
import { div } from '../elementwise/arithmetic.js'
import { type None, none } from '../elementwise/records.js'
import { indexAdd, indexSelect } from '../indexing/rows.js'
import { permute, reshape } from '../shape/views.js'
import {
  type AttentionAttrs,
  type AttentionOptions,
  attentionGradients,
  attentionOptions,
  dropRate,
  type PlainOptions,
  plainAttention,
  plainAttentionGradients,
  plainOptions,
  rowsContiguous,
} from './attention.js'

/**
 * The longest of the segments that `starts` cuts n rows into. Throws RangeError unless it rises from 0 to n: a kernel
 * that goes by it would read or write another tensor's memory.
 */
export function longestSegment(op: string, starts: Int32Array, n: number): number {
  if (starts[0] !== 0) throw new RangeError(`${op}: starts must begin with 0, got ${starts[0]}`)
  let longest = 0
  for (let b = 1; b < starts.length; b++) {
    const length = starts[b] - starts[b - 1]
    if (length < 0)
      throw new RangeError(`${op}: starts must not fall, at place ${b} from ${starts[b - 1]} to ${starts[b]}`)
    longest = Math.max(longest, length)
  }
  const end = starts[starts.length - 1]
  if (end !== n) throw new RangeError(`${op}: starts must end with the number of rows, ${n}, got ${end}`)
  return longest
}

/** For each row the place of its segment and its own place inside it. `starts` has been checked. */
export function placesOf(starts: Int32Array): { segment: Int32Array; position: Int32Array } {
  const n = starts[starts.length - 1]
  const [segment, position] = [new Int32Array(n), new Int32Array(n)]
  for (let b = 1; b < starts.length; b++) {
    for (let i = starts[b - 1]; i < starts[b]; i++) {
      segment[i] = b - 1
      position[i] = i - starts[b - 1]
    }
  }
  return { segment, position }
}

/** Throws ShapeError where there is not even a 0 in it. */
function segments(op: string, starts: Shape): number {
  if (starts.length !== 1 || starts[0] === 0)
    throw new ShapeError(op, `starts must be [segments + 1], got ${formatShape(starts)}`)
  return starts[0] - 1
}

function argsOf(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  out: Tensor,
  starts: Int32Array,
  { scale, causal, p, key }: AttentionAttrs,
): AttentionArgs {
  const [n, H, D] = q.shape
  const longest = longestSegment('segmentAttention', starts, n)
  const strides = (t: Tensor) => [0, t.strides[1], t.strides[0]]
  return {
    ...{ B: starts.length - 1, H, S: longest, T: longest, D, starts, mask: null },
    ...{ q: strides(q), k: strides(k), v: strides(v), out: strides(out), scale, causal, p, key },
  }
}

/** The padded way: every segment as long as the longest, a mask over the padding, and the padding cut off again. */
function padding(starts: Int32Array, n: number) {
  const longest = longestSegment('segmentAttention', starts, n)
  const B = starts.length - 1
  const { segment, position } = placesOf(starts)
  const places = tensor(segment.map((b, i) => b * longest + position[i]))
  const mask = new Int32Array(B * longest)
  for (const place of ints(places)) mask[place] = 1
  return {
    mask: tensor(mask, { shape: [B, longest] }),
    /** [n, H, D] -> [B, H, longest, D], zeros in the padding. */
    padded(x: Tensor): Tensor {
      const [, H, D] = x.shape
      return permute(reshape(indexAdd(x, 0, places, [B * longest, H, D]), [B, longest, H, D]), [0, 2, 1, 3])
    },
    /** And back. */
    cut(y: Tensor): Tensor {
      const [, H, , D] = y.shape
      return indexSelect(reshape(permute(y, [0, 2, 1, 3]), [B * longest, H, D]), 0, places)
    },
  }
}

function plain(
  [q, k, v, starts]: readonly Tensor[],
  attrs: AttentionAttrs,
  options: PlainOptions = {},
): Tensor {
  const { mask, padded, cut } = padding(ints(starts), q.shape[0])
  return cut(plainAttention([padded(q), padded(k), padded(v), mask], attrs, {}, options))
}

function shapeOf([q, k, v, starts]: readonly Shape[]): Shape {
  if (q.length !== 3 || formatShape(q) !== formatShape(k) || formatShape(k) !== formatShape(v)) {
    throw new ShapeError(
      'segmentAttention',
      `q ${formatShape(q)}, k ${formatShape(k)}, v ${formatShape(v)} do not fit`,
      'Expected [rows, heads, width] three times',
    )
  }
  segments('segmentAttention', starts)
  return q
}

const attentionOp: Op<AttentionAttrs> = defineOp<AttentionAttrs>({
  name: 'segmentAttention',
  doc: 'Scaled dot-product attention of each head inside each of several sequences in a row.',
  math: 'O_b = \\mathrm{softmax}(s Q_b K_b^\\top) V_b \\text{ for the rows of each segment } b;\\quad \\text{backward as in attention}',
  takes: ['float', 'float', 'float', 'int'],
  strided: true,
  shape: shapeOf,
  kernel: (kernels, out, [q, k, v, starts], attrs) => {
    const [a, b, c] = [q, k, v].map(rowsContiguous)
    const args = argsOf(a, b, c, out, ints(starts), attrs)
    kernels.attention(floats(out), floats(a), floats(b), floats(c), args)
  },
  plain: (inputs, attrs) => plain(inputs, attrs),
  save: (inputs) => [...inputs],
  backward: ({ dy, saved: [q, k, v, starts], attrs }) => {
    const { mask, padded, cut } = padding(ints(starts), q.shape[0])
    const inputs = [padded(q), padded(k), padded(v), mask]
    return [...plainAttentionGradients(padded(dy), inputs, attrs).map(cut), null]
  },
  fastBackward: ({ dy, saved: [q, k, v, starts], attrs }) => [
    ...attentionGradients(dy, [q, k, v], (q, k, v, out) => argsOf(q, k, v, out, ints(starts), attrs)),
    null,
  ],
  twice: true,
  samples: () => {
    const s = (
      starts: number[],
      H: number,
      D: number,
      more: Partial<AttentionAttrs> = {},
      view: Partial<Spec> = {},
    ): Sample<AttentionAttrs> => {
      const x = { shape: [starts[starts.length - 1], H, D], ...view }
      return {
        inputs: [x, x, x, { shape: [starts.length], below: 1, values: starts }],
        attrs: { scale: 0.5, causal: false, p: 0, key: [1, 2], ...more },
      }
    }
    return [
      s([0, 2, 3], 2, 3),
      s([0, 3], 2, 2),
      s([0, 1, 2, 3], 1, 2),
      s([0, 0, 2, 2, 3, 3], 1, 2),
      s([0, 2, 4], 1, 2),
      s([0, 1, 4], 1, 2, { causal: true }),
      s([0, 1, 4], 2, 1, { p: 0.4 }),
      s([0, 1, 4, 4], 1, 1, { p: 0.3, causal: true }),
      s([0, 1], 1, 1),
      s([0, 0], 2, 3),
      s([0], 2, 3),
      s([0, 2, 3], 2, 2, {}, { view: 'transposed' }),
      s([0, 2, 3], 2, 2, { p: 0.4 }, { view: 'sliced' }),
      s([0, 2, 3], 1, 2, {}, { domain: { lo: -4, hi: 4 } }),
    ]
  },
  errors: () => {
    const attrs = { scale: 1, causal: false, p: 0, key: [0, 0] as const }
    const x = { shape: [5, 2, 3] }
    const bad = (values: number[], text: string) => ({
      inputs: [x, x, x, { shape: [values.length], below: 1, values }],
      ...{ attrs, error: RangeError, text },
    })
    return [
      bad([1, 5], 'segmentAttention: starts must begin with 0, got 1'),
      bad([0, 3, 2, 5], 'segmentAttention: starts must not fall, at place 2 from 3 to 2'),
      bad([0, 2, 4], 'segmentAttention: starts must end with the number of rows, 5, got 4'),
      bad([0, 2, 6], 'segmentAttention: starts must end with the number of rows, 5, got 6'),
      {
        inputs: [x, x, x, { shape: [1, 2], below: 1 }],
        ...{ attrs, error: ShapeError, text: 'segmentAttention: starts must be [segments + 1], got [1, 2]' },
      },
      {
        inputs: [x, x, x, { shape: [0], below: 1 }],
        ...{ attrs, error: ShapeError, text: 'segmentAttention: starts must be [segments + 1], got [0]' },
      },
      {
        inputs: [x, { shape: [5, 2, 4] }, x, { shape: [2], below: 1 }],
        attrs,
        error: ShapeError,
        text: 'segmentAttention: q [5, 2, 3], k [5, 2, 4], v [5, 2, 3] do not fit. Expected [rows, heads, width] three times',
      },
    ]
  },
  edge: () => [
    {
      // One row sees itself alone; what another segment holds does not reach it.
      inputs: [
        { shape: [2, 1, 1], values: [3, 1] },
        { shape: [2, 1, 1], values: [-2, NaN] },
        { shape: [2, 1, 1], values: [5, 1] },
        { shape: [4], below: 1, values: [0, 1, 1, 2] },
      ],
      attrs: { scale: 1, causal: false, p: 0, key: [0, 0] },
      out: [[[5]], [[NaN]]],
    },
  ],
  k: 32,
})

/**
 * softmax(scale q k^T) v by head inside each segment: q, k and v [rows, heads, width] -> the same, starts int32
 * [segments + 1], from 0 to the number of rows; segments may be empty. Dropout is that of `attention` on all segments
 * padded to the longest, and so is a bias, [heads, longest, longest]; one made of queries and keys gets those padded. Throws ShapeError, and RangeError for starts that do not rise from 0 to the number of rows.
 */
export function segmentAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  starts: Tensor,
  options: Omit<AttentionOptions, 'mask'> = {},
): Tensor {
  const { shape } = tensorArg('segmentAttention', 'q', q)
  const {
    causal = false,
    scale = 1 / Math.sqrt(shape[shape.length - 1]),
    dropout: p = 0,
    ...more
  } = optionsArg('segmentAttention', options as AttentionOptions, attentionOptions)
  dropRate('segmentAttention', p)
  const key = options.key ?? (p > 0 ? nextKey() : ([0, 0] as const))
  const inputs = [q, k, v, starts]
  const attrs = { scale, causal, p, key }
  if (more.bias === undefined && more.window === undefined) return attentionOp(inputs, attrs)
  shapeOf(inputs.map((t) => t.shape))
  const longest = longestSegment('segmentAttention', ints(starts), shape[0])
  const needed = plainOptions('segmentAttention', more, longest)
  return needed === null ? attentionOp(inputs, attrs) : plain(inputs, attrs, needed)
}

const meanOp: Op<None> = defineOp<None>({
  name: 'segmentMean',
  doc: 'The mean of the rows of each of the sequences that lie one after the other.',
  math: 'y_b = \\frac{1}{n_b} \\textstyle\\sum_{i \\in b} x_i;\\quad \\bar x_i = \\bar y_b / n_b',
  takes: ['float', 'int'],
  shape: ([x, starts]) => {
    if (x.length === 0) throw new ShapeError('segmentMean', 'needs at least 1 dim, got []')
    return [segments('segmentMean', starts), ...x.slice(1)]
  },
  composite: ([x, starts]) => {
    const at = ints(starts)
    longestSegment('segmentMean', at, x.shape[0])
    const [B, rest] = [at.length - 1, x.shape.slice(1)]
    const sums = indexAdd(x, 0, tensor(placesOf(at).segment), [B, ...rest])
    const lengths = Array.from(at.subarray(1), (end, b) => end - at[b])
    return div(sums, tensor(lengths, { shape: [B, ...rest.map(() => 1)], dtype: x.dtype }))
  },
  twice: true,
  samples: () => {
    const s = (starts: number[], rest: Shape, more: Partial<Spec> = {}): Sample<None> => ({
      inputs: [
        { shape: [starts[starts.length - 1], ...rest], ...more },
        { shape: [starts.length], below: 1, values: starts },
      ],
      attrs: none,
    })
    return [
      s([0, 3, 4, 9], [2]),
      s([0, 4], [3]),
      s([0, 1, 2], []),
      s([0, 2, 5], [2, 2]),
      s([0], [2]),
      s([0, 1, 3], [4], { view: 'transposed' }),
      s([0, 1, 3], [2], { view: 'sliced' }),
      s([0, 2, 3], [2], { domain: { lo: -1e4, hi: 1e4 } }),
    ]
  },
  errors: () => [
    {
      inputs: [{ shape: [5, 2] }, { shape: [3], below: 1, values: [0, 6, 5] }],
      attrs: none,
      error: RangeError,
      text: 'segmentMean: starts must not fall, at place 2 from 6 to 5',
    },
    {
      inputs: [{ shape: [5, 2] }, { shape: [], below: 1 }],
      attrs: none,
      error: ShapeError,
      text: 'segmentMean: starts must be [segments + 1], got []',
    },
    {
      inputs: [{ shape: [] }, { shape: [2], below: 1 }],
      attrs: none,
      error: ShapeError,
      text: 'segmentMean: needs at least 1 dim, got []',
    },
  ],
  edge: () => [
    {
      // The mean of nothing is none.
      inputs: [
        { shape: [3], values: [1, 2, Infinity] },
        { shape: [4], below: 1, values: [0, 2, 2, 3] },
      ],
      attrs: none,
      out: [1.5, NaN, Infinity],
      grads: [[0.5, 0.5, 1], null],
    },
  ],
})

/**
 * The mean over each segment: x [rows, ...], starts int32 [segments + 1] -> [segments, ...]. An empty segment gives NaN.
 * Throws ShapeError, and RangeError for starts that do not rise from 0 to the number of rows.
 */
export function segmentMean(x: Tensor, starts: Tensor): Tensor {
  return meanOp([x, starts], none)
}
