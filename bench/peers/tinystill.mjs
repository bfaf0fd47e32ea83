// Our own side of bench:peers.
import { conv2d, grad, nn, noGrad, randn, setThreads, tidy } from '../../dist/index.js'
import { prepare, writer } from '../model.mjs'
import { cannot, measure, work } from './measure.mjs'

const { what, threads, m, k, n, shape, batch, tokens, channels, size, filters, steps, width, pass } = work
setThreads(threads)
if (what === 'matmul') {
  const [a, b] = [randn([m, k]), randn([k, n])]
  await measure(() => tidy(() => void a.matmul(b)))
} else if (what === 'conv') {
  const inputs = [[batch, channels, size, size], [filters, channels, 3, 3], [filters]].map((shape) =>
    randn(shape, { requiresGrad: true }),
  )
  const run = () => conv2d(...inputs, { padding: 1 })
  if (pass === 'forward') await measure(() => tidy(() => noGrad(() => void run())))
  const gradient = randn([batch, filters, size, size])
  await measure(() => tidy(() => void grad(run(), inputs, { gradient })))
} else if (what === 'lstm') {
  const layer = new nn.LSTM(width, width)
  const inputs = [randn([steps, batch, width], { requiresGrad: true }), ...layer.parameters()]
  await measure(() => tidy(() => void grad(layer.forward(inputs[0])[0].sum(), inputs)))
} else if (what === 'generate') {
  await measure(writer(shape, work).write)
} else if (what === 'int8') {
  await measure(prepare(shape, batch, tokens, { int8: true }).forward)
} else if (what === 'bilstm') {
  await measure(prepare(shape, batch, tokens, { bilstm: true }).step)
} else if (what === 'step' || what === 'forward') {
  const made = prepare(shape, batch, tokens)
  // Each side rounds in its own way, so only floats are compared.
  const logits = what === 'forward' ? { logits: made.logits() } : {}
  await measure(made[what], logits)
} else cannot(`no work ${what}`)
