// What must hold on a gpu, in any mode: run by Node and by browsers alike, so nothing here needs a test runner.
import { tensor } from '../../src/autograd/create.js'
import { type AnyOp, allOps } from '../../src/autograd/op.js'
import { crossEntropy } from '../../src/autograd/ops/losses/losses.js'
import { materialize } from '../../src/autograd/samples.js'
import { distil } from '../../src/distill/distil.js'
import { manualSeed, optim, tidy } from '../../src/index.js'
import { cut, type DataSet, inOrder } from '../../src/nn/data.js'
import { TextClassifier } from '../../src/nn/models/classifier.js'
import type { PaddedInput } from '../../src/nn/models/input.js'
import type { GpuOptions } from '../../src/tensor/backend.js'
import {
  backendReport,
  closeGpu,
  currentGpu,
  kernelsFor,
  openGpu,
  setBackend,
} from '../../src/tensor/backend.js'
import { checkDevice, UNIT } from '../../src/tensor/backends/gpu/check.js'
import { jsKernels } from '../../src/tensor/backends/js/index.js'
import type { MatrixBatch } from '../../src/tensor/kernel-args.js'
import { integerAt, keyOf, permutation, uniformAt } from '../../src/tensor/rng.js'
import { memory } from '../../src/tensor/storage.js'
import { type Classifier, predict } from '../../src/train/predict.js'
import { train } from '../../src/train/tasks.js'
import { checkOp } from '../ops/check.js'

export type Say = (name: string, detail: string | Error) => void

function must(condition: boolean, complaint: string): void {
  if (!condition) throw new Error(complaint)
}

const uniform = (n: number, seed: number) => {
  const key = keyOf(seed, 'gpu suite')
  return Float32Array.from({ length: n }, (_, i) => 2 * uniformAt(key, i) - 1)
}

const warnings: string[] = []

/** Opens the gpu and makes it the backend. */
export async function open(options: GpuOptions): Promise<string> {
  await openGpu({ ...options, warn: (line) => warnings.push(line) })
  setBackend('gpu')
  const { mode, driver, software } = backendReport().gpu!
  return `${mode}, ${driver}${software ? ' (software)' : ''}`
}

/** Whether an op or its gradient comes to a matrix product: others never meet the gpu, and npm test has them. */
function multiplies(op: AnyOp): boolean {
  const kernels = kernelsFor('float32')
  const own = kernels.matmul
  let products = 0
  kernels.matmul = (...args) => {
    products++
    own(...args)
  }
  try {
    for (const [i, { inputs, attrs }] of op.record.samples().entries()) {
      tidy(() => {
        const xs = inputs.map((spec, j) => materialize(spec, keyOf(i, `input ${j}`)))
        for (const x of xs) if (x.dtype !== 'int32') x.requiresGrad = true
        const y = op(xs, attrs)
        if (y.requiresGrad) y.sum().backward()
      })
      if (products > 0) return true
    }
    return false
  } finally {
    kernels.matmul = own
  }
}

/** The ops that multiply matrices through the standard suite, float32 near float64, gradients too. */
function ops(say: Say): void {
  for (const op of allOps().filter(multiplies)) {
    try {
      const { samples } = checkOp(op, 1, { derivatives: false })
      say(op.record.name, `${samples} samples`)
    } catch (error) {
      say(op.record.name, error as Error)
    }
  }
}

