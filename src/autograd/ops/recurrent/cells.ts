// What differs between the recurrent cells: the fused step on kernels, and the same step and its gradient in plain ops.

import type { UnaryGradName } from '../../../tensor/kernel-args.js'
import type { Kernels } from '../../../tensor/kernels.js'
import type { Floats } from '../../../tensor/storage.js'
import type { Tensor } from '../../../tensor/tensor.js'
import { add, mul, sub } from '../elementwise/arithmetic.js'
import { to } from '../elementwise/cast.js'
import { gt } from '../elementwise/compare.js'
import { relu, sigmoid, tanh } from '../elementwise/pointwise.js'
import { cat } from '../shape/join.js'
import { slice } from '../shape/slice.js'

export type CellName = 'rnnTanh' | 'rnnRelu' | 'gru' | 'lstm'

/** One step of a batch: [rows, n] each but for the gates, the states h and with LSTM c. */
export interface FusedStep {
  rows: number
  n: number
  now: readonly Floats[]
  before: readonly Floats[]
  /** What forward leaves for backward, [rows, kept * n]. */
  kept: Floats
}

/** Gradients of a step: of the gates by the input's and by the state's product, and of the states before. */
export interface StepGrads {
  gx: Tensor
  gh: Tensor
  /** What reaches the states before without passing through gh; null: nothing. */
  before: (Tensor | null)[]
}

export interface Cell {
  name: CellName
  doc: string
  math: string
  /** Parts of the gates, n wide each. */
  gates: 1 | 3 | 4
  states: 1 | 2
  kept: 0 | 4
  /** The gradients of gx and gh are the same numbers. */
  oneGradient: boolean
  /** Some of h's gradient reaches the h before without passing through gh. */
  carries: boolean
  step: (k: Kernels, s: FusedStep, gx: Floats, gh: Floats) => void
  /** d: the gradients of the states now, which become what reaches those before past gh. */
  stepGrad: (k: Kernels, s: FusedStep, dGx: Floats, dGh: Floats, d: readonly Floats[]) => void
  plain: (gx: Tensor, gh: Tensor, before: readonly Tensor[]) => Tensor[]
  plainGrad: (
    d: readonly Tensor[],
    gx: Tensor,
    gh: Tensor,
    before: readonly Tensor[],
    now: readonly Tensor[],
  ) => StepGrads
}

/** The parts of gates [rows, parts * n]. */
function split(gates: Tensor, parts: number): Tensor[] {
  const n = gates.shape[1] / parts
  return Array.from({ length: parts }, (_, i) => slice(gates, 1, i * n, (i + 1) * n))
}

const sigmoidSlope = (s: Tensor) => mul(s, sub(1, s))
const tanhSlope = (t: Tensor) => sub(1, mul(t, t))

function elman(
  name: 'rnnTanh' | 'rnnRelu',
  fn: UnaryGradName & ('tanh' | 'relu'),
  plain: (x: Tensor) => Tensor,
  slope: (y: Tensor) => Tensor,
): Cell {
  return {
    name,
    doc: `A recurrent layer over time, ${fn} of the products of input and state.`,
    math: `h_t = \\${fn === 'tanh' ? 'tanh' : 'max(0, '}(x_t + h_{t-1} W^\\top + b);\\quad \\bar x_t = \\bar h_t h_t',\\ \\bar h_{t-1} \\mathrel{+}= \\bar x_t W`,
    ...{ gates: 1, states: 1, kept: 0, oneGradient: true, carries: false },
    step: (k, { now: [h], rows, n }, gx, gh) => {
      k.binary('add', [rows * n], h, gx, [1], gh, [1])
      k.unary(fn, h, h)
    },
    // relu's slope is that of its result: x > 0 where y > 0.
    stepGrad: (k, { now: [h] }, dGx, _, [dh]) => k.unaryGrad(fn, dGx, h, dh),
    plain: (gx, gh) => [plain(add(gx, gh))],
    plainGrad: ([dh], _gx, _gh, _before, [h]) => {
      const g = mul(dh, slope(h))
      return { gx: g, gh: g, before: [null] }
    },
  }
}

/** Rows of the gates of an LSTM: input, forget, cell, output. */
function lstmGates(gx: Tensor, gh: Tensor): [i: Tensor, f: Tensor, g: Tensor, o: Tensor] {
  const [i, f, g, o] = split(add(gx, gh), 4)
  return [sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)]
}

