// What is not finite: where it arose is named, and nothing is written.
import { describe, expect, it } from 'vitest'
import '../../src/index.js'
import { full, tensor } from '../../src/autograd/create.js'
import { makeOp } from '../../src/autograd/op.js'
import { where } from '../../src/autograd/ops/elementwise/compare.js'
import { mse } from '../../src/autograd/ops/losses/losses.js'
import { dropout, layerNorm } from '../../src/autograd/ops/normalize.js'
import { randomScope } from '../../src/autograd/random.js'
import { within } from '../../src/autograd/trace.js'
import { distil } from '../../src/distill/distil.js'
import { hiddenLoss } from '../../src/distill/losses/hidden.js'
import { kdLoss } from '../../src/distill/losses/kd.js'
import { liveTeacher, storedLogits } from '../../src/distill/teachers/source.js'
import { NonfiniteError } from '../../src/errors.js'
import { EncoderBlock } from '../../src/nn/encoder.js'
import { Dropout, Embedding, LayerNorm, Linear } from '../../src/nn/layers.js'
import type { TextInput } from '../../src/nn/models/input.js'
import { Mlp } from '../../src/nn/models/mlp.js'
import type { Pretrained } from '../../src/nn/models/pretrained.js'
import { Module } from '../../src/nn/module.js'
import { AdamW } from '../../src/nn/optim/adam.js'
import { schedules } from '../../src/nn/optim/schedule.js'
import { rowData } from '../../src/nn/rows.js'
import { keyOf } from '../../src/tensor/rng.js'
import { memory } from '../../src/tensor/storage.js'
import type { Tensor } from '../../src/tensor/tensor.js'
import { labelLoss } from '../../src/train/labels.js'
import type { StepReport } from '../../src/train/reports.js'
import { Accumulator, type Loss } from '../../src/train/step.js'
import { train } from '../../src/train/tasks.js'
import { type FitOptions, fit } from '../../src/train/trainer.js'
import { settled } from '../settled.js'

const B = 4
const C = 4

class Tiny extends Module {
  embed = new Embedding(7, C)
  block = new EncoderBlock({ width: C, heads: 2, inner: 6 })
  norm = new LayerNorm(C)
  drop = new Dropout(0.3)
  head = new Linear(C, 3)
  scale = full([3], 0.01, { requiresGrad: true })

  /** x [B, C] -> logits [B, 3]. */
  forward(x: Tensor): Tensor {
    const words = this.embed.forward(tensor([2, 2, 5, 2], { dtype: 'int32' })).add(x)
    const seen = this.block.forward(words.reshape([1, B, C]), {
      attentionMask: tensor([[1, 1, 0, 1]], { dtype: 'int32' }),
    })
    return this.head.forward(this.drop.forward(this.norm.forward(seen.reshape([B, C]))))
  }
}

const make = (seed = 3) => randomScope(keyOf(seed), () => new Tiny())
const features = Float32Array.from({ length: B * C }, (_, i) => ((i * 7) % 11) / 5 - 1)
const rows = Int32Array.of(10, 11, 12, 13)
const labels = tensor([0, 1, 2, 0], { dtype: 'int32' })
const ones = () => full([B, 3], 1)
const put = (t: Tensor, i: number, value: number) => {
  t.elements[i] = value
}
/** Has every op's gradient reach the parameters. */
const zero = (logits: Tensor) => logits.mul(0)

const brokenTeacher = make(9)
put(brokenTeacher.head.weight, 5, Number.NaN)
const live = (model: Tiny) => liveTeacher(model as unknown as Pretrained, {})

/** 1 / x, written by somebody else. */
const inverse = makeOp<null>({
  ...{ name: 'inverse', doc: '1 / x.', math: '1 / x', takes: ['float'], twice: false },
  shape: ([x]) => x,
  kernel: (_k, out, [x]) => out.elements.set(x.elements.map((v) => 1 / v)),
  save: ([x]) => [x],
  backward: ({ dy, saved: [x] }) => [dy.div(x.mul(x)).neg()],
  ...{ samples: () => [], errors: () => [], edge: () => [] },
})

interface Case {
  what: string
  /** Planted after a good step. */
  plant?: (model: Tiny) => void
  /** Put into the data: the value of feature [1, 2]. */
  feature?: number
  loss?: (logits: Tensor, model: Tiny) => Loss
  /** Of the message: where it arose. */
  text: string
}

