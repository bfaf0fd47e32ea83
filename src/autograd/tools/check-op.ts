// The standard suite: everything that must hold for an op, read off its record. Throws at the first thing that does not.
// It needs no test runner: the project's own tests and those of ops made elsewhere rest on it.
import { ArgumentError, GradError, got, TinystillError } from '../../errors.js'
import { type Kinds, optionsArg } from '../../tensor/check.js'
import { fold, type Key, keyOf } from '../../tensor/rng.js'
import { sameShape } from '../../tensor/shape.js'
import type { DType, TypedArray } from '../../tensor/storage.js'
import { memory } from '../../tensor/storage.js'
import type { Tensor } from '../../tensor/tensor.js'
import { backward, grad } from '../backward.js'
import { gradcheck } from '../gradcheck.js'
import { dense } from '../graph.js'
import { touchedRows } from '../leafgrad.js'
import type { Op } from '../op.js'
import { mul } from '../ops/elementwise/arithmetic.js'
import { sum } from '../ops/reduce.js'
import { materialize, type Sample } from '../samples.js'
import { tidy } from '../tidy.js'

/** What checkOp() found to hold. */
export interface OpReport {
  name: string
  /** How many samples, errors and edge cases of the record were tried. */
  samples: number
  errors: number
  edges: number
  /** Whether first, and second, derivatives were held to finite differences. */
  derivatives: 'none' | 'first' | 'second'
  /** Worst relative gradient error in float64, first and second derivatives. */
  error: number
}

/** Of checkOp(). */
export interface CheckOptions {
  /** Of the samples' values: any whole number. Default 1. */
  seed?: number
  /** Whether gradients are held to finite differences, in float64. Default true. */
  derivatives?: boolean
  /** The largest error of a gradient, relative to max(1, largest gradient). Default 1e-8. */
  tolerance?: number
}

const checkOptions: Kinds<CheckOptions> = { seed: 'whole', derivatives: 'boolean', tolerance: 'number' }

/** What an op breaks: names the op, what does not hold, and the sample. */
export class OpCheckError extends TinystillError {}

function fail(name: string, what: string, sample: Sample<unknown>): never {
  throw new OpCheckError(`${name}: ${what}, sample ${JSON.stringify(sample)}`)
}

function inputsOf(sample: Sample<unknown>, key: Key, dtype: DType, requiresGrad = false): Tensor[] {
  return sample.inputs.map((spec, i) => {
    const t = materialize(spec, fold(key, i), dtype)
    if (requiresGrad && t.dtype !== 'int32' && !sample.held?.includes(i)) t.requiresGrad = true
    return t
  })
}

function sameBits(a: TypedArray, b: TypedArray): boolean {
  return a.length === b.length && a.every((x, i) => Object.is(x, b[i]))
}

function near(a: TypedArray, b: TypedArray, bar: number): boolean {
  const scale = Array.from(b).reduce((m, x) => Math.max(m, Math.abs(x)), 1e-30)
  return a.length === b.length && a.every((x, i) => Object.is(x, b[i]) || Math.abs(x - b[i]) <= bar * scale)
}

const floatInputs = (sample: Sample<unknown>, ts: readonly Tensor[]) =>
  ts.map((_, i) => i).filter((i) => ts[i].dtype !== 'int32' && !sample.held?.includes(i))

/** Gradients of a weighted sum of the output; null where the op passes none. */
function gradients(
  op: Op<unknown>,
  sample: Sample<unknown>,
  inputs: Tensor[],
  createGraph = false,
): (TypedArray | null)[] {
  const y = op(inputs, sample.attrs)
  if (!y.requiresGrad) return []
  const w = materialize({ shape: y.shape }, keyOf(99), y.dtype)
  const gs = grad(
    sum(mul(y, w)),
    floatInputs(sample, inputs).map((i) => inputs[i]),
    { createGraph, allowUnused: true },
  )
  return gs.map((g) => (g === null ? null : g.data.slice()))
}

function differentiable(op: Op<unknown>): boolean {
  return 'composite' in op.record || op.record.backward !== null
}

