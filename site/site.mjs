// npm run site, site:dev, check:site, check:site:browser, :firefox and :webkit: the site's own packages from its lock file, the engine as it is
// served, then VitePress or the checks. dist is there: package.json runs scripts/setup.mjs first.
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const [what, ...rest] = process.argv.slice(2)
const changed = (path) => (existsSync(here + path) ? statSync(here + path).mtimeMs : 0)

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: here, stdio: 'inherit' })
  if (status === 0) return
  if (error) console.error(`site: ${command} could not be started: ${error.message}`)
  process.exit(status ?? 1)
}

const node = (...args) => run(process.execPath, args)
const vitepress = (...args) => node('node_modules/vitepress/bin/vitepress.js', ...args)

if (changed('node_modules/.package-lock.json') < changed('package-lock.json')) {
  console.error('site: installing packages ...')
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'])
}

const actions = {
  build() {
    node('engine/bundle.mjs')
    vitepress('build', '.')
  },
  dev() {
    node('engine/bundle.mjs')
    vitepress('dev', '.', ...rest)
  },
  check() {
    node('engine/bundle.mjs')
    node('check/node.mjs', ...rest)
  },
  ...Object.fromEntries(
    ['browser', 'firefox', 'webkit'].map((name) => [
      name,
      () => {
        if (!existsSync(`${here}.vitepress/dist/index.html`)) actions.build()
        node(`check/${name}.mjs`, ...rest)
      },
    ]),
  ),
}
if (!Object.hasOwn(actions, what)) {
  console.error(`site: takes ${Object.keys(actions).join(', ')}`)
  process.exit(2)
}
actions[what]()
