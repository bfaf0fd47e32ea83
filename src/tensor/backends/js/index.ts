// The js backend: all kernels as plain loops. The oracle, the fallback and the textbook.
import type { Kernels } from '../../kernels.js'
import { attentions } from './attention.js'
import { elementwise } from './elementwise.js'
import { indexing } from './indexing.js'
import { products } from './matmul.js'
import { normalizations } from './normalize.js'
import { steps } from './optim.js'
import { reductions } from './reduce.js'
import { softmaxes } from './softmax.js'

export const jsKernels: Kernels = {
  ...elementwise,
  ...reductions,
  ...products,
  ...softmaxes,
  ...normalizations,
  ...indexing,
  ...attentions,
  ...steps,
}
