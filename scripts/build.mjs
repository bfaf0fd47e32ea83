// Compiles the wasm kernels into src, then src to dist.
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { buildWasm } from './build-wasm.mjs'

// Whatever the caller's: modes go into the package, and who installs it for others must be able to read it.
process.umask(0o022)
const root = fileURLToPath(new URL('..', import.meta.url))
await buildWasm()
rmSync(`${root}/dist`, { recursive: true, force: true })
const { status } = spawnSync(process.execPath, [`${root}/node_modules/typescript/bin/tsc`, '-p', root], {
  stdio: 'inherit',
})
if (status !== 0) process.exit(1)
// Written last: an interrupted build has no stamp and is made again.
writeFileSync(`${root}/dist/.built`, '')
