// RNN, GRU, LSTM and their cells beside PyTorch (test/golden/recurrent.py): results and all gradients, whatever the
// layers, directions and lengths. And what they say of wrong arguments.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readSafetensors } from '../../src/formats/safetensors/safetensors.js'
import {
  DTypeError,
  manualSeed,
  nn,
  noGrad,
  randn,
  ShapeError,
  type Tensor,
  tensor,
  zeros,
} from '../../src/index.js'

const golden = readSafetensors(readFileSync(new URL('../golden/recurrent.safetensors', import.meta.url)))
const T = 4
const B = 3
const I = 3
const H = 5
const LENGTHS = [2, 4, 1]

type DType = 'float32' | 'float64'
type Layer = InstanceType<typeof nn.RNN | typeof nn.GRU | typeof nn.LSTM>

const make = {
  rnn: (options: object) => new nn.RNN(I, H, options),
  relu: (options: object) => new nn.RNN(I, H, { nonlinearity: 'relu', ...options }),
  gru: (options: object) => new nn.GRU(I, H, options),
  lstm: (options: object) => new nn.LSTM(I, H, options),
}

const names = [...golden.tensors.keys()]
const cases = [
  ...new Set(names.map((name) => name.replace(/\.(w|d|x|y|wy|[hc][0n]|w[hc]n)(\..*)?$/, ''))),
].filter((name) => !name.includes('cell'))

function read(name: string, dtype: DType = 'float64'): Tensor {
  const t = golden.tensors.get(name)
  if (t === undefined) throw new Error(`${name} is not in the golden file`)
  return noGrad(() => t.clone().to(dtype))
}

function expectNear(got: Tensor, name: string, dtype: DType): void {
  const [a, b] = [got.to('float64').data, read(name).data]
  expect(got.shape, name).toEqual(read(name).shape)
  const bar = dtype === 'float64' ? 1e-12 : 1e-6
  const scale = Math.max(1, ...Array.from(b, Math.abs))
  const worst = Math.max(...Array.from(a, (x, i) => Math.abs(x - b[i]))) / scale
  expect(worst, `${name} in ${dtype}`).toBeLessThanOrEqual(bar)
}

/** One call of either kind, the states as a list. */
function call(layer: Layer, x: Tensor, state: Tensor[] | undefined, lengths?: number[]): [Tensor, Tensor[]] {
  if (layer instanceof nn.LSTM) {
    const [y, end] = layer.forward(x, { state: state && [state[0], state[1]], lengths })
    return [y, [...end]]
  }
  const [y, hn] = layer.forward(x, { state: state?.[0], lengths })
  return [y, [hn]]
}

function build(name: string, dtype: DType): Layer {
  const [kind, ...words] = name.split('.')
  const layer = make[kind as keyof typeof make]({
    numLayers: words.includes('two') ? 2 : 1,
    bidirectional: words.includes('both'),
    bias: !words.includes('no-bias'),
  })
  const prefix = `${name}.w.`
  const weights = names
    .filter((n) => n.startsWith(prefix))
    .map((n) => [n.slice(prefix.length), read(n)] as const)
  layer.to('float64').loadStateDict(new Map(weights))
  return layer.to(dtype)
}

describe.each(['float64', 'float32'] as const)('recurrent layers as PyTorch has them, %s', (dtype) => {
  it.each(cases)('%s', (name) => {
    const layer = build(name, dtype)
    const lstm = layer instanceof nn.LSTM
    const x = read(`${name}.x`, dtype)
    x.requiresGrad = true
    const state = golden.tensors.has(`${name}.h0`)
      ? (lstm ? ['h0', 'c0'] : ['h0']).map((s) => read(`${name}.${s}`, dtype))
      : undefined
    for (const s of state ?? []) s.requiresGrad = true
    const [y, end] = call(layer, x, state, name.includes('lengths') ? LENGTHS : undefined)
    const results = { y, hn: end[0], ...(lstm ? { cn: end[1] } : {}) }
    let total = zeros([], { dtype })
    for (const [key, t] of Object.entries(results)) {
      expectNear(t, `${name}.${key}`, dtype)
      total = total.add(t.mul(read(`${name}.w${key}`, dtype)).sum())
    }
    total.backward()
    expectNear(x.grad!, `${name}.d.x`, dtype)
    state?.forEach((s, i) => {
      expectNear(s.grad!, `${name}.d.${'hc'[i]}0`, dtype)
    })
    for (const [key, p] of layer.namedParameters()) expectNear(p.grad!, `${name}.d.${key}`, dtype)
  })

  it.each(['rnn', 'gru', 'lstm'])('%s cell', (kind) => {
    const cell = { rnn: nn.RNNCell, gru: nn.GRUCell, lstm: nn.LSTMCell }[kind]!
    const made = new cell(I, H).to('float64')
    made.loadStateDict(
      new Map([...made.stateDict().keys()].map((key) => [key, read(`${kind}.cell.w.${key}`)])),
    )
    made.to(dtype)
    const [x, h, c] = ['x', 'h0', 'c0'].map((s) => read(`${kind}.cell.${s}`, dtype))
    const out = made instanceof nn.LSTMCell ? made.forward(x, [h, c]) : [made.forward(x, h)]
    out.forEach((t, i) => {
      expectNear(t, `${kind}.cell.${'hc'[i]}n`, dtype)
    })
  })
})

