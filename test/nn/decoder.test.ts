// Decoders: attention and rotary positions beside PyTorch (test/golden/attention.py), the cache beside the full pass, the
// gradient of a whole stack, and what is refused.
import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { noGrad } from '../../src/autograd/graph.js'
import { randomScope } from '../../src/autograd/random.js'
import {
  ArgumentError,
  cat,
  DTypeError,
  nn,
  ones,
  ShapeError,
  scaledDotProductAttention,
  type Tensor,
  tensor,
  tidy,
  zeros,
} from '../../src/index.js'
import { keyOf, normalAt } from '../../src/tensor/rng.js'
import { backends, choose } from '../backends.js'

interface Numbers {
  shape: number[]
  data: number[]
}

interface Golden {
  attention: {
    options: { causal: boolean; scale?: number }
    inputs: Record<'q' | 'k' | 'v', Numbers> & { bias?: Numbers }
    mask: Numbers | null
    out: Numbers
    weights: Numbers
    grads: Record<string, Numbers>
  }[]
  rope: { base: number; start: number; x: Numbers; split: Numbers; pairs: Numbers }[]
  block: Record<'x' | 'memory' | 'mask' | 'out' | 'weights' | 'dx' | 'dmemory', Numbers> &
    Record<'state' | 'grads', Record<string, Numbers>>
}

const golden: Golden = JSON.parse(readFileSync(new URL('../golden/attention.json', import.meta.url), 'utf8'))

const made = ({ data, shape }: Numbers, dtype: 'float32' | 'float64' | 'int32' = 'float64') =>
  tensor(data, { shape, dtype })

function expectNear(got: Tensor, want: Numbers, bar: number): void {
  expect(got.shape).toEqual(want.shape)
  const scale = Math.max(...want.data.map(Math.abs), 1e-30)
  const worst = [...got.data].reduce((m, x, i) => Math.max(m, Math.abs(x - want.data[i]) / scale), 0)
  expect(worst).toBeLessThanOrEqual(bar)
}

/** Normal numbers, other ones for each key. */
const random = (key: number, shape: number[], dtype: 'float32' | 'float64' = 'float64') => {
  const n = shape.reduce((a, b) => a * b, 1)
  return tensor(
    Array.from({ length: n }, (_, i) => normalAt(keyOf(key), i)),
    { shape, dtype },
  )
}

afterAll(() => choose(backends[backends.length - 1]))

describe('scaledDotProductAttention', () => {
  it.each(golden.attention.map((c, i) => [i, c] as const))('as PyTorch has it, case %i', (_, c) => {
    const options = { ...c.options, mask: c.mask ? made(c.mask, 'int32') : undefined }
    const run = (dtype: 'float32' | 'float64') => {
      const { q, k, v, bias } = c.inputs
      const x = [q, k, v, ...(bias ? [bias] : [])].map((t) => made(t, dtype))
      for (const t of x) t.requiresGrad = true
      const y = scaledDotProductAttention(x[0], x[1], x[2], { ...options, bias: x[3] })
      y.mul(made(c.weights, dtype)).sum().backward()
      return { x, y }
    }
    const { x, y } = run('float64')
    expectNear(y, c.out, 1e-12)
    for (const [i, name] of ['q', 'k', 'v', 'bias'].slice(0, x.length).entries())
      expectNear(x[i].grad as Tensor, c.grads[name], 1e-12)
    expectNear(run('float32').y, c.out, 2e-6)
  })

  it('refuses what does not fit, by its name', () => {
    const [q, k, bias] = [zeros(2, 3, 4), zeros(2, 5, 4), zeros(3, 5)]
    expect(() => scaledDotProductAttention(q, k, k, { mask: bias })).toThrow(DTypeError)
    expect(() => scaledDotProductAttention(q, k, k, { bias: zeros(3, 5, { dtype: 'float64' }) })).toThrow(
      'scaledDotProductAttention: the bias must be float32 as q, got float64',
    )
    expect(() => scaledDotProductAttention(q, k, k, { dropout: 1.5 })).toThrow(RangeError)
    expect(() => scaledDotProductAttention(q, zeros(3, 5, 4), k)).toThrow(ShapeError)
    expect(
      scaledDotProductAttention(q, k, ones(2, 5, 4), { dropout: 1 })
        .sum()
        .item(),
    ).toBe(0)
  })
})

