// What people hand over by mistake, made anew for each call: a value that one call changed would spoil the next.

import { tensor } from '../../src/autograd/create.js'
import { Linear } from '../../src/nn/layers.js'

/** Sizes are small or beyond every memory: what lies between would be made, and cost minutes. */
const plain: Record<string, () => unknown> = {
  undefined: () => undefined,
  null: () => null,
  NaN: () => NaN,
  Infinity: () => Infinity,
  '-Infinity': () => -Infinity,
  '0': () => 0,
  '-0': () => -0,
  '1': () => 1,
  '2': () => 2,
  '3': () => 3,
  '-1': () => -1,
  '-7': () => -7,
  '0.5': () => 0.5,
  '2.5': () => 2.5,
  '2 ** 31': () => 2 ** 31,
  '-(2 ** 53)': () => -(2 ** 53),
  '1e300': () => 1e300,
  "''": () => '',
  "'1'": () => '1',
  "'mean'": () => 'mean',
  "'float32'": () => 'float32',
  "'int32'": () => 'int32',
  true: () => true,
  false: () => false,
  '1n': () => 1n,
  'Symbol()': () => Symbol('s'),
  '{}': () => ({}),
  '[]': () => [],
  '[1]': () => [1],
  '[2, 3]': () => [2, 3],
  '[1, 0]': () => [1, 0],
  '[-1]': () => [-1],
  '[2 ** 31, 2 ** 31]': () => [2 ** 31, 2 ** 31],
  '[NaN]': () => [NaN],
  '[1.5, 2]': () => [1.5, 2],
  '[undefined]': () => [undefined],
  '[, 1]': () => new Array(2).fill(1, 1),
  "['1', '2']": () => ['1', '2'],
  '[[1], [2, 3]]': () => [[1], [2, 3]],
  '[null]': () => [null],
  '[1n]': () => [1n],
  '[[[]]]': () => [[[]]],
  'an array in itself': () => {
    const a: unknown[] = []
    a.push(a)
    return a
  },
  '() => 1': () => () => 1,
  '(x) => x': () => (x: unknown) => x,
  '() => null': () => () => null,
  'async () => 1': () => async () => 1,
  'throws ours': () => () => {
    throw new RangeError('mine: thrown on purpose')
  },
  'new Date': () => new Date(0),
  'new Map': () => new Map([['a', 1]]),
  'new Set': () => new Set([1, 2]),
  endless: () => ({
    *[Symbol.iterator]() {
      for (;;) yield 'x'
    },
  }),
  Int32Array: () => Int32Array.of(1, 0),
  Float32Array: () => Float32Array.of(1, NaN),
  Float64Array: () => Float64Array.of(1, 3e9),
  Uint8Array: () => Uint8Array.of(1, 255),
  Uint32Array: () => Uint32Array.of(4294967295),
  BigInt64Array: () => BigInt64Array.of(1n, 2n ** 40n),
  DataView: () => new DataView(new ArrayBuffer(4)),
  ArrayBuffer: () => new ArrayBuffer(4),
  'no prototype': () => Object.create(null),
  'a Module': () => new Linear(2, 2),
}

const tensors: Record<string, () => unknown> = {
  'f32 [2, 3]': () =>
    tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]),
  'f32 [3]': () => tensor([0.5, 0.25, 0.25]),
  'f32 []': () => tensor(2),
  'f32 [0, 3]': () => tensor([], { shape: [0, 3] }),
  'f32 [1, 2, 3, 2]': () => tensor(new Float32Array(12).fill(0.5), { shape: [1, 2, 3, 2] }),
  'f32 [2, 3] of NaN': () => tensor(new Float32Array(6).fill(NaN), { shape: [2, 3] }),
  'leaf [2, 3]': () =>
    tensor(
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      { requiresGrad: true },
    ),
  'result []': () => tensor([1, 2], { requiresGrad: true }).mul(2).sum(),
  'f64 [2, 3]': () => tensor(Float64Array.of(1, 2, 3, 4, 5, 6), { shape: [2, 3] }),
  'i32 [2, 3]': () => tensor(Int32Array.of(0, 1, 0, 1, 0, 1), { shape: [2, 3] }),
  'i32 [2]': () => tensor(Int32Array.of(0, 2)),
  'i32 [2] far': () => tensor(Int32Array.of(-5, 2147483647)),
  'i32 []': () => tensor(Int32Array.of(1), { shape: [] }),
  'transposed [3, 2]': () =>
    tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]).transpose(0, 1),
  'expanded [4, 3]': () => tensor([1, 2, 3]).expand(4, 3),
  disposed: () => {
    const t = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ])
    t.dispose()
    return t
  },
}

/** Every option of every public function, by name only: which of them a function has is for it to say. */
const optionNames =
  `keepdim dim T eps reduction weight labelSmoothing ignoreIndex dtype requiresGrad shape key p residual mask
causal scale dropout trace value paddingIdx correction replacement lr betas momentum nesterov weightDecay width heads inner norm
activation params lrScale createGraph retainGraph gradient allowUnused twice h tolerance wrt bias std approximate nope total
warmup layers prefixes stride padding groups dilation outputPadding ceilMode countIncludePad divisorOverride training
momentum alpha beta negativeSlope threshold minVal maxVal posWeight delta margin swap descending largest minlength bins
min max right indexing offset dim1 dim2 accumulate names seed derivatives memory memoryMask cache rope cross memoryWidth
interleaved maxLength base positions`.split(/\s+/)

export const tensorNames = Object.keys(tensors)
export const plainNames = Object.keys(plain)

const makers: Record<string, () => unknown> = { ...plain, ...tensors }

/** An argument by what it is: its name is all that a failing call prints. */
export type Argument = { is: string } | { option: string; is: string } | { list: readonly string[] }

export const options: readonly string[] = optionNames

export function make(a: Argument): unknown {
  if ('option' in a) return { [a.option]: makers[a.is]() }
  return 'list' in a ? a.list.map((name) => makers[name]()) : makers[a.is]()
}

export function print(a: Argument): string {
  if ('option' in a) return `{ ${a.option}: ${a.is} }`
  return 'list' in a ? `[${a.list.join(', ')}]` : a.is
}
