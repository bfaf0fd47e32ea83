// One-hot rows for people; losses have their own beside embedding, which knows labels that are ignored.
import { DTypeError } from '../../../errors.js'
import { tensorArg, wholeArg } from '../../../tensor/check.js'
import { ints, type Tensor } from '../../../tensor/tensor.js'
import { make } from '../../create.js'

/**
 * int32 labels [...] -> int32 [..., classes] with a 1 at each label. Without `classes` (or -1) there are as many as the
 * largest label needs. Throws RangeError on a label below 0 or not below `classes`, DTypeError on labels that are not int32.
 */
export function oneHot(labels: Tensor, classes = -1): Tensor {
  const { dtype, shape } = tensorArg('oneHot', 'labels', labels)
  if (dtype !== 'int32')
    throw new DTypeError('oneHot', `labels must be int32, got ${dtype}`, "Convert them with .to('int32')")
  const wanted = wholeArg('oneHot', 'classes', classes, -1)
  const data = ints(labels)
  const n = wanted >= 0 ? wanted : data.reduce((most, label) => Math.max(most, label + 1), 0)
  if (wanted < 0 && data.length === 0)
    throw new RangeError('oneHot: no labels tell how many classes there are. Say how many')
  data.forEach((label, i) => {
    if (label < 0 || label >= n)
      throw new RangeError(`oneHot: label ${label} at place ${i} is outside [0, ${n})`)
  })
  return make('oneHot', [...shape, n], { dtype: 'int32' }, (out) => {
    out.fill(0)
    data.forEach((label, i) => {
      out[i * n + label] = 1
    })
  })
}
