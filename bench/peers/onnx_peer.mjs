// ONNX Runtime's side of bench:peers. usage: onnx_peer.mjs web|node WORK
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { onnxPieces } from '../../dist/formats/onnx/graph.js'
import { tokenIds } from '../shapes.mjs'
import { cannot, measure, work } from './measure.mjs'

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
  const value = (name, dims) => {
    const dim = dims.map((dimValue) => ({ dimValue }))
    return { name, type: { tensorType: { elemType: 1, shape: { dim } } } }
  }
  const { pieces } = onnxPieces({
    ...{ irVersion: 8, opsetImport: [{ domain: '', version: 17 }] },
    graph: {
      name: 'matmul',
      node: [{ opType: 'MatMul', input: ['a', 'b'], output: ['c'] }],
      input: [value('a', [m, k]), value('b', [k, n])],
      output: [value('c', [m, n])],
    },
  })
  const session = await open(Buffer.concat([...pieces]))
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
