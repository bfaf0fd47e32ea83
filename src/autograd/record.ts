// What is known of an op, as a type: shape rule, kernel or view, both spellings of its backward, samples, errors, edges.
import type { Kernels } from '../tensor/kernels.js'
import type { Shape } from '../tensor/shape.js'
import type { DType } from '../tensor/storage.js'
import type { Tensor } from '../tensor/tensor.js'
import type { EdgeCase, ErrorCase, Sample } from './samples.js'

/** What an input must be. Inputs of 'float' agree in dtype, and so do those of 'number': float32, float64 or int32. */
export type Takes = 'float' | 'int' | 'number' | 'any'

/** What an op's backward is given. */
export interface BackwardContext<A> {
  /** The gradient of the output, of its shape. */
  dy: Tensor
  saved: readonly Tensor[]
  attrs: A
  /** Which inputs want a gradient; null may be returned for the others. */
  needs: readonly boolean[]
  /** The inputs' shapes. A gradient that is still broadcast is summed to its input's shape by the engine. */
  shapes: readonly Shape[]
}

/** An op's gradient in ops: of dy and what was saved, one for each input, or null. */
export type Backward<A> = (context: BackwardContext<A>) => (Tensor | null)[]

interface Described<A> {
  readonly name: string
  /** One sentence. */
  readonly doc: string
  /** LaTeX: forward, then backward. */
  readonly math: string
  /** One entry an input, in order; the last repeats. */
  readonly takes: readonly Takes[]
  /** The output's shape, from shapes alone. Throws ShapeError; runs before any kernel. */
  readonly shape: (inputs: readonly Shape[], attrs: A) => Shape
  /** Inputs that exercise the op. Each is checked in a dozen ways, see test/ops. */
  readonly samples: () => Sample<A>[]
  /** Inputs that must throw, with the class and the text. */
  readonly errors: () => ErrorCase<A>[]
  /** NaN, infinities, signed zero, empty and masked rows, with the exact expected result. */
  readonly edge: () => EdgeCase<A>[]
  /**
   * What the gradient is the derivative of, where that is not the op: rounding is flat, and lets its gradient straight through.
   * A function of the inputs; `at` is where they stand, for what counts as a constant. The suite holds the gradient to its
   * differences, and second derivatives to those of the gradient. Bengio et al. 2013, section 4.
   */
  readonly surrogate?: (inputs: readonly Tensor[], attrs: A, at: readonly Tensor[]) => Tensor
  /** A float32 result lies within k * 2^-24 of the float64 one, relative to the largest element. Default 16. */
  readonly k?: number
}

interface Differentiable<A> {
  /** What backward reads, of the inputs and the output. */
  readonly save: (inputs: readonly Tensor[], output: Tensor, attrs: A) => Tensor[]
  /** Written in ops, so it can be differentiated again. null: the op has no gradient. */
  readonly backward: Backward<A> | null
  /** The same, fused, on raw kernels: taken when no graph of the gradient is wanted. Held to `backward` by the suite. */
  readonly fastBackward?: Backward<A>
  /**
   * The gradient of input 0 where that is a leaf, added in place to `into`: for one that touches few rows. Gives those
   * rows. Held to `backward` by the suite.
   */
  readonly accumulate?: (
    context: Pick<BackwardContext<A>, 'dy' | 'saved' | 'attrs'>,
    into: Tensor,
  ) => Int32Array
  /** Whether second derivatives are right and tested. */
  readonly twice: boolean
}

/** An op with a kernel. Inputs arrive contiguous unless `strided`. */
export interface KernelOp<A> extends Described<A>, Differentiable<A> {
  readonly kernel: (k: Kernels, out: Tensor, inputs: readonly Tensor[], attrs: A) => void
  readonly strided?: true
  /** The output's dtype where it is not the inputs' own. */
  readonly dtype?: (inputs: readonly Tensor[], attrs: A) => DType
  /** The same forward in plain ops. The suite holds the kernel and its gradient to it. */
  readonly plain?: (inputs: readonly Tensor[], attrs: A) => Tensor
}

/** An op that only looks at the same memory in another way. */
export interface ViewOp<A> extends Described<A>, Differentiable<A> {
  readonly view: (x: Tensor, attrs: A, shape: Shape) => Tensor
}

/** A function of other ops: no kernel and no backward of its own. */
export interface CompositeOp<A> extends Described<A> {
  readonly composite: (inputs: readonly Tensor[], attrs: A) => Tensor
  readonly twice: boolean
}

/** All that is known of an op: it has a kernel, is a view, or is made of other ops. */
export type OpRecord<A> = KernelOp<A> | ViewOp<A> | CompositeOp<A>
