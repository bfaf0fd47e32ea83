// The ops of breadth against PyTorch: values and gradients of test/golden/ops.json, which test/golden/ops.py writes.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { grad, searchsorted, setBackend, Tensor, tensor } from '../../src/index.js'
import type { DType } from '../../src/tensor/storage.js'

interface Packed {
  shape: number[]
  data: (number | string)[]
  dtype?: 'int32'
}

interface Case {
  op: string
  in: Packed[]
  args: unknown[]
  out: Packed[]
  grad: (Packed | null)[]
}

const cases: Case[] = JSON.parse(readFileSync(join(import.meta.dirname, '../golden/ops.json'), 'utf8'))

const unpack = ({ shape, data, dtype }: Packed, float: DType, requiresGrad = false) =>
  tensor(Float64Array.from(data, Number), {
    shape,
    dtype: dtype ?? float,
    requiresGrad: requiresGrad && dtype === undefined,
  })

/** '$1' in the arguments is input 1. */
function filled(arg: unknown, inputs: Tensor[]): unknown {
  if (typeof arg === 'string' && arg.startsWith('$')) return inputs[Number(arg.slice(1))]
  return Array.isArray(arg) ? arg.map((a) => filled(a, inputs)) : arg
}

function results(op: string, [x, ...rest]: Tensor[], args: unknown[]): Tensor[] {
  const given = args.map((a) => filled(a, [x, ...rest]))
  const run =
    op === 'searchsorted'
      ? (...all: unknown[]) => searchsorted(...([x, ...all] as Parameters<typeof searchsorted>))
      : (...all: unknown[]) =>
          (x as unknown as Record<string, (...all: unknown[]) => unknown>)[op].call(x, ...all)
  const y = run(...given)
  return y instanceof Tensor ? [y] : Array.isArray(y) ? y : Object.values(y as Record<string, Tensor>)
}

/** Equal where it is no finite number, else within `bar` of it, relative to max(1, its size). */
function expectNear(got: Tensor, want: Packed, bar: number, what: string): void {
  expect(got.shape, what).toEqual(want.shape)
  const values = want.data.map(Number)
  const off = values.findIndex((w, i) => {
    const g = got.data[i]
    return !(Object.is(g, w) || g === w || Math.abs(g - w) <= bar * Math.max(1, Math.abs(w)))
  })
  if (off >= 0) throw new Error(`${what}: element ${off} is ${got.data[off]}, PyTorch has ${values[off]}`)
}

function check(c: Case, dtype: DType, bar: number): void {
  const inputs = c.in.map((p) => unpack(p, dtype, true))
  const out = results(c.op, inputs, c.args)
  expect(out.length).toBe(c.out.length)
  c.out.forEach((want, i) => {
    if (want.dtype === 'int32') expect(out[i].dtype).toBe('int32')
    expectNear(out[i], want, bar, `${c.op} result ${i}`)
  })
  const wanted = c.grad.flatMap((g, i) => (g === null ? [] : [i]))
  if (wanted.length === 0 || !out[0].requiresGrad) {
    // PyTorch's zeros are no gradient here: rounding is flat.
    for (const i of wanted)
      expect(
        c.grad[i]!.data.every((g) => g === 0 || g === 'NaN'),
        c.op,
      ).toBe(true)
    return
  }
  const w = tensor(
    Float64Array.from({ length: out[0].numel }, (_, i) => 0.1 * (i + 1)),
    { shape: out[0].shape, dtype },
  )
  const grads = grad(
    out[0].mul(w).sum(),
    wanted.map((i) => inputs[i]),
  )
  wanted.forEach((i, k) => {
    expectNear(grads[k], c.grad[i]!, bar, `${c.op} gradient ${i}`)
  })
}

afterAll(() => setBackend('auto'))

describe.each<[string, DType, number, 'js' | 'auto']>([
  ['float64', 'float64', 1e-12, 'auto'],
  ['float32 on js', 'float32', 1e-6, 'js'],
  ['float32', 'float32', 1e-6, 'auto'],
])('PyTorch in %s', (_, dtype, bar, backend) => {
  const names = [...new Set(cases.map((c) => c.op))]
  it('has many ops', () => expect(names.length).toBeGreaterThan(90))
  it.each(names)('%s', (name) => {
    setBackend(backend)
    for (const c of cases.filter(({ op }) => op === name)) check(c, dtype, bar)
  })
})
