// The limit of matrix products: the micro kernel, taken as it is from the sources, over panels that stay in the L1 cache.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'
import { builds } from '../scripts/build-wasm.mjs'
import { median } from './lib/stats.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const K = 256
const CALLS = 20000
const ROUNDS = 9

/** Panels at the start of the second page, A as [K][ROWS] and B as [K][COLS], and the tile. Zeros lie at 512. */
const probe = `
import { COLS, ROWS, tile } from './src/tensor/backends/wasm/assembly/tile'
export function flops(): f64 {
  return 2.0 * ROWS * COLS * ${K} * ${CALLS}
}
export function run(): void {
  for (let i = 0; i < ${CALLS}; i++) tile(65536, COLS * 4, 69632, 4, ROWS * 4, 77824, ${K}, 512, 0)
}`

/** GFLOP/s of one thread in a build of the kernels ('strict', 'relaxed', 'wide'); the reason where it can't be measured. */
export async function microKernelLimit(build) {
  let bytes
  const readFile = (name, base) => {
    if (name === 'probe.ts') return probe
    const path = join(base, name)
    return existsSync(path) ? readFileSync(path, 'utf8') : null
  }
  const writeFile = (_, contents) => {
    bytes = contents
  }
  const constants = builds[build].flatMap((constant) => ['--use', constant])
  const args = ['probe.ts', '--baseDir', root, ...constants, '--runtime=stub', '-O2']
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
    rates.push(instance.exports.flops() / (performance.now() - start) / 1e6)
  }
  return median(rates.slice(2))
}
