// Part of npm run check:python: event files are read by TensorBoard's own reader, in the order that TensorBoard reads them in:
// those of tinystill tensorboard, and those of a run that was cut off, torn in the middle of a record, and gone on with.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EventFile } from '../dist/files/event-files.js'

const python = process.env.PYTHON
if (!python || spawnSync(python, ['-c', 'import tensorboard']).status !== 0) {
  console.log('check:python skipped for TensorBoard: set PYTHON to a Python that has tensorboard')
  process.exit(0)
}

const root = mkdtempSync(join(tmpdir(), 'tinystill-tensorboard-'))
let failed = 0
try {
  const run = join(root, 'run')
  mkdirSync(run)
  const lines = ['alone', 'without soft: x'].flatMap((model, m) =>
    [1, 2].flatMap((seed) => [
      ...Array.from({ length: 40 }, (_, i) => ({
        ...{ type: 'step', seed, model, epoch: 1, step: i + 1, total: 40, loss: m + seed / (i + 1) },
        ...{ terms: { soft: i / 3 }, lr: 1e-4 * i, gradNorm: i % 2, tokens: 9 },
      })),
      { type: 'evaluation', seed, model, epoch: 1, step: 40, figures: { accuracy: 0.5 + m / 8 }, score: 0.5 },
    ]),
  )
  writeFileSync(join(run, 'metrics.jsonl'), lines.map((line) => JSON.stringify(line)).join('\n'))
  const program = fileURLToPath(new URL('../dist/cli/bin.js', import.meta.url))
  const made = spawnSync(process.execPath, [program, 'tensorboard', run], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (made.status !== 0) throw new Error('tinystill tensorboard failed')

  const cut = join(run, 'tensorboard/cut/seed-1')
  const write = (from, to, value) => {
    const file = new EventFile(cut, { wallTime: 1.7e9 + from, step: from })
    for (let step = from; step <= to; step++)
      file.write({ wallTime: 1.7e9 + step, step, values: { 'train/loss': value } })
    file.close()
    return file.path
  }
  const first = write(1, 30, 1)
  truncateSync(first, statSync(first).size - 5)
  write(21, 40, 2)

  const script = fileURLToPath(new URL('python_tensorboard.py', import.meta.url))
  const { status, stdout } = spawnSync(python, [script, join(run, 'tensorboard')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status !== 0) throw new Error(`${script} failed`)
  const there = JSON.parse(stdout.toString())
  const expected = {}
  const at = (object, name, fresh) => {
    object[name] ??= fresh
    return object[name]
  }
  for (const { type, seed, model, step, loss, terms, lr, gradNorm, epoch, figures } of lines) {
    const own = at(expected, `${model.replace(/[^\w]+/g, '-')}/seed-${seed}`, {})
    const add = (tag, value) => at(own, tag, []).push([step, Math.fround(value)])
    if (type === 'evaluation') add('dev/accuracy', figures.accuracy)
    else {
      add('train/loss', loss)
      add('train/terms/soft', terms.soft)
      add('train/lr', lr)
      if (gradNorm !== 0) add('train/gradNorm', gradNorm)
      add('train/epoch', epoch)
    }
  }
  expected['cut/seed-1'] = {
    'train/loss': Array.from({ length: 40 }, (_, i) => [i + 1, i < 20 ? 1 : 2]),
  }
  for (const name of new Set([...Object.keys(there), ...Object.keys(expected)])) {
    const sorted = (tags = {}) => JSON.stringify(Object.entries(tags).sort())
    const same = sorted(there[name]) === sorted(expected[name])
    if (!same) failed++
    console.log(
      `${same ? 'ok' : 'DIFFERS'} TensorBoard reads ${name}: ${Object.keys(there[name] ?? {}).join(', ')}`,
    )
  }
} finally {
  rmSync(root, { recursive: true, force: true })
}
process.exit(failed > 0 ? 1 : 0)
