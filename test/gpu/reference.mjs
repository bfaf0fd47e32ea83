// The losses that every mode is held to: the same run on the js kernels.
export async function referenceLosses() {
  const { setBackend } = await import('./built/src/index.js')
  const { tinyBertLosses } = await import('./built/test/gpu/suite.js')
  setBackend('js')
  return tinyBertLosses()
}
