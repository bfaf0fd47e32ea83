// npm run check:consumers: the packed package in the hands of those who use it: each bundles or loads it and trains. Bundles
// run as a page does, without Node's globals; the examples run on their hosts (examples.mjs). `npm run check:consumers -- rollup
// examples/vite` runs some. One line a consumer; what cannot be installed here is skipped; the last line is 'N passed, N failed'.
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import vm from 'node:vm'
import { gzipSync } from 'node:zlib'
import { closeBrowser, exampleChecks } from './examples.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const root = join(here, '../..')
const work = join(here, 'built')
const packages = join(work, 'node_modules')
const LIMIT = 10 * 60_000

/** What a page that trains its own model loads of us: tensors, gradients, all methods of a tensor, kernels, layers. */
const CORE = `
  import { crossEntropy, nn, optim, tensor } from 'tinystill'
  globalThis.core = [tensor, nn.Linear, nn.ReLU, nn.Sequential, optim.Adam, crossEntropy]`
/** In bytes, gzipped. */
const MOST = 110_000

function run(command, args, { cwd = work, env = {} } = {}) {
  const options = { cwd, encoding: 'utf8', timeout: LIMIT, env: { ...process.env, NO_COLOR: '1', ...env } }
  const { status, stdout, stderr, error } = spawnSync(command, args, options)
  const said = `${stdout ?? ''}${stderr ?? ''}`
  if (status !== 0) throw new Error(error?.message ?? said.trim().split('\n').slice(-12).join('\n        '))
  return said
}

const node = (args, options) => run(process.execPath, args, options)
const packed = (name, path) => join(packages, name, path)

/** A folder of its own with the fixtures in it. */
function folder(name) {
  const to = join(work, name)
  rmSync(to, { recursive: true, force: true })
  mkdirSync(to)
  for (const file of ['train.js', 'page.js', 'types.ts']) cpSync(join(here, 'app', file), join(to, file))
  return to
}

/** Text of files by name, in a folder of that consumer. */
function write(to, files) {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(to, name)), { recursive: true })
    writeFileSync(join(to, name), text)
  }
  return to
}

const globals = 'console performance TextEncoder TextDecoder URL Blob structuredClone queueMicrotask'.split(
  ' ',
)
const later = 'setTimeout clearTimeout setInterval clearInterval atob btoa'.split(' ')

/** Runs a bundle as a page would: with what a browser has, and nothing of Node. */
function asPage(file) {
  const world = Object.fromEntries([...globals, ...later].map((name) => [name, globalThis[name]]))
  const page = vm.createContext({ ...world, said: undefined })
  page.self = page
  vm.runInContext(readFileSync(file, 'utf8'), page, { filename: file })
  mustHaveTrained(String(page.said))
}

function mustHaveTrained(said) {
  if (!said.includes('trained: true')) throw new Error(`it did not train: ${said.slice(-500)}`)
}

function jest(name, config, test, flags) {
  const to = write(folder(name), {
    'package.json': JSON.stringify({ type: name === 'jest-esm' ? 'module' : 'commonjs' }),
    'jest.config.cjs': `module.exports = ${JSON.stringify({ rootDir: '.', testEnvironment: 'node', ...config })}`,
    'babel.config.cjs':
      "module.exports = { presets: [['@babel/preset-env', { targets: { node: 'current' } }]] }",
    'train.test.js': readFileSync(join(here, 'app/train.test.js'), 'utf8').replace('RUNNER', test),
  })
  node([...flags, packed('jest', 'bin/jest.js'), '--no-cache'], { cwd: to })
}

function types(moduleResolution, module, lib) {
  const compilerOptions = { target: 'ES2022', lib, module, moduleResolution, strict: true, noEmit: true }
  const more = { skipLibCheck: false, types: [], ignoreDeprecations: '5.0' }
  const to = write(folder(`types-${moduleResolution}`), {
    'package.json': '{ "type": "module" }',
    'tsconfig.json': JSON.stringify({
      compilerOptions: { ...compilerOptions, ...more },
      files: ['types.ts'],
    }),
  })
  node([packed('typescript', 'bin/tsc'), '-p', to])
}

/** The binary of a runtime: npm's packages of them hold one a platform. */
function binary(name) {
  const folders = { bun: ['@oven', 'bin/bun'], deno: ['@deno', 'deno'] }
  const [scope, path] = folders[name]
  if (!existsSync(join(packages, scope))) return null
  const found = readdirSync(join(packages, scope)).map((it) => join(packages, scope, it, path))
  return found.find((file) => existsSync(file)) ?? null
}