describe('rotary positions', () => {
  it.each(golden.rope)(
    'as spelled in PyTorch, base $base from $start',
    ({ base, start, x, split, pairs }) => {
      const [T, dim] = x.shape.slice(-2)
      for (const [interleaved, want] of [
        [false, split],
        [true, pairs],
      ] as const) {
        const rope = new nn.RotaryEmbedding(dim, { base, interleaved, maxLength: 64 })
        expectNear(rope.forward(made(x), { offset: start }), want, 1e-12)
        expectNear(rope.forward(made(x, 'float32'), { offset: start }), want, 1e-6)
        const positions = tensor(
          Array.from({ length: 2 * T }, (_, i) => start + (i % T)),
          { shape: [2, 1, T], dtype: 'int32' },
        )
        expectNear(rope.forward(made(x), { positions }), want, 1e-12)
      }
    },
  )

  it.each([false, true])('q_m . k_n depends on m - n alone, interleaved %s', (interleaved) => {
    const rope = new nn.RotaryEmbedding(8, { interleaved, maxLength: 200 })
    const [q, k] = [random(1, [1, 8]), random(2, [1, 8])]
    const product = (m: number, n: number) =>
      rope
        .forward(q, { offset: m })
        .mul(rope.forward(k, { offset: n }))
        .sum()
        .item()
    expect(product(17, 9)).toBeCloseTo(product(8, 0), 12)
    expect(product(17, 9)).toBeCloseTo(product(190, 182), 11)
    expect(Math.abs(product(17, 9) - product(9, 17))).toBeGreaterThan(1e-3)
    expect(product(5, 5)).toBeCloseTo(q.mul(k).sum().item(), 12)
  })

  it('learns and saves nothing, and tells of positions that it has not', () => {
    const rope = new nn.RotaryEmbedding(4, { maxLength: 6 })
    expect([rope.parameters().length, rope.stateDict().size, rope.buffers().length]).toEqual([0, 0, 2])
    expect(() => rope.forward(zeros(5, 4), { offset: 2 })).toThrow(
      'RotaryEmbedding: 5 words from position 2 do not fit in 6 positions',
    )
    expect(() => rope.forward(zeros(5, 6))).toThrow(ShapeError)
    expect(() => new nn.RotaryEmbedding(3)).toThrow(RangeError)
    expect(() => nn.applyRope(zeros(2, 3, 4), zeros(2, 2), zeros(2, 2))).toThrow(ShapeError)
    expect(() => nn.applyRope(zeros(3, 4), rope.cos, rope.sin)).toThrow(ShapeError)
    expect(() => nn.applyRope(zeros(6, 4), rope.cos, rope.sin)).toThrow(DTypeError)
  })

  it('of a model made in float32 are exact after to(float64), and not in its state dict', () => {
    const rope = new nn.RotaryEmbedding(8)
    const block = new nn.DecoderBlock({ width: 16, heads: 2, rope }).to('float64')
    const { x, split } = golden.rope[0]
    expectNear(rope.forward(made(x)), split, 1e-12)
    expect([...block.stateDict().keys()].filter((name) => /rope|cos|sin/.test(name))).toEqual([])
  })
})

describe('learned positions', () => {
  it('add the rows from the offset on, and learn them', () => {
    const place = new nn.PositionalEmbedding(5, 2)
    place.weight.elements.set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    const y = place.forward(ones(2, 2, 2), { offset: 3 })
    expect([...y.data]).toEqual([7, 8, 9, 10, 7, 8, 9, 10])
    y.sum().backward()
    expect([...(place.weight.grad as Tensor).data]).toEqual([0, 0, 0, 0, 0, 0, 2, 2, 2, 2])
    expect(() => place.forward(ones(2, 2, 2), { offset: 4 })).toThrow(RangeError)
    expect(() => place.forward(ones(2, 2, 3))).toThrow(ShapeError)
  })
})

describe('cross attention', () => {
  const layer = randomScope(keyOf(4), () => new nn.CrossAttention(6, 2, { memoryWidth: 4 })).to('float64')
  const [x, memory] = [random(5, [2, 3, 6]), random(6, [2, 5, 4])]
  const memoryMask = tensor([1, 1, 1, 0, 0, 0, 1, 1, 1, 1], { shape: [2, 5], dtype: 'int32' })

  it('is the same by the fused op and, with a bias of zeros, by plain ops', () => {
    const y = layer.forward(x, memory, { memoryMask })
    const plain = layer.forward(x, memory, { memoryMask, bias: zeros(1, { dtype: 'float64' }) })
    expect(y.shape).toEqual([2, 3, 6])
    expectNear(plain, { shape: [...y.shape], data: [...y.data] }, 1e-12)
  })

  it('does not see a masked memory, and its bias learns', () => {
    const changed = memory.clone()
    changed.elements.fill(9, 3 * 4, 5 * 4)
    const y = layer.forward(x, memory, { memoryMask })
    expect(layer.forward(x, changed, { memoryMask }).data).toEqual(y.data)
    expect(layer.forward(x, changed).data).not.toEqual(layer.forward(x, memory).data)
    const bias = zeros(2, 3, 5, { dtype: 'float64', requiresGrad: true })
    layer.forward(x, memory, { bias }).mul(x).sum().backward()
    expect((bias.grad as Tensor).abs().sum().item()).toBeGreaterThan(1e-3)
  })

  it('refuses another width', () => {
    expect(() => layer.forward(x, x)).toThrow('CrossAttention: memory must be [B, T, 4], got [2, 3, 6]')
    expect(() => new nn.CrossAttention(6, 4)).toThrow(RangeError)
  })
})

