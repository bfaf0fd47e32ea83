// Checkpointing: the same bits, less memory, and refusals where a second run would be another.
import { describe, expect, it } from 'vitest'
import { hasHooks } from '../../src/autograd/hooks.js'
import { place, type Tracer, traced, within } from '../../src/autograd/trace.js'
import {
  cat,
  checkpoint,
  embedding,
  grad,
  gradcheck,
  manualSeed,
  memory,
  noGrad,
  ones,
  optim,
  peakMemory,
  randn,
  resetPeakMemory,
  type Tensor,
  tensor,
  tidy,
} from '../../src/index.js'

const leaf = (shape: number[]) => randn(shape, { requiresGrad: true })
const bits = (ts: (Tensor | null)[]) => ts.map((t) => t?.toArray())

/** What three layers give, each checkpointed by `each`, and the gradients of everything. */
function run(each: typeof checkpoint, times = 1) {
  manualSeed(4)
  const [x, w, b, table] = [leaf([6, 5]), leaf([5, 5]), leaf([5]), leaf([7, 5])]
  const ids = tensor(Int32Array.of(1, 2, 1, 6, 0, 1))
  const loss = tidy(() => {
    const layer = (h: Tensor, scale: Tensor) =>
      // The table is a tied leaf that is added to in place; w comes by closure.
      h.matmul(w).add(b).dropout(0.5).gelu().mul(scale).add(h).add(embedding(table, ids))
    let h = x.mul(2)
    const scale = b.mul(b)
    const kept: Tensor[] = []
    for (let i = 0; i < 3; i++) {
      h = each(layer, h, scale)
      kept.push(h.mean())
    }
    // Each state is used outside as well: sums of gradients keep their order.
    const total = kept.reduce((a, k) => a.add(k.mul(k))).add(h.matmul(table.t()).dropout(0.1).tanh().sum())
    for (let i = 0; i < times; i++) total.backward(undefined, { retainGraph: i < times - 1 })
    return total.item()
  })
  return { loss, grads: bits([x, w, b, table].map((t) => t.grad)) }
}

const plainly = ((fn: (...xs: unknown[]) => Tensor, ...xs: unknown[]) => fn(...xs)) as typeof checkpoint

