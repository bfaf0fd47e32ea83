// Compiles the wasm kernels and the worker's text into src, then src to dist.
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { buildWasm } from './build-wasm.mjs'
import { buildWorker } from './build-worker.mjs'

// Whatever the caller's: modes go into the package, and who installs it for others must be able to read it.
process.umask(0o022)
const root = fileURLToPath(new URL('..', import.meta.url))
await buildWasm()
buildWorker()
rmSync(`${root}/dist`, { recursive: true, force: true })
const { status } = spawnSync(process.execPath, [`${root}/node_modules/typescript/bin/tsc`, '-p', root], {
  stdio: 'inherit',
})
if (status !== 0) process.exit(1)
// Written last: an interrupted build has no stamp and is made again.
writeFileSync(`${root}/dist/.built`, '')
