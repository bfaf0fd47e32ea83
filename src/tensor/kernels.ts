// The one interface between tensors and machines: plain functions over typed arrays, dims and strides.
// A kernel knows nothing of Tensor or autograd. js implements all of it; other backends override what they do faster.
// Unless strides are given, arrays are contiguous and start at their first element. `out` never overlaps an input,
// except that elementwise kernels allow out === input of the same layout.
import type { Int8Bits, Int8Input } from './int8.js'
import type {
  AdamArgs,
  AttentionArgs,
  BinaryName,
  ConvArgs,
  IntegerName,
  MapName,
  MatrixBatch,
  PairName,
  PlaneNormArgs,
  PoolArgs,
  ProductActivation,
  ReduceName,
  UnaryGradName,
  UnaryName,
  Windows,
} from './kernel-args.js'
import type { Floats, Storage, TypedArray } from './storage.js'

/** What a backend computes: one function a kernel. */
export interface Kernels {
  fill(out: TypedArray, value: number): void
  /** dst and src walk `shape` with their own strides (0 repeats a source). Serves contiguous(), cat, pad, slices. */
  copy(
    shape: readonly number[],
    dst: TypedArray,
    dstStrides: readonly number[],
    src: TypedArray,
    srcStrides: readonly number[],
  ): void
  unary(fn: UnaryName, out: Floats, x: Floats): void
  unaryGrad(fn: UnaryGradName, out: Floats, saved: Floats, dy: Floats): void
  /** out (contiguous) = a op b, each walking `shape` with its strides. Comparisons give 1 or 0. */
  binary(
    fn: BinaryName,
    shape: readonly number[],
    out: Floats,
    a: Floats,
    aStrides: readonly number[],
    b: Floats,
    bStrides: readonly number[],
  ): void
  map(fn: MapName, out: Floats, x: Floats): void
  /** As binary. */
  pair(
    fn: PairName,
    shape: readonly number[],
    out: Floats,
    a: Floats,
    aStrides: readonly number[],
    b: Floats,
    bStrides: readonly number[],
  ): void
  /** As binary. Throws RangeError on a result that int32 does not hold, and on division by 0. */
  integer(
    fn: IntegerName,
    shape: readonly number[],
    out: Int32Array,
    a: Int32Array,
    aStrides: readonly number[],
    b: Int32Array,
    bStrides: readonly number[],
  ): void
  /** out = cond != 0 ? a : b. */
  where(
    shape: readonly number[],
    out: TypedArray,
    cond: TypedArray,
    cStrides: readonly number[],
    a: TypedArray,
    aStrides: readonly number[],
    b: TypedArray,
    bStrides: readonly number[],
  ): void
  /** x [outer, n, inner] -> out [outer, inner]. */
  reduce(fn: ReduceName, out: Floats, x: Floats, outer: number, n: number, inner: number): void
  /** As reduce and argmax, of int32. Throws RangeError on a sum that int32 does not hold. */
  integerReduce(
    fn: 'sum' | 'max' | 'min' | 'argmax',
    out: Int32Array,
    x: Int32Array,
    outer: number,
    n: number,
    inner: number,
  ): void
  /** Index of the first largest along n; NaN counts as largest. */
  argmax(out: Int32Array, x: Floats, outer: number, n: number, inner: number): void
  /** Index of the first smallest along n; NaN counts as smallest. */
  argmin(out: Int32Array, x: Floats, outer: number, n: number, inner: number): void
  /** Index of the first that is the lower median along n; of the first NaN where there is one. */
  argmedian(out: Int32Array, x: Floats, outer: number, n: number, inner: number): void
  /** Sum of squared distances from the mean, divided by max(0, n - correction); x [outer, n, inner]. */
  variance(out: Floats, x: Floats, outer: number, n: number, inner: number, correction: number): void
  /** (sum |x|^p)^(1/p) without overflow; p Infinity, -Infinity and 0 as in PyTorch; x [outer, n, inner]. */
  norm(out: Floats, x: Floats, outer: number, n: number, inner: number, p: number): void
  /** How many elements along n are not 0; NaN is not. */
  countNonzero(out: Int32Array, x: TypedArray, outer: number, n: number, inner: number): void
  /** Sums of the elements so far along n, from the first on, or with `reverse` from the last on. */
  cumsum(out: Floats, x: Floats, outer: number, n: number, inner: number, reverse: boolean): void