const consumers = {
  'node, require'() {
    const [major, minor] = process.versions.node.split('.').map(Number)
    if (major < 22 && !(major === 20 && minor >= 19)) return 'this Node does not require() modules'
    const text =
      "const t = require('tinystill'); require('tinystill/package.json'); console.log(t.tensor([1]).item())"
    node([join(write(folder('require'), { 'go.cjs': text }), 'go.cjs')])
  },
  webpack() {
    const to = folder('webpack')
    const build = `
      import webpack from 'webpack'
      webpack({ mode: 'production', context: ${JSON.stringify(to)}, entry: './page.js', output: { path: ${JSON.stringify(join(to, 'out'))} } },
        (error, stats) => {
          const bad = error ?? (stats.hasErrors() || stats.compilation.warnings.some((w) => /Critical dependency/.test(w.message)))
          if (bad) { console.error(error ?? stats.toString()); process.exit(1) }
        })`
    node([join(write(to, { 'build.mjs': build }), 'build.mjs')])
    asPage(join(to, 'out/main.js'))
  },
  esbuild() {
    const to = folder('esbuild')
    const args = [
      '--bundle',
      '--platform=browser',
      '--format=iife',
      '--keep-names',
      '--minify',
      '--target=es2022',
    ]
    run(packed('.bin', 'esbuild'), [join(to, 'page.js'), ...args, `--outfile=${join(to, 'out.js')}`])
    asPage(join(to, 'out.js'))
  },
  'esbuild, names kept, a gpu'() {
    const to = write(folder('gpu'), {
      'gpu.cjs': 'module.exports = {}',
      'node_modules/webgpu/index.js': "exports.create = () => { throw new Error('the worker came so far') }",
      'open.mjs': `import { openGpu } from 'tinystill'
        openGpu({ mode: 'webgpu', gpujs: ${JSON.stringify(join(work, 'gpu/gpu.cjs'))} }).catch((error) => console.log(error.message))`,
    })
    const args = ['--bundle', '--platform=node', '--format=esm', '--keep-names', '--target=es2022']
    run(packed('.bin', 'esbuild'), [join(to, 'open.mjs'), ...args, `--outfile=${join(to, 'out.mjs')}`])
    const said = node([join(to, 'out.mjs')], { cwd: to })
    if (!said.includes('the worker came so far')) throw new Error(`the worker of a gpu: ${said.slice(-500)}`)
  },
  'vite, the size of a page that trains'() {
    const to = folder('size')
    const config = { build: { rollupOptions: { input: join(to, 'core.js') }, modulePreload: false } }
    write(to, {
      'package.json': '{}',
      'vite.config.mjs': `export default ${JSON.stringify(config)}`,
      'core.js': CORE,
    })
    node([packed('vite', 'bin/vite.js'), 'build'], { cwd: to })
    const assets = join(to, 'dist/assets')
    const core = readdirSync(assets).find((file) => file.startsWith('core'))
    const size = gzipSync(readFileSync(join(assets, core)), { level: 9 }).length
    console.log(`        ${(size / 1000).toFixed(1)} kB minified and gzipped`)
    if (size > MOST) throw new Error(`a page that trains loads ${size} bytes, ${MOST} at most`)
  },
  rollup() {
    const to = folder('rollup')
    const config = `
      import resolve from '@rollup/plugin-node-resolve'
      export default { input: ${JSON.stringify(join(to, 'page.js'))}, plugins: [resolve({ browser: true })],
        output: { file: ${JSON.stringify(join(to, 'out.js'))}, format: 'iife' } }`
    write(to, { 'rollup.config.mjs': config })
    node([packed('rollup', 'dist/bin/rollup'), '-c', join(to, 'rollup.config.mjs')], { cwd: to })
    asPage(join(to, 'out.js'))
  },
  'jest, babel': () => jest('jest-babel', { transformIgnorePatterns: [] }, '@jest/globals', []),
  'jest, modules': () =>
    jest('jest-esm', { transform: {} }, '@jest/globals', ['--experimental-vm-modules', '--no-warnings']),
  vitest() {
    const to = write(folder('vitest'), {
      'package.json': '{ "type": "module" }',
      'vitest.config.mjs': 'export default {}',
      'train.test.js': readFileSync(join(here, 'app/train.test.js'), 'utf8').replace('RUNNER', 'vitest'),
    })
    node([packed('vitest', 'vitest.mjs'), 'run', '--root', to, '--testTimeout=60000'], { cwd: to })
  },
  'types, node10': () => types('node10', 'CommonJS', ['ES2022', 'DOM']),
  'types, node16': () => types('node16', 'Node16', ['ES2022', 'DOM']),
  'types, nodenext, no dom': () => types('nodenext', 'NodeNext', ['ES2022']),
  'types, bundler': () => types('bundler', 'ESNext', ['ES2022', 'DOM']),
  ...exampleChecks({ run, node, packed, binary, work }),
}

const time = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0)

/** The consumers' packages, and ours as `npm pack` makes it. */
function prepare() {
  mkdirSync(work, { recursive: true })
  for (const file of ['package.json', 'package-lock.json']) cpSync(join(here, file), join(work, file))
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  if (time(join(packages, '.package-lock.json')) < time(join(here, 'package-lock.json'))) {
    console.log('        installing the consumers, some minutes ...')
    // Not ci: it fails over optional packages for other systems.
    run('npm', ['install', '--no-save', ...quiet])
  }
  const tarball = run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', work], {
    cwd: root,
  }).trim()
  // Beside the others and not through npm, which would ask the registry again for what is there.
  const to = join(packages, 'tinystill')
  rmSync(to, { recursive: true, force: true })
  mkdirSync(to)
  run('tar', ['-xzf', join(work, tarball.split('\n').at(-1)), '--strip-components=1', '-C', to])
  for (const name of Object.keys(JSON.parse(readFileSync(join(to, 'package.json'), 'utf8')).dependencies)) {
    if (!existsSync(join(packages, name)))
      cpSync(join(root, 'node_modules', name), join(packages, name), { recursive: true })
  }
}

let passed = 0
let failed = 0
try {
  prepare()
} catch (error) {
  console.log(`skipped: the consumers cannot be installed here: ${error.message}`)
  console.log('0 passed, 0 failed')
  process.exit(1)
}
const wanted = process.argv.slice(2)
for (const [name, check] of Object.entries(consumers)) {
  if (wanted.length > 0 && !wanted.some((w) => name.startsWith(w))) continue
  try {
    const reason = await check()
    if (typeof reason === 'string') console.log(`skipped ${name}: ${reason}`)
    else {
      passed++
      console.log(`ok      ${name}`)
    }
  } catch (error) {
    failed++
    console.log(`FAILED  ${name}: ${error.message}`)
  }
}
await closeBrowser()
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed > 0 || passed === 0 ? 1 : 0)
