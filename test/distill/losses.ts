// The standard suite of losses: everything that must hold for a case of a loss. Throws at the first thing that does not.
import { readFileSync } from 'node:fs'
import '../../src/index.js'
import { grad } from '../../src/autograd/backward.js'
import { tensor } from '../../src/autograd/create.js'
import { gradcheck } from '../../src/autograd/gradcheck.js'
import type { LossInputs } from '../../src/distill/losses/record.js'
import { losses } from '../../src/distill/losses/table.js'
import { readSafetensors } from '../../src/formats/safetensors/safetensors.js'
import type { Tensor } from '../../src/tensor/tensor.js'

const file = readFileSync(new URL('../golden/losses/golden.safetensors', import.meta.url))
const { tensors: golden } = readSafetensors(file, { file: 'golden' })

export const goldenNames = [...golden.keys()].flatMap((name) =>
  name.endsWith('.loss') ? [name.slice(0, -'.loss'.length)] : [],
)

export const cases = losses.flatMap((record) =>
  Object.entries(record.golden).map(([name, run]) => ({ loss: record.name, name, run })),
)

function part(name: string, what: string): Map<string, Tensor> {
  const prefix = `${name}.${what}.`
  return new Map(
    [...golden].flatMap(([key, t]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), t]] : [])),
  )
}

export function inputsOf(name: string): LossInputs {
  return Object.fromEntries(part(name, 'in'))
}

const largest = (xs: Iterable<number>) => Array.from(xs).reduce((m, x) => Math.max(m, Math.abs(x)), 0)

/** The largest difference, relative to the largest that is wanted. NaN is the worst there is. */
function apart(got: ArrayLike<number>, want: ArrayLike<number>): number {
  const differences = Array.from(want, (w, i) => Math.abs(got[i] - w))
  if (got.length !== want.length || differences.some(Number.isNaN)) return Infinity
  return largest(differences) / largest(Array.from(want))
}

export interface CaseReport {
  /** Relative differences from PyTorch. */
  value: number
  gradient: number
  /** From finite differences. */
  check: number
}

/** A leaf of its own, of which the loss may ask for a gradient: teachers too, to see that it doesn't. */
const leaf = (t: Tensor) =>
  tensor(t.data.slice(), { shape: t.shape, dtype: t.dtype, requiresGrad: t.dtype !== 'int32' })

/** `run` against PyTorch's numbers for `name`, and its gradient against finite differences. */
export function checkCase(name: string, run: (t: LossInputs) => Tensor): CaseReport {
  const fail = (what: string): never => {
    throw new Error(`${name}: ${what}`)
  }
  const inputs = Object.fromEntries(Object.entries(inputsOf(name)).map(([key, t]) => [key, leaf(t)]))
  const before = Object.values(inputs).map((t) => t.data.slice())
  const wanted = part(name, 'grad')
  const loss = run(inputs)
  if (loss.rank !== 0) fail(`the loss is not a number but [${loss.shape}]`)
  const value = apart(loss.data, (golden.get(`${name}.loss`) as Tensor).data)
  if (!(value < 1e-12)) fail(`the loss is ${loss.item()}, PyTorch's ${golden.get(`${name}.loss`)}`)

  const teachers = Object.entries(inputs).filter(([key, t]) => key.startsWith('teacher') && t.requiresGrad)
  const learn = [...wanted.keys()]
  const gradients = grad(loss, [...learn.map((key) => inputs[key]), ...teachers.map(([, t]) => t)], {
    allowUnused: true,
  })
  teachers.forEach(([key], i) => {
    if (gradients[learn.length + i] !== null) fail(`a gradient reaches ${key}`)
  })
  const gradient = learn.reduce(
    (worst, key, i) => Math.max(worst, apart(gradients[i]?.data ?? [], (wanted.get(key) as Tensor).data)),
    0,
  )
  if (!(gradient < 1e-12)) fail(`the gradient is off PyTorch's by ${gradient}`)
  Object.values(inputs).forEach((t, i) => {
    if (t.data.some((x, j) => !Object.is(x, before[i][j]))) fail('an input was changed')
  })

  const { error } = gradcheck(
    (...xs) => run({ ...inputs, ...Object.fromEntries(learn.map((key, i) => [key, xs[i]])) }),
    learn.map((key) => inputs[key]),
  )
  return { value, gradient, check: error }
}