/** The worst element of a product, as a multiple of k * 2^-24 * (|a| x |b|). */
function worstOf(m: number, n: number, k: number, batch: number, turned: number, bias: boolean): number {
  const matrices = (rows: number, cols: number, t: boolean, seed: number): MatrixBatch => ({
    data: uniform(batch * rows * cols, seed),
    offsets: Array.from({ length: batch }, (_, i) => i * rows * cols),
    rowStride: t ? 1 : cols,
    colStride: t ? rows : 1,
  })
  const [a, b] = [matrices(m, k, (turned & 1) > 0, m), matrices(k, n, (turned & 2) > 0, n + 7)]
  const add = bias ? uniform(n, 5) : null
  const out = new Float32Array(batch * m * n)
  currentGpu()!.matmul(out, a, b, batch, m, n, k, add)
  const oracle = (f: (x: number) => number) => {
    const want = new Float64Array(out.length)
    const of = (x: MatrixBatch) => ({ ...x, data: Float64Array.from(x.data, f) })
    jsKernels.matmul(want, of(a), of(b), batch, m, n, k, add && Float64Array.from(add, f))
    return want
  }
  const [want, size] = [oracle(Number), oracle(Math.abs)]
  return out.reduce(
    (worst, x, i) => Math.max(worst, Math.abs(x - want[i]) / ((k + (bias ? 1 : 0)) * UNIT * size[i])),
    0,
  )
}

/** 50 random shapes up to 1,024, sizes even in the logarithm, and the largest. */
function shapes(): string {
  const key = keyOf(11, 'shapes')
  const size = (i: number) => Math.round(1024 ** uniformAt(key, i))
  let worst = 0
  for (let i = 0; i < 50; i++) {
    const [m, n, k] = i === 49 ? [1024, 1024, 1024] : [size(4 * i), size(4 * i + 1), size(4 * i + 2)]
    const batch = i === 49 ? 1 : 1 + integerAt(key, 4 * i + 3, 3)
    const error = worstOf(m, n, k, batch, i % 4, i % 3 === 0)
    must(error <= 1, `[${m}, ${k}] x [${k}, ${n}], ${batch} of them: off by ${error} times the bound`)
    worst = Math.max(worst, error)
  }
  return `50 shapes, the worst element at ${worst.toFixed(3)} of the bound`
}

const VOCAB = 60
const WORDS = 6

/** Class c has words that say so, among others that say nothing. */
function texts(n: number, seed: number, classes = 3): DataSet<PaddedInput> {
  const key = keyOf(seed, 'texts')
  const labels = Int32Array.from({ length: n }, (_, i) => i % classes)
  const ids = Int32Array.from({ length: n * WORDS }, (_, i) => {
    const c = labels[Math.floor(i / WORDS)]
    return uniformAt(key, i) < 0.35
      ? 2 + c * 5 + integerAt(key, n * WORDS + i, 5)
      : 20 + integerAt(key, i, 40)
  })
  return {
    size: n,
    labels,
    batches: (size, k) => cut(k === null ? inOrder(n) : permutation(k, n), size),
    input: (rows) => ({
      inputIds: tensor(flatten(ids, rows), {
        shape: [rows.length, WORDS],
      }),
      attentionMask: tensor(new Int32Array(rows.length * WORDS).fill(1), { shape: [rows.length, WORDS] }),
    }),
    tokens: (rows) => rows.length * WORDS,
  }
}

function flatten(ids: Int32Array, rows: Int32Array): Int32Array {
  const out = new Int32Array(rows.length * WORDS)
  rows.forEach((r, i) => {
    out.set(ids.subarray(r * WORDS, (r + 1) * WORDS), i * WORDS)
  })
  return out
}

function classifier(width: number, layers: number): TextClassifier {
  return new TextClassifier({
    ...{ vocabSize: VOCAB, classes: 3, layers, maxLength: WORDS, padId: 0 },
    ...{ width, heads: 4, inner: 2 * width, dropout: 0.1 },
  })
}

function accuracy(model: Classifier<PaddedInput>, data: DataSet<PaddedInput>): number {
  const logits = predict(model, data)
  let right = 0
  for (let i = 0; i < data.size; i++) {
    const row = logits.subarray(3 * i, 3 * i + 3)
    if (row.indexOf(Math.max(...row)) === data.labels![i]) right++
  }
  return right / data.size
}

