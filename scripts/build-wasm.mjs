// Compiles src/tensor/backends/wasm/assembly to src/tensor/backends/wasm/generated.ts: one module, and a patch for each
// other build. The same inputs give the same bytes; unchanged inputs are not compiled again.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'
import { makePatch } from './wasm-patch.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const folder = join(root, 'src/tensor/backends/wasm/assembly')
const target = join(root, 'src/tensor/backends/wasm/generated.ts')

/** What each build is compiled with: fused multiply-add, and the tile for engines that make vectors of 8 out of 4. */
export const builds = {
  strict: ['RELAXED=0', 'WIDE=0'],
  relaxed: ['RELAXED=1', 'WIDE=0'],
  wide: ['RELAXED=1', 'WIDE=1'],
  // Modules of their own, whose floats are strict in each: whatever product of bytes is the fastest, the bits are the same.
  int8Strict: ['RELAXED=0', 'WIDE=0', 'DOT=0'],
  int8Relaxed: ['RELAXED=0', 'WIDE=0', 'DOT=1'],
  int8Wide: ['RELAXED=0', 'WIDE=1', 'DOT=1'],
  int8Dot: ['RELAXED=0', 'WIDE=0', 'DOT=2'],
  int8WideDot: ['RELAXED=0', 'WIDE=1', 'DOT=2'],
}

/**
 * In which table of generated.ts a build is, where its source begins, and its constants in the memory that all modules
 * share: apart from those of others.
 */
const placeOf = (build) =>
  build.startsWith('int8')
    ? { table: 'int8Modules', entry: 'int8/index.ts', base: 2 * 65536 }
    : { table: 'modules', entry: 'index.ts', base: 65536 }

const flags = [
  '--runtime=stub',
  // Not -O3: its code folding makes one loop of many, with a switch inside.
  '-O2',
  '--runPasses=local-cse,simplify-locals,coalesce-locals,reorder-locals,vacuum',
  '--noAssert',
  '--importMemory',
  '--sharedMemory',
  '--initialMemory=64',
  '--maximumMemory=65536',
  '--noExportMemory',
  '--enable=simd,threads,relaxed-simd',
]

const sources = () =>
  readdirSync(folder, { recursive: true })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => name.endsWith('.ts'))
    .sort()

function fingerprint() {
  const hash = createHash('sha256')
  hash
    .update(asc.version)
    .update(JSON.stringify([flags, builds]))
    .update(readFileSync(fileURLToPath(import.meta.url)))
    .update(readFileSync(join(root, 'scripts/wasm-patch.mjs')))
  for (const name of sources()) hash.update(name).update(readFileSync(join(folder, name)))
  return hash.digest('hex').slice(0, 32)
}

/** The bytes of one module; `text` is its WebAssembly text. */
export async function compileWasm(build) {
  const made = new Map()
  const { entry, base } = placeOf(build)
  const { error, stderr } = await asc.main(
    [
      relative(root, join(folder, entry)),
      '--baseDir',
      root,
      ...builds[build].flatMap((constant) => ['--use', constant]),
      ...flags,
      // Above the fixed places of memory.ts and below the heap.
      `--memoryBase=${base}`,
      '-o',
      'm.wasm',
      '-t',
      'm.wat',
    ],
    { writeFile: (name, contents) => void made.set(name, contents) },
  )
  if (error) throw new Error(`the wasm kernels do not compile:\n${stderr.toString()}`)
  return { bytes: Buffer.from(made.get('m.wasm')), text: String(made.get('m.wat')) }
}

/** Writes generated.ts where its inputs changed. Gives true when it did. */
export async function buildWasm() {
  const head = `// Made by scripts/build-wasm.mjs from assembly/*.ts, inputs ${fingerprint()}. Not for editing.\n`
  if (existsSync(target) && readFileSync(target, 'utf8').startsWith(head)) return false
  const tables = new Map([
    ['modules', []],
    ['int8Modules', []],
  ])
  const hex = (bytes) => Buffer.from(bytes).toString('hex')
  let last = null
  for (const name of Object.keys(builds)) {
    const { bytes } = await compileWasm(name)
    if (last && placeOf(last.name).entry !== placeOf(name).entry) last = null
    const fields = last
      ? `of: '${last.name}', patch: '${hex(makePatch(last.bytes, bytes))}'`
      : `bytes: '${hex(bytes)}'`
    tables.get(placeOf(name).table).push(`  ${name}: { ${fields} },\n`)
    last = { name, bytes }
  }
  const text = Array.from(
    tables,
    ([name, lines]) => `export const ${name} = {\n${lines.join('')}} as const\n`,
  )
  // Written aside and renamed, so that a reader at the same time sees the old or the new file, never half of one.
  const aside = `${target}.${process.pid}`
  writeFileSync(aside, `${head}${text.join('\n')}`)
  renameSync(aside, target)
  return true
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const changed = await buildWasm()
  console.log(changed ? `wrote ${relative(root, target)}` : 'the wasm kernels are up to date')
}