const cases: Case[] = [
  {
    what: 'NaN in an embedding',
    plant: (m) => put(m.embed.weight, 2 * C + 1, Number.NaN),
    text: 'embed.weight[2, 1] is NaN. Begin again',
  },
  {
    what: 'Infinity in a weight of attention',
    plant: (m) => put(m.block.attention.query.weight, 6, Infinity),
    text: 'block.attention.query.weight[1, 2] is Infinity; then ',
  },
  {
    what: 'Infinity in the weight of a layer norm',
    plant: (m) => put(m.norm.weight, 1, Infinity),
    text: 'norm.weight[1] is Infinity',
  },
  {
    what: "NaN in the head's bias",
    plant: (m) => put(m.head.bias as Tensor, 2, Number.NaN),
    text: 'head.bias[2] is NaN',
  },
  {
    what: 'a product of large numbers',
    plant: (m) => m.head.weight.elements.fill(3e38),
    text: /^linear in head gave (-?Infinity|NaN) at .* of \[4, 3\], out of \[4, 4\] from .* and head.weight \[3, 4\] of 3e\+38 and head.bias \[3\]/
      .source,
  },
  {
    what: 'a broken feature',
    feature: Number.NaN,
    text: 'a tensor of the data is NaN at [1, 2] of [4, 4]. Correct what it was made from',
  },
  {
    what: 'an infinite feature',
    feature: Infinity,
    text: 'a tensor of the data is Infinity at [1, 2] of [4, 4]; then ',
  },
  {
    what: 'exp of 100',
    loss: (z) => zero(z).add(100).exp().sum(),
    text: 'exp in the loss gave Infinity at [0, 0] of [4, 3], out of [4, 3] of 100. Lower',
  },
  {
    what: 'log of 0',
    loss: (z) => zero(z).log().mean().neg(),
    text: 'log in the loss gave -Infinity at [0, 0] of [4, 3], out of [4, 3] of 0',
  },
  {
    what: 'division by 0',
    loss: (z) => ones().div(zero(z)).sum(),
    text: 'div in the loss gave ',
  },
  {
    what: 'the root of a negative number',
    loss: (z) => zero(z).sub(2).sqrt().sum(),
    text: 'sqrt in the loss gave NaN at [0, 0] of [4, 3], out of [4, 3] of -2',
  },
  {
    what: 'a power of a negative number',
    loss: (z) => zero(z).sub(2).pow(0.5).sum(),
    text: 'pow in the loss gave NaN at [0, 0] of [4, 3], out of [4, 3] of -2 and [] of 0.5',
  },
  {
    what: '0 times Infinity',
    loss: (z) => zero(z).add(100).exp().mul(0).sum(),
    text: 'exp in the loss gave Infinity at [0, 0] of [4, 3], out of [4, 3] of 100; then mul in the loss gave NaN',
  },
  {
    what: 'a layer norm without eps on a constant row',
    loss: (z) => layerNorm(zero(z), full([3], 1), full([3], 0), { eps: 0 }).sum(),
    text: 'layerNorm in the loss gave NaN at [0, 0] of [4, 3], out of [4, 3] of 0',
  },
  {
    what: 'a row of which all is masked, its log-probabilities subtracted',
    loss: (z) => {
      const masked = where(tensor([[1], [0], [1], [1]], { dtype: 'int32' }), z, -Infinity).logSoftmax(-1)
      return masked.sub(masked).sum()
    },
    text: 'sub in the loss gave NaN at [1, 0] of [4, 3], out of [4, 3] from -Infinity to ',
  },
  {
    what: 'a large exponential beside a mask, which is not to blame',
    loss: (z) =>
      where(tensor([[1], [0], [1], [1]], { dtype: 'int32' }), zero(z).add(100).exp(), -Infinity)
        .softmax(-1)
        .sum(),
    text: 'exp in the loss gave Infinity at [0, 0] of [4, 3], out of [4, 3] of 100; then softmax in the loss gave NaN',
  },
  {
    what: 'a temperature too small',
    loss: (z) => kdLoss(z, ones(), labels, { T: 1e-40, alpha: 0.5 }),
    text: 'softmax in the loss gave NaN at [0, 0] of [4, 3], out of [4, 3] of 1',
  },
  {
    what: 'hidden states too large to square',
    loss: (z) => hiddenLoss([z.reshape([1, B, 3])], [full([1, B, 3], 1e30)]),
    text: 'mul in squaredError of the loss gave Infinity at [0, 0] of [4, 3], out of ',
  },
  {
    what: 'a class weight beyond float32',
    loss: (z) =>
      labelLoss({ size: 14, labels: new Int32Array(14).fill(1) } as Parameters<typeof labelLoss>[0], {
        classWeights: [1, 1e39, 1],
      })({ logits: z }, rows),
    text: 'a tensor of the loss is Infinity at [1] of [3]; then div in the loss gave NaN',
  },
  {
    what: "NaN in a teacher's stored logits",
    loss: (z) => {
      const logits = new Float32Array(14 * 3)
      logits[11 * 3 + 2] = Number.NaN
      return kdLoss(z, storedLogits(logits, { size: 14 })(rows, {} as TextInput).logits as Tensor, labels, {
        T: 2,
        alpha: 0.9,
      })
    },
    text: 'a tensor of the teacher is NaN at [1, 2] of [4, 3]',
  },
  {
    what: 'NaN in a teacher that runs beside the student',
    loss: (z) =>
      mse(z, live(brokenTeacher)(rows, tensor(features, { shape: [B, C] }) as never) as unknown as Tensor),
    text: "the teacher's head.weight[1, 1] is NaN",
  },
  {
    what: 'an op of somebody else',
    loss: (z) => inverse([zero(z)], null).sum(),
    text: 'inverse in the loss gave ',
  },
  {
    what: 'the slope of a root at 0',
    loss: (z) => zero(z).sum().sqrt(),
    text: 'the gradient of sqrt in the loss for its input 0 is Infinity, from one of 1. Lower',
  },
  {
    what: 'the slope of a norm at 0',
    loss: (z) => z.sub(z.detach()).pow(2).sum(-1).sqrt().mean(),
    text: 'the gradient of sqrt in the loss for its input 0 is Infinity at [0] of [4], from one of 0.25',
  },
  {
    what: 'a slope behind a choice that hides the value',
    loss: (z) => where(zero(z), zero(z).log(), 0).sum(),
    text: 'the gradient of log in the loss for its input 0 is NaN at [0, 0] of [4, 3], from one of 0',
  },
  {
    what: 'a slope of one that is a parameter',
    loss: (_, m) => m.scale.mul(0).mul(1e30).mul(1e30).sum(),
    text: 'the gradient of mul in the loss for its input 0 is Infinity at [0] of [3], from one of 1e+30',
  },
  {
    what: 'a slope for a parameter',
    plant: (m) => put(m.scale, 2, 0),
    loss: (_, m) => m.scale.sqrt().sum(),
    text: 'the gradient of sqrt in the loss for scale is Infinity at [2] of [3], from one of 1',
  },
  {
    what: 'gradients that meet',
    loss: (_, m) => {
      const half = m.scale.mul(1)
      return half.mul(2e38).add(half.mul(2e38)).sum()
    },
    text: 'the gradients of what mul in the loss gave add up to Infinity at [0] of [3]',
  },
  {
    what: 'rows of an embedding that come again',
    loss: (_, m) =>
      m.embed
        .forward(tensor([2, 2], { dtype: 'int32' }))
        .mul(2e38)
        .sub(full([2, C], 0))
        .mul(tensor([[1], [1]]))
        .sum()
        .mul(1),
    plant: (m) => m.embed.weight.elements.fill(0.1),
    text: 'the gradients of embed.weight add up to Infinity at [2, 0] of [7, 4]',
  },
]

