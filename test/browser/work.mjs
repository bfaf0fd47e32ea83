// Work whose bits can be compared: the same code runs in Node, in a page and in a worker of a page.
import { kdLoss } from '../../dist/distill/index.js'
import { TextClassifier } from '../../dist/files/models/index.js'
import { readSafetensors, writeSafetensors } from '../../dist/formats/safetensors/index.js'
import {
  attention,
  crossEntropy,
  manualSeed,
  optim,
  rand,
  randn,
  setThreads,
  tensor,
  tidy,
} from '../../dist/index.js'

/** SHA-256 of the bytes of arrays. Copied first: the browser hashes nothing that lies in shared memory. */
export async function hash(arrays) {
  const parts = arrays.map((x) => new Uint8Array(x.buffer, x.byteOffset, x.byteLength))
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0))
  let at = 0
  for (const p of parts) {
    all.set(p, at)
    at += p.length
  }
  const digest = await crypto.subtle.digest('SHA-256', all)
  return Array.from(new Uint8Array(digest), (b) => b.toString(16).padStart(2, '0')).join('')
}

const copy = (t) => t.data.slice()

/** The result of f and the gradients of its inputs, as copies. */
function withGradients(inputs, f) {
  for (const t of inputs) t.requiresGrad = true
  const y = f(...inputs)
  y.backward(randn(y.shape))
  return [copy(y), ...inputs.map((t) => copy(t.grad))]
}

/** Large enough that every one is cut into chunks. Each gives arrays. */
const kernels = {
  matmul: () => withGradients([randn([301, 200]), randn([200, 93])], (a, b) => a.matmul(b)),
  'batches of matmul': () => withGradients([randn([7, 60, 61]), randn([7, 61, 60])], (a, b) => a.matmul(b)),
  attention: () =>
    withGradients(
      Array.from({ length: 3 }, () => randn([3, 4, 50, 24])),
      (q, k, v) => attention(q, k, v, { dropout: 0.1 }),
    ),
  layerNorm: () =>
    withGradients([randn([999, 301]), rand([301]), randn([301])], (x, w, b) => x.layerNorm(w, b)),
  gelu: () => withGradients([randn([300001])], (x) => x.gelu()),
  softmax: () => withGradients([randn([999, 301])], (x) => x.softmax(-1, { T: 2 })),
  crossEntropy: () => {
    const labels = tensor(Int32Array.from({ length: 999 }, (_, i) => (i * 37) % 301))
    const x = randn([999, 301])
    x.requiresGrad = true
    const loss = crossEntropy(x, labels)
    loss.backward()
    return [copy(loss), copy(x.grad)]
  },
  dropout: () => withGradients([randn([300001])], (x) => x.dropout(0.1)),
  adamW: () => {
    const p = randn([300001], { requiresGrad: true })
    const optimizer = new optim.AdamW([p], { lr: 1e-2 })
    for (let i = 0; i < 3; i++) {
      p.grad = randn([300001])
      optimizer.step({ maxNorm: 1 })
    }
    return [copy(p), ...optimizer.slots[0].state.map(copy)]
  },
}

/** Name of a kernel -> hash of what it gives on `threads` threads. */
export async function kernelHashes(threads) {
  setThreads(threads)
  const hashes = {}
  for (const [i, [name, run]] of Object.entries(kernels).entries()) {
    manualSeed(i)
    let arrays
    tidy(() => {
      arrays = run()
    })
    hashes[name] = await hash(arrays)
  }
  return hashes
}

const [VOCAB, CLASSES, B, T, STEPS] = [500, 5, 16, 32, 20]

/** Trains a small classifier on random texts, the second half of the steps with a teacher. Hash of its file. */
export async function trainingHash(threads) {
  setThreads(threads)
  manualSeed(7)
  const model = new TextClassifier({
    ...{ vocabSize: VOCAB, classes: CLASSES, layers: 1, maxLength: T, padId: 0 },
    ...{ width: 96, heads: 4, dropout: 0.1 },
  })
  const optimizer = new optim.AdamW(optim.decayGroups(model, 0.05), { lr: 2e-3 })
  for (let step = 0; step < STEPS; step++) {
    tidy(() => {
      const inputIds = tensor(
        Int32Array.from({ length: B * T }, (_, i) => 1 + ((i * 7919 + step * 104729) % (VOCAB - 1))),
        { shape: [B, T] },
      )
      const attentionMask = tensor(
        Int32Array.from({ length: B * T }, (_, i) => ((i % T) - (i % 5) * 3 < T - 12 ? 1 : 0)),
        { shape: [B, T] },
      )
      const labels = tensor(Int32Array.from({ length: B }, (_, i) => (i * 3 + step) % CLASSES))
      const { logits } = model.forward({ inputIds, attentionMask })
      const loss =
        step < STEPS / 2
          ? crossEntropy(logits, labels)
          : kdLoss(logits, randn([B, CLASSES]), labels, { T: 2, alpha: 0.9 })
      loss.backward()
    })
    optimizer.step({ maxNorm: 1 })
    optimizer.zeroGrad()
  }
  const file = writeSafetensors(model.stateDict())
  const again = writeSafetensors(readSafetensors(file).tensors)
  return hash([file, again])
}
