// What an op that ran leaves behind for backward: its saved tensors, and where each input came from.
import { GradError } from '../errors.js'
import { formatShape, type Shape } from '../tensor/shape.js'
import type { DType, Storage } from '../tensor/storage.js'
import type { GraphNode, Tensor } from '../tensor/tensor.js'
import type { KernelOp, ViewOp } from './record.js'

/** An op that ran: what its backward needs, and where each input came from. */
export class Node implements GraphNode {
  static #last = 0
  /** The id of the newest node: those made later have larger ones. */
  static get newest(): number {
    return Node.#last
  }

  /** Ids only grow, so an input's node is always older: descending ids are a topological order. */
  readonly id = ++Node.#last
  readonly name: string
  /** For each input: the node that made it, the leaf that it is, or null where no gradient goes. */
  readonly edges: readonly (Node | Tensor | null)[]
  readonly shapes: readonly Shape[]
  /** What its op wrote, views of it left out: nobody else's, and let go once backward has passed. */
  made: Storage | null = null
  /** Of the float inputs, which agree in it. */
  readonly dtype: DType
  readonly #versions: number[]

  constructor(
    readonly op: KernelOp<unknown> | ViewOp<unknown>,
    readonly attrs: unknown,
    inputs: readonly Tensor[],
    /** Freed once backward has passed. */
    public saved: readonly Tensor[] | null,
  ) {
    this.name = op.name
    this.edges = inputs.map((t) => (t.node as Node | null) ?? (t.requiresGrad ? t : null))
    this.shapes = inputs.map((t) => t.shape)
    this.dtype = (inputs.find((t) => t.dtype !== 'int32') ?? inputs[0])?.dtype ?? 'float32'
    this.#versions = (saved ?? []).map((t) => t.storage.version)
  }

  /** Backward has passed and will not come again. What it read and wrote goes to `spent`, the leaves to `kept`. */
  pass(spent: Set<Storage>, kept: Set<Storage>): void {
    if (this.made !== null) spent.add(this.made)
    for (const t of this.saved ?? []) spent.add(t.storage)
    for (const edge of this.edges) if (edge !== null && !(edge instanceof Node)) kept.add(edge.storage)
    this.saved = null
    this.made = null
  }

  /** The saved tensors, or an error that says why they cannot be used any more. */
  read(): readonly Tensor[] {
    if (this.saved === null) {
      throw new GradError(
        `${this.name}: the graph has been freed by an earlier backward()`,
        'Pass { retainGraph: true } to the first one',
      )
    }
    this.saved.forEach((t, i) => {
      if (t.storage.version !== this.#versions[i]) {
        throw new GradError(
          `${this.name}: a tensor ${formatShape(t.shape)} that its gradient needs was changed in place after the forward pass`,
          'Call backward() before the optimizer steps, or clone() the tensor first',
        )
      }
    })
    return this.saved
  }
}

/** A whole function that ran once and whose graph was forgotten: backward runs it again and walks what that leaves. */
export class Replay extends Node {
  override readonly edges: readonly (Node | Tensor)[]
  override readonly shapes: readonly Shape[]
  override readonly dtype: DType

  constructor(
    op: ViewOp<unknown>,
    /** What the function's graph leads to outside of it, with the shapes of the gradients that go there. */
    outside: ReadonlyMap<Node | Tensor, Shape>,
    saved: readonly Tensor[],
    readonly again: () => Tensor,
    dtype: DType,
  ) {
    super(op, null, [], saved)
    this.edges = [...outside.keys()]
    this.shapes = [...outside.values()]
    this.dtype = dtype
  }
}