  /**
   * out [batch, m, n] = activation(a [m, k] @ b [k, n] (+ bias [n])) for each matrix of the batch. null: identity.
   * made: the storage that `out` is all of, as `storage` of an operand.
   */
  matmul(
    out: Floats,
    a: MatrixBatch,
    b: MatrixBatch,
    batch: number,
    m: number,
    n: number,
    k: number,
    bias: Floats | null,
    activation?: UnaryName | null,
    made?: Storage,
  ): void

  /** Rows of n: exp(x * invT - max) / sum. A row of all -Infinity gives zeros. */
  softmax(out: Floats, x: Floats, rows: number, n: number, invT: number): void
  /** dx = y * (dy - sum(y * dy)) * invT. Each row of y must be what softmax gave: it adds up to 1, or is all 0. */
  softmaxGrad(out: Floats, y: Floats, dy: Floats, rows: number, n: number, invT: number): void
  /** A row of all -Infinity stays -Infinity. */
  logSoftmax(out: Floats, x: Floats, rows: number, n: number, invT: number): void
  /** dx = (dy - exp(y) * sum(dy)) * invT. */
  logSoftmaxGrad(out: Floats, y: Floats, dy: Floats, rows: number, n: number, invT: number): void
  /** Row losses [rows]: -(1 - s) * logp[label] - s / n * sum(logp); 0 where label === ignore. */
  crossEntropy(
    out: Floats,
    x: Floats,
    labels: Int32Array,
    rows: number,
    n: number,
    ignore: number,
    smoothing: number,
  ): void
  /** dx = dy[row] * (softmax(x) - target); 0 where label === ignore. */
  crossEntropyGrad(
    out: Floats,
    x: Floats,
    labels: Int32Array,
    dy: Floats,
    rows: number,
    n: number,
    ignore: number,
    smoothing: number,
  ): void
  /** ln(1 + e^-x). */
  logisticLoss(out: Floats, x: Floats): void
  /** -(y ln p + (1 - y) ln(1 - p)), logarithms below -100 as -100. */
  bce(out: Floats, p: Floats, y: Floats): void
  layerNorm(out: Floats, x: Floats, weight: Floats, bias: Floats, rows: number, n: number, eps: number): void
  /** dx [rows, n]; dWeight and dBias [n] are overwritten. */
  layerNormGrad(
    dx: Floats,
    dWeight: Floats,
    dBias: Floats,
    x: Floats,
    weight: Floats,
    dy: Floats,
    rows: number,
    n: number,
    eps: number,
  ): void
  /** out[i] = (word i of the stream `key` < p * 2^32 ? 0 : x[i] / (1 - p)) + residual[i]. Word i as in rng.ts. */
  dropout(out: Floats, x: Floats, p: number, key: readonly [number, number], residual: Floats | null): void

  /** x [outer, n, inner], index [m] -> out [outer, m, inner]. */
  indexSelect(
    out: TypedArray,
    x: TypedArray,
    index: Int32Array,
    outer: number,
    n: number,
    inner: number,
  ): void
  /** out [outer, n, inner] += src [outer, m, inner] at index [m]. Rows of index equal to `skip` are left out. */
  indexAdd(
    out: Floats,
    src: Floats,
    index: Int32Array,
    outer: number,
    n: number,
    inner: number,
    skip: number,
  ): void
  /** out[o, j, i] = x[o, index[o, j, i], i]; x [outer, n, inner], index and out [outer, m, inner]. */
  gather(out: TypedArray, x: TypedArray, index: Int32Array, outer: number, n: number, inner: number): void
  /** out[o, index[o, j, i], i] += src[o, j, i]. */
  scatterAdd(out: Floats, src: Floats, index: Int32Array, outer: number, n: number, inner: number): void
  /** The places along n in order of their values, equal ones as they stand; NaN is the largest. */
  argsort(out: Int32Array, x: TypedArray, outer: number, n: number, inner: number, descending: boolean): void

  /** softmax(scale * q k^T, masked) v, without keeping the probabilities. A query with no visible key gives zeros. */
  attention(out: Floats, q: Floats, k: Floats, v: Floats, args: AttentionArgs): void
  attentionGrad(
    dq: Floats,
    dk: Floats,
    dv: Floats,
    dout: Floats,
    q: Floats,
    k: Floats,
    v: Floats,
    args: AttentionArgs,
  ): void

