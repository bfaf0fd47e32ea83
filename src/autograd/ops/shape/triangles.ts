// Parts of matrices: the triangles below and above a diagonal, and the diagonal itself, out of a matrix and into one.
import { ShapeError } from '../../../errors.js'
import { tensorArg, wholeArg } from '../../../tensor/check.js'
import { formatShape, type Shape } from '../../../tensor/shape.js'
import { empty, type Tensor } from '../../../tensor/tensor.js'
import { defineOp, type Op } from '../../op.js'
import type { EdgeCase, Sample } from '../../samples.js'
import { where } from '../elementwise/compare.js'
import { pad } from './join.js'
import { diagonal as diagonalView } from './parts.js'
import { expand, reshape } from './views.js'

/** 0 is the main diagonal, 1 the one above it, -1 the one below. */
interface Diagonal {
  diagonal: number
}

/** int32 [n, m]: 1 where keep(j - i) for row i and column j. Outside the graph. */
function mask(n: number, m: number, keep: (d: number) => boolean): Tensor {
  const out = empty([n, m], 'int32')
  const data = out.raw
  for (let i = 0; i < n; i++) for (let j = 0; j < m; j++) data[i * m + j] = keep(j - i) ? 1 : 0
  return out
}

function triangleSamples(): Sample<Diagonal>[] {
  return [
    { inputs: [{ shape: [3, 4] }], attrs: { diagonal: 0 } },
    { inputs: [{ shape: [4, 3] }], attrs: { diagonal: 1 } },
    { inputs: [{ shape: [2, 3, 3] }], attrs: { diagonal: -1 } },
    { inputs: [{ shape: [3, 4], view: 'transposed' }], attrs: { diagonal: 2 } },
    { inputs: [{ shape: [3, 3], view: 'sliced' }], attrs: { diagonal: -5 }, why: 'beyond the corner' },
    { inputs: [{ shape: [0, 3] }], attrs: { diagonal: 0 } },
    { inputs: [{ shape: [1, 1] }], attrs: { diagonal: 0 } },
    { inputs: [{ shape: [2, 2], domain: { lo: -1e4, hi: 1e4 } }], attrs: { diagonal: 0 } },
  ]
}

function triangleOp(
  name: 'tril' | 'triu',
  where_: string,
  [sign, keep]: [string, (d: number, diagonal: number) => boolean],
  edge: EdgeCase<Diagonal>,
): Op<Diagonal> {
  return defineOp<Diagonal>({
    name,
    doc: `The last two dims with what lies ${where_} a diagonal set to 0.`,
    math: `y_{ij} = x_{ij} [j - i ${sign} d];\\quad \\bar x_{ij} = \\bar y_{ij} [j - i ${sign} d]`,
    takes: ['float'],
    shape: ([x]) => {
      if (x.length < 2) throw new ShapeError(name, `needs at least 2 dims, got ${formatShape(x)}`)
      return x
    },
    composite: ([x], { diagonal }) => {
      const [n, m] = x.shape.slice(-2)
      // Not x times a mask: NaN and infinities are cut off too.
      return where(
        mask(n, m, (d) => keep(d, diagonal)),
        x,
        0,
      )
    },
    twice: true,
    samples: triangleSamples,
    errors: () => [
      {
        inputs: [{ shape: [3] }],
        attrs: { diagonal: 0 },
        error: ShapeError,
        text: `${name}: needs at least 2 dims, got [3]`,
      },
    ],
    edge: () => [edge],
  })
}

const square = { inputs: [{ shape: [2, 2], values: [NaN, Infinity, NaN, -0] }], attrs: { diagonal: 0 } }

const trilOp = triangleOp('tril', 'above', ['\\le', (d, k) => d <= k], {
  ...square,
  out: [
    [NaN, 0],
    [NaN, -0],
  ],
  grads: [
    [
      [1, 0],
      [1, 1],
    ],
  ],
})

