// npm run check:golden -- DIR: the models against folders of golden values, as test/golden/family.py writes them.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const [dir] = process.argv.slice(2)
if (dir === undefined || !existsSync(dir)) {
  console.error(
    'usage: npm run check:golden -- DIR (of folders with config.json, model.safetensors, golden.safetensors)',
  )
  process.exit(2)
}
const script = fileURLToPath(new URL('test.mjs', import.meta.url))
const { status } = spawnSync(process.execPath, [script, 'test/nn/family.test.ts'], {
  stdio: 'inherit',
  env: { ...process.env, TINYSTILL_GOLDEN: resolve(dir) },
})
process.exit(status ?? 1)
