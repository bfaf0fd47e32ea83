// Vectors at length 1, of which the scalar product is the cosine.
import { div, mul } from '../../autograd/ops/elementwise/arithmetic.js'
import { lt, where } from '../../autograd/ops/elementwise/compare.js'
import { sqrt } from '../../autograd/ops/elementwise/pointwise.js'
import { sum } from '../../autograd/ops/reduce.js'
import type { Tensor } from '../../tensor/tensor.js'

/** x / max(|x|, 1e-12) along the last dim, as PyTorch's normalize; 0 has gradient 0 / 1e-12. */
export function unitLength(x: Tensor): Tensor {
  const square = sum(mul(x, x), -1, { keepdim: true })
  return div(x, sqrt(where(lt(square, 1e-24), 1e-24, square)))
}
