// One op, one record: everything that is known of an op stands in one place, and one test suite walks all records.
import type { Tensor } from '../tensor/tensor.js'
import { apply } from './graph.js'
import type { OpRecord } from './record.js'

/** An op ready to be called, with its record beside it. */
export interface Op<A> {
  (inputs: readonly Tensor[], attrs: A): Tensor
  readonly record: OpRecord<A>
}

/** An op whose attributes are known only to itself: what a walk over all records sees. */
export type AnyOp = Op<unknown>

const registry = new Map<string, AnyOp>()

/** The only way to make an op. Its type makes every field compulsory: an op without samples does not compile. */
export function defineOp<A>(record: OpRecord<A>): Op<A> {
  if (registry.has(record.name)) throw new Error(`two ops are named ${record.name}`)
  const op = makeOp(record)
  registry.set(record.name, op as unknown as AnyOp)
  return op
}

/** An op outside the registry: for tests that plant mistakes. */
export function makeOp<A>(record: OpRecord<A>): Op<A> {
  return Object.assign((inputs: readonly Tensor[], attrs: A) => apply(record, inputs, attrs), { record })
}

/** All ops, by name. */
export function allOps(): AnyOp[] {
  return [...registry.values()]
}

/** Whether one of ours has this name. */
export function isDefined(name: string): boolean {
  return registry.has(name)
}
