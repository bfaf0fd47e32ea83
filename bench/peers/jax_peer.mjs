// jax-js's side of bench:peers, on its WebAssembly backend.
import { blockUntilReady, defaultDevice, init, numpy as np, random, tree } from '@jax-js/jax'
import { tokenIds } from '../shapes.mjs'
import { bert } from './jax_bert.mjs'
import { cannot, measure, work } from './measure.mjs'

const { what, m, k, n, shape, batch, tokens, folder } = work
await init('wasm')
defaultDevice('wasm')

if (what === 'matmul') {
  const [a, b] = [random.normal(random.key(0), [m, k]), random.normal(random.key(1), [k, n])]
  await measure(async () => {
    const c = np.matmul(a.ref, b.ref)
    await c.blockUntilReady()
    c.dispose()
  })
}
if (what !== 'forward' && what !== 'step') cannot(`no work ${what}`)
const model = bert(shape, batch, tokens, folder)
const ids = np.array(tokenIds(batch, tokens), { dtype: np.int32 })
let params = model.params()
if (what === 'forward') {
  const run = () => model.forward(tree.ref(params), ids.ref).data()
  await measure(run, { logits: Array.from(await run()) })
}
let [first, second] = [model.zeros(), model.zeros()]
const labels = np.array(
  Int32Array.from({ length: batch }, (_, i) => i % 2),
  { dtype: np.int32 },
)
let key = random.key(1)
await measure(async () => {
  const [next, now] = random.split(key, 2)
  key = next
  ;[params, first, second] = model.step(params, first, second, ids.ref, labels.ref, now)
  await blockUntilReady(params)
})