/** A teacher learns from labels, a student from its soft targets for other texts. */
async function distillation(): Promise<string> {
  manualSeed(3)
  const [labelled, transfer, test] = [texts(360, 1), texts(720, 2), texts(300, 3)]
  const teacher = classifier(32, 2)
  await train(teacher, labelled, { epochs: 6, lr: 3e-3, seed: 1, batchSize: 36 })
  const targets = predict(teacher, transfer)
  const student = classifier(16, 1)
  await distil(student, transfer, targets, { epochs: 6, lr: 5e-3, seed: 2, batchSize: 36, T: 2 })
  const [t, s] = [accuracy(teacher, test), accuracy(student, test)]
  must(t > 0.75 && s > t - 0.08, `teacher ${t}, student ${s}`)
  return `teacher ${(100 * t).toFixed(1)} %, student ${(100 * s).toFixed(1)} % of three classes`
}

/** Losses of AdamW steps of a model of TinyBERT's shape, 14.4M parameters, dropout on. */
export function tinyBertLosses(steps: number): number[] {
  manualSeed(1)
  const [B, T] = [2, 8]
  const model = new TextClassifier({
    ...{ vocabSize: 30522, classes: 2, layers: 4, maxLength: 512, padId: 0 },
    ...{ width: 312, heads: 12, inner: 1200, dropout: 0.1, eps: 1e-12 },
  })
  const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-4 })
  const losses: number[] = []
  for (let step = 0; step < steps; step++) {
    tidy(() => {
      const ids = Int32Array.from({ length: B * T }, (_, i) => 1 + ((i * 7919 + step * 104729) % 30521))
      const inputIds = tensor(ids, { shape: [B, T] })
      const attentionMask = tensor(new Int32Array(B * T).fill(1), { shape: [B, T] })
      const labels = tensor(Int32Array.from({ length: B }, (_, i) => (i + step) % 2))
      const loss = crossEntropy(model.forward({ inputIds, attentionMask }).logits, labels)
      loss.backward()
      losses.push(loss.item())
    })
    optimizer.step({ maxNorm: 1 })
    optimizer.zeroGrad()
  }
  optimizer.dispose()
  for (const p of model.parameters()) p.dispose()
  return losses
}

function tinyBert(want: readonly number[]): string {
  const losses = tinyBertLosses(want.length)
  const worst = Math.max(...losses.map((x, i) => Math.abs(x - want[i])))
  must(worst < 1e-3, `the losses differ from js by ${worst}: ${losses} for ${want}`)
  const last = losses[losses.length - 1].toFixed(3)
  return `${losses.length} steps, losses within ${worst.toExponential(1)} of js, from ${losses[0].toFixed(3)} to ${last}`
}

/** A step of a small network that shares a weight between products; nothing of it stays. */
function smallStep(
  w: ReturnType<typeof tensor>,
  optimizer: InstanceType<typeof optim.AdamW>,
  i: number,
): number {
  const loss = tidy(() => {
    const x = tensor(uniform(8 * 16, i), { shape: [8, 16] })
    const y = x.matmul(w).relu().matmul(w.t())
    const value = y.mul(y).mean()
    value.backward()
    return value.item()
  })
  optimizer.step()
  optimizer.zeroGrad()
  return loss
}

/** 1,000 steps: neither the device's nor our own memory grows. */
function growth(): string {
  const w = tensor(uniform(16 * 12, 1), { shape: [16, 12], requiresGrad: true })
  const optimizer = new optim.AdamW([w], { lr: 1e-3 })
  const count = () => ({ ...currentGpu()!.device.census(), ours: memory().buffers })
  let early: ReturnType<typeof count> | null = null
  for (let i = 1; i <= 1000; i++) {
    smallStep(w, optimizer, i % 50)
    if (i === 100) early = count()
  }
  const late = count()
  // Fewer is the garbage collector's work.
  const grown = Object.entries(late).filter(([name, n]) => n > early![name as keyof typeof late])
  must(grown.length === 0, `${JSON.stringify(early)} became ${JSON.stringify(late)}`)
  return `${late.objects} device objects and ${late.arrays} arrays on it at step 1,000, not fewer at step 100`
}

