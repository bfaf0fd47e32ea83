// Backward: from a result to its leaves, newest node first, without recursion. Frees what it no longer needs as it goes.
import { GradError, ShapeError } from '../errors.js'
import { kernelsFor } from '../tensor/backend.js'
import { type Kinds, optionsArg, tensorArg, tensorsArg } from '../tensor/check.js'
import { formatShape, type Shape, sameShape } from '../tensor/shape.js'
import { closeArena, openArena, pressCollector, type Storage } from '../tensor/storage.js'
import { empty, type Tensor } from '../tensor/tensor.js'
import { addInPlace, withRecording } from './graph.js'
import { hasHooks, hooked, keeperOf } from './hooks.js'
import { accumulateRows } from './leafgrad.js'
import { Node, Replay } from './node.js'
import { add } from './ops/elementwise/arithmetic.js'
import { clone } from './ops/elementwise/cast.js'
import { sum } from './ops/reduce.js'
import { reshape } from './ops/shape/views.js'
import type { KernelOp } from './record.js'
import { activeTracer } from './trace.js'

/** Of backward(): what becomes of the graph. */
export interface BackwardOptions {
  /** Record the gradient's own graph, for second derivatives. */
  createGraph?: boolean
  /** Keep the graph for another backward(). Default: createGraph. */
  retainGraph?: boolean
}

/** Of grad(): as backward()'s, the gradient to begin with, and inputs that may be unused. */
export interface GradOptions extends BackwardOptions {
  /** dL/dy; 1 for a single element. */
  gradient?: Tensor
  /** Whether an input that y does not depend on gives null instead of an error. */
  allowUnused?: boolean
}

/** Sums a gradient over the dims along which its input was broadcast. The one place where broadcasting is undone. */
function unbroadcast(g: Tensor, shape: Shape): Tensor {
  if (sameShape(g.shape, shape)) return g
  const lead = g.shape.length - shape.length
  const dims = g.shape.map((_, i) => i).filter((i) => i < lead || (shape[i - lead] === 1 && g.shape[i] !== 1))
  return reshape(dims.length > 0 ? sum(g, dims, { keepdim: true }) : g, shape)
}

/**
 * Gradients on their way. Several may lie on one storage (add hands the same dy to both sides), so each storage that
 * backward itself made is counted, and goes back for reuse when its last gradient has been used.
 */
class Pending {
  readonly #grads = new Map<Node | Tensor, Tensor>()
  readonly #uses = new Map<Storage, number>()
  constructor(readonly createGraph: boolean) {}

  take(to: Node | Tensor): Tensor | undefined {
    const g = this.#grads.get(to)
    this.#grads.delete(to)
    return g
  }