const lstm: Cell = {
  name: 'lstm',
  doc: 'An LSTM layer over time: its hidden states, then its cell states.',
  math: "i, f, g, o = \\sigma, \\sigma, \\tanh, \\sigma(x_t + h_{t-1} W^\\top + b);\\ c_t = f c_{t-1} + i g,\\ h_t = o \\tanh c_t;\\quad \\delta = \\bar c_t + \\bar h_t o (1 - \\tanh^2 c_t),\\ \\bar c_{t-1} = \\delta f,\\ \\bar x_t = (\\delta g i', \\delta c_{t-1} f', \\delta i g', \\bar h_t \\tanh(c_t) o')",
  ...{ gates: 4, states: 2, kept: 4, oneGradient: true, carries: false },
  step: (k, { now: [h, c], before: [, cPrev], kept, rows, n }, gx, gh) =>
    k.lstmStep(h, c, kept, gx, gh, cPrev, rows, n),
  stepGrad: (k, { now: [, c], before: [, cPrev], kept, rows, n }, dGx, _, [dh, dc]) =>
    k.lstmStepGrad(dGx, dc, dh, kept, c, cPrev, rows, n),
  plain: (gx, gh, [, cPrev]) => {
    const [i, f, g, o] = lstmGates(gx, gh)
    const c = add(mul(f, cPrev), mul(i, g))
    return [mul(o, tanh(c)), c]
  },
  plainGrad: ([dh, dc], gx, gh, [, cPrev], [, c]) => {
    const [i, f, g, o] = lstmGates(gx, gh)
    const t = tanh(c)
    const d = add(dc, mul(mul(dh, o), tanhSlope(t)))
    const all = cat(
      [
        mul(mul(d, g), sigmoidSlope(i)),
        mul(mul(d, cPrev), sigmoidSlope(f)),
        mul(mul(d, i), tanhSlope(g)),
        mul(mul(dh, t), sigmoidSlope(o)),
      ],
      1,
    )
    return { gx: all, gh: all, before: [null, mul(d, f)] }
  },
}

/** Reset, update, fresh, and the state's part of fresh. */
function gruGates(gx: Tensor, gh: Tensor): [r: Tensor, z: Tensor, fresh: Tensor, inner: Tensor] {
  const [rx, zx, nx] = split(gx, 3)
  const [rh, zh, inner] = split(gh, 3)
  const r = sigmoid(add(rx, rh))
  return [r, sigmoid(add(zx, zh)), tanh(add(nx, mul(r, inner))), inner]
}

const gru: Cell = {
  name: 'gru',
  doc: 'A GRU layer over time, the reset gate after the product as in PyTorch.',
  math: "r, z = \\sigma(x_t + u_t);\\ n = \\tanh(x_t + r u_t),\\ u_t = h_{t-1} W^\\top + b;\\ h_t = (1 - z) n + z h_{t-1};\\quad \\bar n = \\bar h_t (1 - z) n',\\ \\bar r = \\bar n u_t r',\\ \\bar z = \\bar h_t (h_{t-1} - n) z'",
  ...{ gates: 3, states: 1, kept: 4, oneGradient: false, carries: true },
  step: (k, { now: [h], before: [hPrev], kept, rows, n }, gx, gh) =>
    k.gruStep(h, kept, gx, gh, hPrev, rows, n),
  stepGrad: (k, { before: [hPrev], kept, rows, n }, dGx, dGh, [dh]) =>
    k.gruStepGrad(dGx, dGh, dh, kept, hPrev, rows, n),
  plain: (gx, gh, [hPrev]) => {
    const [, z, fresh] = gruGates(gx, gh)
    return [add(mul(sub(1, z), fresh), mul(z, hPrev))]
  },
  plainGrad: ([dh], gx, gh, [hPrev]) => {
    const [r, z, fresh, inner] = gruGates(gx, gh)
    const dFresh = mul(mul(dh, sub(1, z)), tanhSlope(fresh))
    const dReset = mul(mul(dFresh, inner), sigmoidSlope(r))
    const dZ = mul(mul(dh, sub(hPrev, fresh)), sigmoidSlope(z))
    return {
      gx: cat([dReset, dZ, dFresh], 1),
      gh: cat([dReset, dZ, mul(dFresh, r)], 1),
      before: [mul(dh, z)],
    }
  },
}

export const cells: Record<CellName, Cell> = {
  rnnTanh: elman('rnnTanh', 'tanh', tanh, tanhSlope),
  rnnRelu: elman('rnnRelu', 'relu', relu, (y) => to(gt(y, 0), y.dtype)),
  gru,
  lstm,
}
