// What cells import from 'site/records': records that the package keeps to itself. Nothing of it is public API.
import { golden } from 'virtual:golden'
import { allOps } from '../../dist/autograd/op.js'
import { materialize } from '../../dist/autograd/samples.js'
import { losses } from '../../dist/distill/losses/table.js'
import { readSafetensors } from '../../dist/formats/safetensors/index.js'
import '../../dist/index.js'
import { keyOf } from '../../dist/tensor/rng.js'
import { caseOf } from './golden-case.js'

function named(list, name, nameOf) {
  const found = list.find((it) => nameOf(it) === name)
  if (found === undefined) throw new Error(`there is no ${name}`)
  return found
}

/** An op by its record's name: op(inputs, attrs), and op.record. */
export const op = (name) => named(allOps(), name, (it) => it.record.name)

/** Tensors of one of a record's samples. */
export const inputsOf = (sample, dtype = 'float64') =>
  sample.inputs.map((spec, i) => materialize(spec, keyOf(1, i), dtype))

export const loss = (name) => named(losses, name, (it) => it.name)

let tensors

/** One way to call a loss: its inputs, what PyTorch gives, and which inputs PyTorch has gradients of. */
export function goldenCase(name) {
  const bytes = () => Uint8Array.from(atob(golden), (c) => c.charCodeAt(0))
  tensors ??= readSafetensors(bytes(), { file: 'golden' }).tensors
  return caseOf(tensors, name)
}
