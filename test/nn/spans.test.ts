// Models that find answers in texts against PyTorch: logits, loss, gradients, 20 training steps, and their folders both ways.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import '../../src/index.js'
import { tensor } from '../../src/autograd/create.js'
import { noGrad } from '../../src/autograd/graph.js'
import { crossEntropy } from '../../src/autograd/ops/losses/losses.js'
import { loadPretrained, writePretrained } from '../../src/files/models/on-disk.js'
import { exportFolder } from '../../src/files/onnx/export.js'
import { readOnnx } from '../../src/formats/onnx/graph.js'
import { readSafetensors } from '../../src/formats/safetensors/safetensors.js'
import { makeModel } from '../../src/nn/models/bert.js'
import { families, gpt2, hasKind } from '../../src/nn/models/family.js'
import { SpanClassifier } from '../../src/nn/models/heads.js'
import * as named from '../../src/nn/models/named/spans.js'
import { AdamW } from '../../src/nn/optim/adam.js'
import { setBackend } from '../../src/tensor/backend.js'
import { ints, type Tensor } from '../../src/tensor/tensor.js'
import { backends, choose } from '../backends.js'

const root = join(import.meta.dirname, '../golden/qa/models')
const cases = readdirSync(root)
const out = mkdtempSync(join(tmpdir(), 'tinystill-spans-'))
afterAll(() => {
  rmSync(out, { recursive: true })
  setBackend('auto')
})

function open(name: string) {
  const { model, info } = loadPretrained(join(root, name))
  expect(info).toEqual({ fresh: [], unused: [], notes: [] })
  expect(model).toBeInstanceOf(SpanClassifier)
  const file = join(root, name, 'golden.safetensors')
  const { tensors } = readSafetensors(readFileSync(file), { file })
  const g = (key: string) => tensors.get(key) as Tensor
  const mask = Int32Array.from(ints(g('in.attention_mask')))
  const [B, T] = g('in.attention_mask').shape
  const input = {
    inputIds: g('in.input_ids'),
    attentionMask: g('in.attention_mask'),
    tokenTypeIds: tensors.get('in.token_type_ids'),
  }
  /** [2 B, T]: beginnings, then ends; padding far below. */
  const forward = () => {
    const logits = (model as SpanClassifier).forward(input).logits
    const hidden = tensor(
      Float32Array.from({ length: 2 * B * T }, (_, i) => (mask[i % (B * T)] === 1 ? 0 : -10_000)),
    )
    return logits
      .reshape([B * T, 2])
      .transpose(0, 1)
      .reshape([2 * B, T])
      .add(hidden.reshape([2 * B, T]))
  }
  const labels = tensor(Int32Array.from([...ints(g('in.starts')), ...ints(g('in.ends'))]))
  return { model, g, has: (key: string) => tensors.has(key), mask, forward, labels }
}

const largest = (values: ArrayLike<number>) => Math.max(...Array.from(values, Math.abs))
const apart = (a: ArrayLike<number>, b: ArrayLike<number>, scale = largest(b)) =>
  Math.max(...Array.from(b, (x, i) => Math.abs(a[i] - x))) / (scale || 1)

describe.each(backends)('PyTorch on %s', (backend) => {
  it.each(cases)('%s: logits and loss', (name) => {
    choose(backend)
    const { g, mask, forward, labels } = open(name)
    const z = noGrad(forward)
    const half = z.numel / 2
    const shown = (at: number) => Array.from(mask, (m, i) => (m === 1 ? z.data[at + i] : 0))
    expect(apart(shown(0), g('out.starts').data)).toBeLessThan(1e-5)
    expect(apart(shown(half), g('out.ends').data)).toBeLessThan(1e-5)
    expect(crossEntropy(z, labels).item()).toBeCloseTo(g('out.loss').item(), 5)
  })

  it.each(['bert', 'roberta', 'distilbert'])('%s: gradients and 20 steps', (name) => {
    choose(backend)
    const { model, g, has, mask, forward, labels } = open(name)
    const step = () => {
      const loss = crossEntropy(forward(), labels)
      for (const p of model.parameters()) p.grad = null
      loss.backward()
      return loss.item()
    }
    step()
    for (const [parameter, p] of model.namedParameters()) {
      if (p.grad === null) expect(has(`grad.${parameter}`), parameter).toBe(false)
      else {
        // A softmax does not see what all tokens have more: such biases have no gradient but rounding's.
        const [own, weight] = [parameter, parameter.replace(/bias$/, 'weight')].map((key) => g(`grad.${key}`))
        const scale = Math.max(largest(own.data), largest(weight.data))
        expect(apart(p.grad.data, g(`grad.${parameter}`).data, scale), parameter).toBeLessThan(5e-5)
      }
    }
    const optimizer = new AdamW(model.parameters(), { lr: 2e-3, weightDecay: 0.05 })
    const losses = Array.from({ length: 20 }, (_, t) => {
      const loss = step()
      optimizer.step({ lrScale: (20 - t) / 20, maxNorm: 1 })
      return loss
    })
    expect(apart(losses, g('train.losses').data)).toBeLessThan(1e-4)
    // Beside a row's first: biases without gradient wander by rounding, and shift all logits alike.
    const T = g('in.attention_mask').shape[1]
    const beside = (z: ArrayLike<number>) =>
      Array.from(mask, (m, i) => (m === 1 ? z[i] - z[Math.floor(i / T) * T] : 0))
    const [got, want] = [noGrad(forward).data, g('train.starts').data].map(beside)
    expect(apart(got, want)).toBeLessThan(1e-4)
  })
})

describe('folders', () => {
  it.each(cases)('%s: there and back', (name) => {
    const { model } = open(name)
    writePretrained(join(out, name), { model })
    const read = (folder: string) => JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))
    const [ours, theirs] = [join(out, name), join(root, name)].map(read)
    expect(ours.architectures).toEqual(theirs.architectures)
    const tensorsOf = (folder: string) =>
      readSafetensors(readFileSync(join(folder, 'model.safetensors')), { file: folder }).tensors
    const [a, b] = [join(out, name), join(root, name)].map(tensorsOf)
    expect([...a.keys()].sort()).toEqual([...b.keys()].sort())
    for (const [key, t] of b) expect(a.get(key)!.data, key).toEqual(t.data)
  })

  it.each(['bert', 'modernbert'])('%s: as ONNX, beginnings and ends apart', (name) => {
    const { file, difference } = exportFolder({ model: join(root, name), out: join(out, `${name}-onnx`) })
    expect(difference.largest).toBeLessThan(1e-5)
    expect(readOnnx(readFileSync(file), file).outputs.map((own) => own.name)).toEqual([
      'start_logits',
      'end_logits',
    ])
  })

  it('are of all encoders, and of no other', () => {
    const own = families.filter((family) => hasKind(family, 'question-answering'))
    expect(families.filter((family) => !own.includes(family)).map(({ modelType }) => modelType)).toEqual([
      'gpt2',
      'bilstm',
    ])
    for (const made of Object.values(named)) {
      const tables = /^(Elec|Alb|Mob)/.test(made.name) ? { embedding: 4 } : {}
      const size = { width: 4, heads: 1, layers: 1, inner: 4, vocabSize: 5, padId: 1 }
      const model = new made({ ...size, ...tables })
      expect(model.architecture).toBe(made.name)
    }
    expect(() => makeModel(gpt2, 'question-answering', {})).toThrow('there is no question-answering model')
  })
})
