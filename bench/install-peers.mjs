// Installs what bench/peers has in its lock file, when that has changed: scripts/setup.mjs does the same for the root.
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fail } from './lib/args.mjs'

const folder = fileURLToPath(new URL('./peers', import.meta.url))

export function installPeers() {
  const made = join(folder, 'node_modules/.package-lock.json')
  if (existsSync(made) && statSync(made).mtimeMs >= statSync(join(folder, 'package-lock.json')).mtimeMs)
    return
  console.error('tinystill: installing the peers, about 800 MB ...')
  // Scripts do not run, so onnxruntime-node's, which fetches CUDA's files and fails without a network, does not either.
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    ...{ cwd: folder, stdio: ['ignore', 2, 2] },
  })
  if (status !== 0) fail('the peers could not be installed. See above, and whether npm ping answers')
}
