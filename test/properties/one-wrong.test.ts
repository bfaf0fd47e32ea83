// Calls that are right but for one thing: each argument and each option of a right call gives way to every wrong value.
// Random calls rarely get as far as a third argument.
import { expect, it } from 'vitest'
import * as ts from '../../src/index.js'
import { TinystillError, tensor, tidy } from '../../src/index.js'
import { make, plainNames, tensorNames } from './junk.js'

const x = (...shape: number[]) => {
  const n = shape.reduce((a, b) => a * b, 1)
  return tensor(
    Float32Array.from({ length: n }, (_, i) => (i + 1) / (n + 1)),
    { shape },
  )
}
const i = (...values: number[]) => tensor(Int32Array.from(values))
const leaf = () => tensor([1, 2], { requiresGrad: true })
// Of what it is given nothing is asked but by an op: its own mistakes would be found here as well.
const square = (t: ts.Tensor) => ts.mse(t, 0)
const op = () =>
  ts.defineOp<null>({
    name: 'mine',
    doc: '',
    math: '',
    takes: ['float'],
    shape: ([s]) => s,
    composite: ([t]) => t.mul(2),
    twice: true,
    samples: () => [{ inputs: [{ shape: [2] }], attrs: null }],
    errors: () => [],
    edge: () => [],
  })

type Options = Record<string, unknown>