describe('checkpoint', () => {
  it('gives the same bits, dropout, closures, tied leaves and states used twice included', () => {
    expect(run(checkpoint)).toEqual(run(plainly))
    expect(run(checkpoint, 2)).toEqual(run(plainly, 2))
  })

  it('may be nested', () => {
    const nested = ((fn: (...xs: unknown[]) => Tensor, ...xs: unknown[]) =>
      checkpoint((...ys) => checkpoint((...zs) => fn(...zs), ...ys), ...xs)) as typeof checkpoint
    expect(run(nested)).toEqual(run(plainly))
  })

  it('works outside tidy, and leaves nothing behind in it', () => {
    const x = leaf([3])
    const step = () =>
      checkpoint((t) => t.exp().mul(t), x)
        .sum()
        .backward()
    step()
    const once = x.grad!.toArray()
    x.grad!.dispose()
    x.grad = null
    tidy(step)
    expect(x.grad!.toArray()).toEqual(once)
    const before = memory().buffers
    for (let i = 0; i < 5; i++) tidy(step)
    expect(memory().buffers).toBe(before)
  })

  it('can be differentiated twice', () => {
    const w = tensor([0.5, -0.25], { dtype: 'float64', requiresGrad: true })
    const f = (x: Tensor) => checkpoint((t) => t.mul(w).tanh().mul(t), x)
    expect(gradcheck(f, [tensor([0.3, 0.9], { dtype: 'float64' })], { twice: true }).error).toBeLessThan(1e-8)
    const x = tensor([1, 2], { dtype: 'float64', requiresGrad: true })
    const [first] = grad(f(x).sum(), [w], { createGraph: true })
    const plain = grad(x.mul(w).tanh().mul(x).sum(), [w], { createGraph: true })[0]
    expect(bits(grad(first.sum(), [x, w]))).toEqual(bits(grad(plain.sum(), [x, w])))
  })

  it('gives gradients of what is reached by closure alone', () => {
    const w = tensor([3], { requiresGrad: true })
    const h = w.mul(2)
    checkpoint(() => h.mul(h)).backward()
    expect(w.grad!.item()).toBe(24)
  })

  it('hands on what needs no gradient', () => {
    const x = tensor([1, 2])
    expect(checkpoint((t) => t.mul(2), x).toArray()).toEqual([2, 4])
    expect(checkpoint((t) => t.mul(2), x).requiresGrad).toBe(false)
    const w = tensor([1], { requiresGrad: true })
    expect(noGrad(() => checkpoint((t) => t.mul(2), w)).requiresGrad).toBe(false)
    expect(checkpoint((t) => t, w)).toBe(w)
  })

  it('runs hooks and tells places of the second run', () => {
    const x = tensor([1, 2], { requiresGrad: true })
    const seen: unknown[] = []
    checkpoint((t) => {
      const h = t.mul(3)
      h.registerHook((g) => {
        seen.push(g.toArray())
        return g.mul(2)
      })
      return h.mul(h)
    }, x)
      .sum()
      .backward()
    expect(seen).toEqual([[6, 12]])
    expect(x.grad!.toArray()).toEqual([36, 72])
    expect(hasHooks(x)).toBe(false)
    const places: string[] = []
    const tracer: Tracer = {
      made: () => undefined,
      named: () => undefined,
      ran: (op) => void places.push(`${op} at ${place()}`),
      passed: () => undefined,
    }
    traced(tracer, 'top', () => within('a layer', () => checkpoint((t) => t.exp(), x)).backward(ones([2])))
    expect(places).toEqual(['exp at a layer', 'checkpoint at a layer', 'exp at a layer', 'mul at top'])
  })

  it('refuses a second run that is another, and results that are no tensor', () => {
    const x = tensor([1, 2], { requiresGrad: true })
    let other = x.mul(1)
    const strange = checkpoint((t) => t.mul(other), x).sum()
    other = x.mul(2)
    expect(() => strange.backward()).toThrow(
      'checkpoint: run again for backward(), the function computed from other tensors',
    )
    let n = 1
    const longer = checkpoint((t) => cat(Array.from({ length: n }, () => t.mul(2))), x).sum()
    n = 2
    expect(() => longer.backward()).toThrow('the function gave [4] instead of [2]')
    expect(() => checkpoint(((t: Tensor) => [t]) as unknown as (t: Tensor) => Tensor, x)).toThrow(
      'the function must return one tensor, got an array',
    )
    expect(() => checkpoint((() => Promise.resolve(x)) as unknown as () => Tensor)).toThrow(
      'returned a promise',
    )
    const y = checkpoint((t) => t.mul(t), x).sum()
    y.backward()
    expect(() => y.backward()).toThrow('freed by an earlier backward()')
    const late = checkpoint((t) => t.mul(t), x).sum()
    new optim.SGD([x], { lr: 1 }).step()
    expect(() => late.backward()).toThrow(
      'checkpoint: a tensor [2] that its gradient needs was changed in place',
    )
  })

  it('holds the peak down', () => {
    const [x, w] = [leaf([64, 64]), leaf([64, 64])]
    const peak = (each: typeof checkpoint) => {
      const layer = (h: Tensor) => {
        for (let i = 0; i < 8; i++) h = h.matmul(w).tanh()
        return h
      }
      tidy(() => x.mul(w).sum().backward())
      resetPeakMemory()
      const before = peakMemory()
      tidy(() => {
        let h = x.mul(1)
        for (let i = 0; i < 8; i++) h = each(layer, h)
        h.sum().backward()
      })
      return peakMemory() - before
    }
    const [with_, without] = [peak(checkpoint), peak(plainly)]
    expect(without).toBeGreaterThan(128 * 64 * 64 * 4)
    expect(with_).toBeLessThan(0.35 * without)
  })
})
