// npm run bench:recompute: a training step of TinyBERT-4L-312 with and without checkpointing of its blocks, in turn: time,
// and the most that tensors hold during a step beyond weights, optimizer and gradients. Checks that both give the same bits.
import { crossEntropy, optim, peakMemory, resetPeakMemory, setThreads, tensor, tidy } from '../dist/index.js'
import { readArgs } from './lib/args.mjs'
import { ms } from './lib/format.mjs'
import { describe, machine } from './lib/machine.mjs'
import { writeResults } from './lib/results.mjs'
import { build } from './model.mjs'
import { models, tokenIds } from './shapes.mjs'

const args = readArgs('npm run bench:recompute', 'a training step with activations computed again', {
  threads: { value: 'N', fallback: 1, help: 'default 1' },
  rounds: { value: 'N', fallback: 15, help: 'steps of each, default 15' },
  json: { value: 'FILE', help: 'also writes the results there' },
})
const [B, T] = [16, 64]
const name = 'TinyBERT-4L-312'
setThreads(args.threads)

function prepare(checkpointing) {
  const model = build(models[name])
  model.checkpointing = checkpointing
  const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-4 })
  const inputIds = tensor(tokenIds(B, T), { shape: [B, T] })
  const attentionMask = tensor(new Int32Array(B * T).fill(1), { shape: [B, T] })
  const labels = tensor(Int32Array.from({ length: B }, (_, i) => i % 2))
  const backward = () =>
    tidy(() => {
      const loss = crossEntropy(model.forward({ inputIds, attentionMask }).logits, labels)
      loss.backward()
      return loss.item()
    })
  const bytesOf = (tensors) => tensors.reduce((n, t) => n + 4 * t.numel, 0)
  return {
    losses: [],
    times: [],
    step() {
      const start = performance.now()
      this.losses.push(backward())
      optimizer.step({ maxNorm: 1 })
      this.times.push(performance.now() - start)
      optimizer.zeroGrad()
    },
    /** The gradients themselves are there in the end, with checkpointing or without. */
    peak() {
      resetPeakMemory()
      const before = peakMemory()
      backward()
      const gradients = bytesOf(
        model.parameters().flatMap((p) => (p === model.wordEmbeddings.weight ? [] : [p.grad])),
      )
      optimizer.zeroGrad()
      return { whole: peakMemory() - before, gradients }
    },
    weights: () => model.parameters().map((p) => p.elements.slice()),
  }
}

const median = (xs) => xs.toSorted((a, b) => a - b)[xs.length >> 1]
console.log(describe(machine()))
// One after the other: random draws follow one count.
const [plain, less] = [false, true].map((on) => {
  const one = prepare(on)
  one.step()
  one.step()
  return one
})
const [w, v] = [plain.weights(), less.weights()]
const equal = (a, b) => a.length === b.length && a.every((x, i) => Object.is(x, b[i]))
const same = equal(plain.losses, less.losses) && w.every((x, i) => equal(x, v[i]))
const peaks = [plain.peak(), less.peak()]
for (const one of [plain, less]) one.times = []
for (let i = 0; i < args.rounds; i++) for (const one of i % 2 ? [plain, less] : [less, plain]) one.step()
const [a, b] = [median(plain.times), median(less.times)]
const mb = (n) => (n / 1e6).toFixed(1)
console.log(`${name}, training step, ${B} x ${T}, ${args.threads} thread(s)`)
console.log(
  `peak in a step: ${mb(peaks[0].whole)} MB, checkpointed ${mb(peaks[1].whole)} MB, ratio ${(peaks[1].whole / peaks[0].whole).toFixed(3)} (gradients of ${mb(peaks[0].gradients)} MB in both)`,
)
console.log(`time: ${ms(a)} ms, checkpointed ${ms(b)} ms, ratio ${(b / a).toFixed(3)}`)
console.log(`losses and weights after two steps: ${same ? 'the same bits' : 'DIFFERENT'}`)
if (args.json) writeResults(args.json, { peaks, times: [a, b], same })
process.exit(same ? 0 : 1)
