// Our own side of bench:peers.
import { randn, setThreads, tidy } from '../../dist/index.js'
import { prepare } from '../model.mjs'
import { cannot, measure, work } from './measure.mjs'

const { what, threads, m, k, n, shape, batch, tokens } = work
setThreads(threads)
if (what === 'matmul') {
  const [a, b] = [randn([m, k]), randn([k, n])]
  await measure(() => tidy(() => void a.matmul(b)))
} else if (what === 'step' || what === 'forward') {
  const made = prepare(shape, batch, tokens)
  const logits = what === 'forward' ? { logits: made.logits() } : {}
  await measure(made[what], logits)
} else cannot(`no work ${what}`)
