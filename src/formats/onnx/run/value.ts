// Values that a graph computes with, and what its operations are given: plain loops on plain arrays, to check a graph by, not
// to work with.
import { contiguousStrides, numel } from '../../../tensor/shape.js'
import { type ElementName, elementTypes, type Numbers } from '../elements.js'
import type { Attribute } from '../graph.js'
import type { Fail } from '../wire.js'

/** A tensor with its numbers in a row. */
export interface RunValue {
  type: ElementName
  shape: readonly number[]
  data: Numbers
}

/** One operation's inputs and attributes. */
export interface Call {
  /** undefined where an input is left out. */
  inputs: readonly (RunValue | undefined)[]
  attributes: ReadonlyMap<string, Attribute>
  opset: number
  outputs: number
  /** Names the node. */
  fail: Fail
  /** Counts elements and products before they are made. Fails where the graph asks for more than its input can need. */
  spend(amount: number): void
}

export type Operation = (call: Call) => RunValue | RunValue[]

/** The input of that number, which must be there. */
export function given({ inputs, fail }: Call, i: number): RunValue {
  return inputs[i] ?? fail(`lacks its input ${i}`)
}

/** A tensor of zeros, counted. */
export function made(call: Call, type: ElementName, shape: readonly number[]): RunValue {
  if (!shape.every((d) => Number.isSafeInteger(d) && d >= 0)) call.fail(`asks for the shape [${shape}]`)
  call.spend(shape.reduce((n, d) => n * d, 1))
  return { type, shape, data: elementTypes[type].make(numel(shape)) }
}

/** An attribute that is a number, and what it is where it is not there. */
export function numberOf({ attributes, fail }: Call, name: string, fallback: number): number {
  const value = attributes.get(name) ?? fallback
  return typeof value === 'number' ? value : fail(`has ${name} that is no number`)
}

/** Whole numbers of an attribute, or where newer opsets have them there, of an input. */
export function listOf(call: Call, name: string, input?: number): readonly number[] | undefined {
  const value = input === undefined ? undefined : call.inputs[input]
  if (value !== undefined) return Array.from(value.data)
  const own = call.attributes.get(name)
  if (own === undefined) return undefined
  return Array.isArray(own) ? own : call.fail(`has ${name} that is no list`)
}

/** A dim counted from the front. */
export function dimOf(call: Call, dim: number, rank: number): number {
  const at = dim < 0 ? dim + rank : dim
  return Number.isInteger(at) && at >= 0 && at < rank ? at : call.fail(`has the dim ${dim} of ${rank}`)
}

/** The shape of several that are broadcast together. */
export function broadcast(call: Call, shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map((s) => s.length))
  return Array.from({ length: rank }, (_, d) => {
    const sizes = shapes.map((s) => s[d - rank + s.length] ?? 1)
    const size = sizes.find((n) => n !== 1) ?? 1
    return sizes.every((n) => n === 1 || n === size)
      ? size
      : call.fail(`cannot broadcast ${shapes.join(' and ')}`)
  })
}

/** Steps of a shape that is broadcast to `target`: 0 where it is repeated. */
export function stepsTo(shape: readonly number[], target: readonly number[]): number[] {
  const own = contiguousStrides(shape)
  return target.map((_, d) => {
    const at = d - target.length + shape.length
    return at < 0 || shape[at] === 1 ? 0 : own[at]
  })
}

/** Visits all places of a shape in order, with the place that steps lead to. */
export function walk(
  shape: readonly number[],
  steps: readonly number[],
  visit: (at: number, from: number) => void,
): void {
  const index = new Array<number>(shape.length).fill(0)
  const count = numel(shape)
  for (let at = 0, from = 0; at < count; at++) {
    visit(at, from)
    for (let d = shape.length - 1; d >= 0; d--) {
      from += steps[d]
      if (++index[d] < shape[d]) break
      from -= steps[d] * shape[d]
      index[d] = 0
    }
  }
}
