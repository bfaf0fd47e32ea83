// What golden values do not show: padding has no part in a loss, float32 stays near, models' own outputs fit, misuse is named.
import { describe, expect, it } from 'vitest'
import '../../src/index.js'
import { grad } from '../../src/autograd/backward.js'
import { randn, tensor, zeros } from '../../src/autograd/create.js'
import { mul } from '../../src/autograd/ops/elementwise/arithmetic.js'
import { softmax } from '../../src/autograd/ops/softmax.js'
import {
  attentionLoss,
  attentionProbsLoss,
  cosineLoss,
  embeddingLoss,
  hardTargetLoss,
  hiddenLoss,
  layerMap,
  maskedWordLoss,
  Projection,
  patientLoss,
  relationalAngleLoss,
  relationalDistanceLoss,
  relationLoss,
  softTargetLoss,
  standardizedLogits,
} from '../../src/distill/index.js'
import { BertForSequenceClassification } from '../../src/files/models/index.js'
import { keyOf } from '../../src/tensor/rng.js'
import type { Tensor } from '../../src/tensor/tensor.js'
import { cases, inputsOf } from './losses.js'

const random = (shape: number[], seed = 1) => randn(shape, { key: keyOf(seed) })
const only = (x: Tensor) => Array.from(x.data)
const mask = tensor(
  [
    [1, 1, 1, 0, 0],
    [1, 1, 0, 0, 0],
  ],
  { dtype: 'int32' },
)
const finite = (loss: Tensor) => expect(Number.isFinite(loss.item())).toBe(true)

/** x with other numbers where it is padding; `dims`: which of its dims are positions. */
function repadded(x: Tensor, dims: number[], value: number): Tensor {
  const data = x.data.slice()
  data.forEach((_, i) => {
    const at = x.strides.map((s, d) => Math.floor(i / s) % x.shape[d])
    if (dims.some((d) => mask.data[at[0] * 5 + at[d]] === 0)) data[i] = value
  })
  return tensor(data, { shape: x.shape })
}

describe('padding', () => {
  type Pair = (s: Tensor, t: Tensor) => Tensor
  const states = [random([2, 5, 4]), random([2, 5, 4], 2)]
  const squares = [random([2, 3, 5, 5]), random([2, 3, 5, 5], 2)]
  const heads = [random([2, 2, 5, 4]), random([2, 2, 5, 4], 2)]
  const same = (x: Tensor) => ({ q: x, k: x, v: x })
  it.each<[string, Tensor[], number[], Pair]>([
    ['softTargetLoss', states, [1], (s, t) => softTargetLoss(s, t, { mask })],
    ['hiddenLoss', states, [1], (s, t) => hiddenLoss(s, t, { mask })],
    ['embeddingLoss', states, [1], (s, t) => embeddingLoss(s, t, { mask })],
    ['cosineLoss', states, [1], (s, t) => cosineLoss(s, t, { mask })],
    ['attentionLoss', squares, [2, 3], (s, t) => attentionLoss(s, t, { mask })],
    ['relationLoss', heads, [2], (s, t) => relationLoss(same(s), same(t), { mask, heads: 4 })],
  ])('has no part in %s, nor a gradient', (_, [s, t], dims, loss) => {
    const run = (value: number) => {
      const x = repadded(s, dims, value)
      x.requiresGrad = true
      const y = loss(x, repadded(t, dims, -value))
      const [g] = grad(y, [x])
      const inside = g as Tensor
      expect(only(repadded(inside, dims, 0))).toEqual(only(inside))
      return [y.item(), ...inside.data]
    }
    expect(run(50)).toEqual(run(0.5))
  })
})