  /**
   * One step of an LSTM of n units: act [rows, 4n] = the gates (input, forget, cell, output) of gx + gh after their
   * functions, c = forget * cPrev + input * cell, h = output * tanh(c).
   */
  lstmStep(
    h: Floats,
    c: Floats,
    act: Floats,
    gx: Floats,
    gh: Floats,
    cPrev: Floats,
    rows: number,
    n: number,
  ): void
  /** dGates [rows, 4n] before their functions; dc goes from the gradient of c to that of cPrev, in place. */
  lstmStepGrad(
    dGates: Floats,
    dc: Floats,
    dh: Floats,
    act: Floats,
    c: Floats,
    cPrev: Floats,
    rows: number,
    n: number,
  ): void
  /**
   * One step of a GRU of n units, gx and gh [rows, 3n]: act [rows, 4n] = reset, update, fresh and the third part of gh,
   * h = (1 - update) * fresh + update * hPrev, fresh = tanh(gx + reset * gh).
   */
  gruStep(h: Floats, act: Floats, gx: Floats, gh: Floats, hPrev: Floats, rows: number, n: number): void
  /** dGx and dGh [rows, 3n]; dh goes from the gradient of h to what of hPrev's does not pass through gh, in place. */
  gruStepGrad(dGx: Floats, dGh: Floats, dh: Floats, act: Floats, hPrev: Floats, rows: number, n: number): void
  /** out[n, o, i, j] = bias[o] + sum over c, y, x of w[o, c, y, x] x[n, c, i sH + y dH - top, j sW + x dW - left]. */
  conv(out: Floats, x: Floats, w: Floats, bias: Floats | null, args: ConvArgs): void
  /** dx of that; 0 where nothing read x. */
  convInput(dx: Floats, dy: Floats, w: Floats, args: ConvArgs): void
  convWeight(dw: Floats, x: Floats, dy: Floats, args: ConvArgs): void
  /** Sets of planes to mean 0 and variance 1, then times weight[c] plus bias[c]. Gives the moments [sets] too. */
  planeNorm(
    out: Floats,
    means: Floats,
    variances: Floats,
    x: Floats,
    weight: Floats,
    bias: Floats,
    args: PlaneNormArgs,
  ): void
  /** dx, and for each plane its part of the weight's and the bias's gradient [N * C]. */
  planeNormGrad(
    dx: Floats,
    dWeights: Floats,
    dBiases: Floats,
    x: Floats,
    weight: Floats,
    dy: Floats,
    args: PlaneNormArgs,
  ): void
  /** For each of `planes` images the place of the first largest under each window; NaN counts as largest. */
  maxPoolIndex(out: Int32Array, x: Floats, planes: number, args: PoolArgs): void
  /** The sum under each window divided by its divisor; x [planes, H, W]. */
  windowMean(out: Floats, x: Floats, planes: number, H: number, W: number, windows: Windows): void
  /** Its transpose: out [planes, H, W] = the sum of y / divisor of all windows over a place. */
  windowSpread(out: Floats, y: Floats, planes: number, H: number, W: number, windows: Windows): void

  /** In place on p, m and v. */
  adam(p: Floats, g: Floats, m: Floats, v: Floats, args: AdamArgs): void
  /** buf = momentum * buf + (g * gradScale + weightDecay * p); p -= lr * buf (or of the Nesterov step). */
  sgd(
    p: Floats,
    g: Floats,
    buf: Floats,
    lr: number,
    momentum: number,
    weightDecay: number,
    nesterov: boolean,
    gradScale: number,
  ): void
  /** Sum of squares, accumulated in float64. */
  sumSquares(x: Floats): number
}

/** Those of whole numbers, apart: a page whose models are of floats does not load them. */
export interface Int8Kernels {
  /**
   * out [m, n] = activation(x W^T + bias) by whole numbers: rows of x (k numbers each, rowStride apart) as 7 bits with a
   * scale and a zero point of their own, sums exact. weight: W [n, k] as int8.ts packs it, scales and sums of its rows.
   * The same bits from every backend, activation included.
   */
  int8Linear(
    out: Floats,
    x: Floats,
    rowStride: number,
    weight: Int32Array,
    scales: Floats,
    sums: Int32Array,
    m: number,
    n: number,
    k: number,
    bits: Int8Bits,
    bias: Floats | null,
    activation: ProductActivation | null,
    /** A scale and a zero point for all rows instead; what lies outside is cut. */
    input: Int8Input | null,
  ): void
  /** out [m, width] = scales[id] * row id of a table of bytes, whose rows end on whole words, for each id of index [m]. */
  int8Gather(out: Floats, table: Int32Array, scales: Floats, index: Int32Array, width: number): void
}

export type KernelName = keyof Kernels
