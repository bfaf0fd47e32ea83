// Padding and pairs: which positions are real, and which layers of student and teacher belong together.
import { tensor } from '../../autograd/create.js'
import { indexSelect } from '../../autograd/ops/indexing/rows.js'
import { reshape } from '../../autograd/ops/shape/views.js'
import { ShapeError } from '../../errors.js'
import { formatShape, type Shape, sameShape } from '../../tensor/shape.js'
import { ints, type Tensor } from '../../tensor/tensor.js'
import type { LayerPair } from '../layer-map.js'

export function fitting(name: string, student: Tensor, teacher: Tensor, hint?: string): void {
  if (sameShape(student.shape, teacher.shape)) return
  throw new ShapeError(
    name,
    `the student's are ${formatShape(student.shape)}, the teacher's ${formatShape(teacher.shape)}`,
    hint,
  )
}

/** Throws ShapeError for a mask of another shape, RangeError for one without a real position. Its numbers. */
export function maskOf(name: string, mask: Tensor, shape: Shape): Int32Array {
  if (!sameShape(mask.shape, shape))
    throw new ShapeError(name, `the mask must be ${formatShape(shape)}, got ${formatShape(mask.shape)}`)
  const on = ints(mask)
  if (!on.some((m) => m !== 0)) throw new RangeError(`${name}: the mask leaves no position`)
  return on
}

/** x [..., C] -> [N, C]: the rows that the mask [...] counts, or all. */
export function realRows(name: string, x: Tensor, mask: Tensor | undefined): Tensor {
  const rows = reshape(x, [-1, x.shape[x.rank - 1]])
  if (mask === undefined) return rows
  const on = maskOf(name, mask, x.shape.slice(0, -1))
  return indexSelect(rows, 0, tensor(Int32Array.from(on.keys()).filter((i) => on[i] !== 0)))
}

/** Real positions of each text of a mask [B, T]. Throws RangeError for a text that has none: its mean is over nothing. */
export function lengthsOf(name: string, mask: Tensor | undefined, B: number, T: number): number[] {
  if (mask === undefined) return new Array<number>(B).fill(T)
  const on = maskOf(name, mask, [B, T])
  return Array.from({ length: B }, (_, b) => {
    const n = on.subarray(b * T, (b + 1) * T).reduce((sum, m) => sum + (m === 0 ? 0 : 1), 0)
    if (n === 0) throw new RangeError(`${name}: text ${b} has no real position`)
    return n
  })
}

/** One tensor, or one a layer. */
export type Layers = Tensor | readonly Tensor[]

const listOf = (layers: Layers): readonly Tensor[] => (Array.isArray(layers) ? layers : [layers as Tensor])

export interface PairedLayers {
  s: Tensor
  t: Tensor
  /** The pair's place, and that of the student's layer. */
  i: number
  layer: number
}

/** Each with each, or as `pairs` says. Throws RangeError where a layer is not there, or none is. */
export function paired(
  name: string,
  student: Layers,
  teacher: Layers,
  pairs: readonly LayerPair[] | undefined,
): PairedLayers[] {
  const [ss, ts] = [listOf(student), listOf(teacher)]
  if (pairs === undefined && ss.length !== ts.length)
    throw new RangeError(
      `${name}: ${ss.length} layers of the student and ${ts.length} of the teacher need pairs. layerMap() makes them`,
    )
  const chosen = pairs ?? ss.map((_, i): LayerPair => [i, i])
  if (chosen.length === 0) throw new RangeError(`${name}: there are no layers to compare`)
  return chosen.map(([a, b], i) => {
    if (ss[a] === undefined || ts[b] === undefined)
      throw new RangeError(
        `${name}: pair ${i} is [${a}, ${b}], there are ${ss.length} layers of the student and ${ts.length} of the teacher`,
      )
    return { s: ss[a], t: ts[b], i, layer: a }
  })
}
