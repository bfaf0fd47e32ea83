// npm run check:build: two builds in two folders, in other time zones, languages and file modes, give the same bytes: every
// file of dist, the compiled WebAssembly in generated.ts, and the packed tarball. The last line is 'N passed, N failed'.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'

const root = fileURLToPath(new URL('..', import.meta.url))
const GENERATED = 'src/tensor/backends/wasm/generated.ts'
const GENERATED_TEXT = 'src/tensor/backends/gpu/generated.ts'
const NEEDED = /^(src|scripts)\/|^(package(-lock)?\.json|tsconfig\.json|LICENSE|[A-Z]+\.md)$/

/** What two machines differ in. The second takes the files in the opposite order, into a folder of another depth. */
const surroundings = [
  { folder: 'one', reverse: false, umask: '022', env: { TZ: 'UTC', LC_ALL: 'C' } },
  {
    ...{ folder: 'deeper/a folder with spaces/two', reverse: true, umask: '077' },
    env: { TZ: 'Pacific/Kiritimati', LC_ALL: 'tr_TR.UTF-8', LANG: 'tr_TR.UTF-8' },
  },
]

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

function filesUnder(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => statSync(join(folder, name)).isFile())
    .sort()
}

/** Builds and packs in `cwd`, as a shell with this umask does. */
function run(cwd, umask, env) {
  const commands = `umask ${umask} && "$0" scripts/build.mjs && npm pack --ignore-scripts --offline --loglevel=error`
  const child = spawn('sh', ['-c', commands, process.execPath], { cwd, env: { ...process.env, ...env } })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => (said += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(said.trim()))))
  })
}

/** The sources as they lie here, without what a build makes. */
function copySources(to, reverse) {
  const names = [
    ...readdirSync(root),
    ...['src', 'scripts'].flatMap((d) =>
      readdirSync(join(root, d), { recursive: true }).map((f) => join(d, f)),
    ),
  ]
    .filter(
      (name) =>
        NEEDED.test(name) &&
        name !== GENERATED &&
        name !== GENERATED_TEXT &&
        statSync(join(root, name)).isFile(),
    )
    .sort()
  for (const name of reverse ? names.reverse() : names) {
    mkdirSync(dirname(join(to, name)), { recursive: true })
    copyFileSync(join(root, name), join(to, name))
  }
  symlinkSync(join(root, 'node_modules'), join(to, 'node_modules'))
}

/** Name of each file -> its bytes: dist, generated.ts, and what the tarball holds. */
async function build(work, { folder, reverse, umask, env }) {
  const to = join(work, folder)
  copySources(to, reverse)
  await run(to, umask, env)
  const files = [GENERATED, ...filesUnder(join(to, 'dist')).map((name) => `dist/${name}`)]
  const made = new Map(files.map((name) => [name, readFileSync(join(to, name))]))
  const tarball = readdirSync(to).find((name) => name.endsWith('.tgz'))
  // The archive, not its compressed form: zlib's is another matter of versions.
  return { made, tarball: gunzipSync(readFileSync(join(to, tarball))) }
}

/** Names that one lacks, or whose bytes differ. */
function different(a, b) {
  const names = new Set([...a.keys(), ...b.keys()])
  return [...names].filter((name) => !(a.get(name) ?? Buffer.of()).equals(b.get(name) ?? Buffer.of(0)))
}

/** One hash for all: of the hashes of the files, by name. */
const whole = (files) =>
  sha256(
    [...files]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, bytes]) => `${sha256(bytes)}  ${name}\n`)
      .join(''),
  )

let passed = 0
let failed = 0
function check(name, wrong, detail) {
  if (wrong.length === 0) passed++
  else failed++
  const more = wrong.length > 5 ? ` and ${wrong.length - 5} more` : ''
  console.log(
    wrong.length === 0
      ? `ok      ${name}: ${detail}`
      : `FAILED  ${name}: ${wrong.slice(0, 5).join(', ')}${more}`,
  )
}

const work = mkdtempSync(join(tmpdir(), 'tinystill-build-'))
try {
  const [one, two] = await Promise.all(surroundings.map((around) => build(work, around)))
  check(
    'dist and generated.ts of two builds',
    different(one.made, two.made),
    `${one.made.size} files, SHA-256 ${whole(one.made)}`,
  )
  const odd = one.tarball.equals(two.tarball) ? [] : ['the archives differ']
  check('the packed archive', odd, `${one.tarball.length} bytes, SHA-256 ${sha256(one.tarball)}`)
  const text = String(one.made.get(GENERATED))
  const paths = [work, root].filter(
    (path) => text.includes(path) || [...one.made.values()].some((b) => b.includes(path)),
  )
  check('no path of this machine in them', paths, 'none')
  const here = new Map(
    [GENERATED, ...filesUnder(join(root, 'dist')).map((name) => `dist/${name}`)]
      .filter((name) => existsSync(join(root, name)))
      .map((name) => [name, readFileSync(join(root, name))]),
  )
  check(
    `the build in ${relative(process.cwd(), root) || 'this folder'}`,
    different(one.made, here),
    'the same bytes',
  )
} catch (error) {
  check('building', [error.message], '')
} finally {
  rmSync(work, { recursive: true, force: true })
}
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed > 0 ? 1 : 0)