/** Arguments of a right call; where the last is an object of its own, its options one by one. */
const functions: Record<string, () => unknown[]> = {
  conv1d: () => [x(1, 2, 5), x(4, 1, 3), x(4), { stride: 1, padding: 1, dilation: 1, groups: 2 }],
  conv2d: () => [x(1, 2, 4, 4), x(4, 1, 3, 3), x(4), { stride: [1, 1], padding: 1, dilation: 1, groups: 2 }],
  convTranspose2d: () => [
    ...[x(1, 2, 3, 3), x(2, 2, 3, 3), x(2)],
    { stride: 2, padding: 1, outputPadding: 1, dilation: 1, groups: 1 },
  ],
  maxPool1d: () => [x(1, 2, 5), 2, { stride: 1, padding: 1, dilation: 1, ceilMode: true }],
  maxPool2d: () => [x(1, 2, 5, 5), 2, { stride: 1, padding: 1, dilation: 1, ceilMode: true }],
  avgPool1d: () => [x(1, 2, 5), 2, { stride: 1, padding: 1, ceilMode: true, countIncludePad: false }],
  avgPool2d: () => [
    ...[x(1, 2, 5, 5), 2],
    { stride: 1, padding: 1, ceilMode: true, countIncludePad: false, divisorOverride: 3 },
  ],
  adaptiveAvgPool2d: () => [x(1, 2, 5, 5), [2, null]],
  batchNorm: () => [
    ...[x(2, 3, 2), { mean: x(3), variance: x(3) }],
    { weight: x(3), bias: x(3), training: true, momentum: 0.1, eps: 1e-5 },
  ],
  groupNorm: () => [x(2, 4, 2), 2, { weight: x(4), bias: x(4), eps: 1e-5 }],
  rmsNorm: () => [x(2, 3), x(3), { eps: 1e-5 }],
  hypot: () => [x(2, 3), x(3)],
  atan2: () => [x(2, 3), x(3)],
  lerp: () => [x(2, 3), x(3), 0.5],
  where: () => [x(2, 3), x(2, 3), 0],
  l1: () => [x(2, 3), x(2, 3), { reduction: 'sum' }],
  smoothL1: () => [x(2, 3), x(2, 3), { beta: 0.5, reduction: 'sum' }],
  huber: () => [x(2, 3), x(2, 3), { delta: 0.5, reduction: 'sum' }],
  mse: () => [x(2, 3), x(2, 3), { reduction: 'sum' }],
  klDiv: () => [x(2, 3), x(2, 3), { reduction: 'sum' }],
  bce: () => [x(2, 3), x(2, 3), { weight: x(3), reduction: 'none' }],
  bceWithLogits: () => [x(2, 3), x(2, 3), { weight: x(3), posWeight: x(3), reduction: 'none' }],
  nll: () => [x(2, 3), i(0, 2), { weight: x(3), ignoreIndex: 1, reduction: 'mean' }],
  crossEntropy: () => [
    ...[x(2, 3), i(0, 2)],
    { weight: x(3), ignoreIndex: 1, labelSmoothing: 0.1, reduction: 'mean' },
  ],
  marginRanking: () => [x(3), x(3), x(3), { margin: 1, reduction: 'sum' }],
  hingeEmbedding: () => [x(3), x(3), { margin: 1, reduction: 'sum' }],
  tripletMargin: () => [
    ...[x(2, 3), x(2, 3), x(2, 3)],
    { margin: 1, p: 2, eps: 1e-6, swap: true, reduction: 'sum' },
  ],
  cosineSimilarity: () => [x(2, 3), x(2, 3), { dim: 0, eps: 1e-8 }],
  scaledDotProductAttention: () => [
    ...[x(1, 2, 3), x(1, 2, 3), x(1, 2, 3)],
    { mask: i(1, 0), bias: x(2, 2), causal: true, dropout: 0.1, scale: 1, key: [1, 2] },
  ],
  einsum: () => ['ij,jk->ik', x(2, 3), x(3, 2)],
  dot: () => [x(3), x(3)],
  outer: () => [x(3), x(2)],
  bmm: () => [x(2, 2, 3), x(2, 3, 2)],
  tensordot: () => [x(2, 3), x(3, 2), [[1], [0]]],
  meshgrid: () => [[x(2), x(3)], { indexing: 'xy' }],
  embedding: () => [x(3, 2), i(0, 2), { paddingIdx: 1 }],
  oneHot: () => [i(0, 2), 3],
  searchsorted: () => [x(4), x(2, 3), { right: true }],
  elu: () => [x(2), { alpha: 1 }],
  celu: () => [x(2), { alpha: 1 }],
  leakyRelu: () => [x(2), { negativeSlope: 1 }],
  softplus: () => [x(2), { beta: 1, threshold: 3 }],
  hardtanh: () => [x(2), { minVal: 0, maxVal: 1 }],
  glu: () => [x(2, 4), 1],
  prelu: () => [x(2, 3), x(3)],
  jacobian: () => [square, [leaf()], { createGraph: true }],
  hessian: () => [square, leaf(), { createGraph: true }],
  vjp: () => [square, [leaf()], tensor(1), { createGraph: true }],
  jvp: () => [square, [leaf()], [x(2)], { createGraph: true }],
  checkpoint: () => [square, leaf()],
  graph: () => [square(leaf()), { names: {} }],
  checkOp: () => [op(), { seed: 1, derivatives: true, tolerance: 1e-6 }],
  defineOp: () => [{ ...op().record }],
  customFunction: () => [{ name: 'own', forward: () => 1, backward: () => [null] }],
}