/** 20 losses in the middle of a run: each recovered and told, and the results those of a run without any. */
function losses(): string {
  const run = (breaks: boolean) => {
    const w = tensor(uniform(16 * 12, 1), { shape: [16, 12], requiresGrad: true })
    const optimizer = new optim.AdamW([w], { lr: 1e-3 })
    return Array.from({ length: 40 }, (_, i) => {
      if (breaks && i % 2 === 1) currentGpu()!.device.lose()
      return smallStep(w, optimizer, i)
    })
  }
  const whole = run(false)
  const before = warnings.length
  const broken = run(true)
  const named = warnings
    .slice(before)
    .filter((line) => /^gpu: device lost in matmul \[.*done again on the processor$/.test(line))
  must(named.length === 20, `${named.length} recoveries named: ${warnings.slice(before)}`)
  must(currentGpu()!.losses.length >= 20, 'backendReport() does not tell of them')
  const worst = Math.max(...broken.map((x, i) => Math.abs(x - whole[i]) / Math.abs(whole[i])))
  must(worst < 1e-5, `the losses differ by ${worst}`)
  return `20 named recoveries; losses within ${worst.toExponential(1)} of an unbroken run`
}

/** Weights and results that the device has are not sent again; what changed is. */
function uploads(): string {
  const { device } = currentGpu()!
  let sent = 0
  const upload = device.upload.bind(device)
  device.upload = (id, data) => {
    sent++
    upload(id, data)
  }
  const count = (f: () => void) => {
    sent = 0
    f()
    return sent
  }
  try {
    const [a, b, c] = [1, 2, 3].map((seed) => tensor(uniform(24 * 24, seed), { shape: [24, 24] }))
    const chain = () => void a.matmul(b).matmul(c)
    const seen = [count(chain), count(chain)]
    b.live[0] += 1
    const changed = count(() => {
      const want = a.to('float64').matmul(b.to('float64')).elements
      const got = a.matmul(b).elements
      must(
        got.every((x, i) => Math.abs(x - want[i]) < 1e-4),
        'a stale copy was used',
      )
    })
    must(seen.join() === '3,0' && changed === 1, `uploads: ${seen}, ${changed} after a change`)
    return 'a.matmul(b).matmul(c) sends 3 arrays, then none, then the one that changed'
  } finally {
    device.upload = upload
  }
}

/** With onGpuLoss: 'throw' a loss is an error. */
async function throwing(options: GpuOptions): Promise<string> {
  closeGpu()
  await openGpu({ ...options, onGpuLoss: 'throw' })
  setBackend('gpu')
  const a = tensor(uniform(16, 1), { shape: [4, 4] })
  a.matmul(a)
  currentGpu()!.device.lose()
  try {
    a.matmul(a)
  } catch (error) {
    const { name, message } = error as Error
    must(name === 'BackendError' && message.startsWith('gpu: device lost in matmul [4, 4] x [4, 4]'), message)
    a.matmul(a)
    return message
  }
  throw new Error('no error')
}

export interface Job {
  options: GpuOptions
  /** Losses of tinyBertLosses on js. */
  want: readonly number[]
}

/** Runs everything; `say` hears of each check. */
export async function runAll({ options, want }: Job, say: Say): Promise<void> {
  const check = async (name: string, f: () => string | Promise<string>) => {
    const began = performance.now()
    try {
      say(name, `${await f()} (${((performance.now() - began) / 1000).toFixed(1)} s)`)
    } catch (error) {
      say(name, error as Error)
    }
  }
  await check('opens', () => open(options))
  if (currentGpu() === null) return
  await check('start-up check', () => {
    checkDevice(currentGpu()!.device)
    return 'products of every kind lie within the bound of float32'
  })
  ops((name, detail) => say(`op ${name}`, detail))
  await check('random shapes', shapes)
  await check('operands stay', uploads)
  await check('distillation', distillation)
  await check('TinyBERT shape', () => tinyBert(want))
  await check('no growth', growth)
  await check('losses', losses)
  await check('onGpuLoss throw', () => throwing(options))
  closeGpu()
}
