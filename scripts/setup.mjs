// What a fresh clone needs before its first command: packages from the lockfile, and a build. Quiet when nothing is to do.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const changed = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0)

function fail(line) {
  console.error(line)
  process.exit(1)
}

function run(what, command, args) {
  console.error(`tinystill: ${what} ...`)
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] })
  if (status !== 0)
    fail(
      `tinystill: ${what} failed${error ? `: ${error.message}` : ''}. Repair the cause above and run the command again`,
    )
}

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19) || (major === 22 && minor < 12) || major === 21)
  fail(`tinystill needs Node 20.19, 22.12 or later, this is ${process.version}`)

if (changed(`${root}/node_modules/.package-lock.json`) < changed(`${root}/package-lock.json`)) {
  run('installing packages', 'npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'])
}

const newest = readdirSync(`${root}/src`, { recursive: true }).reduce(
  (t, f) => Math.max(t, changed(`${root}/src/${f}`)),
  0,
)
const stale = changed(`${root}/dist/.built`) < Math.max(newest, changed(`${root}/tsconfig.json`))
// Tests and type checks read src, so what is generated there must be there too.
const generated = ['wasm', 'gpu'].map((name) => `${root}/src/tensor/backends/${name}/generated.ts`)
if (stale || !generated.every(existsSync)) {
  run('building', process.execPath, [`${root}/scripts/build.mjs`])
}
