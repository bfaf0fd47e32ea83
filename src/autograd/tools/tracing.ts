// What ran inside a function, as data: every op with its value, and the gradients that came back.
import { functionArg, optionsArg } from '../../tensor/check.js'
import type { TypedArray } from '../../tensor/storage.js'
import type { Tensor } from '../../tensor/tensor.js'
import { synchronous } from '../graph.js'
import { Node } from '../node.js'
import { type Tracer, traced } from '../trace.js'
import { type LeafNames, namesOf, Tape, type TapeEdge, type TapeNode } from './tape.js'

/** A tensor that an op read or gave while trace() looked on. */
export interface TracedNode extends TapeNode {
  /** Its elements in row-major order, as they were when it was made or first read: a copy. */
  readonly value: TypedArray
  /**
   * dL/dvalue in row-major order, a copy: what backward() inside the function brought an op's result, several of them added
   * up, and what a leaf's `grad` held at the end. null where none came.
   */
  readonly grad: TypedArray | null
}

/** Gradients pass by nodes, and what has none is its own. */
const origin = (t: Tensor): Node | Tensor => (t.node instanceof Node ? t.node : t)

/** Looks on, and keeps copies. */
class Recorder implements Tracer {
  readonly #known = new Map<Node | Tensor, number>()
  readonly #order: (Node | Tensor)[] = []
  readonly #facts: Omit<TracedNode, 'grad'>[] = []
  readonly #edges: TapeEdge[] = []
  readonly #grads = new Map<number, TypedArray>()
  /** Results in the order in which backward passed them. */
  readonly #passed = new Set<number>()
  #walking = false

  constructor(readonly names: ReadonlyMap<Tensor, string>) {}

  #note(t: Tensor, op: string): number {
    const id = this.#facts.length
    const { shape, dtype, requiresGrad, data: value } = t
    const name = this.names.get(t)
    this.#known.set(origin(t), id)
    this.#order.push(origin(t))
    this.#facts.push({ id, op, shape, dtype, requiresGrad, value, ...(name === undefined ? {} : { name }) })
    return id
  }

  made(): void {}
  named(): void {}

  walks(on: boolean): void {
    this.#walking = on
  }

  ran(op: string, inputs: readonly Tensor[], out: Tensor): void {
    if (this.#walking) return
    const from = inputs.map((t) => this.#known.get(origin(t)) ?? this.#note(t, 'leaf'))
    const to = this.#note(out, op)
    for (const [input, id] of from.entries()) this.#edges.push({ from: id, to, input })
  }

  passed(node: Node, dy: Tensor): void {
    const id = this.#known.get(node)
    if (id === undefined) return
    this.#passed.add(id)
    const before = this.#grads.get(id)
    this.#grads.set(id, before === undefined ? dy.data : before.map((x, i) => x + dy.elements[i]))
  }

  /** Results as backward passed them, each leaf right behind the last of those that read it. */
  #back(): number[] {
    const place = new Map([...this.#passed].map((id, i) => [id, i]))
    const late = new Map<number, number[]>()
    for (const id of this.#grads.keys()) {
      if (place.has(id)) continue
      const readers = this.#edges.filter(({ from }) => from === id).map(({ to }) => place.get(to) ?? -1)
      const at = Math.max(-1, ...readers)
      late.set(at, [...(late.get(at) ?? []), id])
    }
    return [...this.#passed].flatMap((id, i) => [id, ...(late.get(i) ?? [])])
  }

  end<T>(result: T): Trace<T> {
    for (const [id, it] of this.#order.entries())
      if (!(it instanceof Node) && it.grad !== null) this.#grads.set(id, it.grad.data)
    const nodes = this.#facts.map((it) => ({ ...it, grad: this.#grads.get(it.id) ?? null }))
    const places = new WeakMap<object, number>(this.#order.map((it, id) => [it, id]))
    return new Trace(
      result,
      nodes,
      this.#edges,
      this.#back().map((id) => nodes[id]),
      (t) => places.get(origin(t)),
    )
  }
}

/** What trace() gives: a tape of all that ran. */
export class Trace<T> extends Tape<TracedNode> {
  readonly #place: (t: Tensor) => number | undefined

  /** As trace() makes it. */
  constructor(
    /** What the function returned. */
    readonly result: T,
    nodes: readonly TracedNode[],
    edges: readonly TapeEdge[],
    /** The way back: the nodes that a gradient came to, in the order in which they had theirs complete. */
    readonly back: readonly TracedNode[],
    place: (t: Tensor) => number | undefined,
  ) {
    super(nodes, edges)
    this.#place = place
  }

  /** The node of a tensor, also of one that is disposed of by now; null where no op read or gave it. */
  nodeOf(t: Tensor): TracedNode | null {
    const at = this.#place(t)
    return at === undefined ? null : this.nodes[at]
  }
}

/**
 * Runs `fn` and gives what ran as data: `nodes` is the way forward, ops in the order in which they ran, each behind what it
 * read, and `back` the way of the gradients, if `fn` calls backward(). Every node has its op, shape, value and gradient, also
 * those without a gradient, also results that keep none of theirs. Composites show as the ops in them, checkpoint() as one
 * node; what the optimizer writes in place is no op. `names`: a module, or leaves by name.
 * Values are copies: meant for one step of a small model. Throws GradError where `fn` returns a promise.
 */
export function trace<T>(fn: () => T, options: { names?: LeafNames } = {}): Trace<T> {
  functionArg('trace', 'the function', fn)
  const { names = {} } = optionsArg('trace', options, { names: 'any' })
  const recorder = new Recorder(namesOf('trace', names))
  return recorder.end(traced(recorder, '', () => synchronous('trace', fn())))
}
