// Writes the model of bench/model.mjs to a folder, as transformers.js and ONNX Runtime read it, and its weights for the
// others. usage: write.mjs FOLDER SHAPE, a shape of bench/shapes.mjs as JSON
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportOnnx } from '../../../dist/files/models/index.js'
import { writeSafetensors } from '../../../dist/formats/safetensors/index.js'
import { nn } from '../../../dist/index.js'
import { build } from '../../model.mjs'

const [folder, shape] = process.argv.slice(2)
const model = build(JSON.parse(shape))
mkdirSync(join(folder, 'onnx'), { recursive: true })
writeFileSync(join(folder, 'onnx/model.onnx'), exportOnnx(model))
writeFileSync(join(folder, 'model.safetensors'), writeSafetensors(model.namedParameters()))
// As ONNX Runtime's own quantize_dynamic: one range a tensor, which is its fastest.
const quantized = exportOnnx(nn.quantize(build(JSON.parse(shape))), { inputs: 'tensor' })
writeFileSync(join(folder, 'onnx/model_quantized.onnx'), quantized)
const { width, layers, heads, inner, vocabSize } = model.config
const config = {
  ...{ model_type: 'bert', architectures: ['BertForSequenceClassification'], hidden_size: width },
  ...{ num_hidden_layers: layers, num_attention_heads: heads, intermediate_size: inner },
  vocab_size: vocabSize,
}
writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
