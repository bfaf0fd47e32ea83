// Right ops stay right over many seeds: one random direction through all inputs of every sample, in float64.
// 20 seeds here; `npm run check:seeds` runs 1,000.
import { expect, it } from 'vitest'
import { grad } from '../../src/autograd/backward.js'
import { fourPoint } from '../../src/autograd/gradcheck.js'
import { noGrad } from '../../src/autograd/graph.js'
import { type AnyOp, allOps } from '../../src/autograd/op.js'
import { mul } from '../../src/autograd/ops/elementwise/arithmetic.js'
import { sum } from '../../src/autograd/ops/reduce.js'
import { materialize, type Sample, specValues } from '../../src/autograd/samples.js'
import { tidy } from '../../src/autograd/tidy.js'
import '../../src/index.js'
import { type Tensor, tensor } from '../../src/index.js'
import { fold, keyOf } from '../../src/tensor/rng.js'

const SEEDS = Number(process.env.TINYSTILL_SEEDS ?? 20)

/** The error of the derivative along one direction, relative to the sum of its terms' sizes. */
function directionalError(op: AnyOp, sample: Sample<unknown>, seed: number): number {
  const key = keyOf(seed)
  const points = sample.inputs.map((spec, i) => {
    const t = materialize(spec, fold(key, i), 'float64')
    return tensor(t.data.slice(), { shape: t.shape, dtype: t.dtype, requiresGrad: t.dtype !== 'int32' })
  })
  const free = points.map((_, i) => i).filter((i) => points[i].dtype !== 'int32' && !sample.held?.includes(i))
  if (free.length === 0) return 0
  const { surrogate } = op.record
  const held = points.map((t) => tensor(t.data.slice(), { shape: t.shape, dtype: t.dtype }))
  const moved = () => surrogate?.(points, sample.attrs, held) ?? op(points, sample.attrs)
  const loss = (y: Tensor) => sum(mul(y, materialize({ shape: y.shape }, fold(key, 'loss'), 'float64')))
  const l = loss(op(points, sample.attrs))
  if (!l.requiresGrad || free.every((i) => points[i].numel === 0)) return 0
  const grads = grad(
    l,
    free.map((i) => points[i]),
    { allowUnused: true },
  )
  const at = free.map((i) => points[i].data.slice())
  const along = free.map((i, f) =>
    specValues({ shape: points[i].shape }, fold(key, 100 + i)).map(
      (d, j) => d * Math.max(1, Math.abs(at[f][j])),
    ),
  )
  const step = (h: number) => {
    free.forEach((i, f) => {
      const data = points[i].elements
      for (let j = 0; j < data.length; j++) data[j] = at[f][j] + h * along[f][j]
    })
    return noGrad(() => loss(moved())).item()
  }
  // Two steps: the wide one suffers where the function bends within 15 units, the narrow one where its values are large.
  const numeric = [1e-3, 1e-4].map((h) => fourPoint(step, h))
  let analytic = 0
  let size = 1
  grads.forEach((g, f) => {
    g?.data.forEach((x, j) => {
      analytic += x * along[f][j]
      size += Math.abs(x * along[f][j])
    })
  })
  return Math.min(...numeric.map((n) => Math.abs(analytic - n))) / size
}

const differentiable = (op: AnyOp) => 'composite' in op.record || op.record.backward !== null

const cases = allOps()
  .filter(differentiable)
  .map((op) => ({ name: op.record.name, op }))

it.each(cases)(`$name over ${SEEDS} seeds`, ({ op }) => {
  let worst = 0
  const at = ''
  const samples = op.record.samples()
  for (let seed = 1; seed <= SEEDS; seed++) {
    for (const sample of samples)
      worst = Math.max(
        worst,
        tidy(() => directionalError(op, sample, seed)),
      )
  }
  expect(worst, at).toBeLessThan(1e-8)
})