const bytes = (ts: readonly Tensor[]) =>
  ts.map((t) => Array.from(new Uint32Array(Float32Array.from(t.elements).buffer)))

function bench(onNonfinite: 'stop' | 'skip' = 'stop') {
  const model = make()
  const optimizer = new AdamW(model.parameters(), { lr: 1e-2 })
  const steps = new Accumulator(optimizer, model, onNonfinite)
  const add = (loss: Case['loss'], own = rows, feature?: number) =>
    steps.add(
      own,
      keyOf(1, own[0]),
      () => 'step 7 of 9, epoch 2',
      () => {
        const x = within('the data', () => {
          const values = features.slice()
          if (feature !== undefined) values[C + 2] = feature
          return tensor(values, { shape: [B, C] })
        })
        const logits = model.forward(x)
        return loss?.(logits, model) ?? labelLossOf(logits)
      },
    )
  const step = () => steps.step(1, { maxNorm: 1 }, () => 'step 7 of 9, epoch 2')
  const state = () => ({
    bytes: bytes([...model.parameters(), ...optimizer.slots.flatMap((s) => s.state)]),
    steps: optimizer.steps,
    grads: model.parameters().filter((p) => p.leafGrad !== null).length,
    buffers: memory().buffers,
  })
  add(undefined)
  step()
  return { model, optimizer, add, step, state }
}

