// npm run test:gpu: the op suite, a distillation and the rest of suite.ts on every mode of gpu.js that runs here: WebGPU and
// headless-gl in Node, webgl2 and WebGPU in Chromium. On a machine without a card all of them compute in software.
// `npm run test:gpu -- webgpu headlessgl chromium:webgl2` runs some. One line a check; the last is 'N passed, N failed'.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { findChromium } from '../browser/chromium.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const root = join(here, '../..')
const LIMIT = 8 * 60_000
/** A process that does not end by itself so long after its last word has failed. */
const END = 20_000

let passed = 0
let failed = 0
function tell(name, error, detail = '') {
  if (error) failed++
  else passed++
  console.log(`${error ? 'FAILED ' : 'ok     '} ${name}: ${error ?? detail}`)
}

function attempt(what, command, args, cwd) {
  console.log(`        ${what} ...`)
  const { status, stderr, stdout } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (status === 0) return true
  console.error(`${stdout ?? ''}${stderr ?? ''}`.split('\n').slice(-15).join('\n'))
  console.error(`test:gpu: ${what} failed`)
  return false
}

function must(...what) {
  if (attempt(...what)) return
  console.log('0 passed, 1 failed')
  process.exit(1)
}

const time = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0)

/** Packages, headless-gl's native part where it is wanted, and the suite as JavaScript. Gives whether headless-gl is there. */
function prepare(wantsGl) {
  if (time(join(here, 'node_modules/.package-lock.json')) < time(join(here, 'package-lock.json')))
    must('installing gpu.js', 'npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], here)
  const gl = join(here, 'node_modules/gl')
  let built = existsSync(join(gl, 'build/Release/webgl.node'))
  if (!built && wantsGl) {
    // The headers that came with this Node, where they did: nothing is to be fetched then.
    const headers = dirname(dirname(process.execPath))
    const nodedir = existsSync(join(headers, 'include/node/node.h')) ? [`--nodedir=${headers}`] : []
    const gyp = join(here, 'node_modules/node-gyp/bin/node-gyp.js')
    const jobs = `--jobs=${availableParallelism()}`
    built = attempt(
      'building headless-gl, some minutes',
      process.execPath,
      [gyp, 'rebuild', jobs, ...nodedir],
      gl,
    )
  }
  must(
    'compiling the suite',
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '-p', here],
    root,
  )
  return built
}

/** Where there is no card, the Vulkan driver in software that Chromium brings along. */
function vulkan() {
  const folder =
    dirname(findChromium() ?? '') === '/usr/bin' ? '/usr/lib/chromium' : dirname(findChromium() ?? '')
  const icd = join(folder, 'vk_swiftshader_icd.json')
  if (process.env.VK_DRIVER_FILES || existsSync('/dev/dri') || !existsSync(icd)) return {}
  return { VK_DRIVER_FILES: icd, LD_LIBRARY_PATH: folder }
}

const modes = {
  webgpu: { command: [process.execPath, 'node.mjs', 'webgpu'], env: vulkan() },
  headlessgl: {
    command: process.env.DISPLAY
      ? [process.execPath, 'node.mjs', 'headlessgl']
      : ['xvfb-run', '-a', process.execPath, 'node.mjs', 'headlessgl'],
    env: {},
  },
  'chromium:webgl2': { command: [process.execPath, 'chromium.mjs', 'webgl2'], env: {} },
  'chromium:webgpu': { command: [process.execPath, 'chromium.mjs', 'webgpu'], env: {} },
}