const methods: Record<string, () => unknown[]> = {
  at: () => [0, '1:2'],
  indexPut: () => [[0, '1:2'], 5, { accumulate: true }],
  take: () => [i(0, 5)],
  put: () => [i(0, 5), 3, { accumulate: true }],
  scatter: () => [0, tensor(Int32Array.of(0, 1, 0), { shape: [1, 3] }), 2],
  indexFill: () => [1, i(0, 2), 3],
  maskedFill: () => [i(0, 1, 0), 3],
  maskedSelect: () => [i(0, 1, 0)],
  gather: () => [0, tensor(Int32Array.of(0, 1, 0), { shape: [1, 3] })],
  argsort: () => [0, { descending: true }],
  sort: () => [0, { descending: true }],
  topk: () => [1, 0, { largest: false }],
  histc: () => [{ bins: 3, min: 0, max: 1 }],
  squeeze: () => [[0, 1]],
  unsqueeze: () => [0],
  flatten: () => [0, 1],
  unflatten: () => [1, [3, -1]],
  movedim: () => [[0], [1]],
  narrow: () => [1, 1, 2],
  select: () => [1, 2],
  diagonal: () => [{ offset: 1, dim1: 0, dim2: 1 }],
  flip: () => [[0, 1]],
  roll: () => [
    [1, 2],
    [0, 1],
  ],
  repeat: () => [[2, 2]],
  tile: () => [[2]],
  repeatInterleave: () => [[1, 0, 2], 1],
  broadcastTo: () => [[2, 2, 3]],
  split: () => [[1, 2], 1],
  chunk: () => [2, 1],
  unbind: () => [1],
  set: () => [1],
  norm: () => [3, [0], { keepdim: true }],
  std: () => [[0, 1], { keepdim: true, correction: 0 }],
  prod: () => [0, { keepdim: true }],
  cumsum: () => [0],
  cumprod: () => [1],
  argmin: () => [0, { keepdim: true }],
  median: () => [0, { keepdim: true }],
  maxWithIndices: () => [0, { keepdim: true }],
  minWithIndices: () => [0, { keepdim: true }],
  medianWithIndices: () => [0, { keepdim: true }],
  any: () => [0, { keepdim: true }],
  all: () => [0, { keepdim: true }],
  countNonzero: () => [[0], { keepdim: true }],
  floorDivide: () => [x(3)],
  remainder: () => [2],
  fmod: () => [x(3)],
  logicalAnd: () => [x(3)],
}

type Run = (...args: unknown[]) => unknown

const values = [...plainNames, ...tensorNames]
const isOptions = (a: unknown): a is Options =>
  typeof a === 'object' && a !== null && Object.getPrototypeOf(a) === Object.prototype

/** Every call that differs from the right one in one place, with its spelling. */
function* wrong(right: () => unknown[]): Generator<[what: string, args: () => unknown[]]> {
  const args = right()
  for (const [at, a] of args.entries()) {
    for (const is of values) {
      yield [`argument ${at} is ${is}`, () => right().with(at, make({ is }))]
      if (Array.isArray(a)) yield [`argument ${at} is [${is}]`, () => right().with(at, [make({ is })])]
      for (const name of isOptions(a) ? Object.keys(a) : []) {
        const given = () => ({ ...(right()[at] as Options), [name]: make({ is }) })
        yield [`${name} is ${is}`, () => right().with(at, given())]
      }
    }
  }
}

/** What a wrong call threw that is not ours. */
function fault(name: string, call: Run, args: unknown[]): string | null {
  try {
    tidy(() => void call(...args))
    return null
  } catch (e) {
    const named = e instanceof Error && /^[A-Za-z][\w. ]*: /.test(e.message)
    if (e instanceof TinystillError || (named && (e instanceof RangeError || e instanceof TypeError)))
      return null
    return `${name}: threw ${String(e)}`
  }
}

const cases: [name: string, call: Run, right: () => unknown[]][] = [
  ...Object.entries(functions).map(
    ([name, right]): [string, Run, () => unknown[]] =>
      [...[name, (ts as unknown as Record<string, Run>)[name], right]] as never,
  ),
  ...Object.entries(methods).map(([name, right]): [string, Run, () => unknown[]] => [
    `Tensor.${name}`,
    (...args) => {
      const t = x(2, 3) as unknown as Record<string, Run>
      return t[name](...args)
    },
    right,
  ]),
]

it.each(cases)('%s: one wrong argument or option', (name, call, right) => {
  tidy(() => void call(...right()))
  const faults = [...wrong(right)].flatMap(([what, args]) => fault(`${name}, ${what}`, call, args()) ?? [])
  expect(faults).toEqual([])
})