/** Finite differences of one sample, and the op's name in what they find. */
function differences(op: Op<unknown>, sample: Sample<unknown>, x64: Tensor[], tolerance: number): number {
  const { twice, surrogate } = op.record
  const { attrs } = sample
  try {
    const wrt = floatInputs(sample, x64)
    const moved = surrogate && { surrogate: (...ts: Tensor[]) => surrogate(ts, attrs, x64) }
    return wrt.length === 0
      ? 0
      : gradcheck((...ts) => op(ts, attrs), x64, { twice, wrt, tolerance, ...moved }).error
  } catch (error) {
    if (error instanceof GradError) fail(op.record.name, error.message, sample)
    throw error
  }
}

function checkSample(
  op: Op<unknown>,
  sample: Sample<unknown>,
  key: Key,
  { derivatives = true, tolerance = 1e-8 }: CheckOptions,
): number {
  const { record } = op
  const { name } = record
  const x64 = inputsOf(sample, key, 'float64')
  const x32 = inputsOf(sample, key, 'float32')
  const y64 = op(x64, sample.attrs)
  const shape = record.shape(
    x64.map((t) => t.shape),
    sample.attrs,
  )
  if (!sameShape(shape, y64.shape))
    fail(name, `the shape rule says [${shape}], the result is [${y64.shape}]`, sample)

  const before = x32.map((t) => t.data.slice())
  const y32 = op(x32, sample.attrs)
  if (!near(y32.data, y64.data, (record.k ?? 16) * 2 ** -24))
    fail(name, `float32 ${y32} is not near float64 ${y64}`, sample)
  if (!sameBits(op(x32, sample.attrs).data, y32.data)) fail(name, 'two runs differ', sample)
  if (!sameBits(op(x32.map(dense), sample.attrs).data, y32.data))
    fail(name, 'views and contiguous inputs differ', sample)
  if (x32.some((t, i) => !sameBits(t.data, before[i]))) fail(name, 'an input was changed', sample)
  if ('plain' in record && record.plain && !near(y64.data, record.plain(x64, sample.attrs).data, 1e-12)) {
    fail(name, 'the kernel and the plain spelling differ', sample)
  }

  if (!differentiable(op)) {
    if (op(inputsOf(sample, key, 'float64', true), sample.attrs).requiresGrad)
      fail(name, 'claims no gradient, records one', sample)
    return 0
  }
  const fast = gradients(op, sample, inputsOf(sample, key, 'float64', true))
  const again = gradients(op, sample, inputsOf(sample, key, 'float64', true))
  if (fast.some((g, i) => g !== null && !sameBits(g, again[i]!)))
    fail(name, 'two backward runs differ', sample)
  if (record.twice) {
    const plain = gradients(op, sample, inputsOf(sample, key, 'float64', true), true)
    fast.forEach((g, i) => {
      if ((g === null) !== (plain[i] === null) || (g && !near(g, plain[i]!, 1e-12)))
        fail(name, 'fused and plain gradients differ', sample)
    })
  }
  const g32 = gradients(op, sample, inputsOf(sample, key, 'float32', true))
  fast.forEach((g, i) => {
    if (g && !near(g32[i]!, g, 8 * (record.k ?? 16) * 2 ** -24))
      fail(name, 'float32 gradients are not near float64', sample)
  })
  const error = derivatives ? differences(op, sample, x64, tolerance) : 0
  if ('accumulate' in record && record.accumulate !== undefined)
    checkAccumulate(op, sample, key, fast[0] as TypedArray)
  return error
}

/** Backward twice into one leaf gives twice the gradient, and zeros in all rows that were not named. */
function checkAccumulate(op: Op<unknown>, sample: Sample<unknown>, key: Key, once: TypedArray): void {
  const inputs = inputsOf(sample, key, 'float64', true)
  for (let i = 0; i < 2; i++) {
    const y = op(inputs, sample.attrs)
    backward(sum(mul(y, materialize({ shape: y.shape }, keyOf(99), y.dtype))))
  }
  const [leaf] = inputs
  const rows = touchedRows(leaf)
  const { data, strides } = leaf.leafGrad!.tensor
  const twice = once.map((x) => 2 * x)
  if (rows === null || !near(data, twice, 1e-12))
    fail(op.record.name, 'accumulated in place, it differs', sample)
  if (data.some((x, i) => x !== 0 && !rows.includes(Math.floor(i / strides[0]))))
    fail(op.record.name, 'a row that was not named is not zero', sample)
}

