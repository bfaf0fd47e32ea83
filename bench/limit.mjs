// The limit of matrix products: the micro kernel, taken as it is from the sources, over panels that stay in the L1 cache.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'
import { relaxedAvailable } from '../dist/tensor/backends/wasm/module.js'
import { median } from './lib/stats.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const K = 256
const CALLS = 20000
const ROUNDS = 9
const FLOPS = 2 * 4 * 8 * K * CALLS

/** Panels at the start of the second page: [K][4] of A, [K][8] of B, and the tile. */
const probe = `
import { tile } from './src/tensor/backends/wasm/assembly/gemm'
export function run(): void {
  for (let i = 0; i < ${CALLS}; i++) tile(65536, 32, 69632, 73728, ${K}, 0, 0)
}`

/** GFLOP/s of one thread, strict or relaxed; the reason in words where it can't be measured. */
export async function microKernelLimit(relaxed) {
  if (relaxed && !relaxedAvailable()) return 'this engine has no relaxed SIMD'
  let bytes
  const readFile = (name, base) => {
    if (name === 'probe.ts') return probe
    const path = join(base, name)
    return existsSync(path) ? readFileSync(path, 'utf8') : null
  }
  const writeFile = (_, contents) => {
    bytes = contents
  }
  const args = ['probe.ts', '--baseDir', root, '--use', `RELAXED=${relaxed ? 1 : 0}`, '--runtime=stub', '-O3']
  const { error, stderr } = await asc.main(
    [...args, '--noAssert', '--initialMemory=2', '--enable=simd,relaxed-simd', '-o', 'm.wasm'],
    { readFile, writeFile },
  )
  if (error) return `the micro kernel does not compile by itself: ${stderr.toString().trim().split('\n')[0]}`
  const { instance } = await WebAssembly.instantiate(bytes)
  const rates = []
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()
    instance.exports.run()
    rates.push(FLOPS / (performance.now() - start) / 1e6)
  }
  return median(rates.slice(2))
}
