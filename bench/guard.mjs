// What the guard against NaN and Infinity costs: a training step through it beside the same step by hand, A B A B in one
// process, in processor time, which other work on the machine disturbs less; and what one broken step costs.
// usage: npm run bench:guard

import { crossEntropy, optim, setThreads, tensor } from '../dist/index.js'
import { Accumulator } from '../dist/train/step.js'
import { median, quantile } from './lib/stats.mjs'
import { build, trainer } from './model.mjs'
import { models, tokenIds } from './shapes.mjs'

const [B, T, ROUNDS] = [4, 64, 40]
const shape = models['TinyBERT-4L-312']
setThreads(1)
const input = {
  inputIds: tensor(tokenIds(B, T), { shape: [B, T] }),
  attentionMask: tensor(new Int32Array(B * T).fill(1), { shape: [B, T] }),
}
const labels = tensor(Int32Array.from({ length: B }, (_, i) => i % 2))
const rows = Int32Array.from({ length: B }, (_, i) => i)

const byHand = trainer(build(shape).train())
const model = build(shape).train()
const guard = new Accumulator(new optim.AdamW(model.parameters(), { lr: 1e-4 }), model, 'skip')
const where = () => 'a step'

/** factor: of the loss; NaN breaks it. */
function guarded(i, factor = 1) {
  guard.add(rows, [1, i], where, () => {
    const loss = crossEntropy(model.forward(input).logits, labels)
    return factor === 1 ? loss : loss.mul(factor)
  })
  return guard.step(1, { maxNorm: 1 }, where)
}

function spent(work) {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

const [hand, own, broken] = [[], [], []]
for (let i = 0; i < ROUNDS + 5; i++) {
  const a = spent(() => byHand(input, labels))
  const b = spent(() => guarded(i))
  if (i < 5) continue
  hand.push(a)
  own.push(b)
}
for (let i = 0; i < 5; i++) broken.push(spent(() => guarded(i, Number.NaN)))

const shares = own.map((b, i) => b / hand[i] - 1)
const percent = (x) => `${(100 * x).toFixed(2)}%`
const ms = (xs) => `${median(xs).toFixed(1)} ms`
console.log(
  `TinyBERT-4L-312, ${B} x ${T} tokens, 1 thread, processor time of a step, medians of ${ROUNDS} pairs`,
)
console.log(`by hand ${ms(hand)}, with the guard ${ms(own)}`)
console.log(
  `the guard costs ${percent(median(shares))} (middle half ${percent(quantile(shares, 0.25))} to ${percent(quantile(shares, 0.75))})`,
)
console.log(`a broken step, found and skipped: ${ms(broken)}`)
