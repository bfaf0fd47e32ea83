// A collection, where the engine lets one be asked for by weight alone, and the turns in which its finds come back.
export async function settled(): Promise<void> {
  for (let i = 0; i < 4; i++) new ArrayBuffer(2 ** 26)
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve))
}