function checkErrors(op: Op<unknown>): void {
  for (const c of op.record.errors()) {
    let thrown: unknown = null
    try {
      op(inputsOf(c, keyOf(1), 'float32'), c.attrs)
    } catch (e) {
      thrown = e
    }
    if (!(thrown instanceof c.error)) fail(op.record.name, `expected ${c.error.name}, got ${thrown}`, c)
    if (thrown.message !== c.text)
      fail(op.record.name, `expected the text "${c.text}", got "${thrown.message}"`, c)
  }
}

function checkEdges(op: Op<unknown>): void {
  for (const c of op.record.edge()) {
    for (const dtype of ['float32', 'float64'] as const) {
      const xs = inputsOf(c, keyOf(1), dtype, true)
      const y = op(xs, c.attrs)
      const bar = dtype === 'float32' ? 2 ** -23 : 1e-15
      const want = [c.out].flat(9) as number[]
      if (!near(y.data, Float64Array.from(want), bar)) fail(op.record.name, `expected [${want}], got ${y}`, c)
      if (!c.grads) continue
      backward(sum(y))
      c.grads.forEach((g, i) => {
        const expected = [g ?? []].flat(9) as number[]
        if (g !== null && !near(xs[i].grad!.data, Float64Array.from(expected), bar)) {
          fail(op.record.name, `expected the gradient [${expected}], got ${xs[i].grad}`, c)
        }
      })
    }
  }
}

/** Forward and backward inside tidy leave no buffer behind. */
function checkMemory(op: Op<unknown>, key: Key): void {
  const before = memory().buffers
  for (const sample of op.record.samples()) {
    tidy(() => {
      if (differentiable(op)) gradients(op, sample, inputsOf(sample, key, 'float32', true))
      else op(inputsOf(sample, key, 'float32'), sample.attrs)
    })
  }
  if (memory().buffers !== before)
    throw new OpCheckError(`${op.record.name}: ${memory().buffers - before} buffers were left behind`)
}

/**
 * Everything that must hold for an op, read off its record. For every sample: the shape rule, float32 beside float64, two
 * runs, views beside contiguous inputs, inputs left alone, the kernel beside its plain spelling, the fused gradient beside
 * the plain one, gradients (twice: second ones too) beside finite differences, its own or its surrogate's, to 1e-8 in float64; then the errors, the edge
 * cases, and that no buffer is left behind. On the backend that is chosen; needs no test runner.
 * Gives a report; throws OpCheckError at the first thing that does not hold.
 */
export function checkOp<A>(op: Op<A>, options: CheckOptions = {}): OpReport {
  const any = op as unknown as Op<unknown>
  if (typeof op !== 'function' || op.record === undefined)
    throw new ArgumentError('checkOp', `needs an op, got ${got(op)}`, 'Make one with defineOp()')
  const { record } = any
  const { seed = 1, derivatives = true } = optionsArg('checkOp', options, checkOptions)
  const samples = record.samples()
  if (samples.length === 0)
    throw new OpCheckError(`${record.name}: has no samples`, 'Without samples nothing can be checked')
  let error = 0
  samples.forEach((sample, i) => {
    error = Math.max(error, checkSample(any, sample, keyOf(seed, i), options))
  })
  checkErrors(any)
  checkEdges(any)
  checkMemory(any, keyOf(seed))
  return {
    name: record.name,
    samples: samples.length,
    errors: record.errors().length,
    edges: record.edge().length,
    derivatives: !derivatives || !differentiable(any) ? 'none' : record.twice ? 'second' : 'first',
    error,
  }
}
