// ONNX Runtime's side of bench:peers. usage: onnx_peer.mjs web|node WORK
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { tokenIds } from '../shapes.mjs'
import { cannot, measure, work } from './measure.mjs'
import { model, node, value } from './onnx/protobuf.mjs'

const web = process.argv[2] === 'web'
const { InferenceSession, Tensor, env } = await import(web ? 'onnxruntime-web' : 'onnxruntime-node')
const { what, threads, m, k, n, batch, tokens, folder } = work
if (web) env.wasm.numThreads = threads

const open = (bytes) =>
  InferenceSession.create(bytes, {
    executionProviders: [web ? 'wasm' : 'cpu'],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
  })
const random = (dims) =>
  new Tensor('float32', Float32Array.from({ length: dims[0] * dims[1] }, Math.random), dims)

if (what === 'matmul') {
  const session = await open(
    model({
      nodes: [node('MatMul', ['a', 'b'], 'c')],
      initializers: [],
      inputs: [value('a', [m, k], true), value('b', [k, n], true)],
      outputs: [value('c', [m, n], true)],
      ...{ opset: 20, irVersion: 10 },
    }),
  )
  const feeds = { a: random([m, k]), b: random([k, n]) }
  await measure(() => session.run(feeds))
} else if (what === 'forward' || what === 'int8') {
  const file = what === 'int8' ? 'onnx/model_quantized.onnx' : 'onnx/model.onnx'
  const session = await open(readFileSync(join(folder, file)))
  const ids = BigInt64Array.from(tokenIds(batch, tokens), BigInt)
  const feeds = {
    input_ids: new Tensor('int64', ids, [batch, tokens]),
    attention_mask: new Tensor('int64', new BigInt64Array(batch * tokens).fill(1n), [batch, tokens]),
  }
  const { logits } = await session.run(feeds)
  await measure(() => session.run(feeds), { logits: Array.from(logits.data) })
} else cannot('ONNX Runtime does not train here')
