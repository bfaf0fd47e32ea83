// The graph: apply() runs an op and leaves a node behind that backward() will find.
import { ArgumentError, DTypeError, GradError, got } from '../errors.js'
import { kernelsFor } from '../tensor/backend.js'
import { fitsMemory, functionArg, tensorArg } from '../tensor/check.js'
import type { Shape } from '../tensor/shape.js'
import type { DType } from '../tensor/storage.js'
import { empty, floats, Tensor } from '../tensor/tensor.js'
import { Node } from './node.js'
import type { KernelOp, OpRecord, Takes } from './record.js'
import { activeTracer, place, unseen, within } from './trace.js'

let recording = true

export function isRecording(): boolean {
  return recording
}

/** Runs a function while results remember (or forget) where they came from. */
export function withRecording<T>(on: boolean, fn: () => T): T {
  functionArg(on ? 'recording' : 'noGrad', 'the argument', fn)
  const before = recording
  recording = on
  try {
    return synchronous(on ? 'recording' : 'noGrad', fn())
  } finally {
    recording = before
  }
}

/** Runs `fn` without recording a graph: nothing inside requires a gradient, and nothing is saved for one. */
export function noGrad<T>(fn: () => T): T {
  return withRecording(false, fn)
}

/** Refuses a promise where the end of the call must be the end of the work. */
export function synchronous<T>(who: string, result: T): T {
  if (
    result !== null &&
    typeof result === 'object' &&
    typeof (result as { then?: unknown }).then === 'function'
  ) {
    throw new GradError(
      `${who}: the function returned a promise`,
      'Await outside, and pass a synchronous function',
    )
  }
  return result
}

/** Operands come here as they were given: a number beside a tensor has become one by then. */
function noTensor(name: string, inputs: readonly unknown[], i: number): never {
  if (inputs.length === 2 && inputs.every((x) => typeof x === 'number'))
    throw new ArgumentError(name, 'two numbers: one operand must be a tensor', 'Make one with tensor()')
  tensorArg(name, `input ${i}`, inputs[i])
  throw new ArgumentError(name, `input ${i} is ${got(inputs[i])}`)
}

function checkInputs(name: string, takes: readonly Takes[], inputs: readonly Tensor[]): void {
  let agreed: DType | null = null
  for (let i = 0; i < inputs.length; i++) {
    if (!(inputs[i] instanceof Tensor)) noTensor(name, inputs, i)
    const { dtype } = inputs[i]
    const want = takes[Math.min(i, takes.length - 1)]
    if (want === 'any') continue
    if (want !== 'number' && (want === 'int') !== (dtype === 'int32')) {
      const hint = want === 'int' ? "Convert it with .to('int32')" : "Convert it with .to('float32')"
      throw new DTypeError(
        name,
        `input ${i} must be ${want === 'int' ? 'int32' : 'float32 or float64'}, got ${dtype}`,
        hint,
      )
    }
    if (want === 'int') continue
    if (agreed !== null && dtype !== agreed) {
      const to = agreed === 'int32' ? dtype : agreed
      throw new DTypeError(name, `inputs are ${agreed} and ${dtype}`, `Convert one with .to('${to}')`)
    }
    agreed = dtype
  }
}

/** A contiguous tensor of the same values: `t` itself where it is one. Outside the graph. */
export function dense(t: Tensor): Tensor {
  if (t.isContiguous) return t
  const out = empty(t.shape, t.dtype)
  kernelsFor(t.dtype).copy(t.shape, out.raw, out.strides, t.raw, t.strides)
  return out
}

/** Runs an op on its inputs: shapes and dtypes first, then the kernel, then the node that backward will find. */
export function apply<A>(op: OpRecord<A>, inputs: readonly Tensor[], attrs: A): Tensor {
  checkInputs(op.name, op.takes, inputs)
  const shape = op.shape(
    inputs.map((t) => t.shape),
    attrs,
  )
  const tracer = activeTracer()
  if ('composite' in op) {
    const run = () => op.composite(inputs, attrs)
    return tracer === null ? run() : within(`${op.name} of ${place()}`, run)
  }
  const recorded = recording && op.backward !== null && inputs.some((t) => t.requiresGrad)
  const compute = () =>
    'view' in op ? op.view(inputs[0], attrs, shape) : runKernel(op, inputs, attrs, shape, !recorded)
  const out = tracer === null ? compute() : unseen(compute)
  if (recorded) {
    const node = new Node(op as KernelOp<unknown>, attrs, inputs, op.save(inputs, out, attrs))
    if (!('view' in op)) node.made = out.storage
    out.node = node
  }
  tracer?.ran(op.name, inputs, out)
  return out
}

function runKernel<A>(
  op: KernelOp<A>,
  inputs: readonly Tensor[],
  attrs: A,
  shape: Shape,
  passing: boolean,
): Tensor {
  for (const t of inputs) t.storage.use()
  const dtype = op.dtype ? op.dtype(inputs, attrs) : inputs[0].dtype
  fitsMemory(op.name, shape, dtype)
  const out = empty(shape, dtype, passing)
  // An op that mixes dtypes computes in that of its floats.
  const k = kernelsFor(inputs.some((t) => t.dtype === 'float64') ? 'float64' : out.dtype)
  if (op.strided) {
    op.kernel(k, out, inputs, attrs)
    return out
  }
  const ready = inputs.map(dense)
  op.kernel(k, out, ready, attrs)
  ready.forEach((t, i) => {
    if (t !== inputs[i]) t.dispose()
  })
  return out
}

/** Marks a tensor's elements as changed in place, so that a graph which saved them refuses to use them. */
export function touch(t: Tensor): void {
  t.storage.version++
}

/** acc += g, in place. */
export function addInPlace(acc: Tensor, g: Tensor): void {
  kernelsFor(acc.dtype).binary('add', acc.shape, floats(acc), floats(acc), acc.strides, floats(g), g.strides)
  touch(acc)
}