const triuOp = triangleOp('triu', 'below', ['\\ge', (d, k) => d >= k], {
  ...square,
  out: [
    [NaN, Infinity],
    [0, -0],
  ],
  grads: [
    [
      [1, 1],
      [0, 1],
    ],
  ],
})

/** The lower triangle of the last two dims: 0 above `diagonal`. Throws ShapeError below 2 dims. */
export function tril(x: Tensor, diagonal = 0): Tensor {
  return trilOp([x], { diagonal: wholeArg('tril', 'diagonal', diagonal) })
}

/** The upper triangle of the last two dims: 0 below `diagonal`. Throws ShapeError below 2 dims. */
export function triu(x: Tensor, diagonal = 0): Tensor {
  return triuOp([x], { diagonal: wholeArg('triu', 'diagonal', diagonal) })
}

/** How long the diagonal is. */
function lengthOf([n, m]: Shape, diagonal: number): number {
  return Math.max(0, diagonal >= 0 ? Math.min(n, m - diagonal) : Math.min(n + diagonal, m))
}

type Put = Diagonal & { size: Shape }

const putOp: Op<Put> = defineOp<Put>({
  name: 'diagonalPut',
  doc: 'A vector laid onto a diagonal of zeros.',
  math: 'y_{ij} = x_i [j = i + d];\\quad \\bar x_i = \\bar y_{i, i + d}',
  takes: ['float'],
  shape: ([x], { diagonal, size }) => {
    const n = lengthOf(size, diagonal)
    if (x.length !== 1 || x[0] !== n)
      throw new ShapeError(
        'diag',
        `diagonal ${diagonal} of ${formatShape(size)} has ${n} elements, got ${formatShape(x)}`,
      )
    return size
  },
  composite: ([x], { diagonal, size: [n, m] }) => {
    // x_i goes to row i or, below the main diagonal, to column i; the mask keeps one place of each.
    const wide = diagonal >= 0
    const line = pad(x, 0, 0, (wide ? n : m) - x.shape[0])
    const spread = expand(reshape(line, wide ? [n, 1] : [1, m]), [n, m])
    return where(
      mask(n, m, (d) => d === diagonal),
      spread,
      0,
    )
  },
  twice: true,
  samples: () => [
    { inputs: [{ shape: [3] }], attrs: { diagonal: 0, size: [3, 3] } },
    { inputs: [{ shape: [2] }], attrs: { diagonal: 1, size: [4, 3] } },
    { inputs: [{ shape: [2] }], attrs: { diagonal: -1, size: [3, 4] } },
    { inputs: [{ shape: [2], view: 'sliced' }], attrs: { diagonal: -2, size: [4, 2] } },
    { inputs: [{ shape: [0] }], attrs: { diagonal: 0, size: [0, 2] } },
    { inputs: [{ shape: [1], domain: { lo: -1e4, hi: 1e4 } }], attrs: { diagonal: 0, size: [1, 1] } },
  ],
  errors: () => [
    {
      inputs: [{ shape: [3] }],
      attrs: { diagonal: 0, size: [2, 2] },
      error: ShapeError,
      text: 'diag: diagonal 0 of [2, 2] has 2 elements, got [3]',
    },
  ],
  edge: () => [
    {
      inputs: [{ shape: [2], values: [NaN, Infinity] }],
      attrs: { diagonal: 0, size: [2, 2] },
      out: [
        [NaN, 0],
        [0, Infinity],
      ],
      grads: [[1, 1]],
    },
  ],
})

/** A vector [n] as the diagonal of a square matrix of zeros; of a matrix its diagonal. Throws ShapeError. */
export function diag(x: Tensor, diagonal = 0): Tensor {
  wholeArg('diag', 'diagonal', diagonal)
  const { rank, shape } = tensorArg('diag', 'the input', x)
  if (rank !== 1 && rank !== 2) throw new ShapeError('diag', `needs 1 or 2 dims, got ${formatShape(shape)}`)
  if (rank === 2) return diagonalView(x, { offset: diagonal })
  const n = x.shape[0] + Math.abs(diagonal)
  return putOp([x], { diagonal, size: [n, n] })
}
