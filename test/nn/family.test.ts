// The BERT family against PyTorch: logits, hidden states, attention, loss, every gradient, 20 training steps; and in
// unpadded batches the same. Folders as test/golden/family.py writes them; TINYSTILL_GOLDEN names others.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadPretrained } from '../../src/files/models/on-disk.js'
import '../../src/index.js'
import { tensor } from '../../src/autograd/create.js'
import { noGrad } from '../../src/autograd/graph.js'
import { crossEntropy, mse } from '../../src/autograd/ops/losses/losses.js'
import { readSafetensors } from '../../src/formats/safetensors/safetensors.js'
import type { ModelInput } from '../../src/nn/models/input.js'
import type { Pretrained } from '../../src/nn/models/pretrained.js'
import { AdamW } from '../../src/nn/optim/adam.js'
import { setBackend } from '../../src/tensor/backend.js'
import type { Tensor } from '../../src/tensor/tensor.js'
import { backends, choose } from '../backends.js'

const root = resolve(process.env.TINYSTILL_GOLDEN ?? join(import.meta.dirname, '../golden/family'))
const cases = readdirSync(root).filter((name) => existsSync(join(root, name, 'golden.safetensors')))
/** The largest error of each sort, printed at the end where another folder was named. */
const worst = new Map<string, number>()

interface Golden {
  model: Pretrained
  g: (name: string) => Tensor
  has: (name: string) => boolean
  input: ModelInput
}

function open(name: string): Golden {
  const folder = join(root, name)
  const { model, info } = loadPretrained(folder)
  expect(info).toEqual({ fresh: [], unused: [], notes: [] })
  const file = join(folder, 'golden.safetensors')
  const { tensors } = readSafetensors(readFileSync(file), { file })
  const g = (key: string) => {
    const t = tensors.get(key)
    if (t === undefined) throw new Error(`${file} has no ${key}`)
    return t
  }
  const input = {
    inputIds: g('in.input_ids'),
    attentionMask: g('in.attention_mask'),
    tokenTypeIds: tensors.get('in.token_type_ids'),
  }
  return { model, g, has: (key) => tensors.has(key), input }
}

function note(sort: string, error: number): number {
  worst.set(sort, Math.max(error, worst.get(sort) ?? 0))
  return error
}

/** NaN: of padding, which is nobody's business. */
const largest = (t: Tensor) => Math.max(...t.data.filter((x) => !Number.isNaN(x)).map(Math.abs))

/** The largest difference, relative to `scale`, the largest absolute value in `want`. */
function error(sort: string, got: Tensor, want: Tensor, scale = largest(want)): number {
  expect(got.numel).toBe(want.numel)
  const apart = Array.from(want.data, (w, i) => (Number.isNaN(w) ? 0 : Math.abs(got.data[i] - w)))
  return note(sort, Math.max(...apart) / (scale || 1))
}

/** A key's bias shifts all scores of a query alike: it has no gradient but rounding's, on the scale of its weight's. */
const weightOfKey = (bias: string) => bias.replace(/(key|k_lin|attn\.k)\.bias$/, '$1.weight')

const attends = ({ family }: Pretrained) => family.body === 'blocks'

function lossOf(logits: Tensor, labels: Tensor): Tensor {
  return labels.dtype === 'int32' ? crossEntropy(logits, labels) : mse(logits, labels.reshape(logits.shape))
}

afterAll(() => {
  setBackend('auto')
  if (process.env.TINYSTILL_GOLDEN === undefined) return
  for (const [sort, value] of worst) console.log(`worst ${sort}: ${value.toExponential(2)}`)
})