describe('float32', () => {
  it.each(cases)('$name is near float64', ({ name, run }) => {
    const inputs = Object.entries(inputsOf(name))
    const exact = run(Object.fromEntries(inputs)).item()
    const single = Object.fromEntries(
      inputs.map(([key, t]) => [key, t.dtype === 'float64' ? t.to('float32') : t]),
    )
    expect(Math.abs(run(single).item() - exact)).toBeLessThan(2e-6 * Math.max(1, Math.abs(exact)))
  })

  it('a probability of 0 in the student costs much, not infinitely much', () => {
    const student = softmax(
      tensor([
        [
          [
            [200, 0],
            [0, 200],
          ],
        ],
      ]),
      -1,
    )
    student.requiresGrad = true
    const loss = attentionProbsLoss(
      student,
      tensor([
        [
          [
            [0.5, 0.5],
            [0.5, 0.5],
          ],
        ],
      ]),
    )
    finite(loss)
    const [g] = grad(loss, [student])
    expect(only(g as Tensor).every(Number.isFinite)).toBe(true)
  })

  it('equal logits, equal states and states of 0 have finite gradients', () => {
    const flat = tensor(
      [
        [2, 2, 2],
        [1, 2, 3],
      ],
      { requiresGrad: true },
    )
    expect(only(standardizedLogits(flat)).slice(0, 3)).toEqual([0, 0, 0])
    const equal = tensor(
      [
        [1, 2],
        [1, 2],
        [0, 0],
      ],
      { requiresGrad: true },
    )
    const still = zeros([2, 3, 4], { requiresGrad: true })
    const teacher = random([2, 3, 4])
    const gradients = [
      ...grad(softTargetLoss(flat, random([2, 3]), { standardize: 'sample' }), [flat]),
      ...grad(relationalDistanceLoss(equal, random([3, 2])), [equal]),
      ...grad(relationalAngleLoss(equal, random([3, 2])), [equal]),
      ...grad(patientLoss(still, teacher), [still]),
      ...grad(cosineLoss(still, teacher), [still]),
    ]
    for (const g of gradients) expect(only(g as Tensor).every(Number.isFinite)).toBe(true)
    finite(relationalDistanceLoss(zeros([3, 2]), random([3, 2])))
  })
})

describe('models', () => {
  it('give what the losses need, and every parameter of the student learns', () => {
    const settings = { vocabSize: 20, maxLength: 8, heads: 2, inner: 8, dropout: 0, attentionDropout: 0 }
    const teacher = new BertForSequenceClassification({ ...settings, width: 12, layers: 4 }).eval()
    const student = new BertForSequenceClassification({ ...settings, width: 8, layers: 2 })
    const projection = new Projection(8, 12)
    const input = {
      inputIds: tensor(
        [
          [3, 4, 5, 0, 0],
          [6, 7, 0, 0, 0],
        ],
        { dtype: 'int32' },
      ),
      attentionMask: mask,
    }
    const want = { hiddenStates: true, attentionScores: true, attentionProbs: true, qkv: true }
    const [s, t] = [student.forward(input, want), teacher.forward(input, want)]
    const map = layerMap('uniform', { student: 2, teacher: 4 })
    const total = [
      softTargetLoss(s.logits, t.logits),
      hiddenLoss(s.hiddenStates!, t.hiddenStates!, { pairs: map.hidden, projection }),
      attentionLoss(s.attentionScores!, t.attentionScores!, { pairs: map.attention }),
      attentionLoss(s.attentionScores!, t.attentionScores!, { pairs: map.attention, mask }),
      attentionProbsLoss(s.attentionProbs!.at(-1)!, t.attentionProbs!.at(-1)!, { mask }),
      relationLoss(s.qkv!.at(-1)!, t.qkv!.at(-1)!, { mask, heads: 4 }),
      relationalDistanceLoss(s.pooled!, t.pooled!),
    ].reduce((a, b) => a.add(b))
    finite(total)
    total.backward()
    for (const [name, p] of [...student.namedParameters(), ...projection.namedParameters()])
      expect(p.grad, name).not.toBeNull()
    for (const [name, p] of teacher.namedParameters()) expect(p.grad, name).toBeNull()
  })
})