const WORDS = 12

interface Stack {
  blocks: nn.DecoderBlock[]
  memory?: Tensor
  memoryMask?: Tensor
}

function stack(rope: boolean, cross: boolean, dtype: 'float32' | 'float64' = 'float32'): Stack {
  const places = new nn.RotaryEmbedding(4, { maxLength: WORDS })
  const blocks = randomScope(keyOf(8), () =>
    [0, 1].map(() =>
      new nn.DecoderBlock({ width: 8, heads: 2, cross, ...(rope && { rope: places }) }).to(dtype),
    ),
  )
  if (!cross) return { blocks }
  const memoryMask = tensor([1, 1, 0, 1, 0, 1], { shape: [2, 3], dtype: 'int32' })
  return { blocks, memory: random(7, [2, 3, 8], dtype), memoryMask }
}

const whole = ({ blocks, ...given }: Stack, x: Tensor, mask?: Tensor) =>
  blocks.reduce((h, block) => block.forward(h, { ...given, mask }), x)

describe('decoder blocks', () => {
  const cases = backends.flatMap((backend) =>
    [false, true].flatMap((rope) => [false, true].map((cross) => ({ backend, rope, cross }))),
  )
  it.each(cases)(
    'word by word as in one pass: $backend, rope $rope, cross $cross',
    ({ backend, rope, cross }) => {
      choose(backend)
      const model = stack(rope, cross)
      const { blocks, ...given } = model
      const x = random(9, [2, WORDS, 8], 'float32')
      noGrad(() => {
        const all = whole(model, x)
        // One word at a time, and first several at once.
        for (const first of [1, 5]) {
          const caches = blocks.map((block) => block.newCache())
          const parts: Tensor[] = []
          for (let t = 0; t < WORDS; t = parts.length === 1 ? first : t + 1) {
            const now = x.slice(1, t, t === 0 ? first : t + 1)
            parts.push(blocks.reduce((h, block, i) => block.forward(h, { ...given, cache: caches[i] }), now))
            expect(caches.map(({ length }) => length)).toEqual([t, t].map((n) => n + now.shape[1]))
          }
          expectNear(cat(parts, 1), { shape: [...all.shape], data: [...all.data] }, 1e-6)
        }
      })
    },
  )

  it("are PyTorch's TransformerDecoderLayer with the norm first, value and gradients", () => {
    const { state, grads, ...c } = golden.block
    const block = new nn.DecoderBlock({ width: 4, heads: 2, inner: 6, cross: true }).to('float64')
    block.loadStateDict(new Map(Object.entries(state).map(([name, t]) => [name, made(t)])))
    const [x, memory] = [made(c.x), made(c.memory)]
    x.requiresGrad = true
    memory.requiresGrad = true
    const y = block.forward(x, { memory, memoryMask: made(c.mask, 'int32') })
    expectNear(y, c.out, 1e-12)
    y.mul(made(c.weights)).sum().backward()
    expectNear(x.grad as Tensor, c.dx, 1e-12)
    expectNear(memory.grad as Tensor, c.dmemory, 1e-12)
    const scale = Math.max(...Object.values(grads).flatMap(({ data }) => data.map(Math.abs)))
    for (const [name, p] of block.namedParameters()) {
      // A key's bias moves all scores alike: its gradient is rounding.
      if (name.endsWith('key.bias')) expect((p.grad as Tensor).abs().max().item() / scale).toBeLessThan(1e-12)
      else expectNear(p.grad as Tensor, grads[name], 1e-12)
    }
  })

  it('see no word after, and with rope their order', () => {
    const model = stack(true, false)
    const x = random(9, [1, WORDS, 8], 'float32')
    const later = x.clone()
    later.elements.fill(3, 7 * 8)
    const [y, z] = [x, later].map((t) => whole(model, t))
    expect(z.slice(1, 0, 7).data).toEqual(y.slice(1, 0, 7).data)
    expect(z.slice(1, 7).data).not.toEqual(y.slice(1, 7).data)
    const turned = cat([x.slice(1, 1, 2), x.slice(1, 0, 1), x.slice(1, 2)], 1)
    const last = (t: Tensor, m: Stack) => whole(m, t).slice(1, WORDS - 1).data
    const apart = (m: Stack) =>
      [...last(x, m)].reduce((d, v, i) => Math.max(d, Math.abs(v - last(turned, m)[i])), 0)
    expect(apart({ blocks: [model.blocks[0]] })).toBeGreaterThan(1e-4)
    expect(apart({ blocks: [stack(false, false).blocks[0]] })).toBeLessThan(1e-6)
  })

  it('do not see padding, in one pass and with a cache', () => {
    const model = stack(false, false)
    const mask = tensor([0, 1, 1, 1], { shape: [1, 4], dtype: 'int32' })
    const x = random(3, [1, 4, 8], 'float32')
    const alone = whole(model, x.slice(1, 1))
    const padded = whole(model, x, mask).slice(1, 1)
    expectNear(padded, { shape: [1, 3, 8], data: [...alone.data] }, 1e-6)
    const caches = model.blocks.map((block) => block.newCache())
    const run = (from: number, to: number) =>
      model.blocks.reduce(
        (h, block, i) => block.forward(h, { cache: caches[i], mask: mask.slice(1, 0, to) }),
        x.slice(1, from, to),
      )
    run(0, 3)
    expectNear(run(3, 4), { shape: [1, 1, 8], data: [...alone.slice(1, 2).data] }, 1e-6)
  })

  it.each([false, true])('directional derivative over all parameters and inputs, rope %s', (rope) => {
    const model = stack(rope, true, 'float64')
    const x = random(2, [2, 4, 8])
    const leaves = [x, model.memory as Tensor, ...model.blocks.flatMap((block) => block.parameters())]
    x.requiresGrad = true
    leaves[1].requiresGrad = true
    const weights = random(11, [2, 4, 8])
    const loss = () => whole(model, x).mul(weights).sum()
    loss().backward()
    const at = leaves.map((p) => Float64Array.from(p.data))
    for (let d = 0; d < 3; d++) {
      const direction = at.map((p, k) => p.map((_, i) => normalAt(keyOf(20 + d, k), i)))
      const along = (h: number) => {
        for (const [k, p] of leaves.entries()) p.elements.set(at[k].map((v, i) => v + h * direction[k][i]))
        return noGrad(() => tidy(() => loss().item()))
      }
      const h = 1e-4
      const numeric = (along(-2 * h) - 8 * along(-h) + 8 * along(h) - along(2 * h)) / (12 * h)
      along(0)
      let analytic = 0
      for (const [k, p] of leaves.entries())
        (p.grad as Tensor).data.forEach((g, i) => {
          analytic += g * direction[k][i]
        })
      expect(Math.abs(analytic - numeric) / Math.max(1, Math.abs(numeric))).toBeLessThan(1e-7)
    }
  })

  it('drop in training only', () => {
    const block = new nn.DecoderBlock({ width: 8, heads: 2, dropout: 0.5 })
    const x = random(1, [1, 3, 8], 'float32')
    expect(block.forward(x).data).not.toEqual(block.forward(x).data)
    block.eval()
    expect(block.forward(x).data).toEqual(block.forward(x).data)
  })

  it('keep the cache in tidy when it is given back', () => {
    const { blocks } = stack(true, false)
    const cache = blocks[0].newCache()
    const x = random(1, [1, 3, 8], 'float32')
    const want = whole({ blocks: [blocks[0]] }, x).slice(1, 2).data
    noGrad(() => {
      tidy(() => [blocks[0].forward(x.slice(1, 0, 2), { cache }), cache])
      const [y] = tidy(() => [blocks[0].forward(x.slice(1, 2), { cache }), cache] as const)
      expectNear(y, { shape: [1, 1, 8], data: [...want] }, 1e-6)
    })
  })

  it('refuse a memory that is missing, not wanted, or of another width, and leave the cache as it was', () => {
    const [plain, cross] = [stack(false, false).blocks[0], stack(false, true).blocks[0]]
    const x = zeros(1, 2, 8)
    expect(() => cross.forward(x)).toThrow('DecoderBlock: the memory is missing')
    expect(() => plain.forward(x, { memory: x })).toThrow(ArgumentError)
    expect(() => plain.forward(x, { cache: {} as never })).toThrow(ArgumentError)
    const cache = cross.newCache()
    expect(() => cross.forward(x, { cache, memory: zeros(1, 2, 3) })).toThrow(ShapeError)
    expect(cache.length).toBe(0)
    expect(() => new nn.DecoderBlock({ width: 8, heads: 2, rope: new nn.RotaryEmbedding(8) })).toThrow(
      ShapeError,
    )
    expect(() => new nn.DecoderBlock({ width: 8, heads: 3 })).toThrow(RangeError)
  })
})
