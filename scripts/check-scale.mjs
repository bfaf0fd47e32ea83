// The drivers in examples/scale, each with its engine where that is installed: the joined cache must be the one of `label` on the
// whole file, to the byte, though the first try at one part fails. What is not installed is passed over, and said.
// PYTHON: one that has ray and pyspark. `-- Ray`: that one alone.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const home = dirname(dirname(fileURLToPath(import.meta.url)))
const examples = join(home, 'examples/scale')
const program = join(home, 'dist/cli/bin.js')
const python = process.env.PYTHON ?? 'python3'
const root = mkdtempSync(join(tmpdir(), 'tinystill-scale-'))
const at = (...names) => join(root, ...names)

function tinystill(...args) {
  const { status, stderr } = spawnSync(process.execPath, [program, ...args, '--quiet'], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`tinystill ${args[0]}: ${stderr}`)
}

const has = (command, ...args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0

/** A tinystill whose first try at part 1 ends at once, as a lost machine's does. */
function failing(name) {
  const path = at(`tinystill-${name}`)
  const flag = at(`failed-${name}`)
  writeFileSync(
    path,
    `#!/bin/sh
case "$*" in *"--part 1 "*) if mkdir ${flag} 2>/dev/null; then exit 9; fi;; esac
exec ${process.execPath} ${program} "$@"
`,
  )
  chmodSync(path, 0o755)
  return path
}

const bytesOf = (folder) =>
  readdirSync(folder)
    .sort()
    .map(
      (name) =>
        `${name} ${createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex')}`,
    )
    .join('\n')

const engines = [
  {
    name: 'GNU parallel',
    there: () => has('parallel', '--version'),
    run: (own, command) => ['bash', [join(examples, 'parallel.sh')], { TINYSTILL: command, ...own }],
  },
  ...['ray', 'pyspark'].map((name) => ({
    name: { ray: 'Ray', pyspark: 'Spark' }[name],
    there: () => has(python, '-c', `import ${name}`) && (name === 'ray' || has('java', '-version')),
    run: ({ TEACHER, PARTS, CACHES, OUT }, command) => [
      python,
      [
        ...[join(examples, name === 'ray' ? 'ray_label.py' : 'spark_label.py'), '--tinystill', command],
        ...['--teacher', TEACHER, '--parts', PARTS, '--caches', CACHES, '--out', OUT],
      ],
      {},
    ],
  })),
]

let failed = 0
try {
  const rows = Array.from(
    { length: 1200 },
    (_, i) => `a ${i % 2 ? 'fine' : 'dull'} film of ${i % 900} scenes`,
  )
  writeFileSync(at('texts.txt'), rows.join('\n'))
  writeFileSync(
    at('train.tsv'),
    rows
      .slice(0, 64)
      .map((text, i) => `${text}\t${i % 2 ? 'good' : 'bad'}`)
      .join('\n'),
  )
  tinystill('train', '--model', 'tiny', '--train', at('train.tsv'), '--steps', '2', '--out', at('teacher'))
  tinystill('split', '--data', at('texts.txt'), '--out', at('parts'), '--rows', '256')
  tinystill(
    'label',
    '--teacher',
    at('teacher'),
    '--data',
    at('texts.txt'),
    '--shard-rows',
    '256',
    '--out',
    at('whole'),
  )
  const whole = bytesOf(at('whole'))
  const asked = process.argv.slice(2)
  for (const { name, there, run } of engines) {
    if (asked.length > 0 && !asked.includes(name)) continue
    if (!there()) {
      console.log(`${name}: not installed, passed over`)
      continue
    }
    const own = {
      TEACHER: at('teacher'),
      PARTS: at('parts'),
      CACHES: at(`caches-${name}`),
      OUT: at(`out-${name}`),
    }
    const began = performance.now()
    const [command, args, env] = run(own, failing(name.replaceAll(' ', '')))
    const { status, stderr, stdout } = spawnSync(command, args, {
      encoding: 'utf8',
      env: { ...process.env, ...env },
    })
    const right = status === 0 && bytesOf(own.OUT) === whole
    if (!right) failed++
    console.log(
      `${name}: ${right ? 'the bytes of one run, one try of which failed' : `failed\n${stdout}${stderr}`} (${((performance.now() - began) / 1000).toFixed(0)} s)`,
    )
  }
  for (const name of ['Slurm', 'Kubernetes']) console.log(`${name}: untried, it takes a cluster`)
} finally {
  rmSync(root, { recursive: true, force: true })
}
process.exitCode = failed > 0 ? 1 : 0