describe('misuse is named', () => {
  const [narrow, wide] = [random([2, 5, 3]), random([2, 5, 4])]
  const none = zeros([2, 5], { dtype: 'int32' })
  const oneEmpty = tensor(
    [
      [1, 1, 1, 1, 1],
      [0, 0, 0, 0, 0],
    ],
    { dtype: 'int32' },
  )
  const [two, three] = [random([2, 2, 5, 5]), random([2, 3, 5, 5])]
  const qkv = (x: Tensor) => ({ q: x, k: x, v: x })
  it.each<[string, () => unknown]>([
    [
      "hiddenLoss: the student's are [10, 3], the teacher's [10, 4]. A Projection",
      () => hiddenLoss(narrow, wide),
    ],
    [
      'hiddenLoss: 1 layers of the student and 2 of the teacher need pairs',
      () => hiddenLoss([wide], [wide, wide]),
    ],
    ['hiddenLoss: pair 0 is [0, 7], there are 1 layers', () => hiddenLoss(wide, wide, { pairs: [[0, 7]] })],
    ['hiddenLoss: there are no layers to compare', () => hiddenLoss(wide, wide, { pairs: [] })],
    [
      'hiddenLoss: the mask must be [2, 5], got [2, 4]',
      () => hiddenLoss(wide, wide, { mask: none.slice(1, 0, 4) }),
    ],
    ['hiddenLoss: the mask leaves no position', () => hiddenLoss(wide, wide, { mask: none })],
    [
      "Projection: 'each' needs the number of states, got undefined",
      () => new Projection(3, 4, { sharing: 'each' }),
    ],
    [
      'Projection: there are 1 states, not one at 1',
      () =>
        hiddenLoss([narrow, narrow], [wide, wide], {
          projection: new Projection(3, 4, { sharing: 'each', states: 1 }),
        }),
    ],
    [
      "attentionLoss: the student's are [2, 2, 5, 5], the teacher's [2, 3, 5, 5]. Both need the same number of heads",
      () => attentionLoss(two, three),
    ],
    ['attentionLoss: expected [batch, heads, T, T], got [2, 5, 4]', () => attentionLoss(wide, wide)],
    [
      'attentionProbsLoss: text 1 has no real position',
      () => attentionProbsLoss(two, two, { mask: oneEmpty }),
    ],
    ['relationLoss: text 1 has no real position', () => relationLoss(qkv(two), qkv(two), { mask: oneEmpty })],
    [
      "relationLoss: the teacher's width 15 does not divide into 2 relation heads",
      () => relationLoss(qkv(two), qkv(three)),
    ],
    [
      "relationLoss: the student's are [2, 2, 5, 5], the teacher's [1, 2, 5, 5]",
      () => relationLoss(qkv(two), qkv(two.slice(0, 0, 1))),
    ],
    [
      'relationLoss: 3 relations do not fit 1 weights',
      () => relationLoss(qkv(two), qkv(two), { weights: [1] }),
    ],
    [
      'relationLoss: expected [batch, heads, T, width], got [2, 5, 4]',
      () => relationLoss(qkv(wide), qkv(wide)),
    ],
    [
      "cosineLoss: the student's are [2, 5, 3], the teacher's [2, 5, 4]. The widths",
      () => cosineLoss(narrow, wide),
    ],
    ["patientLoss: the student's are", () => patientLoss(narrow, wide)],
    ['patientLoss: expected [batch, T, width], got [2, 2, 5, 5]', () => patientLoss(two, two)],
    [
      'relationalDistanceLoss: one example has no relation',
      () => relationalDistanceLoss(random([1, 3]), random([1, 3])),
    ],
    [
      'relationalAngleLoss: expected twice [batch, width], got [2, 3] of the student and [3, 3]',
      () => relationalAngleLoss(random([2, 3]), random([3, 3])),
    ],
    [
      'softTargetLoss: reduction must be one of batchmean, mean-elements, sum-rows, got mean',
      () => softTargetLoss(wide, wide, { reduction: 'mean' as never }),
    ],
    ['softTargetLoss: the mask leaves no position', () => softTargetLoss(wide, wide, { mask: none })],
    [
      'maskedWordLoss: no word is to be guessed',
      () => maskedWordLoss(wide, mul(none.to('float32'), 1).add(-100).to('int32')),
    ],
    [
      'hardTargetLoss: numbers [2] need one logit each, got [2, 3]',
      () => hardTargetLoss(random([2, 3]), random([2])),
    ],
  ])('%s', (text, run) => {
    expect(run).toThrow(text)
  })
})