  owns(g: Tensor): boolean {
    return (this.#uses.get(g.storage) ?? 0) > 0
  }

  /** Whether writing into `g` would be seen by nobody else. */
  private(g: Tensor): boolean {
    return this.#uses.get(g.storage) === 1 && g.isContiguous
  }

  /** What was on its way to one node goes to another. */
  hand(to: Node, g: Tensor): void {
    this.#grads.set(to, g)
  }

  /** Whatever is still needed of what lies in an arena that closes. */
  *storages(): Iterable<Storage> {
    yield* this.#uses.keys()
    for (const g of this.#grads.values()) yield g.storage
  }

  /** The gradient after the hooks of its target. Whoever saw it may keep it: it is neither recycled nor written into. */
  hooked(to: Node | Tensor, g: Tensor): Tensor {
    if (!hasHooks(to)) return g
    this.release(g)
    return hooked(to, g)
  }

  add(to: Node | Tensor, g: Tensor): void {
    const acc = this.#grads.get(to)
    if (acc === undefined) {
      this.#grads.set(to, g)
      this.use(g)
    } else if (!this.createGraph && this.private(acc)) {
      addInPlace(acc, g)
    } else {
      const total = add(acc, g)
      this.made(total)
      this.#grads.set(to, total)
      this.use(total)
      this.drop(acc)
    }
  }

  /** Backward made this storage itself: it may be recycled. */
  made(g: Tensor): void {
    if (!this.createGraph && !this.#uses.has(g.storage)) this.#uses.set(g.storage, 0)
  }

  use(g: Tensor): void {
    const n = this.#uses.get(g.storage)
    if (n !== undefined) this.#uses.set(g.storage, n + 1)
  }

  /** One use less; recycled after the last. */
  drop(g: Tensor): void {
    const n = this.#uses.get(g.storage)
    if (n === undefined) return
    if (n > 1) this.#uses.set(g.storage, n - 1)
    else {
      this.#uses.delete(g.storage)
      g.storage.dispose()
    }
  }

  /** Recycles a gradient that was made and is used nowhere: it was added to another in place. */
  sweep(g: Tensor): void {
    if (this.#uses.get(g.storage) !== 0) return
    this.#uses.delete(g.storage)
    g.storage.dispose()
  }

  /** The storage leaves backward's hands: it is never recycled here. */
  release(g: Tensor): void {
    this.#uses.delete(g.storage)
  }
}

/** The nodes after `floor` that `root` was computed from, newest first. */
function reachable(root: Node, floor: number): Node[] {
  const seen = new Set<Node>([root])
  const stack = [root]
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    for (const edge of node.edges) {
      if (edge instanceof Node && edge.id > floor && !seen.has(edge)) {
        seen.add(edge)
        stack.push(edge)
      }
    }
  }
  return [...seen].sort((a, b) => b.id - a.id)
}

/** One node: dy in, the gradients of its inputs out, each of its input's shape. */
function step(node: Node, dy: Tensor, createGraph: boolean): (Tensor | null)[] {
  const { op, attrs, shapes } = node
  if (createGraph && !op.twice) {
    throw new GradError(
      `${op.name} has no second derivative`,
      'Spell it in plain ops, or leave createGraph out',
    )
  }
  const run = (!createGraph && 'fastBackward' in op && op.fastBackward) || op.backward!
  const needs = node.edges.map((e) => e !== null)
  const grads = run({ dy, saved: node.read(), attrs, needs, shapes })
  return grads.map((g, i) => (g !== null && needs[i] ? unbroadcast(g, shapes[i]) : null))
}

/** The same inside an arena of its own: temporaries go back at once, only the gradients come out. */
function stepInArena(node: Node, dy: Tensor, pending: Pending): (Tensor | null)[] {
  openArena()
  const keep: Storage[] = []
  try {
    const grads = step(node, dy, false)
    for (const g of grads) {
      if (g === null || keep.includes(g.storage)) continue
      if (g.storage.inNewestArena) {
        keep.push(g.storage)
        pending.made(g)
      }
    }
    return grads
  } finally {
    closeArena(keep)
  }
}

/** Takes over a node whose only gradient goes to a leaf that it can add to in place. Called when all else is done. */
type Accumulate = (leaf: Tensor, add: (into: Tensor) => Int32Array) => void

/**
 * Walks the graph of `root` and calls `sink` with each leaf's and each wanted node's complete gradient.
 * The engine of backward() and grad().
 */
function walk(
  root: Tensor,
  seed: Tensor,
  { createGraph = false, retainGraph = createGraph }: BackwardOptions,
  sink: (to: Node | Tensor, g: Tensor, pending: Pending) => void,
  accumulate: Accumulate | null = null,
): void {
  const pending = new Pending(createGraph)
  if (!(root.node instanceof Node)) {
    withRecording(createGraph, () => sink(root, pending.hooked(root, seed), pending))
    return
  }
  const leaves = new Set<Tensor>()
  const late: (() => void)[] = []
  const [spent, kept] = [new Set<Storage>(), new Set<Storage>()]
  const lateReads: Storage[] = []
  const tracer = activeTracer()

  const pass = (from: Node, floor: number): void => {
    for (const node of reachable(from, floor)) {
      const arrived = pending.take(node)
      if (arrived === undefined) continue
      const dy = pending.hooked(node, arrived)
      sink(node, dy, pending)
      if (node instanceof Replay) {
        tracer?.passed(node, dy, [])
        replay(node, dy)
        if (!retainGraph) node.pass(spent, kept)
        continue
      }
      const leaf = accumulate === null ? null : inPlaceLeaf(node)
      if (leaf !== null) {
        tracer?.passed(node, dy, [dy])
        const context = { dy, saved: node.read(), attrs: node.attrs }
        for (const t of context.saved) lateReads.push(t.storage)
        late.push(() => {
          accumulate!(leaf, (into) => (node.op as KernelOp<unknown>).accumulate!(context, into))
          pending.drop(dy)
        })
        if (!retainGraph) node.pass(spent, kept)
        continue
      }
      const grads = createGraph ? step(node, dy, true) : stepInArena(node, dy, pending)
      tracer?.passed(node, dy, grads)
      grads.forEach((g, i) => {
        const to = node.edges[i]
        if (g === null || to === null) return
        if (!(to instanceof Node)) leaves.add(to)
        pending.add(to, g)
      })
      for (const g of grads) if (g !== null) pending.sweep(g)
      pending.drop(dy)
      if (!retainGraph) node.pass(spent, kept)
    }
  }

  // The function's own nodes take their turn here, where they would have stood: every sum has the order it would have had.
  const replay = (node: Replay, dy: Tensor): void => {
    node.read()
    const floor = Node.newest
    const run = () => {
      const y = withRecording(true, node.again)
      pending.hand(y.node as Node, dy)
      pass(y.node as Node, floor)
    }
    if (createGraph) {
      run()
      return
    }
    openArena()
    try {
      run()
    } finally {
      closeArena([...pending.storages(), ...lateReads])
    }
  }

  pending.add(root.node, seed)
  const whole = () => {
    pass(root.node as Node, 0)
    for (const leaf of leaves) {
      const g = pending.hooked(leaf, pending.take(leaf) as Tensor)
      sink(leaf, g, pending)
      pending.drop(g)
    }
    for (const run of late) run()
  }
  if (!createGraph) tracer?.walks?.(true)
  try {
    withRecording(createGraph, whole)
  } finally {
    if (!createGraph) tracer?.walks?.(false)
  }
  // In an arena they stay for its end, at no cost; a gradient's own graph still reads them.
  let left = 0
  if (!createGraph) for (const storage of spent) if (!kept.has(storage)) left += storage.leave()
  pressCollector(left)
}

/** The leaf that a node's one gradient goes to, where its op adds to it in place. */
function inPlaceLeaf(node: Node): Tensor | null {
  const [to] = node.edges
  if (!('accumulate' in node.op) || node.op.accumulate === undefined) return null
  return to === null || to instanceof Node || hasHooks(to) ? null : to
}

function seedFor(y: Tensor, gradient: Tensor | undefined): Tensor {
  if (!y.requiresGrad) {
    throw new GradError(
      `backward: the tensor ${formatShape(y.shape)} does not require a gradient`,
      'Make a leaf with { requiresGrad: true }, outside noGrad()',
    )
  }
  if (gradient !== undefined) {
    if (!sameShape(gradient.shape, y.shape)) {
      throw new ShapeError(
        'backward',
        `the gradient is ${formatShape(gradient.shape)}, the tensor ${formatShape(y.shape)}`,
      )
    }
    return gradient
  }
  if (y.numel !== 1) {
    throw new GradError(
      `backward: the tensor has ${y.numel} elements, shape ${formatShape(y.shape)}`,
      'Reduce it with sum() or mean(), or pass the gradient of your loss',
    )
  }
  const seed = empty(y.shape, y.dtype)
  seed.raw[0] = 1
  return seed
}

/** A tensor of the same values on a buffer that nobody else sees. */
function own(g: Tensor): Tensor {
  const out = empty(g.shape, g.dtype)
  kernelsFor(g.dtype).copy(g.shape, out.raw, out.strides, g.raw, g.strides)
  return out
}

/** d y / d leaf is added to `grad` of every leaf that y was computed from. `gradient` is dL/dy; 1 for a single element. */
export function backward(y: Tensor, gradient?: Tensor, options: BackwardOptions = {}): void {
  const toLeaf = (to: Node | Tensor, g: Tensor, pending: Pending) => {
    const leaf = keeperOf(to)
    if (leaf === null) return
    const before = leaf.grad
    if (options.createGraph || (before !== null && !before.isContiguous)) {
      // Never into `before`: a graph may hold it, or its elements lie on one another.
      leaf.grad = before === null ? clone(g) : add(before, g)
    } else if (before !== null) {
      addInPlace(before, g)
      return
    } else {
      // A result's gradient goes on to its inputs as well.
      leaf.grad = to === leaf && pending.private(g) ? g : own(g)
      pending.release(leaf.grad)
    }
    // A gradient lives as long as its leaf: a parameter made outside a step's arena keeps its gradient after it.
    leaf.grad.storage.last()
    leaf.grad.storage.moveTo(leaf.storage.arena)
  }
  walk(y, seedFor(y, gradient), options, toLeaf, options.createGraph ? null : accumulateRows)
}

const gradOptions: Kinds<BackwardOptions & { gradient?: Tensor; allowUnused?: boolean }> = {
  createGraph: 'boolean',
  retainGraph: 'boolean',
  gradient: 'tensor',
  allowUnused: 'boolean',
}

/**
 * The gradients of `y` for `inputs`, without touching any `.grad`. An input that y does not depend on throws GradError,
 * or gives null with allowUnused. `gradient` is dL/dy; 1 for a single element.
 */
export function grad(
  y: Tensor,
  inputs: readonly Tensor[],
  options?: GradOptions & { allowUnused?: false },
): Tensor[]
export function grad(y: Tensor, inputs: readonly Tensor[], options: GradOptions): (Tensor | null)[]
export function grad(y: Tensor, inputs: readonly Tensor[], options: GradOptions = {}): (Tensor | null)[] {
  tensorArg('grad', 'the result', y)
  tensorsArg('grad', 'inputs', inputs)
  optionsArg('grad', options, gradOptions)
  const found = new Map<Node | Tensor, Tensor>()
  const wanted = new Set<Node | Tensor>(inputs.map((t) => (t.node as Node | null) ?? t))
  walk(y, seedFor(y, options.gradient), options, (to, g, pending) => {
    if (!wanted.has(to)) return
    // A copy with its graph: the seed, or the gradient of two inputs, has an owner already.
    found.set(to, options.createGraph ? clone(g) : pending.private(g) ? g : own(g))
    pending.release(g)
  })
  return inputs.map((t, i) => {
    const g = found.get((t.node as Node | null) ?? t)
    if (g === undefined && !options.allowUnused) {
      throw new GradError(
        `grad: the result does not depend on input ${i}, shape ${formatShape(t.shape)}`,
        'Pass { allowUnused: true } to get null for it',
      )
    }
    return g ?? null
  })
}