const labelLossOf = (z: Tensor) => mse(z.softmax(-1), 1 / 3)

function thrown(fn: () => unknown): NonfiniteError {
  try {
    fn()
  } catch (error) {
    expect(error).toBeInstanceOf(NonfiniteError)
    return error as NonfiniteError
  }
  throw new Error('nothing was thrown')
}

describe('where it arose', () => {
  let found = 0
  it.each(cases)('$what', ({ plant, feature, loss, text }) => {
    const { model, optimizer, add, step, state } = bench()
    plant?.(model)
    const before = state()
    const { message } = thrown(() => {
      add(loss, rows, feature)
      step()
    })
    const head =
      /^training: the (loss|gradient norm) became (NaN|-?Infinity) at step 7 of 9, epoch 2, in rows 10, 11, 12, 13: /
    expect(message).toMatch(head)
    const cause = message.replace(head, '')
    if (text.startsWith('^')) expect(cause).toMatch(new RegExp(text))
    else expect(cause.slice(0, text.length)).toBe(text)
    expect(message).toMatch(/The step was not taken$/)
    expect(state()).toEqual(before)
    optimizer.dispose()
    found++
  })

  it('all planted sources were found', () => {
    expect(cases.length).toBeGreaterThanOrEqual(20)
    expect(found).toBe(cases.length)
    console.log(`${found} of ${cases.length} planted sources found where they arose`)
  })
})

describe('accumulated batches', () => {
  const batches = [0, 1, 2].map((i) => rows.map((r) => r + 10 * i))

  it('a loss that breaks in the second names its rows, and no gradient is left', () => {
    const { optimizer, add, state } = bench()
    const before = state()
    add(undefined, batches[0])
    const { message } = thrown(() => add(undefined, batches[1], Number.NaN))
    expect(message).toContain('in rows 20, 21, 22, 23: a tensor of the data is NaN')
    expect(state()).toEqual(before)
    optimizer.dispose()
  })

  it('a gradient that breaks in the second, found at the step, names its rows', () => {
    const { optimizer, add, step, state } = bench()
    const before = state()
    add(undefined, batches[0])
    add((z) => zero(z).sum().sqrt(), batches[1])
    add(undefined, batches[2])
    const { message } = thrown(step)
    expect(message).toContain('in rows 20, 21, 22, 23: the gradient of sqrt')
    expect(state()).toEqual(before)
    optimizer.dispose()
  })

  it('gradients that overflow only together name the batch that was one too many', () => {
    const { model, optimizer, add, step, state } = bench()
    model.scale.elements.fill(0)
    const before = state()
    for (const own of batches) add((_, m) => m.scale.mul(1.5e38).sum(), own)
    const { message } = thrown(step)
    expect(message).toContain(
      'in rows 30, 31, 32, 33: the gradients of scale add up to Infinity at [0] of [3]. Lower the learning rate, or scale',
    )
    expect(state()).toEqual(before)
    optimizer.dispose()
  })

  it('dropout drops the same when the batch runs again', () => {
    const { optimizer, add } = bench()
    const first = randomScope(keyOf(1, rows[0]), () => {
      make().drop.forward(full([1], 1)) // The model's own draw.
      return dropout(full([9, 9], 1), 0.1).elements.indexOf(0)
    })
    const { message } = thrown(() =>
      add(() =>
        dropout(full([9, 9], 1), 0.1)
          .log()
          .sum(),
      ),
    )
    expect(message).toContain(`log in the loss gave -Infinity at [${Math.floor(first / 9)}, ${first % 9}]`)
    optimizer.dispose()
  })

  it('a loss that is not a function of its batch is told so', () => {
    const { optimizer, add } = bench()
    let calls = 0
    const { message } = thrown(() => add((z) => z.sum().mul(calls++ === 0 ? Number.NaN : 1)))
    expect(message).toContain('run once more it was finite')
    optimizer.dispose()
  })
})

