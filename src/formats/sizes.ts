// How many weights a config asks for, before a model of them is made, and how many a file has.
interface Sizes {
  vocabSize: number
  width: number
  layers: number
  inner?: number
  maxLength: number
  tokenTypes?: number
}

/** Elements of an encoder's matrices; biases and layer norms are left out. */
export function encoderWeights({
  vocabSize,
  width,
  layers,
  inner = 4 * width,
  maxLength,
  tokenTypes = 0,
}: Sizes) {
  return width * (vocabSize + maxLength + tokenTypes) + layers * width * (4 * width + 2 * inner)
}

/** Elements of all tensors. */
export function weightsIn(tensors: ReadonlyMap<string, { numel: number }>): number {
  return Array.from(tensors.values(), (t) => t.numel).reduce((a, b) => a + b, 0)
}
