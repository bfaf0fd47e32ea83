// Ops of one's own. defineOp takes a whole record, as every op of ours is; customFunction two functions, forward and backward.
import { ArgumentError, DTypeError, GradError, got, ShapeError, TinystillError } from '../../errors.js'
import { functionArg } from '../../tensor/check.js'
import { formatShape, sameShape } from '../../tensor/shape.js'
import type { TypedArray } from '../../tensor/storage.js'
import { type NestedArray, Tensor } from '../../tensor/tensor.js'
import { tensor } from '../create.js'
import { isRecording, noGrad, synchronous } from '../graph.js'
import { Node } from '../node.js'
import { isDefined, makeOp, type Op } from '../op.js'
import type { BackwardContext, OpRecord, Takes, ViewOp } from '../record.js'
import { activeTracer } from '../trace.js'

const owed = ['name', 'doc', 'math', 'takes', 'shape', 'samples', 'errors', 'edge', 'twice'] as const

const kinds: readonly Takes[] = ['float', 'int', 'number', 'any']

/**
 * An op of one's own from a whole record: shape rule, kernel (or view, or composite of other ops), backward, samples,
 * errors, edge cases. Call it as op(inputs, attrs); hold it to its samples with checkOp(op). A kernel gets contiguous
 * inputs, reads them by `elements` and writes all of `out.raw`.
 * Throws TinystillError where the name is that of an op of tinystill, or the record lacks something.
 */
export function defineOwnOp<A>(record: OpRecord<A>): Op<A> {
  requireObject('defineOp', 'the record', record)
  const missing = owed.filter((field) => !(field in record))
  const ways = ['kernel', 'view', 'composite'].filter((way) => way in record)
  if (missing.length > 0)
    throw new TinystillError(`defineOp: the record of ${nameOf(record.name)} lacks ${missing.join(', ')}`)
  if (ways.length !== 1) {
    throw new TinystillError(
      `defineOp: ${nameOf(record.name)} must have one of kernel, view and composite, it has ${ways.join(' and ') || 'none'}`,
    )
  }
  if (!('composite' in record) && (record.save === undefined || record.backward === undefined)) {
    throw new TinystillError(
      `defineOp: the record of ${nameOf(record.name)} lacks save or backward`,
      'An op without a gradient says so: save: () => [], backward: null',
    )
  }
  mustBeNew('defineOp', record.name)
  for (const field of ['shape', 'samples', 'errors', 'edge', ...ways] as const)
    functionArg('defineOp', `${field} of ${record.name}`, record[field as keyof OpRecord<A>])
  const { takes } = record
  if (!Array.isArray(takes) || takes.length === 0 || !takes.every((t) => kinds.includes(t)))
    throw new ArgumentError(
      'defineOp',
      `takes of ${record.name} must be a list of ${kinds.join(', ')}, got ${got(takes)}`,
    )
  return makeOp(record)
}

const nameOf = (name: unknown) => (typeof name === 'string' ? name : 'an op')

function requireObject(who: string, what: string, value: unknown): void {
  if (typeof value !== 'object' || value === null)
    throw new ArgumentError(who, `${what} must be an object, got ${got(value)}`)
}

function mustBeNew(who: string, name: string): void {
  if (typeof name !== 'string' || name === '')
    throw new TinystillError(`${who}: an op needs a name, got ${got(name)}`)
  if (isDefined(name))
    throw new TinystillError(
      `${who}: tinystill has an op named ${name}`,
      `Name yours otherwise, as 'my.${name}'`,
    )
}

/** What forward and backward of a custom function share in one call. */
export interface CustomContext<A> {
  readonly attrs: A
  /** Keeps tensors for backward: inputs, the result, or what forward computed. */
  save(...tensors: Tensor[]): void
  /** In backward: what was saved, in order. */
  readonly saved: readonly Tensor[]
  /** Which inputs want a gradient; null may be returned for the others. */
  readonly needs: readonly boolean[]
}

/** A tensor, or numbers in the shape of what they stand for. */
type Numbers = Tensor | TypedArray | NestedArray

/** An op of one's own in two functions, as customFunction() takes it. */
export interface CustomFunction<A> {
  /** Stands in errors, and in graph(). */
  name: string
  /** Computes the result, without a graph: by tensors, or as numbers of the first input's shape and dtype. */
  forward(context: CustomContext<A>, inputs: readonly Tensor[], attrs: A): Tensor | TypedArray | NestedArray
  /** The gradient of each input out of that of the result: of the input's shape and dtype, or null for none. */
  backward(context: CustomContext<A>, dy: Tensor): Tensor | readonly (Tensor | TypedArray | null)[]
}

interface Call<A> {
  attrs: A
  inputs: readonly Tensor[]
  /** Whether all that was saved is an input or the result: their history is in the graph, that of others is not. */
  traceable: boolean
}

/** As a tensor like `like`: typed arrays and nested arrays take its dtype, flat ones its shape too. */
function asTensor(who: string, x: Numbers, like: Tensor): Tensor {
  if (x instanceof Tensor) return x
  const flat = ArrayBuffer.isView(x) || (Array.isArray(x) && typeof x[0] === 'number')
  if (flat && (x as TypedArray).length !== like.numel)
    throw new ShapeError(who, `${(x as TypedArray).length} numbers do not fill ${formatShape(like.shape)}`)
  const shape = flat ? { shape: like.shape } : {}
  const values = ArrayBuffer.isView(x) ? Float64Array.from(x as TypedArray) : (x as NestedArray)
  return tensor(values, { dtype: like.dtype, ...shape })
}

