// Somebody may look on while ops run: at what they give, at their gradients, and at the place each stands in. As a rule
// nobody does, and that costs one comparison an op.
import type { Tensor } from '../tensor/tensor.js'
import type { Node } from './node.js'

export interface Tracer {
  /** A tensor was made from numbers. */
  made(t: Tensor): void
  /** What a leaf is called. */
  named(t: Tensor, name: string): void
  /** An op ran; `out` has its node already. Composites are not told of, only the ops in them. */
  ran(op: string, inputs: readonly Tensor[], out: Tensor): void
  /** A node's backward ran: `dy` in, a gradient for each of its edges out. */
  passed(node: Node, dy: Tensor, grads: readonly (Tensor | null)[]): void
  /** Backward begins, or is over: the ops that run in between compute gradients, and no graph has them. */
  walks?(on: boolean): void
}

let tracer: Tracer | null = null
let where = ''

export function activeTracer(): Tracer | null {
  return tracer
}

/** Where the ops that run now stand: 'encoder.0.attention', 'the loss'. */
export function place(): string {
  return where
}

function withTracer<T>(on: Tracer | null, name: string, fn: () => T): T {
  const before = { tracer, where }
  tracer = on
  where = name
  try {
    return fn()
  } finally {
    tracer = before.tracer
    where = before.where
  }
}

/** Runs `fn` while `by` looks on. What stands nowhere else is at `name`. */
export function traced<T>(by: Tracer, name: string, fn: () => T): T {
  return withTracer(by, name, fn)
}

/** Runs `fn` while nobody looks on: what an op's own kernel makes use of is no step of anybody's. */
export function unseen<T>(fn: () => T): T {
  return withTracer(null, where, fn)
}

/** Names the place of what runs inside, for whoever looks on. */
export function within<T>(name: string, fn: () => T): T {
  return tracer === null ? fn() : withTracer(tracer, name, fn)
}