describe('recurrent layers', () => {
  const same = (a: Tensor, b: Tensor) => expect(a.toArray()).toEqual(b.toArray())

  it('read more cases than none', () => expect(cases.length).toBe(25))

  it.each(Object.keys(make))('%s: a padded batch is its texts one by one', (kind) => {
    manualSeed(3)
    const layer = make[kind as keyof typeof make]({ numLayers: 2, bidirectional: true, batchFirst: true })
    const x = randn([B, T, I])
    for (const [b, length] of LENGTHS.entries()) x.elements.fill(NaN, (b * T + length) * I, (b + 1) * T * I)
    const [y, end] = call(layer, x, undefined, LENGTHS)
    for (const [b, length] of LENGTHS.entries()) {
      const [alone, last] = call(layer, x.slice(0, b, b + 1).slice(1, 0, length), undefined)
      const [one] = call(
        layer,
        x
          .slice(0, b, b + 1)
          .slice(1, 0, length)
          .reshape([length, I]),
        undefined,
      )
      same(one, alone.reshape([length, 2 * H]))
      const row = y.slice(0, b, b + 1)
      expect(Math.max(...row.slice(1, 0, length).sub(alone).abs().data)).toBeLessThan(1e-6)
      expect(row.slice(1, length).data.every((v) => v === 0)).toBe(true)
      end.forEach((s, i) => {
        expect(
          Math.max(
            ...s
              .slice(1, b, b + 1)
              .sub(last[i])
              .abs().data,
          ),
        ).toBeLessThan(1e-6)
      })
    }
  })

  it('NaN in the padding reaches no gradient', () => {
    const layer = new nn.GRU(I, H)
    const x = randn([T, 2, I])
    x.elements.fill(NaN, 3 * 2 * I)
    layer
      .forward(x, { lengths: tensor([3, 1], { dtype: 'int32' }) })[0]
      .slice(1, 0, 1)
      .sum()
      .backward()
    for (const p of layer.parameters()) expect(p.grad!.data.every(Number.isFinite)).toBe(true)
  })

  it('a text without words has outputs of 0 and keeps its state', () => {
    const layer = new nn.LSTM(I, H, { bidirectional: true })
    const [h, c] = [randn([2, 1, H]), randn([2, 1, H])]
    const [y, [hn, cn]] = layer.forward(randn([T, 1, I]), { state: [h, c], lengths: [0] })
    expect(y.data.every((v) => v === 0)).toBe(true)
    same(hn, h)
    same(cn, c)
  })

  it('dropout between layers, in training only', () => {
    manualSeed(5)
    const layer = new nn.GRU(I, H, { numLayers: 2, dropout: 0.5 })
    const x = randn([T, B, I])
    const first = layer.forward(x)[0]
    expect(layer.forward(x)[0].toArray()).not.toEqual(first.toArray())
    layer.eval()
    same(layer.forward(x)[0], layer.forward(x)[0])
  })

  it('a state dict has PyTorch’s names', () => {
    const stateDict = new nn.LSTM(2, 3, { bidirectional: true, numLayers: 2 }).stateDict()
    expect([...stateDict.keys()]).toEqual(
      ['l0', 'l0_reverse', 'l1', 'l1_reverse'].flatMap((end) =>
        ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh'].map((name) => `${name}_${end}`),
      ),
    )
    expect(stateDict.get('weight_ih_l1')!.shape).toEqual([12, 6])
  })

  const layer = new nn.LSTM(3, 2)
  const x = zeros([4, 2, 3])
  it.each([
    [
      'LSTM: x must be [time, batch, 3] with at least one time, or [time, 3], got [4, 2, 5]',
      ShapeError,
      () => layer.forward(zeros([4, 2, 5])),
    ],
    [
      'LSTM: x must be [time, batch, 3] with at least one time, or [time, 3], got [0, 2, 3]',
      ShapeError,
      () => layer.forward(zeros([0, 2, 3])),
    ],
    [
      'LSTM: state must be two tensors, h and c, of [1, 2, 2], got [2, 2, 2], [1, 2, 2]. Layers by directions, batch, hiddenSize, whatever batchFirst says',
      ShapeError,
      () => layer.forward(x, { state: [zeros([2, 2, 2]), zeros([1, 2, 2])] }),
    ],
    ['LSTM: a batch of 2 needs as many lengths, got 1', ShapeError, () => layer.forward(x, { lengths: [4] })],
    [
      'LSTM: lengths are whole numbers from 0 to 4, got 5',
      RangeError,
      () => layer.forward(x, { lengths: [4, 5] }),
    ],
    [
      "LSTM: lengths must be int32, got float32. Convert them with .to('int32')",
      DTypeError,
      () => layer.forward(x, { lengths: tensor([4, 5]) }),
    ],
    [
      'LSTM: lengths go with a batch of rank 3, got x [4, 3]',
      ShapeError,
      () => layer.forward(zeros([4, 3]), { lengths: [4] }),
    ],
    ['GRU: hiddenSize must be a whole number from 1, got 0', RangeError, () => new nn.GRU(3, 0)],
    ['GRU: dropout must lie in [0, 1], got 2', RangeError, () => new nn.GRU(3, 2, { dropout: 2 })],
    [
      "RNN: nonlinearity must be 'tanh' or 'relu', got 'gelu'",
      RangeError,
      () => new nn.RNN(3, 2, { nonlinearity: 'gelu' as 'relu' }),
    ],
    [
      'GRUCell: x must be [batch, 3] or [3], got [2]',
      ShapeError,
      () => new nn.GRUCell(3, 2).forward(zeros([2])),
    ],
    [
      'GRUCell: state must be [2], got [3]',
      ShapeError,
      () => new nn.GRUCell(3, 2).forward(zeros([3]), zeros([3])),
    ],
  ] as const)('%s', (text, type, run) => {
    let thrown: unknown
    try {
      run()
    } catch (e) {
      thrown = e
    }
    expect(thrown).toBeInstanceOf(type)
    expect((thrown as Error).message).toBe(text)
  })
})
