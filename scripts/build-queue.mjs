// Installs and compiles packages/queue, and puts it where the command line of this clone looks for it.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, 'packages/queue')
const time = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0)

function must(what, command, args, cwd) {
  console.error(`tinystill: ${what} ...`)
  const { status } = spawnSync(command, args, { cwd, stdio: ['ignore', 2, 2] })
  if (status === 0) return
  console.error(`tinystill: ${what} failed`)
  process.exit(1)
}

if (time(join(folder, 'node_modules/.package-lock.json')) < time(join(folder, 'package-lock.json'))) {
  // What is optional is a native part that msgpackr does without, and its script that looks for it.
  const args = ['ci', '--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund']
  must('installing the packages of packages/queue', 'npm', args, folder)
}
const newest = Math.max(...readdirSync(join(folder, 'src')).map((name) => time(join(folder, 'src', name))))
// Where nothing has changed a worker may be at work with it.
if (time(join(folder, 'dist/worker.js')) < newest) {
  rmSync(join(folder, 'dist'), { recursive: true, force: true })
  must(
    'building packages/queue',
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder],
    root,
  )
}
const link = join(root, 'node_modules/@tinystill/queue')
mkdirSync(dirname(link), { recursive: true })
rmSync(link, { recursive: true, force: true })
symlinkSync(folder, link, 'junction')
