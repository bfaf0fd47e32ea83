// How models are quantized while they are trained, as data: what stands before weights, inputs, outputs and products.
import { binarize, ternarize } from '../../autograd/ops/quantization/few-values.js'
import { AverageRangeQuantizer } from './average-range.js'
import { LearnedStepQuantizer } from './learned-step.js'
import {
  AllLevelsQuantizer,
  FixedQuantizer,
  LargestQuantizer,
  type Quantizer,
  RangeQuantizer,
} from './quantizer.js'

/** A new quantizer for so many bits; those of few values take no notice. */
type Make = (bits: number) => Quantizer

export interface Scheme {
  /** For people. */
  readonly describe: string
  readonly source: string
  /** Bits unless others are asked for. Of weights null: their values are so many, whatever is asked. */
  readonly bits: { readonly weights: number | null; readonly inputs: number }
  readonly weights: Make
  /** Of the table of words; null: it stays floats. */
  readonly words: Make | null
  readonly inputs: Make
  /** null: they stay floats. */
  readonly outputs: Make | null
  /** Of queries, keys, values and probabilities; null: the products of attention stay floats. */
  readonly products: Make | null
  /** Which tables are quantized: all, those of words and types, that of words. */
  readonly tables: 'all' | 'ids' | 'words'
  /** Whether what stands above the pooler is. */
  readonly head: boolean
  /** Each weight is the sum of two. */
  readonly split?: true
}

/** Levels on each side of 0. */
const sides = (bits: number) => 2 ** (bits - 1) - 1

const symmetric: Make = (bits) => new LargestQuantizer(sides(bits))
const average: Make = (bits) => new AverageRangeQuantizer(sides(bits))

/** TernaryBERT's and BinaryBERT's clip_init_val. */
const CLIP = 2.5
const clipped: Make = (bits) => new LargestQuantizer(sides(bits), { clip: CLIP })

/** What TernaryBERT and BinaryBERT share. */
const bert = {
  inputs: clipped,
  outputs: null,
  products: clipped,
  tables: 'words',
  head: false,
  bits: { weights: null, inputs: 8 },
} as const

const binary = {
  ...bert,
  weights: () => new FixedQuantizer((x) => binarize(x)),
  words: () => new FixedQuantizer((x) => binarize(x, { rows: true })),
  source: 'Bai et al. 2021 (arXiv 2012.15701)',
} as const

/** All of a batch between its least and its largest number: an answer then depends on what it comes with. */
const ofBatch: Make = (bits) => new RangeQuantizer(2 ** bits - 1)

/** quantize_dynamic of ONNX Runtime 1.32, of a graph as torch.onnx.export makes it: places are no Gather there. */
const onnxruntime = {
  source: 'onnxruntime.quantization.quantize_dynamic(weight_type=QInt8)',
  bits: { weights: 8, inputs: 8 },
  words: ofBatch,
  inputs: ofBatch,
  outputs: null,
  products: null,
  tables: 'ids',
  head: true,
} as const

export const schemes = {
  int8: {
    describe: "tinystill's own: weights a row, inputs a word with a zero point",
    source: 'docs/adr/0026-training-with-quantization.md',
    bits: { weights: 7, inputs: 7 },
    // 7 bits reach from -64 to 64 there: what its kernel can add up.
    weights: (bits) => new LargestQuantizer(bits === 7 ? 64 : sides(bits), { rows: true }),
    words: () => new LargestQuantizer(sides(8), { rows: true }),
    inputs: (bits) => new RangeQuantizer(2 ** bits - 1, { rows: true }),
    ...{ outputs: null, products: null, tables: 'words', head: true },
  },
  onnxruntime: {
    ...onnxruntime,
    describe:
      "ONNX Runtime's dynamic one: weights a matrix, inputs and tables with a zero point, inputs a batch",
    weights: symmetric,
  },
  'onnxruntime-channel': {
    ...onnxruntime,
    describe: 'the same, weights a row (per_channel=True)',
    weights: (bits) => new LargestQuantizer(sides(bits), { rows: true }),
  },
  torch: {
    describe: "PyTorch's dynamic one on x64: weights a matrix, inputs a batch by 7 bits with a zero point",
    source: 'torch.ao.quantization.quantize_dynamic, fbgemm',
    bits: { weights: 8, inputs: 7 },
    weights: (bits) => new AllLevelsQuantizer(bits),
    ...{ words: null, inputs: ofBatch, outputs: null, products: null, tables: 'words', head: true },
  },
  q8bert: {
    describe: 'weights a matrix, inputs and outputs by the average range of their batches',
    source: 'Zafrir et al. 2019 (arXiv 1910.06188)',
    bits: { weights: 8, inputs: 8 },
    ...{ weights: symmetric, words: symmetric, inputs: average, outputs: average },
    ...{ products: null, tables: 'all', head: true },
  },
  lsq: {
    describe: 'steps of weights and inputs are learned',
    source: 'Esser et al. 2020 (arXiv 1902.08153); inputs as Bai et al. 2021 (arXiv 2012.15701)',
    bits: { weights: 4, inputs: 8 },
    weights: (bits) => new LearnedStepQuantizer(bits),
    words: (bits) => new LearnedStepQuantizer(bits),
    inputs: (bits) => new LearnedStepQuantizer(bits, { fromLeast: true }),
    ...{ outputs: null, products: null, tables: 'words', head: false },
  },
  ternary: {
    ...bert,
    describe: 'weights of three values a matrix, words of three a row; inputs and products of 8 bits',
    source: 'Zhang et al. 2020 (arXiv 2009.12812)',
    weights: () => new FixedQuantizer((x) => ternarize(x, { clip: CLIP })),
    words: () => new FixedQuantizer((x) => ternarize(x, { rows: true, clip: CLIP })),
  },
  binary: {
    ...binary,
    describe: 'weights of two values a matrix, words of two a row; inputs and products of 8 bits',
  },
  'binary-split': {
    ...binary,
    describe: 'each weight the sum of two binary ones; inputs and products of 8 bits',
    split: true,
  },
} as const satisfies Record<string, Scheme>

/** The ways to train on grids. */
export type SchemeName = keyof typeof schemes
/** What other engines make of a float model without training. */
export const engineSchemes = ['onnxruntime', 'onnxruntime-channel', 'torch'] as const satisfies SchemeName[]
export type EngineScheme = (typeof engineSchemes)[number]
export const schemeNames = Object.keys(schemes) as readonly SchemeName[]