describe('in training', () => {
  const size = 24
  const values = Float32Array.from({ length: size * 3 }, (_, i) => ((i * 7) % 11) / 5 - 1)
  const classes = Int32Array.from({ length: size }, (_, r) => (values[r * 3] > 0 ? 1 : 0))
  const broken = values.slice()
  broken[5 * 3 + 1] = Number.NaN
  const options: FitOptions = { epochs: 2, batchSize: 4, lr: 1e-2, seed: 1 }
  const mlp = () => randomScope(keyOf(3), () => new Mlp({ sizes: [3, 4, 2] }))
  const weights = (m: Module) => bytes(m.parameters())

  async function skipping(more: Partial<FitOptions>, x = broken) {
    const model = mlp()
    const reports: StepReport[] = []
    const result = await train(model, rowData(x, 3, classes), {
      ...{ ...options, ...more, onNonfinite: 'skip' },
      onStep: (report) => void reports.push(report),
    })
    return { model, reports, result }
  }

  it('a rate that is far too high ends in a named parameter or op', async () => {
    const model = mlp()
    await settled()
    const buffers = memory().buffers
    const run = train(model, rowData(values, 3, classes), { ...options, lr: 1e30, warmup: 0, maxNorm: 1e9 })
    await expect(run).rejects.toThrow(
      /^training: the loss became .* at step 2 of 12.*: linear in layers\.\d gave /,
    )
    expect(memory().buffers).toBeLessThanOrEqual(buffers)
  })

  it('skip leaves the step out: the weights, the moments and the schedule are as if the batch had not been there', async () => {
    const { model, reports, result } = await skipping({})
    const bad = reports.filter((r) => r.skipped)
    expect(bad.length).toBe(2)
    for (const { loss, gradNorm, why } of bad) {
      expect([loss, gradNorm]).toEqual([Number.NaN, Number.NaN])
      expect(why).toMatch(
        /^training: the loss became NaN at step \d+ of 12, epoch [12], in rows [\d, ]*\b5\b.*a tensor of the data is NaN/,
      )
    }
    expect(result.epochs.every((e) => Number.isFinite(e.loss))).toBe(true)
    reports.forEach((r, i) => {
      if (r.skipped) expect(reports[i + 1]?.lr ?? r.lr).toBe(r.lr)
    })

    // The same without those batches; the schedule is still that of 12.
    const data = rowData(values, 3, classes)
    const reference = mlp()
    const optimizer = new AdamW(reference.parameters(), { lr: 1e-2, weightDecay: 0.05 })
    const steps = new Accumulator(optimizer, reference)
    for (const epoch of [1, 2]) {
      for (const [i, own] of data.batches(4, keyOf(1, 'order', epoch)).entries()) {
        if (own.includes(5)) continue
        steps.add(
          own,
          keyOf(1, 'dropout', epoch, i),
          () => '',
          () => labelLoss(data)(reference.forward(data.input(own)), own),
        )
        steps.step(
          schedules.linear({ total: 12, warmup: 0.06 })(optimizer.steps),
          { maxNorm: 1, clip: 'global' },
          () => '',
        )
      }
    }
    expect(weights(model)).toEqual(weights(reference))
    optimizer.dispose()
  })

  it('skip drops all batches of an accumulated step', async () => {
    const { reports } = await skipping({ accumulate: 3 })
    expect(reports.filter((r) => r.skipped).length).toBe(2)
    for (const [i, r] of reports.entries()) {
      expect(r.skipped ?? false).toBe(
        i % 3 === 2 && reports.slice(i - 2, i + 1).some((own) => Number.isNaN(own.loss)),
      )
    }
  })

  it('a gradient that breaks is skipped too', async () => {
    const model = mlp()
    const before = weights(model)
    const rule = ({ logits }: { logits: Tensor }) => logits.mul(0).sum().sqrt()
    const reports: StepReport[] = []
    const { epochs } = await fit(model, rowData(values, 3, classes), rule, {
      ...{ ...options, epochs: 1, onNonfinite: 'skip' },
      onStep: (r) => void reports.push(r),
    })
    expect(reports.map((r) => [r.loss, r.skipped])).toEqual(reports.map(() => [0, true]))
    expect(epochs[0].loss).toBe(0)
    expect(weights(model)).toEqual(before)
  })

  it('more than ten in a row end it', async () => {
    const all = new Float32Array(size * 3).fill(Number.NaN)
    await expect(skipping({}, all)).rejects.toThrow(
      /at step 11 of 12, epoch 2,.*The step was not taken, nor were the 10 before it$/,
    )
  })

  it("distil names the teacher's logits", async () => {
    const logits = new Float32Array(size * 2).fill(Infinity)
    await expect(distil(mlp(), rowData(values, 3, classes), logits, options)).rejects.toThrow(
      'a tensor of the teacher is Infinity at [0, 0] of [4, 2]; then softmax in the loss gave NaN',
    )
  })
})