/**
 * A function with a gradient of one's own, as torch.autograd.Function: call what it gives as f(inputs, attrs). Written in
 * ops, backward can be differentiated again, where all that forward saved is inputs and the result. For an op that is to
 * be checked thoroughly, see defineOp and checkOp; gradcheck() takes this one.
 *
 *     const cube = customFunction({
 *       name: 'cube',
 *       forward(context, [x]) { context.save(x); return x.mul(x).mul(x) },
 *       backward({ saved: [x] }, dy) { return [dy.mul(x).mul(x).mul(3)] },
 *     })
 *     cube([tensor([2], { requiresGrad: true })]).backward()
 *
 * What backward gives is checked: ShapeError, DTypeError and GradError name the function and the input.
 */
export function customFunction<A = undefined>(
  f: CustomFunction<A>,
): (inputs: readonly Tensor[], ...attrs: undefined extends A ? [attrs?: A] : [attrs: A]) => Tensor {
  requireObject('customFunction', 'what it is made of', f)
  const { name } = f
  if (typeof f.forward !== 'function' || typeof f.backward !== 'function')
    throw new TinystillError(`customFunction: ${nameOf(name)} needs the functions forward and backward`)
  mustBeNew('customFunction', name)
  const record: ViewOp<unknown> = {
    name,
    doc: 'A function of the user.',
    math: 'y = f(x)',
    takes: ['any'],
    shape: ([x]) => x,
    view: (x) => x,
    save: () => [],
    backward: (context) => gradientsOf(f, context as BackwardContext<Call<A>>),
    twice: true,
    samples: () => [],
    errors: () => [],
    edge: () => [],
  }
  return (inputs, ...rest) => run(f, record, inputs, rest[0] as A)
}

function run<A>(f: CustomFunction<A>, record: ViewOp<unknown>, inputs: readonly Tensor[], attrs: A): Tensor {
  const { name } = f
  if (!Array.isArray(inputs) || inputs.length === 0 || inputs.some((t) => !(t instanceof Tensor)))
    throw new TinystillError(`${name}: takes an array of tensors`, `Call it as ${name}([x])`)
  const saved: Tensor[] = []
  const needs = inputs.map((t) => t.requiresGrad)
  const context: CustomContext<A> = { attrs, saved, needs, save: (...ts) => void saved.push(...ts) }
  const given: unknown = noGrad(() => synchronous(name, f.forward(context, inputs, attrs)))
  const isNumbers = typeof given === 'number' || Array.isArray(given) || ArrayBuffer.isView(given)
  if (!(given instanceof Tensor) && !isNumbers)
    throw new TinystillError(`${name}: forward must return a tensor or numbers, got ${typeof given}`)
  let out = asTensor(name, given as Numbers, inputs.find((t) => t.dtype !== 'int32') ?? inputs[0])
  // An input handed through is another tensor than the result: only that leads back here.
  if (inputs.includes(out) || out.node !== null || out.requiresGrad) out = out.viewAs(out.shape, out.strides)
  if (isRecording() && out.dtype !== 'int32' && needs.includes(true)) {
    const traceable = saved.every((t) => inputs.includes(t) || t === given)
    const call: Call<A> = { attrs, inputs, traceable }
    out.node = new Node(
      record,
      call,
      inputs,
      saved.map((t) => (t === given ? out : t)),
    )
  }
  activeTracer()?.ran(name, inputs, out)
  return out
}

function gradientsOf<A>(f: CustomFunction<A>, { dy, saved, attrs: call, needs }: BackwardContext<Call<A>>) {
  const { name } = f
  const again = isRecording()
  if (again && !call.traceable) {
    throw new GradError(
      `${name} has no second derivative: forward saved a tensor that is neither an input nor the result`,
      'Save inputs and compute the rest in backward, or leave createGraph out',
    )
  }
  const save = () => {
    throw new GradError(`${name}: save() is for forward`)
  }
  const given: unknown = synchronous(name, f.backward({ attrs: call.attrs, saved, needs, save }, dy))
  const grads = given instanceof Tensor && call.inputs.length === 1 ? [given] : given
  if (!Array.isArray(grads) || grads.length !== call.inputs.length) {
    const got = Array.isArray(grads) ? `${grads.length}` : grads instanceof Tensor ? 'one' : typeof grads
    throw new GradError(
      `${name}: backward must return ${call.inputs.length} gradients, one for each input, got ${got}`,
      'Return an array, with null where an input has none',
    )
  }
  return grads.map((g: Tensor | TypedArray | null | undefined, i) => {
    if (g === null || g === undefined || !needs[i]) return null
    return checked(name, g, call.inputs[i], i, dy, again)
  })
}

function checked(
  name: string,
  g: Tensor | TypedArray,
  x: Tensor,
  i: number,
  dy: Tensor,
  again: boolean,
): Tensor {
  if (!(g instanceof Tensor) && !ArrayBuffer.isView(g))
    throw new GradError(
      `${name}: backward gave ${typeof g} for input ${i}`,
      'Give a tensor, a typed array or null',
    )
  if (g instanceof Tensor) {
    if (!sameShape(g.shape, x.shape))
      throw new ShapeError(
        name,
        `backward gave ${formatShape(g.shape)} for input ${i}, which is ${formatShape(x.shape)}`,
      )
    if (g.dtype !== x.dtype)
      throw new DTypeError(name, `backward gave ${g.dtype} for input ${i}, which is ${x.dtype}`)
  }
  const t = g instanceof Tensor ? g : asTensor(`${name}: the gradient of input ${i}`, g, x)
  // A gradient is linear in dy: one that forgot where dy came from was computed outside the graph.
  if (again && dy.requiresGrad && !t.requiresGrad) {
    throw new GradError(
      `${name} has no second derivative: backward computed the gradient of input ${i} outside the graph`,
      'Write backward in ops of tensors, or leave createGraph out',
    )
  }
  return t
}
