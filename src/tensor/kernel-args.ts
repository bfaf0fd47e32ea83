// What kernels are asked for by name, and the arguments of those that take many.

import type { Floats, Storage, TypedArray } from './storage.js'

export type UnaryName =
  | 'neg'
  | 'abs'
  | 'sign'
  | 'sqrt'
  | 'exp'
  | 'log'
  | 'tanh'
  | 'sigmoid'
  | 'erf'
  | 'relu'
  | 'gelu'
  | 'geluTanh'
/** What a product may end in, in one pass. */
export type ProductActivation = Extract<UnaryName, 'relu' | 'gelu' | 'geluTanh'>
/** dx from the saved tensor and dy. The saved tensor is y for tanh and sigmoid, x for the others. */
export type UnaryGradName = 'tanh' | 'sigmoid' | 'relu' | 'gelu' | 'geluTanh'
export type BinaryName =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'pow'
  | 'maximum'
  | 'minimum'
  | 'eq'
  | 'ne'
  | 'gt'
  | 'ge'
  | 'lt'
  | 'le'
/** Functions of one number that only js computes, in double. */
export type MapName =
  | 'floor'
  | 'ceil'
  | 'round'
  | 'trunc'
  | 'exp2'
  | 'expm1'
  | 'log1p'
  | 'log2'
  | 'log10'
  | 'sin'
  | 'cos'
  | 'tan'
  | 'asin'
  | 'acos'
  | 'atan'
  | 'sinh'
  | 'cosh'
  | 'asinh'
  | 'acosh'
  | 'atanh'
/** The same of two numbers. */
export type PairName = 'atan2' | 'hypot' | 'fmod' | 'remainder' | 'floorDivide'
/** What int32 tensors know. A result beyond int32 is refused, never wrapped. */
export type IntegerName = Exclude<BinaryName, 'div'> | 'fmod' | 'remainder' | 'floorDivide'
export type ReduceName = 'sum' | 'max' | 'min' | 'logsumexp'

/** One side of a batched matmul: matrix i has element (r, c) at data[offsets[i] + r * rowStride + c * colStride]. */
export interface MatrixBatch {
  data: Floats
  offsets: ArrayLike<number>
  rowStride: number
  colStride: number
  /** The memory that `data` is, from element `base` on: for a backend that keeps copies of it elsewhere. */
  storage?: Storage
  base?: number
}

export interface AttentionArgs {
  B: number // batch
  H: number // heads
  S: number // queries
  T: number // keys
  D: number // head width
  /** [batch, head, row] strides of q, k, v, out and their gradients; the head width is contiguous. */
  q: readonly number[]
  k: readonly number[]
  v: readonly number[]
  out: readonly number[]
  scale: number
  /** [B, T]: keys with 0 are not seen. null: all are. */
  mask: TypedArray | null
  causal: boolean
  /**
   * [B + 1], ascending from 0: batch b is rows starts[b] to starts[b + 1] - 1 of one long sequence, its queries and its
   * keys. The batch strides are unused then, S and T are both the longest segment's length, and there is no mask.
   * null: every batch has S queries and T keys.
   */
  starts: Int32Array | null
  /** Dropout on the probabilities: element i of [B, H, S, T] is dropped as kernel `dropout` would drop it. */
  p: number
  key: readonly [number, number]
}

/** A convolution: x [N, C, H, W], w [O, C / groups, kH, kW], out [N, O, oH, oW]. */
export interface ConvArgs {
  N: number
  C: number
  H: number
  W: number
  O: number
  kH: number
  kW: number
  oH: number
  oW: number
  /** Each down, then across. */
  stride: readonly [number, number]
  dilation: readonly [number, number]
  /** Zeros above and on the left; those below and on the right follow from the sizes. Negative: so much is left out. */
  padding: readonly [number, number]
  groups: number
}

/** Windows of kH x kW taps over images [H, W], to [oH, oW]. */
export interface PoolArgs {
  H: number
  W: number
  kH: number
  kW: number
  oH: number
  oW: number
  stride: readonly [number, number]
  dilation: readonly [number, number]
  padding: readonly [number, number]
}

/** Window (i, j) covers the rows from rows.starts[i] up to rows.ends[i], and the columns likewise. */
export interface Windows {
  rows: { readonly starts: readonly number[]; readonly ends: readonly number[] }
  cols: { readonly starts: readonly number[]; readonly ends: readonly number[] }
  /** [oH * oW] */
  divisors: readonly number[]
}

/**
 * x [N * C, L] are planes; plane q belongs to channel q % C. Set s is its `runs` planes s * setStep + r * runStep, and has
 * one mean and one variance.
 */
export interface PlaneNormArgs {
  sets: number
  runs: number
  setStep: number
  runStep: number
  C: number
  L: number
  eps: number
}

export interface AdamArgs {
  lr: number
  beta1: number
  beta2: number
  eps: number
  weightDecay: number
  /** true: AdamW (p -= lr * wd * p); false: Adam (g += wd * p). */
  decoupled: boolean
  /** 1 - beta^t, the bias corrections. 1 for none. */
  correction1: number
  correction2: number
  /** Multiplies the gradient first: clipping without a pass of its own. */
  gradScale: number
}
