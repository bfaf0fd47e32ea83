// The losses that every mode is held to: the same run on the js kernels. TINYSTILL_GPU_STEPS: of so many steps, default 20.
export async function referenceLosses() {
  const { setBackend } = await import('./built/src/index.js')
  const { tinyBertLosses } = await import('./built/test/gpu/suite.js')
  setBackend('js')
  return tinyBertLosses(Number(process.env.TINYSTILL_GPU_STEPS ?? 20))
}
