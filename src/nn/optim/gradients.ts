// Gradients of many parameters together: their norm, clipping, dropping.
import { dense, touch } from '../../autograd/graph.js'
import { clearGrad, touchedRows } from '../../autograd/leafgrad.js'
import { ArgumentError, got, NonfiniteError } from '../../errors.js'
import { kernelsFor } from '../../tensor/backend.js'
import { tensorsFrom } from '../../tensor/check.js'
import { empty, flat, Tensor } from '../../tensor/tensor.js'

function paramsArg(op: string, params: Iterable<Tensor>): Tensor[] {
  // A tensor is iterable too, over its first dim, and those rows have no gradient.
  if (params instanceof Tensor)
    throw new ArgumentError(op, `params must be a list of tensors, got ${got(params)}`, 'Write [tensor]')
  return tensorsFrom(op, 'params', params)
}

/** Of a parameter's gradient. */
function squares(p: Tensor): number {
  if (p.leafGrad === null) return 0
  const { tensor } = p.leafGrad
  const k = kernelsFor(p.dtype)
  const rows = touchedRows(p)
  // Zeros add nothing. A multiple of 4, so that the others are added in the order in which all rows are.
  if (rows === null || tensor.strides[0] % 4 !== 0) return k.sumSquares(flat(tensor))
  const touched = empty([rows.length, tensor.strides[0]], p.dtype)
  try {
    k.indexSelect(flat(touched), flat(tensor), rows, 1, p.shape[0], tensor.strides[0])
    return k.sumSquares(flat(touched))
  } finally {
    touched.dispose()
  }
}

/** The Euclidean norm of all gradients together. Parameters without one count as zeros. */
export function gradNorm(params: Iterable<Tensor>): number {
  let sum = 0
  for (const p of paramsArg('gradNorm', params)) sum += squares(p)
  return Math.sqrt(sum)
}

/** Drops all gradients. Their buffers go back at once; those of which few rows were touched are cleared and kept. */
export function zeroGrad(params: Iterable<Tensor>): void {
  for (const p of paramsArg('zeroGrad', params)) clearGrad(p)
}

/** Changes every element of a gradient, in place. f(0) must be 0: what is known of its rows stays. */
function change(p: Tensor, f: (x: number) => number): void {
  const { leafGrad } = p
  if (leafGrad === null) return
  const { rows } = leafGrad
  // One number may stand for many elements of a gradient with strides of 0.
  if (!leafGrad.tensor.isContiguous) p.leafGrad = { tensor: dense(leafGrad.tensor), rows }
  const { tensor } = p.leafGrad as { tensor: Tensor }
  const g = flat(tensor)
  for (let i = 0; i < g.length; i++) g[i] = f(g[i])
  touch(tensor)
}

function requireLimit(who: string, name: string, limit: number): void {
  if (!(typeof limit === 'number' && limit >= 0))
    throw new RangeError(`${who}: ${name} must be 0 or more, got ${got(limit)}`)
}

/**
 * Scales all gradients so that their norm together is at most maxNorm, in place, and gives the norm before. PyTorch's
 * clip_grad_norm_; step({ maxNorm }) does the same without a pass of its own. Throws RangeError for a maxNorm that is no limit,
 * NonfiniteError for a norm that is not finite: nothing is changed then.
 */
export function clipGradNorm(params: Iterable<Tensor>, maxNorm: number): number {
  requireLimit('clipGradNorm', 'maxNorm', maxNorm)
  const list = paramsArg('clipGradNorm', params)
  const norm = gradNorm(list)
  if (!Number.isFinite(norm)) {
    throw new NonfiniteError(
      `clipGradNorm: the norm is ${norm}, no gradient was changed`,
      'Look for broken values in the data',
    )
  }
  const scale = maxNorm / (norm + 1e-6)
  if (scale < 1) for (const p of list) change(p, (x) => x * scale)
  return norm
}

/** Clamps every element of all gradients to [-clipValue, clipValue], in place. NaN stays. Throws RangeError for no limit. */
export function clipGradValue(params: Iterable<Tensor>, clipValue: number): void {
  requireLimit('clipGradValue', 'clipValue', clipValue)
  for (const p of paramsArg('clipGradValue', params))
    change(p, (x) => (x > clipValue ? clipValue : x < -clipValue ? -clipValue : x))
}
