// x.at(...): indexing as Python writes it, and indexPut, which gives a copy with the same part replaced.
import { ArgumentError, DTypeError, got, ShapeError } from '../../../errors.js'
import { optionsArg, tensorArg } from '../../../tensor/check.js'
import { broadcastShapes, formatShape, numel, type Shape } from '../../../tensor/shape.js'
import { Tensor } from '../../../tensor/tensor.js'
import { constant, tensor } from '../../create.js'
import { unsqueeze } from '../shape/dims.js'
import { select } from '../shape/parts.js'
import { slice } from '../shape/slice.js'
import { expand, permute, reshape } from '../shape/views.js'
import { fromFront, replaced } from './put.js'
import { indexSelect } from './rows.js'

/**
 * What stands at one place of an index: a number takes one element and drops the dim, 'start:stop:step' a stretch (each
 * part may be missing, negative ones count from the end), an int32 tensor elements in any order, null makes a new dim,
 * '...' stands for all dims that are not named.
 */
export type Index = number | string | null | Tensor

/** 'a:b:c' as numbers. Throws RangeError where it is none. */
function range(text: string): [start: number, stop: number, step: number] {
  const parts = /^\s*([+-]?\d+)?\s*:\s*([+-]?\d+)?\s*(?::\s*(\d+)?\s*)?$/.exec(text)
  const [, start, stop, step] = parts ?? []
  if (parts === null || Number(step ?? 1) < 1)
    throw new RangeError(
      `at: '${text}' is no slice. Write 'start:stop' or 'start:stop:step' with whole numbers and a step from 1`,
    )
  return [Number(start ?? 0), stop === undefined ? Infinity : Number(stop), Number(step ?? 1)]
}

/** The index with '...' written out, so that it names every dim. */
function complete(x: Shape, index: readonly Index[]): Index[] {
  const named = index.filter((i) => i !== null && i !== '...').length
  const dots = index.filter((i) => i === '...').length
  if (dots > 1) throw new ShapeError('at', "'...' may stand only once")
  if (named > x.length)
    throw new ShapeError('at', `${named} indices for the ${x.length} dims of ${formatShape(x)}`)
  const rest = new Array<Index>(x.length - named).fill(':')
  const whole = dots === 0 ? [...index, '...'] : index
  return whole.flatMap((i) => (i === '...' ? rest : [i]))
}

/** Several dims of x by int32 tensors that broadcast to each other. */
function advanced(x: Tensor, tensors: ReadonlyMap<number, Tensor>): Tensor {
  const dims = [...tensors.keys()]
  const together = dims.every((d, k) => d === dims[0] + k)
  // Tensors that do not stand side by side put their dims in front, as in NumPy and PyTorch.
  const first = together ? dims[0] : 0
  const rest = x.shape.map((_, d) => d).filter((d) => !tensors.has(d))
  const moved = together ? x : permute(x, [...dims, ...rest])
  let shape: Shape = []
  for (const t of tensors.values()) shape = broadcastShapes('at', shape, t.shape)
  const flat = new Int32Array(numel(shape))
  for (const [d, t] of tensors) {
    const n = x.shape[d]
    const places = fromFront('at', expand(t, shape), n, `dim ${d}`)
    for (let i = 0; i < flat.length; i++) flat[i] = flat[i] * n + places[i]
  }
  const [lead, tail] = [moved.shape.slice(0, first), moved.shape.slice(first + dims.length)]
  const size = numel(dims.map((d) => x.shape[d]))
  const rows = indexSelect(reshape(moved, [...lead, size, ...tail]), first, tensor(flat))
  return reshape(rows, [...lead, ...shape, ...tail])
}

/**
 * Part of x, as Python's x[...] says it: x.at(0), x.at(-1, '1:3'), x.at('...', '::2'), x.at(null, ids). Numbers and
 * slices give views; int32 tensors (of any shape, together broadcast) give copies. A mask of ones and zeros is no index:
 * maskedSelect() takes it. Throws RangeError on a place outside, ShapeError on too many.
 */
export function at(x: Tensor, ...index: Index[]): Tensor {
  let y = x
  let dim = 0
  const tensors = new Map<number, Tensor>()
  for (const i of complete(x.shape, index)) {
    if (i === null) y = unsqueeze(y, dim++)
    else if (typeof i === 'number') {
      if (!Number.isInteger(i) || i < -y.shape[dim] || i >= y.shape[dim])
        throw new RangeError(`at: index ${i} is outside dim ${dim} of ${formatShape(y.shape)}`)
      y = select(y, dim, i)
    } else if (typeof i === 'string') {
      if (i !== ':') y = slice(y, dim, ...range(i))
      dim++
    } else if (i instanceof Tensor) {
      if (i.dtype !== 'int32')
        throw new DTypeError(
          'at',
          `an index tensor must be int32, got ${i.dtype}`,
          'A mask goes to maskedSelect()',
        )
      tensors.set(dim++, i)
    } else throw new RangeError(`at: an index may be a number, a string, a tensor or null, got ${got(i)}`)
  }
  return tensors.size === 0 ? y : advanced(y, tensors)
}

/**
 * A copy of x in which the part x.at(...index) is replaced by value (broadcast to it), or has it added. Of several at one
 * place the last stays. Gradients go to x where it was kept, and to value. Throws as at() does.
 */
export function indexPut(
  x: Tensor,
  index: readonly Index[],
  value: Tensor | number,
  options: { accumulate?: boolean } = {},
): Tensor {
  const { accumulate = false } = optionsArg('indexPut', options, { accumulate: 'boolean' })
  if (!Array.isArray(index))
    throw new ArgumentError('indexPut', `the index must be a list, got ${got(index)}`, "Write [0, '1:3']")
  if (typeof value !== 'number') tensorArg('indexPut', 'the value', value)
  const all = tensor(
    Int32Array.from({ length: x.numel }, (_, i) => i),
    { shape: x.shape },
  )
  const part = at(all, ...index)
  return replaced(x, part.elements as Int32Array, expand(constant(value, x), part.shape), accumulate)
}
