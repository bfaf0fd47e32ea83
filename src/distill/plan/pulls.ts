// How hard each of a stage's losses pulls at the student: its gradient alone, on the first batch, before the first step.
import { backward } from '../../autograd/backward.js'
import { noGrad, touch } from '../../autograd/graph.js'
import { clone } from '../../autograd/ops/elementwise/cast.js'
import { randomScope } from '../../autograd/random.js'
import { tidy } from '../../autograd/tidy.js'
import type { Module } from '../../nn/module.js'
import { gradNorm, zeroGrad } from '../../nn/optim/gradients.js'
import type { Key } from '../../tensor/rng.js'
import { assign, type Tensor } from '../../tensor/tensor.js'

/** A loss of a batch before it is added to the others. */
export interface Part {
  name: string
  value: Tensor
  weight: number
  weighted: Tensor
}

export interface Pull {
  name: string
  weight: number
  /** Without the weight. */
  value: number
  /** Norm of the student's gradient of weight times value; NaN where the value is not finite. */
  gradient: number
}

/**
 * `parts` is called once for each loss, under `key`: with that of the first step it is the batch that training begins with.
 * Weights, buffers, moments and random state are as before; gradients are dropped, so no step may be in hand. `all`: the parameters that
 * get gradients, the student's and what its losses learn.
 */
export function pullsOf(
  student: Module,
  all: readonly Tensor[],
  key: Key,
  parts: () => readonly Part[],
): Pull[] {
  const pullAt = (i: number): Pull | undefined => {
    const heard = tidy(() =>
      randomScope(key, () => {
        const part = parts()[i]
        if (part === undefined) return undefined
        const { name, weight, value, weighted } = part
        const x = value.item()
        const pulls = Number.isFinite(x) && weight !== 0
        if (pulls) backward(weighted)
        return { name, weight, value: x, gradient: pulls || weight === 0 ? 0 : Number.NaN }
      }),
    )
    try {
      return heard && { ...heard, gradient: heard.gradient + gradNorm(student.parameters()) }
    } finally {
      zeroGrad(all)
    }
  }
  const out: Pull[] = []
  // Averages of batches would count this one again.
  const before = student.buffers().map((buffer) => [buffer, noGrad(() => clone(buffer))] as const)
  for (let pull = pullAt(0); pull !== undefined; pull = pullAt(out.length)) out.push(pull)
  for (const [buffer, values] of before) {
    assign(buffer, values)
    touch(buffer)
    values.dispose()
  }
  return out
}
