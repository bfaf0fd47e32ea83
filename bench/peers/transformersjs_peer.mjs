// transformers.js's side of bench:peers, from the local folder. In Node it runs on onnxruntime-node, in a browser on
// onnxruntime-web; with `wasm` it is given the latter here too. usage: transformersjs_peer.mjs native|wasm WORK
import { basename, dirname } from 'node:path'
import { tokenIds } from '../shapes.mjs'
import { cannot, measure, work } from './measure.mjs'

const wasm = process.argv[2] === 'wasm'
const { what, threads, batch, tokens, folder } = work
if (what !== 'forward' && what !== 'int8') cannot('transformers.js only predicts')
const ort = wasm ? await import('onnxruntime-web') : null
if (wasm) {
  ort.env.wasm.numThreads = threads
  globalThis[Symbol.for('onnxruntime')] = ort
}
const { AutoModelForSequenceClassification, env, Tensor } = await import('@huggingface/transformers')
// It sets an address on the network for the WebAssembly file, which lies beside onnxruntime-web.
if (wasm) ort.env.wasm.wasmPaths = undefined
env.allowRemoteModels = false
env.localModelPath = dirname(folder)
const model = await AutoModelForSequenceClassification.from_pretrained(basename(folder), {
  ...{ dtype: what === 'int8' ? 'q8' : 'fp32', device: wasm ? 'auto' : 'cpu', local_files_only: true },
  session_options: { intraOpNumThreads: threads, interOpNumThreads: 1 },
})
const ids = BigInt64Array.from(tokenIds(batch, tokens), BigInt)
const input = {
  input_ids: new Tensor('int64', ids, [batch, tokens]),
  attention_mask: new Tensor('int64', new BigInt64Array(batch * tokens).fill(1n), [batch, tokens]),
}
const { logits } = await model(input)
await measure(() => model(input), { logits: Array.from(logits.data) })
