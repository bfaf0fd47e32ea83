// Layers by whole numbers, for inference: the kernels' arguments checked, and no gradient. Not records: what they give
// jumps with its input, so the suite's bounds of float32 against float64 do not hold of it. test/wasm/int8.test.ts holds it.
import { DTypeError, GradError, ShapeError } from '../../../errors.js'
import { int8Kernels } from '../../../tensor/backend.js'
import { fitsMemory, tensorArg } from '../../../tensor/check.js'
import type { Int8Bits, Int8Input } from '../../../tensor/int8.js'
import { formatShape, numel } from '../../../tensor/shape.js'
import { empty, flat, floats, ints, type Tensor } from '../../../tensor/tensor.js'
import { dense, isRecording, noGrad } from '../../graph.js'
import { activeTracer } from '../../trace.js'
import { checkIndex } from '../indexing/rows.js'
import { reshape } from '../shape/views.js'
import type { LinearActivation } from './activated.js'

/** A weight [rows, columns] as whole numbers, packed for the kernels: see tensor/int8.ts. */
export interface Int8Weight {
  readonly rows: number
  readonly columns: number
  readonly bits: Int8Bits
  /** int32: four numbers each. */
  readonly words: Tensor
  /** [rows] */
  readonly scales: Tensor
  /** int32 [rows]: the sum of a row's whole numbers. */
  readonly sums: Tensor
  /** Of all inputs, where it was measured before; null: of each row when it comes. */
  readonly input: Int8Input | null
}

function refuseGradients(op: string, inputs: readonly (Tensor | null)[]): void {
  if (isRecording() && inputs.some((t) => t?.requiresGrad))
    throw new GradError(
      `${op}: an input wants a gradient, and a quantized layer is for inference: none passes through whole numbers`,
      'Train the float model, or call it in noGrad()',
    )
}

/**
 * f(x W^T + b) by whole numbers: x [..., columns] of float32 -> [..., rows]. Each row of x gets 7 bits, with a scale and a
 * zero point of its own, so that an answer does not depend on the rest of the batch. The same bits on every backend and
 * number of threads. Throws ShapeError, DTypeError, and GradError where a gradient is wanted.
 */
export function int8Linear(
  x: Tensor,
  weight: Int8Weight,
  bias: Tensor | null,
  activation: LinearActivation | null = null,
): Tensor {
  tensorArg('int8Linear', 'the input', x)
  const { rows: n, columns: k, words, scales, sums, bits, input } = weight
  if (x.rank === 0 || x.shape[x.rank - 1] !== k)
    throw new ShapeError(
      'int8Linear',
      `the input ${formatShape(x.shape)} does not end in the weight's ${k} inputs, weight ${formatShape([n, k])}`,
    )
  if (x.dtype !== 'float32')
    throw new DTypeError(
      'int8Linear',
      `the input must be float32, got ${x.dtype}`,
      "Convert it with .to('float32')",
    )
  refuseGradients('int8Linear', [x, bias])
  const shape = [...x.shape.slice(0, -1), n]
  fitsMemory('int8Linear', shape, 'float32')
  const inputs = [x, words, scales, sums, ...(bias === null ? [] : [bias])]
  for (const t of inputs) t.storage.use()
  const m = numel(x.shape.slice(0, -1))
  const out = empty(shape, 'float32', true)
  noGrad(() => {
    const lines = reshape(x, [m, k])
    const ready = lines.strides[1] === 1 || k < 2 ? lines : dense(lines)
    const rowStride = m < 2 ? k : ready.strides[0]
    int8Kernels().int8Linear(
      ...([flat(out), floats(ready), rowStride, ints(words), flat(scales), ints(sums)] as const),
      ...([m, n, k, bits, bias === null ? null : flat(bias), activation, input] as const),
    )
    if (ready !== lines) ready.dispose()
  })
  activeTracer()?.ran('int8Linear', inputs, out)
  return out
}

/** Rows of a table of bytes: words holds rows of `width` numbers that end on whole words. */
export interface Int8Table {
  readonly count: number
  readonly width: number
  readonly words: Tensor
  /** [count] */
  readonly scales: Tensor
}

/** Rows by id, as floats: int32 [...] -> [..., width]. Throws RangeError for an id outside the table. */
export function int8Embedding(table: Int8Table, ids: Tensor): Tensor {
  tensorArg('int8Embedding', 'the ids', ids)
  if (ids.dtype !== 'int32')
    throw new DTypeError(
      'int8Embedding',
      `the ids must be int32, got ${ids.dtype}`,
      "Convert it with .to('int32')",
    )
  const { count, width, words, scales } = table
  const index = ints(ids)
  checkIndex('int8Embedding', index, count)
  const shape = [...ids.shape, width]
  fitsMemory('int8Embedding', shape, 'float32')
  for (const t of [ids, words, scales]) t.storage.use()
  const out = empty(shape, 'float32', true)
  int8Kernels().int8Gather(flat(out), ints(words), flat(scales), index, width)
  activeTracer()?.ran('int8Embedding', [ids, words, scales], out)
  return out
}
