// A ternary weight as the sum of two binary ones, as BinaryBERT is begun: the latent weights add up to the latent weight, and
// their binary values to its ternary ones. Bai et al. 2021, section 3.2, equations 5 to 7, and the official code.

import { noGrad, touch } from '../../autograd/graph.js'
import { add } from '../../autograd/ops/elementwise/arithmetic.js'
import { embedding } from '../../autograd/ops/indexing/rows.js'
import { ternarize } from '../../autograd/ops/quantization/few-values.js'
import type { Floats } from '../../tensor/storage.js'
import { empty, type Tensor } from '../../tensor/tensor.js'
import { parameter } from '../init.js'
import type { Embedding, Linear } from '../layers.js'
import { FakeQuantEmbedding, FakeQuantLinear, type LinearQuantizers } from './layers.js'
import type { Quantizer } from './quantizer.js'

/**
 * Parts w [R, ...] in two, in place and in what it gives, by what ternarize() makes of it, of all or of each row. Where a part of
 * it has no zeros both are halves of it.
 */
export function splitWeight(w: Tensor, rows: boolean): Tensor {
  const ternary = noGrad(() => ternarize(w, { rows }))
  const second = parameter(empty(w.shape, w.dtype))
  const [first, other, few] = [w, second, ternary].map((t) => t.elements as Floats)
  const size = rows ? w.numel / w.shape[0] : w.numel
  for (let from = 0; from < w.numel; from += size) splitPart(first, other, few, from, from + size)
  ternary.dispose()
  touch(w)
  return second
}

/** Of the values of one alpha. Equation 7: a for those that are kept, b for those that are 0. */
function splitPart(first: Floats, second: Floats, few: Floats, from: number, to: number): void {
  let [alpha, all, kept, zeros, positive, negative] = [0, 0, 0, 0, 0, 0]
  for (let i = from; i < to; i++) {
    const size = Math.abs(first[i])
    all += size
    if (few[i] === 0) {
      zeros++
      if (first[i] > 0) positive += size
      else negative += size
    } else {
      kept += size
      alpha = Math.abs(few[i])
    }
  }
  const b = zeros === 0 ? 0 : (alpha * (to - from) - all) / (2 * zeros)
  // Of the zeros: the first weight's sum of sizes is positive + zeros b, the second's negative + zeros b.
  const a = kept === 0 ? 0.5 : (kept + negative - positive) / (2 * kept)
  for (let i = from; i < to; i++) {
    const w = first[i]
    if (few[i] === 0) {
      first[i] = w > 0 ? w + b : b
      second[i] = w > 0 ? -b : w - b
    } else {
      first[i] = a * w
      second[i] = (1 - a) * w
    }
  }
}

/** Both on their grids, and their sum. */
const both = (quantizer: Quantizer, first: Tensor, second: Tensor) =>
  add(quantizer.forward(first), quantizer.forward(second))

/** y = Q(x) (Q(W1) + Q(W2))^T + b: the two weights of a layer that was split. The bias is one, where the code halves it. */
export class SplitLinear extends FakeQuantLinear {
  /** [out, in]; the first is `weight`. */
  second: Tensor

  /** Changes plain's weight. */
  constructor(plain: Linear, quantizers: LinearQuantizers) {
    super(plain, quantizers)
    this.second = splitWeight(this.weight, false)
  }

  override computedWeight(): Tensor {
    return both(this.weightQuantizer, this.weight, this.second)
  }

  override addedTensors(): Tensor[] {
    return [...super.addedTensors(), this.second]
  }

  override leaves(): { word: number; once: number } {
    const { word, once } = super.leaves()
    return { word, once: 3 * once }
  }
}

/** Rows of Q(table 1) + Q(table 2), each row with numbers of its own. */
export class SplitEmbedding extends FakeQuantEmbedding {
  /** [count, width]; the first is `weight`. */
  second: Tensor

  /** Changes plain's table. */
  constructor(plain: Embedding, quantizer: Quantizer) {
    super(plain, quantizer)
    this.second = splitWeight(this.weight, true)
  }

  override computedWeight(): Tensor {
    return both(this.weightQuantizer, this.weight, this.second)
  }

  override addedTensors(): Tensor[] {
    return [...super.addedTensors(), this.second]
  }

  override forward(ids: Tensor): Tensor {
    const { paddingIdx, second } = this
    const rows = embedding(second, ids, paddingIdx === undefined ? {} : { paddingIdx })
    return add(super.forward(ids), this.rowsOf(second, rows))
  }
}
