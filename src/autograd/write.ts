// Writing into a tensor from outside the graph, and walking along its first dim.
import { ArgumentError, DTypeError, GradError, got, ShapeError } from '../errors.js'
import { broadcastStrides, contiguousStrides, formatShape, type Shape } from '../tensor/shape.js'
import { copyLoop, Tensor } from '../tensor/tensor.js'
import { isRecording, touch } from './graph.js'
import { slice } from './ops/shape/slice.js'
import { reshape } from './ops/shape/views.js'

/** What is copied: numbers of the target's own, and how to walk them. */
interface Source {
  values: ArrayLike<number>
  strides: Shape
}

const LARGEST = 2 ** 31

function fromTensor(x: Tensor, values: Tensor): Source {
  if (isRecording() && values.requiresGrad)
    throw new GradError(
      'set: only numbers are copied, and the values require a gradient, which would end here',
      'Pass values.detach(), or call it inside noGrad()',
    )
  const strides =
    values.shape.length > x.shape.length ? null : broadcastFor(values.shape, values.strides, x.shape)
  if (strides === null)
    throw new ShapeError(
      'set',
      `values of shape ${formatShape(values.shape)} do not fit the tensor ${formatShape(x.shape)}`,
    )
  // A view of the same memory would be read while it is written; and all numbers of a copy are looked at for int32.
  const apart = values.storage !== x.storage && (x.dtype !== 'int32' || values.dtype === 'int32')
  if (apart) return { values: values.raw, strides }
  return {
    values: values.data,
    strides: broadcastStrides(values.shape, contiguousStrides(values.shape), x.shape),
  }
}

function broadcastFor(shape: Shape, strides: Shape, target: Shape): number[] | null {
  const lead = target.length - shape.length
  return shape.every((n, i) => n === 1 || n === target[lead + i])
    ? broadcastStrides(shape, strides, target)
    : null
}

function fromNumbers(x: Tensor, values: ArrayLike<number>): Source {
  if (typeof values !== 'object' || values === null || typeof values.length !== 'number')
    throw new ArgumentError(
      'set',
      `values must be a number, numbers in a list or a tensor, got ${got(values)}`,
    )
  if (values.length !== x.numel)
    throw new ShapeError(
      'set',
      `${values.length} numbers for the ${x.numel} elements of a tensor ${formatShape(x.shape)}`,
      'Pass all of them flat, in row-major order, or a tensor that broadcasts',
    )
  if (!(values instanceof Float32Array || values instanceof Float64Array || values instanceof Int32Array))
    for (let i = 0; i < values.length; i++)
      if (typeof values[i] !== 'number')
        throw new DTypeError('set', `expected numbers, found ${typeof values[i]} at ${i}`)
  return { values, strides: contiguousStrides(x.shape) }
}

/** Throws DTypeError for what int32 cannot hold. Fractions are cut off, as in a conversion. */
function requireWhole(values: ArrayLike<number>): void {
  for (let i = 0; i < values.length; i++) {
    const whole = Math.trunc(values[i])
    if (!(whole >= -LARGEST && whole < LARGEST))
      throw new DTypeError(
        'set',
        `an int32 tensor cannot hold ${values[i]}`,
        "Use dtype 'float32' or 'float64'",
      )
  }
}

/**
 * Overwrites the elements, PyTorch's copy_: by one number, by numel numbers in row-major order, or by a tensor whose shape is
 * the same or broadcasts. Any layout can be written, a view writes through to what it looks at, and no gradient passes. A graph
 * that saved the old numbers refuses backward(). A leaf that requires a gradient can be written anywhere (PyTorch wants no_grad
 * around it): that is how an optimizer of one's own takes its step.
 * Throws GradError for the result of an op that is part of a graph, and for values that require a gradient outside noGrad();
 * ShapeError where the sizes do not fit or elements of the tensor share memory (expand); DTypeError for what is no number, or
 * does not fit int32.
 */
export function set(x: Tensor, values: ArrayLike<number> | Tensor | number): Tensor {
  if (x.node !== null)
    throw new GradError(
      `set: the tensor ${formatShape(x.shape)} is the result of ${x.node.name}, its gradient would be that of the old numbers`,
      'Write into detach() of it, or compute what you want from it',
    )
  if (x.shape.some((n, i) => n > 1 && x.strides[i] === 0))
    throw new ShapeError(
      'set',
      `several elements of the tensor ${formatShape(x.shape)} are one number in memory`,
      'Call clone() first',
    )
  const out = x.raw
  const source =
    values instanceof Tensor
      ? fromTensor(x, values)
      : typeof values === 'number'
        ? { values: [values], strides: x.shape.map(() => 0) }
        : fromNumbers(x, values)
  if (x.dtype === 'int32' && !(source.values instanceof Int32Array)) requireWhole(source.values)
  if (x.numel > 0) copyLoop(x.shape, out, x.strides, source.values, source.strides)
  touch(x)
  return x
}

/** Along dim 0: one view a row, with its gradient. */
export function* rowsOf(x: Tensor): Generator<Tensor, void, undefined> {
  const row = x.shape.slice(1)
  for (let i = 0; i < x.shape[0]; i++) yield reshape(slice(x, 0, i, i + 1), row)
}
