// The weights that onnx/write.mjs wrote.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A matrix the other way round: linear layers are [in, out] in other libraries. */
export function transposed({ shape: [rows, columns], data }) {
  const out = new Float32Array(data.length)
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = data[r * columns + c]
  return { shape: [columns, rows], data: out }
}

/** name -> { shape, data }, float32; the weights of linear layers [in, out]. */
export function readWeights(folder) {
  const file = readFileSync(join(folder, 'model.safetensors'))
  const bytes = file.buffer.slice(file.byteOffset, file.byteOffset + file.length)
  const size = Number(new DataView(bytes).getBigUint64(0, true))
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 8, size)))
  const at = 8 + size
  const weights = new Map()
  for (const [name, { shape, data_offsets: place }] of Object.entries(header)) {
    if (name === '__metadata__') continue
    const [from, to] = place
    const weight = { shape, data: new Float32Array(bytes.slice(at + from, at + to)) }
    const linear = shape.length === 2 && !name.includes('Embeddings')
    weights.set(name, linear ? transposed(weight) : weight)
  }
  return weights
}
