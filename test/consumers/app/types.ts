import { checkpoint, defineOp, grad, jacobian, optim, type Tensor, tensor, tidy } from 'tinystill'
import * as bytes from 'tinystill/bytes'
import * as distill from 'tinystill/distill'
import * as models from 'tinystill/models'
import * as report from 'tinystill/report'
import * as safetensors from 'tinystill/safetensors'
import * as text from 'tinystill/text'
import * as worker from 'tinystill/worker'

const x: Tensor = tensor([1, 2], { requiresGrad: true })
const loss: Tensor = tidy(() => checkpoint((t) => t.mul(t), x).sum())
const gs: (Tensor | null)[] = grad(loss, [x], { allowUnused: true })
const j: Tensor = jacobian((t) => t.exp(), x)
// @ts-expect-error a tensor is no number
const wrong: number = x.add(1)
export const all = [
  gs,
  j,
  wrong,
  defineOp,
  optim,
  new models.Mlp({ sizes: [1, 1] }),
  bytes,
  distill,
  report,
  safetensors,
  text,
  worker,
]
