// A student made of its teacher: some of its layers, and all that stands below and above them.
import { undrawn } from '../nn/init.js'
import { makeModel } from '../nn/models/bert.js'
import type { Pretrained } from '../nn/models/pretrained.js'
import type { Tensor } from '../tensor/tensor.js'
import type { Student } from './runner.js'

/**
 * A classifier with copies of `layers` of the teacher, numbered from 0 and in that order, and of its embeddings, pooler and
 * head. Nothing is shared. Sanh et al. 2019, section 3, take every other layer. Throws RangeError for a layer that is not there.
 */
export function fromLayers(teacher: Student, layers: readonly number[]): Student {
  const { config, family } = teacher
  const bad = layers.find((i) => !(Number.isInteger(i) && i >= 0 && i < config.layers))
  if (bad !== undefined || layers.length === 0)
    throw new RangeError(
      `from-layers: ${bad === undefined ? 'names no layer' : `there is no layer ${bad}`}, the teacher has 0 to ${config.layers - 1}`,
    )
  const student = undrawn(() =>
    makeModel(family, 'sequence-classification', { ...config, layers: layers.length }),
  )
  const layerName = /^(.*\.layer\.)(\d+)(\..*)$/
  const state = teacher.stateDict()
  const chosen = Array.from(student.stateDict().keys(), (name): [string, Tensor] => {
    const [, before, i, after] = layerName.exec(name) ?? []
    const own = i === undefined ? name : `${before}${layers[Number(i)]}${after}`
    return [name, state.get(own) as Tensor]
  })
  student.loadStateDict(new Map(chosen))
  return student.eval() as Pretrained as Student
}