describe.each(backends)('PyTorch on %s', (backend) => {
  describe.each(cases)('%s', (name) => {
    it('logits, hidden states and attention', () => {
      choose(backend)
      const { model, g, has, input } = open(name)
      const attentionProbs = attends(model)
      const out = noGrad(() => model.forward(input, { hiddenStates: true, attentionProbs }))
      expect(error('logits', out.logits!, g('out.logits'))).toBeLessThan(1e-5)
      expect(out.hiddenStates!.length).toBe(model.config.layers + 1)
      out.hiddenStates!.forEach((h, i) => {
        expect(error('hidden', h, g(`out.hidden.${i}`)), `hidden ${i}`).toBeLessThan(1e-5)
      })
      expect(out.attentionProbs?.length ?? 0).toBe(attentionProbs ? model.config.layers : 0)
      expect(has('out.attention_probs.0')).toBe(attentionProbs)
      out.attentionProbs?.forEach((a, i) => {
        expect(error('attention', a, g(`out.attention_probs.${i}`)), `attention ${i}`).toBeLessThan(1e-5)
      })
      const fused = noGrad(() => model.forward(input).logits!)
      expect(error('logits, fused', fused, g('out.logits'))).toBeLessThan(1e-5)
    })

    it.each([false, true])(
      'loss and the gradient of every parameter, plain attention %s',
      (attentionProbs) => {
        choose(backend)
        const { model, g, has, input } = open(name)
        if (attentionProbs && !attends(model)) return
        const loss = lossOf(model.forward(input, { attentionProbs }).logits!, g('in.labels'))
        expect(error('loss', loss, g('out.loss'))).toBeLessThan(1e-5)
        loss.backward()
        for (const [parameter, p] of model.namedParameters()) {
          if (p.grad === null) expect(has(`grad.${parameter}`), parameter).toBe(false)
          else {
            const scale = largest(g(`grad.${weightOfKey(parameter)}`))
            expect(error('gradient', p.grad, g(`grad.${parameter}`), scale), parameter).toBeLessThan(5e-5)
          }
        }
      },
    )

    it('20 training steps', () => {
      choose(backend)
      const { model, g, input } = open(name)
      const options = { lr: 2e-3, betas: [0.9, 0.98], weightDecay: 0.05 } as const
      const optimizer = new AdamW(model.parameters(), options)
      for (let t = 0; t < 20; t++) {
        const loss = lossOf(model.forward(input).logits!, g('in.labels'))
        const off = note('training loss', Math.abs(loss.item() - g('train.losses').data[t]))
        expect(off, `loss ${t}`).toBeLessThan(1e-4)
        loss.backward()
        const lrScale = Math.min(1, (t + 1) / 5) * Math.max(0, (20 - t) / 20)
        const norm = optimizer.step({ lrScale, maxNorm: 1 })
        const norms = g('train.grad_norms')
        expect(Math.abs(norm - norms.data[t]) / largest(norms), `norm ${t}`).toBeLessThan(1e-3)
        optimizer.zeroGrad()
      }
      const final = noGrad(() => model.forward(input).logits!)
      expect(error('final logits', final, g('train.final_logits'))).toBeLessThan(1e-4)
    })

    it('unpadded', () => {
      choose(backend)
      const { model, g, input } = open(name)
      const { flat, rows } = unpadded(input)
      const out = noGrad(() => model.forward(flat, { hiddenStates: true }))
      out.hiddenStates!.forEach((h, i) => {
        const want = g(`out.hidden.${i}`)
        expect(error('unpadded', h, want.reshape([-1, want.shape[2]]).indexSelect(0, rows))).toBeLessThan(
          1e-5,
        )
      })
      const want = g('out.logits')
      const perWord = want.rank === 3 ? want.reshape([-1, want.shape[2]]).indexSelect(0, rows) : want
      expect(error('unpadded', out.logits!, perWord)).toBeLessThan(1e-5)
    })
  })
})

/** The words of a padded batch alone, and their places in it. The mask must start each row. */
function unpadded({ inputIds, attentionMask, tokenTypeIds }: ModelInput): { flat: ModelInput; rows: Tensor } {
  const [B, T] = inputIds.shape
  const places = Array.from({ length: B * T }, (_, i) => i).filter((i) => attentionMask!.data[i] === 1)
  const lengths = Array.from({ length: B }, (_, b) => places.filter((i) => Math.floor(i / T) === b).length)
  const starts = new Int32Array(B + 1)
  lengths.forEach((n, b) => {
    starts[b + 1] = starts[b] + n
  })
  const pick = (t: Tensor) => tensor(Int32Array.from(places, (i) => t.data[i]))
  const flat = {
    inputIds: pick(inputIds),
    starts: tensor(starts),
    tokenTypeIds: tokenTypeIds && pick(tokenTypeIds),
  }
  return { flat, rows: tensor(Int32Array.from(places)) }
}