/** Runs one mode; every line that it prints is a check. */
async function run(name, { command: [file, ...args], env }, job) {
  const child = spawn(file, args, { cwd: here, env: { ...process.env, ...env }, detached: true })
  const kill = () => {
    try {
      process.kill(-child.pid, 'SIGKILL')
    } catch {}
  }
  let errors = ''
  let late = ''
  let last = 'its start'
  let timer = setTimeout(() => stop('took too long'), LIMIT)
  const stop = (why) => {
    late = `${why} after ${last}`
    kill()
  }
  child.stderr.on('data', (data) => {
    errors = (errors + data).slice(-2000)
  })
  child.on('error', (error) => tell(`${name}: start`, error.message))
  child.stdin.end(JSON.stringify(job))
  const began = performance.now()
  let checks = 0
  for await (const line of createInterface({ input: child.stdout })) {
    let check
    try {
      check = JSON.parse(line)
    } catch {
      continue
    }
    checks++
    last = check.name
    tell(`${name}: ${check.name}`, check.error, check.detail)
    if (check.name === 'onGpuLoss throw') {
      clearTimeout(timer)
      timer = setTimeout(() => stop('did not end by itself'), END)
    }
  }
  const code = await new Promise((resolve) =>
    child.exitCode === null ? child.on('close', resolve) : resolve(child.exitCode),
  )
  clearTimeout(timer)
  const wrong =
    late ||
    (code !== 0 ? `exit ${code}: ${errors.trim().split('\n').at(-1)}` : checks < 15 ? 'too few checks' : '')
  tell(
    `${name}: ends by itself`,
    wrong || undefined,
    `${((performance.now() - began) / 1000).toFixed(0)} s in all`,
  )
}

/** Models against PyTorch's values, gradients and training steps included, on a mode of Node. */
function models(name, { command, env }) {
  const display = command[0] === 'xvfb-run' ? command.slice(0, 2) : []
  const vitest = [process.execPath, join(root, 'scripts/test.mjs'), 'test/nn/family.test.ts']
  const [file, ...args] = [...display, ...vitest]
  const { stdout } = spawnSync(file, args, {
    ...{ cwd: root, encoding: 'utf8', timeout: LIMIT, maxBuffer: 1 << 26 },
    env: { ...process.env, ...env, TINYSTILL_GPU: name },
  })
  const last = stdout.trim().split('\n').at(-1)
  const [, good, bad] = /^(\d+) passed, (\d+) failed$/.exec(last) ?? [last, 0, 1]
  tell(
    `${name}: models against PyTorch`,
    Number(bad) > 0 || Number(good) < 10 ? stdout.slice(-2000) : undefined,
    last,
  )
}

/** What the doctor says where gpu.js is not, where gl is not built, and where the driver is of no use: one line each. */
function doctor(name, { cwd, env = {}, want }) {
  const child = spawnSync(process.execPath, [join(root, 'dist/cli/bin.js'), 'doctor'], {
    ...{ cwd, encoding: 'utf8', timeout: 60_000 },
    env: { ...process.env, VK_DRIVER_FILES: '/dev/null', DISPLAY: '', ...env },
  })
  const line = child.stdout.split('\n').find((l) => want.test(l))
  tell(
    `doctor ${name}`,
    child.status === 0 && line ? undefined : `${child.status}: ${child.stdout}${child.stderr}`,
    line?.replace(/\s+/g, ' '),
  )
}

function doctors() {
  const empty = mkdtempSync(join(tmpdir(), 'tinystill-doctor-'))
  doctor('without gpu.js', { cwd: empty, want: /^gpu +gpu\.js is not installed/ })
  doctor('with a driver that is none', { cwd: here, want: /^gpu: webgpu +not here: .*no adapter/ })
  if (hasGl) doctor('without a display', { cwd: here, want: /^gpu: headlessgl +not here: .*xvfb-run/ })
  doctor('with drivers', { cwd: here, env: vulkan(), want: /^gpu: webgpu +(?!not here)/ })
  rmSync(empty, { recursive: true })
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !(name in modes))
if (unknown.length > 0) {
  console.error(`test:gpu: no mode ${unknown.join(', ')}. There are ${Object.keys(modes).join(', ')}`)
  process.exit(2)
}
const hasGl = prepare(asked.length === 0 || asked.includes('headlessgl'))
const { referenceLosses } = await import('./reference.mjs')
const want = await referenceLosses()
doctors()
for (const [name, mode] of Object.entries(modes)) {
  if (asked.length > 0 && !asked.includes(name)) continue
  // A compiler or headers that are not there are no fault of ours; asked for by name it fails, as it should.
  if (name === 'headlessgl' && !hasGl && asked.length === 0) {
    console.log('skipped headlessgl: its native part cannot be built here, see above')
    continue
  }
  await run(name, mode, { want })
  if (!name.startsWith('chromium')) models(name, mode)
}
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed > 0 ? 1 : 0)
