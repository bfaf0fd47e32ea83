// Of npm run check:onnx: an exported folder in onnxruntime-node, onnxruntime-web and transformers.js on each of them.
// usage: onnx_check.mjs FOLDER fp32|fp16|q8 WORK.json
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const [, , folder, dtype, file] = process.argv
const { texts, shapes, classes } = JSON.parse(readFileSync(file, 'utf8'))
const name = { fp32: 'model', fp16: 'model_fp16', q8: 'model_quantized' }[dtype]
const bytes = readFileSync(join(folder, 'onnx', `${name}.onnx`))
const logits = {}
const engines = { 'onnxruntime-node': 'cpu', 'onnxruntime-web': 'wasm' }
for (const [engine, provider] of Object.entries(engines)) {
  const { InferenceSession, Tensor } = await import(engine)
  const session = await InferenceSession.create(bytes, { executionProviders: [provider] })
  logits[engine] = []
  for (const { ids, mask } of shapes) {
    const value = (rows) =>
      new Tensor('int64', BigInt64Array.from(rows.flat(), BigInt), [rows.length, rows[0].length])
    const all = {
      input_ids: value(ids),
      attention_mask: value(mask),
      token_type_ids: value(ids.map((r) => r.map(() => 0))),
    }
    const feeds = Object.fromEntries(session.inputNames.map((input) => [input, all[input]]))
    logits[engine].push(Array.from((await session.run(feeds)).logits.data))
  }
}

const { pipeline, env } = await import('@huggingface/transformers')
// A network that is asked would be a folder that is not whole.
env.allowRemoteModels = false
const pipe = await pipeline('text-classification', folder, { dtype, device: 'cpu' })
const answers = []
for (let at = 0; at < texts.length; at += 32)
  answers.push(...(await pipe(texts.slice(at, at + 32), { top_k: null })))
const rows = answers.map((all) =>
  classes.map((label) => all.find((a) => a.label === label)?.score ?? Number.NaN),
)
const versionOf = (engine) =>
  JSON.parse(readFileSync(join(import.meta.dirname, 'node_modules', engine, 'package.json'), 'utf8')).version
const versions = Object.fromEntries(Object.keys(engines).map((engine) => [engine, versionOf(engine)]))
process.stdout.write(
  JSON.stringify({ versions: { ...versions, 'transformers.js': env.version }, logits, answers: rows }),
)
